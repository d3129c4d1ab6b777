/*
 * A network of 64 inputs, 64 hidden units and 10 outputs learns to read handwritten digits.
 *
 *     npm run demo:digits     or, with another seed,     npm run demo:digits -- 7
 */
import { type BackendName, layers, sequential } from 'chainrule';
import { holdOut, readCsv } from './dataset.js';
import {
  bold,
  chart,
  confusionMatrix,
  dim,
  grouped,
  percent,
  pictures,
  progressBar,
} from './terminal.js';

const seed = Number(process.argv[2] ?? 42);
const epochs = 60;
const classes = Array.from({ length: 10 }, (_, digit) => digit);

const digits = readCsv('data/digits.csv').map((row) => ({
  pixels: Float32Array.from(row.slice(0, 64), (value) => Number(value) / 16),
  label: Number(row[64]),
}));
const { training, test } = holdOut(digits, ({ label }) => label, 0.2, seed);

/**
 * Targets are softened: 0.91 for the digit and 0.01 for each of the others. A network that need not
 * be quite certain reads unknown digits better.
 */
const dataOf = (part: typeof digits) =>
  [
    part.map(({ pixels }) => pixels),
    part.map(({ label }) => classes.map((digit) => (digit === label ? 0.91 : 0.01))),
  ] as const;
/** The least that the loss can be: the entropy of such a target. */
const floor = -0.91 * Math.log(0.91) - 9 * 0.01 * Math.log(0.01);
const [x, y] = dataOf(training);
const [xTest, yTest] = dataOf(test);

// These settings were chosen by their accuracy over many ways to divide these same digits, so the
// accuracy of the test is a little flattering; a stricter experiment would choose on a third part.
const createModel = (backend?: BackendName) =>
  sequential(
    {
      inputShape: [64],
      layers: [
        layers.dense({ units: 64, activation: 'gelu' }),
        layers.dropout({ rate: 0.3 }),
        layers.dense({ units: 10, activation: 'softmax' }),
      ],
      loss: 'categoricalCrossentropy',
      optimizer: { type: 'sgd', learningRate: 0.05, momentum: 0.9 },
      metrics: ['accuracy'],
      seed,
    },
    backend && { backend },
  );

const model = createModel();
console.log(model.summary());
console.log(`
Trains on ${grouped(training.length)} handwritten digits. ${grouped(test.length)} others, 20 % of each digit as drawn by
seed ${seed}, are held out for the test.
`);

const bar = progressBar(epochs);
const lossByEpoch: number[] = [];
let mark = { done: 0, time: performance.now() };
bar.line(bold('epoch        loss    accuracy   test loss    accuracy   samples/s'));
for await (const { epoch, logs } of model.epochs(x, y, {
  epochs,
  batchSize: 32,
  validationData: [xTest, yTest],
})) {
  const { loss = 0, accuracy = 0, val_loss = 0, val_accuracy = 0 } = logs;
  lossByEpoch.push(loss);
  const done = epoch + 1;
  const now = performance.now();
  const speed = grouped((1000 * (done - mark.done) * training.length) / (now - mark.time));
  bar.update(done, `${speed} samples/s`);
  if (done > 1 && done % 5 > 0) continue;
  mark = { done, time: now };
  const cells = [
    loss.toFixed(3).padStart(12),
    percent(accuracy).padStart(12),
    val_loss.toFixed(3).padStart(12),
    percent(val_accuracy).padStart(12),
    speed.padStart(12),
  ];
  bar.line(`${String(done).padStart(5)}${cells.join('')}`);
}
bar.end();

console.log(`
${bold('Training loss by epoch')}: its distance from ${floor.toFixed(2)}, on a logarithmic scale

${chart(lossByEpoch.map((loss) => loss - floor))}
`);

const answers = model.predictClasses(xTest).map(Number);
const probabilities = model.predict(xTest);
const truth = test.map(({ label }) => label);
console.log(`${bold('The digits of the test, and what they were taken for')}\n`);
console.log(confusionMatrix(truth, answers, classes));

const read = test.map(({ pixels, label }, i) => {
  const answer = answers[i]!;
  const sure = Math.floor(100 * probabilities[10 * i + answer]!);
  return { pixels, right: answer === label, caption: `${label} read as ${answer} ${sure} %` };
});
const wrong = read.filter(({ right }) => !right);
console.log(
  `\n${bold('Some read right')}\n\n${pictures(read.filter(({ right }) => right).slice(0, 4))}`,
);
if (wrong.length > 0) {
  const title =
    wrong.length > 4 ? `4 of the ${wrong.length} read wrong` : 'All that were read wrong';
  console.log(`\n${bold(title)}\n\n${pictures(wrong.slice(0, 4))}`);
}

/** The weights after one epoch from the seed, and how long it took. */
async function oneEpoch(backend: BackendName) {
  const fresh = createModel(backend);
  const start = performance.now();
  await fresh.fit(x, y, { batchSize: 32 });
  return { time: performance.now() - start, weights: fresh.getWeights() };
}

// Engines compile while code runs, so the middle one of several runs counts.
const times: Record<BackendName, number[]> = { wasm: [], js: [] };
let count = 0;
let different = 0;
for (let run = 0; run < 7; run++) {
  const wasm = await oneEpoch('wasm');
  const js = await oneEpoch('js');
  times.wasm.push(wasm.time);
  times.js.push(js.time);
  for (const [name, weights] of Object.entries(wasm.weights)) {
    const bits = new Uint32Array(weights.buffer);
    const others = new Uint32Array(js.weights[name]!.buffer);
    count += bits.length;
    different += bits.filter((word, i) => word !== others[i]).length;
  }
}
const median = (list: number[]) => list.sort((a, b) => a - b)[list.length >> 1]!;
const report = (name: string, time: number) =>
  `  ${name.padEnd(12)}${time.toFixed(1).padStart(7)} ms${grouped((1000 * training.length) / time).padStart(12)} samples/s`;
const wasm = median(times.wasm);
const js = median(times.js);
console.log(`
${bold('The same epoch on both backends, from the same seed')}

${report('WebAssembly', wasm)}
${report('JavaScript', js)}

WebAssembly is ${(js / wasm).toFixed(1)} times as fast. ${
  different === 0
    ? 'All weights are identical to the last bit.'
    : `${grouped(different)} of ${grouped(count)} weights differ.`
}
${dim(`(the median of ${times.js.length} runs of 1 epoch; ${grouped(count / times.js.length)} weights)`)}
`);

console.log(`test accuracy: ${percent(model.evaluate(xTest, yTest).accuracy!)}`);
