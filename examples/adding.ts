/*
 * The adding problem (Hochreiter and Schmidhuber 1997): a sequence of 100 numbers from 0 to 1, two of
 * which are marked; their sum is to be told at the end. Who has forgotten the first says 1 always, and
 * is wrong by 0.167 in the mean of the squares.
 *
 *     npm run demo:adding
 */
import { fileURLToPath } from 'node:url';
import { layers, sequential } from 'chainrule';
import { bold, chart, dim, grouped, progressBar } from './terminal.js';

/** Numbers from 0 to 1 that follow from a seed (Park and Miller 1988). */
export function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}

/** Rows of [steps, 2], each step a number and whether it is marked, and the sums of the marked ones. */
function sequences(rows: number, steps: number, random: () => number) {
  const x = new Float32Array(rows * steps * 2);
  const y = new Float32Array(rows);
  for (let r = 0; r < rows; r++) {
    const half = Math.floor(steps / 2);
    const marked = [Math.floor(random() * half), half + Math.floor(random() * half)];
    for (let t = 0; t < steps; t++) {
      const at = (r * steps + t) * 2;
      x[at] = random();
      if (!marked.includes(t)) continue;
      x[at + 1] = 1;
      y[r]! += x[at]!;
    }
  }
  return { x, y };
}

/** Trains until the error on sequences that nobody has learnt from is below `enough`. */
export async function adding({ steps = 100, epochs = 60, enough = 0.002, progress = false } = {}) {
  const random = uniform(11);
  const test = sequences(500, steps, random);
  const model = sequential({
    inputShape: [steps, 2],
    layers: [layers.lstm({ units: 32 }), layers.dense({ units: 1 })],
    loss: 'meanSquaredError',
    optimizer: { type: 'adam', learningRate: 0.01 },
    clipping: { type: 'globalNorm', limit: 1 },
    seed: 3,
  });
  const bar = progress ? progressBar(epochs) : undefined;
  const losses: number[] = [];
  // Every epoch has sequences of its own.
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const { x, y } = sequences(2000, steps, random);
    await model.fit(x, y, { batchSize: 50 });
    losses.push(model.evaluate(test.x, test.y).loss);
    bar?.update(epoch, `error ${losses.at(-1)!.toFixed(4)}`);
    if (losses.at(-1)! < enough) break;
  }
  bar?.end();
  return { model, losses, test };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const start = performance.now();
  const { model, losses, test } = await adding({ progress: true });
  const seconds = (performance.now() - start) / 1000;
  console.log(`${bold('Squared error')} on 500 sequences of 100 steps, epoch by epoch\n`);
  console.log(chart(losses));
  console.log(
    `\n${losses.at(-1)!.toFixed(4)} after ${grouped(2000 * losses.length)} sequences, ` +
      `${seconds.toFixed(0)} s; who always says 1 is wrong by 0.167\n`,
  );
  const said = model.predict(test.x.subarray(0, 5 * 200));
  said.forEach((sum, r) => {
    console.log(`  sum ${test.y[r]!.toFixed(3)} ${dim('said')} ${sum.toFixed(3)}`);
  });
}
