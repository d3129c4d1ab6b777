import { describe, expect, it } from 'vitest';
import {
  dense,
  type NetworkSpec,
  type Preprocess,
  sequential,
  standardScaler,
} from '../src/index.js';
import { generator } from './kernels/core.js';

const spec: NetworkSpec = {
  inputShape: [3],
  layers: [dense(5, { activation: 'tanh' }), dense(2)],
  task: 'regression',
  metrics: ['meanAbsoluteError'],
  seed: 6,
};
const random = generator(31);
const rows = 40;
/** Columns of very different sizes, the last one constant. */
const x = Float32Array.from({ length: rows * 3 }, (_, i) =>
  i % 3 === 0 ? 1000 + 50 * random() : i % 3 === 1 ? 1e-3 * random() : 7,
);
const y = Float32Array.from({ length: rows * 2 }, (_, i) =>
  i % 2 === 0 ? -500 * random() : 0.01 * random(),
);

/** Mean and deviation of each column over some rows, in float64. */
function moments(values: Float32Array, width: number, list: readonly number[]) {
  return Array.from({ length: width }, (_, c) => {
    const column = list.map((r) => values[r * width + c]!);
    const mean = column.reduce((sum, v) => sum + v, 0) / column.length;
    const variance = column.reduce((sum, v) => sum + (v - mean) ** 2, 0) / column.length;
    return { mean, deviation: Math.sqrt(variance) || 1 };
  });
}

function scaled(values: Float32Array, columns: ReturnType<typeof moments>): Float32Array {
  return values.map((v, i) => {
    const { mean, deviation } = columns[i % columns.length]!;
    return (v - mean) / deviation;
  });
}

const all = Array.from({ length: rows }, (_, r) => r);
const xMoments = moments(x, 3, all);
const yMoments = moments(y, 2, all);
const both: Preprocess = { x: standardScaler(), y: standardScaler() };
const options = { epochs: 4, batchSize: 16 };

/** The same network on data scaled by hand. */
async function byHand(xs = scaled(x, xMoments), ys = scaled(y, yMoments)) {
  const model = sequential({ ...spec, metrics: [] });
  const { history } = await model.fit(xs, ys, options);
  return { model, history };
}

describe('standardScaler', () => {
  it('trains on data of mean 0 and deviation 1', async () => {
    const model = sequential({ ...spec, preprocess: both });
    const { history } = await model.fit(x, y, options);
    const hand = await byHand();
    expect(model.getWeights()).toEqual(hand.model.getWeights());
    expect(history.loss).toEqual(hand.history.loss);
  });

  it('takes raw rows, and predicts and reports in the units of the targets', async () => {
    const model = sequential({ ...spec, preprocess: both });
    const { history } = await model.fit(x, y, { ...options, validationData: [x, y] });
    const hand = await byHand();
    const expected = hand.model.predict(scaled(x, xMoments)).map((v, i) => {
      const { mean, deviation } = yMoments[i % 2]!;
      return v * deviation + mean;
    });
    expect(model.predict(x)).toEqual(expected);
    expect(model.predict(x.subarray(0, 3))).toEqual(expected.slice(0, 2));
    const out = new Float32Array(rows * 2);
    expect(model.predict(x, out)).toBe(out);
    expect(out).toEqual(expected);
    const error = expected.reduce((sum, v, i) => sum + Math.abs(v - y[i]!), 0) / expected.length;
    const { loss, meanAbsoluteError } = model.evaluate(x, y);
    expect(meanAbsoluteError).toBeCloseTo(error, 4);
    expect(history.val_meanAbsoluteError!.at(-1)).toBeCloseTo(error, 4);
    // The loss is that of scaled targets.
    expect(loss).toBe(history.val_loss!.at(-1));
    expect(loss).toBe(hand.model.evaluate(scaled(x, xMoments), scaled(y, yMoments)).loss);
  });

  it('is fitted to the rows that are trained on', async () => {
    const model = sequential({ ...spec, preprocess: both });
    await model.fit(x, y, { ...options, validationSplit: 0.25, shuffle: false });
    const first = all.slice(0, 30);
    const [xs, ys] = [moments(x, 3, first), moments(y, 2, first)];
    const hand = sequential({ ...spec, metrics: [] });
    await hand.fit(scaled(x, xs).subarray(0, 90), scaled(y, ys).subarray(0, 60), {
      ...options,
      shuffle: false,
    });
    expect(model.getWeights()).toEqual(hand.getWeights());
  });

  it('stays as it was first fitted', async () => {
    const model = sequential({ ...spec, preprocess: both });
    const hand = await byHand();
    await model.fit(x, y, options);
    const other = x.map((v) => 3 * v + 1);
    await model.fit(other, y, options);
    await hand.model.fit(scaled(other, xMoments), scaled(y, yMoments), options);
    expect(model.getWeights()).toEqual(hand.model.getWeights());
  });

  it('may be asked for column by column', async () => {
    const model = sequential({
      ...spec,
      preprocess: { x: [standardScaler(), null, standardScaler()], y: [standardScaler(), null] },
    });
    await model.fit(x, y, options);
    const none = { mean: 0, deviation: 1 };
    const xs = scaled(x, [xMoments[0]!, none, xMoments[2]!]);
    const ys = scaled(y, [yMoments[0]!, none]);
    const hand = await byHand(xs, ys);
    expect(model.getWeights()).toEqual(hand.model.getWeights());
  });

  it('of one side leaves the other alone', async () => {
    const model = sequential({ ...spec, preprocess: { x: standardScaler() } });
    const { history } = await model.fit(x, y, options);
    const hand = await byHand(scaled(x, xMoments), y);
    expect(history.loss).toEqual(hand.history.loss);
    expect(model.predict(x)).toEqual(hand.model.predict(scaled(x, xMoments)));
  });

  it('makes a column that never changes 0', async () => {
    const model = sequential({ ...spec, preprocess: both });
    await model.fit(x, y, options);
    const moved = x.map((v, i) => (i % 3 === 2 ? v + 1 : v));
    // The mean is taken away, and nothing is divided by 0.
    expect(model.predict(moved).every((v) => Number.isFinite(v))).toBe(true);
    const { 'layers.0.w': before } = sequential(spec).getWeights();
    expect(model.getWeights()['layers.0.w']!.subarray(10)).toEqual(before!.subarray(10));
  });

  it('gives gradients with respect to raw rows', async () => {
    const model = sequential({ ...spec, preprocess: both });
    await model.fit(x, y, options);
    const hand = await byHand();
    const raw = model.gradients(x, y, { inputs: true });
    const scaledBy = hand.model.gradients(scaled(x, xMoments), scaled(y, yMoments), {
      inputs: true,
    });
    expect(raw.loss).toBe(scaledBy.loss);
    expect(raw.weights).toEqual(scaledBy.weights);
    expect(raw.inputs).toEqual(scaledBy.inputs!.map((v, i) => v / xMoments[i % 3]!.deviation));
  });

  it('also works where classes are told apart, and for one step at a time', async () => {
    const labels = Array.from({ length: rows }, (_, r) => (x[r * 3]! > 1025 ? 'high' : 'low'));
    const classifier = sequential({
      ...spec,
      task: 'multiclass',
      metrics: ['accuracy'],
      preprocess: { x: standardScaler() },
      optimizer: { type: 'adam', learningRate: 0.05 },
    });
    await classifier.fit(x, labels, { epochs: 60 });
    expect(classifier.evaluate(x, labels).accuracy).toBeGreaterThan(0.95);
    const { loss } = classifier.evaluate(x, labels);
    expect(classifier.trainOnBatch(x, labels).loss).toBe(loss);
  });

  it('leaves the arrays that it is given as they were', async () => {
    const [givenX, givenY] = [x.slice(), y.slice()];
    const model = sequential({ ...spec, preprocess: both });
    await model.fit(givenX, givenY, { validationData: [givenX, givenY] });
    model.evaluate(givenX, givenY);
    model.predict(givenX);
    model.trainOnBatch(givenX, givenY);
    expect(givenX).toEqual(x);
    expect(givenY).toEqual(y);
  });
});
