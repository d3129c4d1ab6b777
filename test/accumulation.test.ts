import { describe, expect, it } from 'vitest';
import { type FitOptions, layers, type NetworkSpec, schedules } from '../src/index.js';
import { nameOf, optimizerSpecs } from './catalogues.js';
import { type Engine, engines, networkOn } from './engines.js';
import { generator } from './kernels/core.js';

const random = generator(31);
const rows = 77;
const inputs = 35;
const x = Float32Array.from({ length: rows * inputs }, () => 2 * random() - 1);
const y = Int32Array.from({ length: rows }, () => 3 * random());
const spec: NetworkSpec = {
  inputShape: [inputs],
  layers: [
    layers.dense({ units: 37, activation: 'relu' }),
    layers.dropout({ rate: 0.4 }),
    layers.dense({ units: 5, activation: 'gelu' }),
    layers.dense({ units: 3, activation: 'softmax' }),
  ],
  loss: 'sparseCategoricalCrossentropy',
  metrics: ['accuracy', 'rocAuc'],
  seed: 21,
};
const options: FitOptions = { epochs: 3, batchSize: 32, validationSplit: 0.1 };

async function trained(engine: Engine, given: NetworkSpec, fit: FitOptions) {
  const model = networkOn(engine, given);
  const { history } = await model.fit(x, y, fit);
  return { history, snapshot: model.snapshot({ optimizer: true }) };
}

describe('a batch that goes through the network in parts gives the bits of the batch in one', () => {
  it.each(optimizerSpecs.map((o) => [nameOf(o), o] as const))('%s', async (_, optimizer) => {
    const given = { ...spec, optimizer };
    const whole = await trained('release', given, options);
    // 69 rows to train on: the last batch has 5.
    for (const microBatchSize of [1, 4, 8, 15, 31, 32, 100]) {
      const parts = await trained('release', given, { ...options, microBatchSize });
      expect(parts, `parts of ${microBatchSize}`).toEqual(whole);
    }
  });

  it.each(engines)('on %s', async (engine) => {
    const whole = await trained('release', spec, options);
    for (const microBatchSize of [5, 16]) {
      expect(await trained(engine, spec, { ...options, microBatchSize })).toEqual(whole);
    }
  });

  it.each([
    [
      'with penalties, clipping and a frozen layer',
      {
        layers: [
          layers.dense({ units: 9, activation: 'tanh', trainable: false }),
          layers.dense({ units: 6, activation: 'relu', weightRegularizer: { l1: 0.01, l2: 0.02 } }),
          layers.dense({ units: 3, activation: 'softmax' }),
        ],
        clipping: { type: 'globalNorm', limit: 0.1 },
      },
      {},
    ],
    [
      'without biases',
      { layers: [layers.dense({ units: 3, activation: 'softmax', useBias: false })] },
      {},
    ],
    [
      'with blocks, noise and normalization of rows',
      {
        layers: [
          layers.dense({ units: 9 }),
          layers.layerNormalization(),
          layers.residual({
            layers: [
              layers.gaussianNoise({ stddev: 0.2 }),
              layers.dense({ units: 9, activation: 'selu' }),
              layers.alphaDropout({ rate: 0.2 }),
              layers.batchNormalization({ trainable: false }),
              layers.layerNormalization({ scale: false }),
            ],
          }),
          layers.dense({ units: 3, activation: 'softmax' }),
        ],
      },
      {},
    ],
    ['many epochs at once', { metrics: [] }, { epochs: 40, batchSize: 20, validationSplit: 0 }],
    ['under a schedule', {}, { learningRate: schedules.cosine({ per: 'step' }) }],
    ['chunk by chunk', {}, { memoryBudget: 1 }],
  ] as [string, Partial<NetworkSpec>, FitOptions][])('%s', async (_, changes, more) => {
    const given = { ...spec, ...changes } as NetworkSpec;
    const fit = { ...options, ...more };
    const whole = await trained('release', given, fit);
    expect(await trained('release', given, { ...fit, microBatchSize: 7 })).toEqual(whole);
    expect(await trained('js', given, { ...fit, microBatchSize: 3 })).toEqual(whole);
  });

  it('normalizes each part over itself, alike on all engines', async () => {
    const given = {
      ...spec,
      layers: [
        layers.dense({ units: 6 }),
        layers.batchNormalization(),
        layers.activation('relu'),
        layers.batchNormalization({ shift: false }),
        layers.dense({ units: 3, activation: 'softmax' }),
      ],
    } as NetworkSpec;
    const fit = { ...options, microBatchSize: 8 };
    const parts = await trained('release', given, fit);
    expect(await trained('js', given, fit)).toEqual(parts);
    expect(await trained('debug', given, fit)).toEqual(parts);
    expect((await trained('release', given, options)).snapshot).not.toEqual(parts.snapshot);
  });

  it('adds up the gradients of normalized parts', async () => {
    // A step of 16 rows in two parts of 8 is a step by the mean of their gradients.
    const given = {
      ...{ ...spec, metrics: [], optimizer: { type: 'sgd', learningRate: 0.5 } },
      layers: [layers.batchNormalization(), layers.dense({ units: 3, activation: 'softmax' })],
    } as NetworkSpec;
    const [bx, by] = [x.subarray(0, 16 * inputs), y.subarray(0, 16)];
    const fitted = networkOn('release', given);
    await fitted.fit(bx, by, { batchSize: 16, microBatchSize: 8, shuffle: false });
    const byHand = networkOn('release', given);
    const [a, b] = [0, 8].map((r) =>
      byHand.gradients(bx.subarray(r * inputs, (r + 8) * inputs), by.subarray(r, r + 8)),
    );
    const mean = Object.entries(a!.weights).map(([name, g]) => [
      name,
      g.map((v, i) => (v + b!.weights[name]![i]!) / 2),
    ]);
    byHand.applyGradients(Object.fromEntries(mean));
    const weights = byHand.getWeights();
    for (const [name, values] of Object.entries(fitted.getWeights())) {
      if (/mean|variance/.test(name)) continue;
      values.forEach((v, i) => {
        expect(v, name).toBeCloseTo(weights[name]![i]!, 5);
      });
    }
    // Running statistics move with each part.
    const column = (r: number, c: number) => bx[r * inputs + c]!;
    const means = [0, 8].map((r) =>
      Array.from({ length: 8 }, (_, i) => column(r + i, 2)).reduce((sum, v) => sum + v / 8, 0),
    );
    const expected = 0.9 * (0.1 * means[0]!) + 0.1 * means[1]!;
    expect(fitted.getWeights()['layers.0.mean']![2]).toBeCloseTo(expected, 6);
  });

  it('counts steps of the optimizer, and tells callbacks of these', async () => {
    const batches: number[] = [];
    const onBatchEnd = ({ batch }: { batch: number }) => batches.push(batch);
    const model = networkOn('release', spec);
    await model.fit(x, y, { batchSize: 32, microBatchSize: 4, callbacks: [{ onBatchEnd }] });
    expect(batches).toEqual([0, 1, 2]);
    expect(model.snapshot({ optimizer: true }).optimizer!.steps).toBe(3);
  });

  it('from an iterable, too', async () => {
    const [whole, parts] = [networkOn('release', spec), networkOn('js', spec)];
    const batches = [
      [x.subarray(0, 50 * inputs), y.subarray(0, 50)],
      [x.subarray(50 * inputs), y.subarray(50)],
    ] as const;
    const { history } = await whole.fit(batches, { epochs: 2 });
    expect((await parts.fit(batches, { epochs: 2, microBatchSize: 8 })).history).toEqual(history);
    expect(parts.getWeights()).toEqual(whole.getWeights());
  });
});

it('a loss that is not finite in one of the parts steps nowhere, and is told as of the batch', async () => {
  const numbers: NetworkSpec = {
    inputShape: [1],
    layers: [layers.dense({ units: 1 }), layers.dropout({ rate: 0.5 }), layers.dense({ units: 1 })],
    loss: 'meanSquaredError',
    optimizer: 'sgd',
  };
  const xs = Float32Array.from({ length: 24 }, () => 1);
  const ys = new Float32Array(24);
  for (const engine of ['release', 'js'] as const) {
    const model = networkOn(engine, numbers);
    const before = model.getWeights();
    const fit = { batchSize: 12, microBatchSize: 4, shuffle: false };
    await expect(model.fit(xs.fill(1e30, 4, 8), ys, fit)).rejects.toMatchObject({
      epoch: 0,
      batch: 0,
      inputRange: [Math.fround(1e30), Math.fround(1e30)],
    });
    expect(model.getWeights()).toEqual(before);
    // The masks of the next step begin at its first row again.
    const twin = networkOn(engine, numbers);
    const [ones, zeros] = [new Float32Array(4).fill(1), new Float32Array(4)];
    model.trainOnBatch(ones, zeros);
    twin.trainOnBatch(ones, zeros);
    expect(model.getWeights()).toEqual(twin.getWeights());
  }
});

it('adds penalties on activities up in another order, and nothing but the last digits shows', async () => {
  const dense = layers.dense({
    units: 3,
    activation: 'softmax',
    activityRegularizer: { l1: 0.1, l2: 0.2 },
  });
  const given = { ...spec, layers: [dense], metrics: [] };
  const fit = { ...options, validationSplit: 0 };
  const whole = await trained('release', given, fit);
  const parts = await trained('js', given, { ...fit, microBatchSize: 6 });
  expect(parts.snapshot).toEqual(whole.snapshot);
  parts.history.loss.forEach((loss, i) => {
    expect(loss).toBeCloseTo(whole.history.loss[i]!, 12);
  });
});

it('takes a whole number of rows', async () => {
  const attempt = networkOn('release', spec).fit(x, y, { microBatchSize: 0 });
  await expect(attempt).rejects.toThrow(
    'microBatchSize: expected a whole number of at least 1, got 0',
  );
});
