import { describe, expect, it } from 'vitest';
import { read } from '../examples/convolution.js';
import { jsBackend } from '../src/backends/js.js';
import { training } from '../src/given.js';
import {
  type LayerSpec,
  layers,
  load,
  type NetworkSpec,
  ShapeError,
  save,
  sequential,
} from '../src/index.js';
import { resolveModel } from '../src/layers/model.js';
import { toModule } from '../src/module.js';
import { Plan } from '../src/plan.js';
import { threadsWith } from '../src/threads/backend.js';
import { activationSpecs, optimizerSpecs } from './catalogues.js';
import { engines, hexOf, networkOn, resultsOn } from './engines.js';
import { generator } from './kernels/core.js';
import { configurationsOf, failuresOf } from './trajectory.js';

const { conv2d, conv1d, dense, flatten, maxPooling2d, averagePooling2d } = layers;

const image = (changes: Partial<NetworkSpec>): NetworkSpec => ({
  inputShape: [6, 7, 2],
  layers: [conv2d({ filters: 3, kernelSize: 3 })],
  loss: 'meanSquaredError',
  optimizer: { type: 'sgd', learningRate: 0.1 },
  seed: 5,
  ...changes,
});

/** Random layers from images or sequences down to a few numbers. */
function randomStack(random: () => number): Pick<NetworkSpec, 'inputShape' | 'layers'> {
  const below = (bound: number) => Math.floor(bound * random());
  const one = <T>(list: readonly T[]) => list[below(list.length)]!;
  const often = (share: number) => random() < share;
  const flat = often(0.3);
  const pair = (most: number) =>
    flat || often(0.5) ? 1 + below(most) : ([1 + below(most), 1 + below(most)] as const);
  const inputShape = [...(flat ? [9 + below(9)] : [5 + below(5), 5 + below(5)]), 1 + below(5)];
  const stack: LayerSpec[] = [];
  let channels = inputShape.at(-1)!;
  for (let i = 0; i < 1 + below(3); i++) {
    const filters = channels * (1 + below(3));
    const window = {
      ...(often(0.5) && { strides: pair(2) }),
      // Nothing gets smaller than one value.
      padding: 'same' as const,
    };
    if (often(0.3)) {
      const pool = { poolSize: pair(3), ...window };
      const kinds = flat
        ? (['maxPooling1d', 'averagePooling1d'] as const)
        : (['maxPooling2d', 'averagePooling2d'] as const);
      stack.push({ type: one(kinds), ...pool } as LayerSpec);
      continue;
    }
    stack.push({
      type: flat ? 'conv1d' : 'conv2d',
      ...{ filters, kernelSize: pair(4), ...window, useBias: often(0.8) },
      ...(often(0.7) && { activation: one(activationSpecs) }),
      ...(often(0.2) && { dilation: pair(2) }),
      ...(often(0.3) && { groups: channels }),
      ...(often(0.1) && { weightRegularizer: { l2: 0.01 } }),
      ...(often(0.1) && { activityRegularizer: { l1: 0.001 } }),
      ...(often(0.1) && { trainable: false }),
    } as LayerSpec);
    channels = filters;
    if (!flat && often(0.25)) {
      const kernelSize = pair(3);
      channels = 1 + below(6);
      const padding = one(['same', 'valid'] as const);
      const strides = pair(2);
      const transposed = { filters: channels, kernelSize, strides, padding };
      stack.push(layers.conv2dTranspose({ ...transposed, activation: one(activationSpecs) }));
    }
    if (often(0.2)) stack.push(layers.batchNormalization());
    if (often(0.2)) stack.push(layers.dropout({ rate: 0.2 }));
    if (often(0.3)) stack.push(layers.spatialDropout({ rate: 0.4 }));
    if (!flat && often(0.2)) stack.push(layers.upSampling2d({ size: pair(2) }));
  }
  stack.push(
    one([flatten(), layers.globalAveragePooling(), layers.globalMaxPooling()]),
    dense({ units: 2 }),
  );
  return { inputShape, layers: stack };
}

/** A network of these layers, and data to train it on. */
function randomCase(seed: number) {
  const random = generator(seed);
  const stack = randomStack(random);
  const inputs = stack.inputShape.reduce((a, b) => a * b, 1);
  const rows = 3 + Math.floor(6 * random());
  const optimizer = optimizerSpecs[seed % optimizerSpecs.length]!;
  return {
    seed,
    spec: { ...stack, loss: 'huber', optimizer, metrics: ['r2'], seed } as NetworkSpec,
    x: Float32Array.from({ length: rows * inputs }, () => 3 * random() - 1.5),
    y: Float32Array.from({ length: rows * 2 }, () => 2 * random() - 1),
    ...{ rows, inputs, targetColumns: 2 },
    fit: { epochs: 2, batchSize: 1 + Math.floor(rows * random()) },
  };
}

describe.each(['wasm', 'js'] as const)('trajectories of PyTorch on %s', (backend) => {
  it.each(configurationsOf('convolution.json'))('$name', (configuration) => {
    expect(failuresOf(configuration, backend)).toEqual([]);
  });
});

/** The most words of memory that a step on so many rows takes. */
function memoryOf(spec: NetworkSpec, batch: number): number {
  const backend = jsBackend();
  let most = 0;
  const reserve = backend.reserve.bind(backend);
  backend.reserve = (words) => {
    most = Math.max(most, words);
    reserve(words);
  };
  const plan = new Plan(resolveModel(spec), backend);
  plan.list({ ...training, batch, update: true });
  return most;
}

describe('the memory that a convolution takes', () => {
  const layer = (type: 'conv2d' | 'conv2dTranspose', kernelSize: number, groups = 1): LayerSpec =>
    ({
      ...{ type, filters: 8, kernelSize, padding: 'same' },
      ...(groups > 1 && { groups }),
    }) as LayerSpec;
  it.each([
    ['a convolution', 'conv2d', 1],
    ['one of groups', 'conv2d', 2],
    ['one of a group for each channel', 'conv2d', 8],
    ['a transposed one', 'conv2dTranspose', 1],
  ] as const)('does not grow with batch × area of the kernel: %s', (_, type, groups) => {
    const words = (kernelSize: number, batch: number) =>
      memoryOf(
        image({ inputShape: [16, 16, 8], layers: [layer(type, kernelSize, groups)] }),
        batch,
      );
    const grows = (batch: number) => words(9, batch) - words(3, batch);
    // The weights grow, with all that belongs to them, and panels of bounded size.
    expect(grows(64)).toBe(grows(2));
    const copies = 9 * 9 * 8 * 16 * 16;
    expect(grows(64)).toBeLessThan((64 * copies) / 8);
  });
});

describe('the same bits', () => {
  it('on all backends, for random layers', async () => {
    for (let seed = 0; seed < 24; seed++) {
      const made = randomCase(seed);
      const where = `seed ${seed}: ${JSON.stringify(made.spec)}`;
      const [js, ...others] = await Promise.all(engines.map((engine) => resultsOn(engine, made)));
      for (const other of others) expect(other, where).toEqual(js);
      const shared = threadsWith(2, { leastProducts: 0 });
      expect(await resultsOn(shared, made), where).toEqual(js);
    }
  });

  it.each(engines)('of a batch in parts and as a whole, on %s', async (engine) => {
    for (let seed = 100; seed < 110; seed++) {
      const made = randomCase(seed);
      // Statistics of parts are their own.
      const kept = made.spec.layers.filter(({ type }) => type !== 'batchNormalization');
      const spec = { ...made.spec, layers: kept, optimizer: 'sgd' } as NetworkSpec;
      const [whole, parts] = [networkOn(engine, spec), networkOn(engine, spec)];
      const fit = { epochs: 2, shuffle: false, batchSize: made.rows };
      await whole.fit(made.x, made.y, fit);
      await parts.fit(made.x, made.y, { ...fit, microBatchSize: 2 });
      for (const [name, w] of Object.entries(whole.getWeights())) {
        parts.getWeights()[name]!.forEach((value, i) => {
          expect(value, `seed ${seed}: ${name}`).toBeCloseTo(w[i]!, 5);
        });
      }
    }
  });

  it('whether inputs need a gradient, and so stand by position, or not', () => {
    const spec = image({ layers: [conv2d({ filters: 3, kernelSize: 3, activation: 'relu' })] });
    const random = generator(1);
    const x = Float32Array.from({ length: 3 * 84 }, () => 2 * random() - 1);
    const y = Float32Array.from({ length: 3 * 60 }, () => random());
    const model = networkOn('release', spec);
    const { loss, weights } = model.gradients(x, y);
    const both = model.gradients(x, y, { inputs: true });
    expect(both.loss).toBe(loss);
    expect(both.weights).toEqual(weights);
    expect(both.inputs!.length).toBe(x.length);
  });
});

describe.each(engines)('on %s', (engine) => {
  it('a convolution is the sum of a window, by hand', () => {
    const model = networkOn(
      engine,
      image({ inputShape: [3, 3, 1], layers: [conv2d({ filters: 1, kernelSize: 2 })] }),
    );
    model.setWeights({ 'layers.0.w': [1, 10, 100, 1000], 'layers.0.b': [0.5] });
    const y = model.predict(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9));
    expect([...y]).toEqual([5421.5, 6532.5, 8754.5, 9865.5]);
  });

  it('padding of an odd number has the one more behind', () => {
    const same = { filters: 1, kernelSize: 2, padding: 'same', useBias: false } as const;
    const model = networkOn(engine, image({ inputShape: [3, 1], layers: [conv1d(same)] }));
    model.setWeights({ 'layers.0.w': [1, 10] });
    expect([...model.predict(Float32Array.of(1, 2, 3))]).toEqual([21, 32, 3]);
  });

  it('a transpose puts kernels side by side, and adds where they meet', () => {
    const of = (options: object) => {
      const layer = layers.conv2dTranspose({ filters: 1, kernelSize: [1, 3], ...options });
      const model = networkOn(engine, image({ inputShape: [1, 2, 1], layers: [layer] }));
      model.setWeights({ 'layers.0.w': [1, 10, 100], 'layers.0.b': [0.5] });
      return [...model.predict(Float32Array.of(1, 2))];
    };
    expect(of({})).toEqual([1.5, 12.5, 120.5, 200.5]);
    expect(of({ strides: [1, 2] })).toEqual([1.5, 10.5, 102.5, 20.5, 200.5]);
    expect(of({ strides: [1, 2], padding: 'same' })).toEqual([1.5, 10.5, 102.5, 20.5]);
    expect(of({ strides: [1, 4], padding: [0, 1] })).toEqual([10.5, 100.5, 0.5, 2.5, 20.5]);
  });

  it('groups see their own channels', () => {
    const layer = conv1d({ filters: 4, kernelSize: 1, groups: 2, useBias: false });
    const model = networkOn(engine, image({ inputShape: [1, 2], layers: [layer] }));
    model.setWeights({ 'layers.0.w': [1, 2, 3, 4] });
    expect([...model.predict(Float32Array.of(10, 100))]).toEqual([10, 20, 300, 400]);
  });

  it('pooling takes the largest, or the mean of what is there', () => {
    const of = (layer: LayerSpec) => {
      const model = networkOn(engine, image({ inputShape: [2, 3, 1], layers: [layer] }));
      return [...model.predict(Float32Array.of(1, 5, 2, 4, 3, 9))];
    };
    expect(of(maxPooling2d({ poolSize: 2, strides: 1 }))).toEqual([5, 9]);
    expect(of(maxPooling2d({ poolSize: 2, padding: 'same' }))).toEqual([5, 9]);
    expect(of(averagePooling2d({ poolSize: 2, padding: 'same' }))).toEqual([3.25, 5.5]);
    expect(of(averagePooling2d({ poolSize: [1, 3], padding: [0, 1], strides: 2 }))).toEqual([
      3, 3.5,
    ]);
    expect(of(layers.globalAveragePooling())).toEqual([4]);
    expect(of(layers.globalMaxPooling())).toEqual([9]);
  });

  it('up-sampling repeats positions, and sums up their gradients', () => {
    const up = layers.upSampling2d({ size: [1, 2] });
    const loss = { type: 'meanSquaredError', reduction: 'halfSum' } as const;
    const model = networkOn(engine, image({ inputShape: [2, 1, 2], layers: [up], loss }));
    const x = Float32Array.of(1, 2, 3, -0);
    expect([...model.predict(x)]).toEqual([1, 2, 1, 2, 3, -0, 3, -0]);
    const { inputs } = model.gradients(x, new Float32Array(8), { inputs: true });
    expect([...inputs!]).toEqual([2, 4, 6, 0]);
  });

  it('spatial dropout drops channels at all positions, whatever the parts of a batch', () => {
    const loss = { type: 'meanSquaredError', reduction: 'halfSum' } as const;
    const layer = layers.spatialDropout({ rate: 0.5 });
    const model = networkOn(engine, image({ inputShape: [3, 8], layers: [layer], loss }));
    const x = new Float32Array(10 * 24).fill(1);
    // The slope is mask · y, which is 4 or 0.
    const { inputs } = model.gradients(x, new Float32Array(x.length), { inputs: true });
    const rows = Array.from({ length: 30 }, (_, r) => [...inputs!.subarray(8 * r, 8 * r + 8)]);
    rows.forEach((row, r) => {
      expect(row).toEqual(rows[r - (r % 3)]);
    });
    const shares = new Set(inputs!.map((v) => Math.round(v * 1e4) / 1e4));
    expect(shares.size).toBe(2);
    expect(new Set(rows.map(String)).size).toBeGreaterThan(5);
    expect(model.predict(x)).toEqual(x);
  });

  it('the gradient of a maximum goes to the first of equals', () => {
    const spec = image({ inputShape: [2, 2, 1], layers: [maxPooling2d()] });
    const model = networkOn(engine, {
      ...spec,
      loss: { type: 'meanSquaredError', reduction: 'halfSum' },
    });
    expect([
      ...model.gradients(Float32Array.of(1, 3, 3, 3), [[[0]]], { inputs: true }).inputs!,
    ]).toEqual([0, 3, 0, 0]);
  });
});

it('learns to read digits', async () => {
  const { accuracy } = await read(1, { epochs: 5 });
  expect(accuracy).toBeGreaterThan(0.97);
});

it('is saved, loaded and exported as a module', async () => {
  for (let seed = 200; seed < 212; seed++) {
    const made = randomCase(seed);
    const model = sequential(made.spec);
    await model.fit(made.x, made.y, { epochs: 1, batchSize: 2 });
    const again = load(save(model));
    expect(again.toJSON()).toEqual(model.toJSON());
    expect(hexOf(again)).toEqual(hexOf(model));
    const source = toModule(model);
    const url = `data:text/javascript;base64,${Buffer.from(source).toString('base64')}`;
    const { predict } = await import(url);
    const first = made.x.subarray(0, made.inputs);
    expect(Float32Array.from(predict(first)), `seed ${seed}`).toEqual(model.predict(first));
  }
});

it('draws weights by how many numbers reach a filter', () => {
  const model = sequential(
    image({ inputShape: [4, 4, 8], layers: [conv2d({ filters: 40, kernelSize: 3, groups: 2 })] }),
  );
  const { w } = { w: model.getWeights()['layers.0.w']! };
  expect(w.length).toBe(3 * 3 * 4 * 40);
  const limit = Math.sqrt(6 / (9 * 4 + 9 * 20));
  const largest = w.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  expect(largest).toBeLessThan(limit);
  expect(largest).toBeGreaterThan(0.98 * limit);
  const orthogonal = sequential(
    image({ layers: [conv2d({ filters: 4, kernelSize: 3, weightInitializer: 'orthogonal' })] }),
  ).getWeights()['layers.0.w']!;
  const dot = (a: number, b: number) => {
    let sum = 0;
    for (let i = 0; i < orthogonal.length; i += 4) sum += orthogonal[i + a]! * orthogonal[i + b]!;
    return sum;
  };
  expect(dot(0, 0)).toBeCloseTo(1, 5);
  expect(dot(1, 3)).toBeCloseTo(0, 5);
});

describe('refuses', () => {
  const refused: [string, LayerSpec, string][] = [
    [
      'flat rows',
      conv1d({ filters: 1, kernelSize: 1 }),
      'layers[0] (conv1d): expected rows of shape [steps, channels], got [6, 7, 2]: layers.reshape({ shape: [steps, channels] }) before it gives them another',
    ],
    [
      'a kernel that does not fit',
      conv2d({ filters: 1, kernelSize: [3, 8] }),
      "layers[0] (conv2d): no window of 3×8 fits into rows of shape [6, 7, 2]: make it smaller, or pad them (padding: 'same')",
    ],
    [
      'groups that do not part channels',
      conv2d({ filters: 3, kernelSize: 1, groups: 3 }),
      'layers[0] (conv2d): groups: 2 channels do not part into 3',
    ],
    [
      'groups that do not part filters',
      conv2d({ filters: 3, kernelSize: 1, groups: 2 }),
      'layers[0] (conv2d): groups: 3 filters do not part into 2',
    ],
    [
      'half a filter',
      conv2d({ filters: 1.5, kernelSize: 1 }),
      'layers[0] (conv2d): filters: expected a whole number of at least 1, got 1.5',
    ],
    [
      'no kernel',
      conv2d({ filters: 1, kernelSize: 0 }),
      'layers[0] (conv2d): kernelSize: expected a whole number of at least 1, got 0',
    ],
    [
      'a stride of 0',
      conv2d({ filters: 1, kernelSize: 1, strides: [1, 0] }),
      'layers[0] (conv2d): strides[1]: expected a whole number of at least 1, got 0',
    ],
    [
      'three sizes',
      conv2d({ filters: 1, kernelSize: [1, 2, 3] as never }),
      'layers[0] (conv2d): kernelSize: expected a number, or two: [rows, columns], got an array of 3',
    ],
    [
      'unknown padding',
      conv2d({ filters: 1, kernelSize: 1, padding: 'full' as never }),
      "layers[0] (conv2d): padding: expected 'valid', 'same' or a number, got 'full'",
    ],
    [
      'negative padding',
      conv2d({ filters: 1, kernelSize: 1, padding: -1 }),
      'layers[0] (conv2d): padding: expected a whole number of at least 0, got -1',
    ],
    [
      'windows of nothing',
      maxPooling2d({ poolSize: 2, padding: 2 }),
      'layers[0] (maxPooling2d): padding: expected less than poolSize, so that every window holds a value',
    ],
    [
      'a window that does not fit',
      averagePooling2d({ poolSize: 9 }),
      'layers[0] (averagePooling2d): no window of 9×9 fits into rows of shape [6, 7, 2]',
    ],
    [
      'an option of another layer',
      { ...maxPooling2d({ poolSize: 2 }), filters: 3 } as never,
      "layers[0]: unknown option 'filters'",
    ],
  ];
  it.each(refused)('%s', (_, layer, message) => {
    expect(() => sequential(image({ layers: [layer] }))).toThrow(message);
  });

  it('images where a sequence is wanted, as a ShapeError', () => {
    const layer = layers.globalMaxPooling();
    expect(() => sequential(image({ inputShape: [4], layers: [layer] }))).toThrow(ShapeError);
    const sizes = conv1d({ filters: 1, kernelSize: [3, 3] as never });
    expect(() => sequential(image({ inputShape: [4, 1], layers: [sizes] }))).toThrow(
      'layers[0] (conv1d): kernelSize: expected a number, got an array of 2',
    );
  });
});
