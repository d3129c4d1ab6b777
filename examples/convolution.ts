/*
 * A small convolutional network learns to read handwritten digits of 8×8 pixels, from five seeds: for each
 * another fifth of the digits is held out for the test, and the weights begin elsewhere.
 *
 *     npm run demo:convolution
 */
import { fileURLToPath } from 'node:url';
import { augment, dense, layers, schedules, sequential } from 'chainrule';
import { holdOut, readCsv } from './dataset.js';
import { bold, dim, percent } from './terminal.js';

const digits = readCsv('data/digits.csv').map((row) => ({
  pixels: Float32Array.from(row.slice(0, 64), (value) => Number(value) / 16),
  label: Number(row[64]),
}));

const { conv2d, batchNormalization, activation, maxPooling2d, dropout, flatten } = layers;

/** A convolution, normalized over the batch: 3×3, as many positions as before. */
const block = (filters: number) => [
  conv2d({ filters, kernelSize: 3, padding: 'same', useBias: false, activation: 'linear' }),
  batchNormalization(),
  activation('relu'),
];

/** The network, trained on four fifths of the digits, and how many of the others it reads right. */
export async function read(seed: number, { epochs = 40 } = {}) {
  const { training, test } = holdOut(digits, ({ label }) => label, 0.2, seed);
  const model = sequential({
    inputShape: [8, 8, 1],
    layers: [
      ...block(16),
      ...block(32),
      maxPooling2d(),
      ...block(64),
      flatten(),
      dropout({ rate: 0.4 }),
      dense(10),
    ],
    task: 'multiclass',
    metrics: ['accuracy'],
    seed,
  });
  const dataOf = (part: typeof digits) => {
    const x = new Float32Array(part.length * 64);
    part.forEach(({ pixels }, r) => {
      x.set(pixels, 64 * r);
    });
    return [x, part.map(({ label }) => label)] as const;
  };
  await model.fit(...dataOf(training), {
    epochs,
    batchSize: 32,
    learningRate: schedules.cosine({ learningRate: 0.003 }),
    augment: augment.image({ shift: 0.08, rotation: 8, scale: 0.08 }),
  });
  return { model, accuracy: model.evaluate(...dataOf(test)).accuracy!, count: test.length };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const accuracies: number[] = [];
  for (let seed = 1; seed <= 5; seed++) {
    const start = performance.now();
    const { model, accuracy, count } = await read(seed);
    if (seed === 1) console.log(`${model.summary()}\n`);
    const wrong = Math.round((1 - accuracy) * count);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.log(
      `seed ${seed}: ${percent(accuracy)}, ${wrong} of ${count} read wrong ${dim(`(${seconds} s)`)}`,
    );
    accuracies.push(accuracy);
  }
  const mean = accuracies.reduce((sum, a) => sum + a, 0) / accuracies.length;
  console.log(`\n${bold('held out, in the mean of 5 seeds:')} ${percent(mean)}`);
}
