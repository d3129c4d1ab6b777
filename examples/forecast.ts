/*
 * A time series forecast: a wave with drift and noise. From 40 values a recurrent network tells the next;
 * what it has told it goes on from, 60 steps ahead.
 *
 *     npm run demo:forecast
 */
import { fileURLToPath } from 'node:url';
import { callbacks, layers, sequential } from 'chainrule';
import { uniform } from './adding.js';
import { bold, curves, cyan, dim } from './terminal.js';

const [window, ahead, length] = [40, 60, 900];

/** sin(2πt / 25) + t / 200, and noise of a deviation of about 0.1. */
function series() {
  const random = uniform(3);
  const noise = () => 0.35 * (random() + random() + random() + random() - 2) * 0.5;
  return Array.from({ length }, (_, t) => Math.sin((2 * Math.PI * t) / 25) + t / 200 + noise());
}

const mean = (values: readonly number[]) => values.reduce((sum, v) => sum + v, 0) / values.length;

/** The forecast of the last values from those before, and how wrong it is beside simpler ones. */
export async function forecast({ epochs = 60 } = {}) {
  const values = series();
  const known = values.slice(0, length - ahead);
  // Seen from the last value of its window, a drift is the same everywhere.
  const seen = (from: number) =>
    known.slice(from, from + window).map((v) => v - known[from + window - 1]!);
  const count = known.length - window;
  const x = Array.from({ length: count }, (_, r) => seen(r).map((value) => [value]));
  const y = Array.from({ length: count }, (_, r) => known[r + window]! - known[r + window - 1]!);
  const model = sequential({
    inputShape: [window, 1],
    layers: [layers.gru({ units: 24 }), layers.dense({ units: 1 })],
    loss: 'meanSquaredError',
    optimizer: { type: 'adam', learningRate: 0.005 },
    seed: 1,
  });
  await model.fit(x, y, {
    epochs,
    validationSplit: 0.15,
    callbacks: [callbacks.earlyStopping({ patience: 12, restoreBestWeights: true })],
  });
  const told = [...known];
  for (let t = 0; t < ahead; t++) {
    const last = told.at(-1)!;
    const row = Float32Array.from(told.slice(-window), (value) => value - last);
    told.push(last + model.predict(row)[0]!);
  }
  const predicted = told.slice(-ahead);
  const truth = values.slice(-ahead);
  const error = (guess: (t: number) => number) => mean(truth.map((v, t) => Math.abs(v - guess(t))));
  return {
    ...{ known, predicted, truth },
    error: error((t) => predicted[t]!),
    constant: error(() => known.at(-1)!),
    period: error((t) => known[known.length - 25 + (t % 25)]!),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { known, predicted, truth, error, constant, period } = await forecast();
  const shown = 12;
  const before = known.slice(-shown);
  console.log(
    `${bold('Forecast')} ${cyan('●')} and truth ${dim('·')}, after the last ${shown} values that were known\n`,
  );
  console.log(curves([...before, ...predicted], [...before, ...truth], 14));
  console.log(
    `\nmean error ${error.toFixed(3)}; the last value forever ${constant.toFixed(3)}, the last period again ${period.toFixed(3)}`,
  );
}
