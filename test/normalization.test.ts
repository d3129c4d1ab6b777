import { describe, expect, it } from 'vitest';
import { dense, type LayerSpec, layers, load, type NetworkSpec } from '../src/index.js';
import { toModule } from '../src/module.js';
import { engines, hexOf, networkOn } from './engines.js';
import { generator } from './kernels/core.js';
import { configurationsOf, failuresOf } from './trajectory.js';

const random = generator(12);
const rows = 21;
const x = Float32Array.from({ length: rows * 4 }, (_, i) => 3 * random() + (i % 4));
const y = Float32Array.from({ length: rows * 2 }, () => 2 * random() - 1);

const stack: LayerSpec[] = [
  dense(6),
  layers.batchNormalization(),
  layers.activation('relu'),
  layers.residual({ layers: [layers.layerNormalization(), dense(6)] }),
  dense(2),
];

const spec = (changes: Partial<NetworkSpec> = {}): NetworkSpec => ({
  inputShape: [4],
  layers: stack,
  loss: 'meanSquaredError',
  seed: 3,
  ...changes,
});

/** The numbers of one column. */
const column = (values: Float32Array, width: number, c: number) =>
  Array.from(values).filter((_, i) => i % width === c);
const meanOf = (values: readonly number[]) => values.reduce((sum, v) => sum + v, 0) / values.length;
const varianceOf = (values: readonly number[], less = 0) =>
  values.reduce((sum, v) => sum + (v - meanOf(values)) ** 2, 0) / (values.length - less);

describe.each(['wasm', 'js'] as const)('trajectories of PyTorch on %s', (backend) => {
  it.each(configurationsOf('structure.json'))('$name', (configuration) => {
    expect(failuresOf(configuration, backend)).toEqual([]);
  });
});

describe.each(engines)('batch normalization on %s', (engine) => {
  const alone = (options = {}, changes: Partial<NetworkSpec> = {}) =>
    networkOn(engine, spec({ layers: [layers.batchNormalization(options)], ...changes }));

  it('normalizes the columns of a batch, and predicts by running statistics', () => {
    const model = alone();
    // The slope of the squared error tells the outputs of the training form.
    const zeros = new Float32Array(x.length);
    const { buffers } = model.gradients(x, zeros);
    for (let c = 0; c < 4; c++) {
      const values = column(x, 4, c);
      expect(buffers['layers.0.mean']![c]).toBeCloseTo(0.1 * meanOf(values), 5);
      expect(buffers['layers.0.variance']![c]).toBeCloseTo(0.9 + 0.1 * varianceOf(values, 1), 5);
    }
    // All columns have variance 1, so that the mean square is 1 as well.
    expect(model.gradients(x, zeros).loss).toBeCloseTo(1, 4);
    model.setWeights({ 'layers.0.mean': [1, 2, 3, 4], 'layers.0.variance': [1, 4, 9, 16] });
    const predicted = model.predict([[3, 3, 3, 3]]);
    [2, 1, 0, -1].forEach((distance, c) => {
      expect(predicted[c]).toBeCloseTo(distance / Math.sqrt((c + 1) ** 2 + 1e-5), 6);
    });
  });

  it('moves running statistics by its momentum, once a step', () => {
    const model = alone({ momentum: 0.25 });
    model.trainOnBatch(x, new Float32Array(x.length));
    const weights = model.getWeights();
    for (let c = 0; c < 4; c++) {
      const values = column(x, 4, c);
      expect(weights['layers.0.mean']![c]).toBeCloseTo(0.25 * meanOf(values), 5);
      const variance = 0.75 + 0.25 * varianceOf(values, 1);
      expect(weights['layers.0.variance']![c]).toBeCloseTo(variance, 5);
    }
  });

  it('takes the running statistics for a single row, and leaves them as they are', () => {
    const model = alone();
    model.setWeights({ 'layers.0.mean': [1, 2, 3, 4], 'layers.0.variance': [1, 4, 9, 16] });
    const row = x.subarray(0, 4);
    const target = new Float32Array(4);
    const predicted = model.predict(row);
    const { loss } = model.trainOnBatch(row, target);
    expect(loss).toBeCloseTo(meanOf([...predicted].map((v) => v * v)), 5);
    expect([...model.getWeights()['layers.0.mean']!]).toEqual([1, 2, 3, 4]);
    expect([...model.getWeights()['layers.0.variance']!]).toEqual([1, 4, 9, 16]);
    expect(model.gradients(row, target).buffers).toEqual({});
  });

  it('takes them where it is frozen, and leaves them as they are', () => {
    const model = alone({ trainable: false }, { optimizer: 'adam' });
    const before = hexOf(model);
    const { loss } = model.trainOnBatch(x, new Float32Array(x.length));
    expect(loss).toBeCloseTo(meanOf([...model.predict(x)].map((v) => v * v)), 4);
    expect(hexOf(model)).toEqual(before);
  });

  it.each(['sgd', 'adam'] as const)(
    'trainOnBatch is gradients, then applyGradients, with %s',
    (optimizer) => {
      const once = networkOn(engine, spec({ optimizer }));
      const twice = networkOn(engine, spec({ optimizer }));
      for (let step = 0; step < 3; step++) {
        const { loss } = once.trainOnBatch(x, y);
        const before = hexOf(twice);
        const { loss: same, weights, buffers } = twice.gradients(x, y);
        expect(hexOf(twice)).toEqual(before);
        twice.applyGradients(weights, buffers);
        expect(same).toBe(loss);
        expect(hexOf(twice)).toEqual(hexOf(once));
      }
    },
  );

  it('fit is trainOnBatch over its batches, the last of one row', async () => {
    const fitted = networkOn(engine, spec());
    const stepped = networkOn(engine, spec());
    await fitted.fit(x, y, { epochs: 2, batchSize: 5, shuffle: false });
    for (let epoch = 0; epoch < 2; epoch++) {
      for (let r = 0; r < rows; r += 5) {
        stepped.trainOnBatch(x.subarray(4 * r, 4 * (r + 5)), y.subarray(2 * r, 2 * (r + 5)));
      }
    }
    expect(hexOf(fitted)).toEqual(hexOf(stepped));
  });

  it('a loss that is not finite leaves running statistics as they were', () => {
    const model = networkOn(engine, spec());
    const before = hexOf(model);
    const huge = new Float32Array(y.length).fill(3e38);
    expect(() => model.trainOnBatch(x, huge)).toThrow('the loss stopped being finite');
    expect(hexOf(model)).toEqual(before);
  });

  it('running statistics that are not finite bring back an epoch, and name the layer', async () => {
    // The outputs are finite: what is far from all is divided by an infinite deviation.
    const model = alone({}, { loss: 'meanAbsoluteError' });
    const far = x.map((v, i) => (i % 4 === 2 ? (v > 3 ? 3e38 : -3e38) : v));
    const before = hexOf(model);
    const training = model.fit(far, new Float32Array(x.length), { batchSize: rows });
    await expect(training).rejects.toThrow(
      /stopped being finite.*layers\[0\] \(batchNormalization\)/,
    );
    expect(hexOf(model)).toEqual(before);
  });

  it('a snapshot holds all of it, and trains on with the same bits', async () => {
    const model = networkOn(engine, spec());
    await model.fit(x, y, { epochs: 2, batchSize: 8 });
    const twin = load(model.snapshot({ optimizer: true }), { backend: 'js' });
    expect(twin.predict(x)).toEqual(model.predict(x));
    await model.fit(x, y, { epochs: 2, batchSize: 8 });
    await twin.fit(x, y, { epochs: 2, batchSize: 8 });
    expect(hexOf(twin)).toEqual(hexOf(model));
  });

  it('clipping and decay leave buffers alone', () => {
    const decayed = networkOn(
      engine,
      spec({
        optimizer: { type: 'sgd', learningRate: 0.1, weightDecay: 0.5, decayBiases: true },
        clipping: { type: 'globalNorm', limit: 1e-3 },
      }),
    );
    const { buffers } = networkOn(engine, spec()).gradients(x, y);
    decayed.trainOnBatch(x, y);
    for (const [name, values] of Object.entries(buffers)) {
      expect(decayed.getWeights()[name]).toEqual(values);
    }
    expect(Object.keys(buffers)).toEqual(['layers.1.mean', 'layers.1.variance']);
  });
});

describe.each(engines)('layer normalization on %s', (engine) => {
  it('normalizes each row by itself, in training and prediction', () => {
    const model = networkOn(engine, spec({ layers: [layers.layerNormalization()] }));
    const out = model.predict(x);
    for (let r = 0; r < rows; r++) {
      const row = [...out.subarray(4 * r, 4 * r + 4)];
      expect(meanOf(row)).toBeCloseTo(0, 5);
      expect(varianceOf(row)).toBeCloseTo(1, 3);
    }
    expect(model.gradients(x, out).loss).toBe(0);
  });
});

describe('parameters', () => {
  it('are named, counted and left out by options', () => {
    const names = (layer: LayerSpec) =>
      Object.keys(networkOn('js', spec({ layers: [layer] })).getWeights());
    expect(names(layers.batchNormalization())).toEqual(
      ['scale', 'shift', 'mean', 'variance'].map((name) => `layers.0.${name}`),
    );
    expect(names(layers.batchNormalization({ scale: false }))).toEqual(
      ['shift', 'mean', 'variance'].map((name) => `layers.0.${name}`),
    );
    expect(names(layers.layerNormalization({ shift: false }))).toEqual(['layers.0.scale']);
    const { predict } = networkOn(
      'js',
      spec({ layers: [layers.layerNormalization({ shift: false, scale: false })] }),
    );
    expect(predict).toBeTypeOf('function');
    expect(networkOn('js', spec({ layers: [layers.batchNormalization()] })).summary()).toContain(
      '8 parameters',
    );
  });

  it('survive JSON', () => {
    const model = networkOn('js', spec());
    const twin = networkOn('js', JSON.parse(JSON.stringify(model)));
    expect(twin.trainOnBatch(x, y)).toEqual(model.trainOnBatch(x, y));
    expect(twin.getWeights()).toEqual(model.getWeights());
  });

  it('are written into a module of JavaScript', async () => {
    const bare = layers.batchNormalization({ scale: false, shift: false });
    const model = networkOn('js', spec({ layers: [...stack, bare] }));
    await model.fit(x, y, { epochs: 2 });
    const text = toModule(model);
    const module = await import(
      /* @vite-ignore */ `data:text/javascript,${encodeURIComponent(text)}`
    );
    expect(module.predict(x)).toEqual(model.predict(x));
  });
});

describe('refused', () => {
  it.each<[string, object]>([
    ['layers[0] (batchNormalization): epsilon: expected a number', { epsilon: 0 }],
    // As files have what is left open by mistake.
    ['layers[0] (batchNormalization): epsilon: expected a number', { epsilon: null }],
    ['layers[0] (batchNormalization): momentum: expected a number', { momentum: null }],
    ['layers[0] (batchNormalization): scale: expected true or false', { scale: null }],
    ['layers[0] (batchNormalization): shift: expected true or false', { shift: null }],
    [
      'layers[0] (batchNormalization): momentum: expected a number in [0, 1], got 1.5',
      { momentum: 1.5 },
    ],
    ["layers[0] (batchNormalization): scale: expected true or false, got 'no'", { scale: 'no' }],
    ["layers[0]: unknown option 'axis'", { axis: 1 }],
  ])('%s', (message, options) => {
    const layer = { type: 'batchNormalization', ...options } as LayerSpec;
    expect(() => networkOn('js', spec({ layers: [layer] }))).toThrow(message);
  });

  it('is a momentum of layer normalization', () => {
    const layer = { type: 'layerNormalization', momentum: 0.1 } as unknown as LayerSpec;
    expect(() => networkOn('js', spec({ layers: [layer] }))).toThrow("unknown option 'momentum'");
  });

  it('are variances below 0, and other buffers', () => {
    const model = networkOn('js', spec());
    const before = hexOf(model);
    const variance = new Float32Array(6).fill(1);
    variance[3] = -0.5;
    const message = 'layers.1.variance: expected numbers of at least 0, got -0.5 at place 3';
    expect(() => model.setWeights({ 'layers.1.variance': variance })).toThrow(message);
    const { weights, buffers } = model.gradients(x, y);
    const bad = { ...buffers, 'layers.1.variance': variance };
    expect(() => model.applyGradients(weights, bad)).toThrow(message);
    expect(() => model.applyGradients({ ...weights, ...buffers })).toThrow(
      'layers.1.mean takes no step: its layer is frozen, or it is a running statistic',
    );
    expect(() => model.applyGradients(weights, { 'layers.0.w': [] })).toThrow('buffers: unknown');
    const snapshot = model.snapshot();
    const spoilt = { ...snapshot.weights['layers.1.variance']!, values: variance };
    expect(() =>
      load({ ...snapshot, weights: { ...snapshot.weights, 'layers.1.variance': spoilt } }),
    ).toThrow(message);
    expect(hexOf(model)).toEqual(before);
  });
});
