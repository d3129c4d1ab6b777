import { describe, expect, it } from 'vitest';
import {
  dense,
  layers,
  load,
  type NetworkSpec,
  ShapeError,
  save,
  sequential,
} from '../src/index.js';
import { toModule } from '../src/module.js';
import { threadsWith } from '../src/threads/backend.js';
import { optimizerSpecs } from './catalogues.js';
import { engines, hexOf, networkOn } from './engines.js';
import { generator } from './kernels/core.js';
import { configurationsOf, failuresOf } from './trajectory.js';

// Self-attention with several heads, and networks around it.

const rows = 7;
const random = generator(12);
const floats = (length: number) => Float32Array.from({ length }, () => 2 * random() - 1);

const spec = (
  [steps, features]: readonly [number, number],
  attention: Parameters<typeof layers.attention>[0],
  changes: Partial<NetworkSpec> = {},
): NetworkSpec => ({
  inputShape: [steps, features],
  layers: [
    dense(features, { biasInitializer: 'randomNormal' }),
    layers.residual({ layers: [layers.layerNormalization(), layers.attention(attention)] }),
    dense(3, { activation: 'softmax' }),
  ],
  loss: 'sparseCategoricalCrossentropy',
  seed: 8,
  ...changes,
});

type Case = [readonly [number, number], Parameters<typeof layers.attention>[0]];
const shapes: Case[] = [
  [[1, 1], { heads: 1 }],
  [[3, 4], { heads: 2 }],
  [[5, 6], { heads: 3, causal: true }],
  [[9, 10], { heads: 2, units: 6, useBias: false }],
  [[17, 8], { heads: 8, causal: true, units: 40 }],
  [[40, 66], { heads: 2, causal: true }],
];

/** Behind a mask of every third step or so, with outputs for each step or their mean. */
const masked = (
  [steps]: readonly number[],
  attention: Parameters<typeof layers.attention>[0],
  mean: boolean,
): Partial<NetworkSpec> => ({
  inputShape: [steps!],
  layers: [
    layers.embedding({ vocabulary: 3, units: 4 * attention.heads, maskZero: true }),
    layers.residual({ layers: [layers.attention(attention)] }),
    ...(mean ? [layers.globalAveragePooling()] : []),
    dense(3, { activation: 'softmax' }),
  ],
});

describe('backends agree', () => {
  const numbers = (length: number) => Array.from({ length }, () => Math.floor(3 * random()));

  const agree = async (
    [shape, attention]: Case,
    x: Float32Array,
    y: readonly number[],
    changes: Partial<NetworkSpec> = {},
  ) => {
    const learn = async (engine: Parameters<typeof networkOn>[0]) => {
      const optimizer = optimizerSpecs[(3 * shape[0]) % optimizerSpecs.length]!;
      const model = networkOn(engine, spec(shape, attention, { optimizer, ...changes }));
      const { history } = await model.fit(x, y, { epochs: 2, batchSize: 3 });
      return [history, hexOf(model), [...model.predict(x)]];
    };
    const first = await learn('js');
    for (const engine of ['release', 'debug'] as const) expect(await learn(engine)).toEqual(first);
    // And so do several threads, of which each has some of the sequences.
    for (const n of [2, 3]) {
      expect(await learn(threadsWith(n, { leastProducts: 0 }))).toEqual(first);
    }
  };

  it.each(shapes)('on rows of %j with %j', async (...shape) => {
    const [steps, features] = shape[0];
    await agree(shape, floats(rows * steps * features), numbers(rows * steps));
  });

  it.each(shapes)('on rows of %j with %j, some of them padding', async (...shape) => {
    const [steps] = shape[0];
    for (const mean of [false, true]) {
      const labels = numbers(mean ? rows : rows * steps);
      await agree(shape, Float32Array.from(numbers(rows * steps)), labels, masked(...shape, mean));
    }
  });
});

describe.each(engines)('on %s', (engine) => {
  const [steps, features] = [6, 8];
  const x = floats(rows * steps * features);
  const y = Array.from({ length: rows * steps }, () => Math.floor(3 * random()));
  const on = (attention: Parameters<typeof layers.attention>[0], changes = {}) =>
    networkOn(engine, spec([steps, features], attention, changes));

  it('one row alone is the same as among others', () => {
    const model = on({ heads: 2 });
    const all = model.predict(x);
    const one = model.predict(x.subarray(0, steps * features));
    expect(one).toEqual(all.subarray(0, one.length));
  });

  it('a step is that along the gradients, and a batch in parts the whole, to the bit', async () => {
    for (const optimizer of ['sgd', 'adam'] as const) {
      const [one, two] = [on({ heads: 2 }, { optimizer }), on({ heads: 2 }, { optimizer })];
      one.trainOnBatch(x, y);
      two.applyGradients(two.gradients(x, y).weights);
      expect(hexOf(two)).toEqual(hexOf(one));
      const [whole, parts] = [on({ heads: 4 }, { optimizer }), on({ heads: 4 }, { optimizer })];
      await whole.fit(x, y, { epochs: 2, batchSize: 7 });
      await parts.fit(x, y, { epochs: 2, batchSize: 7, microBatchSize: 3 });
      expect(hexOf(parts)).toEqual(hexOf(whole));
    }
  });

  it('under a causal mask, no step takes from those behind it', () => {
    const causal = on({ heads: 2, causal: true });
    const open = on({ heads: 2 });
    const changed = x.slice(0, steps * features);
    for (let i = 4 * features; i < changed.length; i++) changed[i]! += 1;
    const before = 4 * 3;
    const first = (model: typeof open, row: Float32Array) => [
      ...model.predict(row).subarray(0, before),
    ];
    const given = x.subarray(0, steps * features);
    expect(first(causal, changed)).toEqual(first(causal, given));
    expect(first(open, changed)).not.toEqual(first(open, given));
  });

  it('without a mask, steps in another order have their outputs in that order', () => {
    const model = on({ heads: 4 });
    const turned = new Float32Array(steps * features);
    for (let s = 0; s < steps; s++) {
      turned.set(x.subarray(s * features, (s + 1) * features), (steps - 1 - s) * features);
    }
    const [there, back] = [x.subarray(0, steps * features), turned].map((row) =>
      model.predict(row),
    );
    for (let s = 0; s < steps; s++) {
      for (let c = 0; c < 3; c++) {
        expect(back![(steps - 1 - s) * 3 + c]).toBeCloseTo(there![s * 3 + c]!, 5);
      }
    }
  });
});

it('is softmax(q·kᵀ / √d)·v of each head', () => {
  const model = sequential({ inputShape: [2, 2], layers: [layers.attention({ heads: 2 })] });
  // q = x, k = 2x, v = 3x and no more.
  model.setWeights({
    'layers.0.w': Float32Array.of(1, 0, 2, 0, 3, 0, 0, 1, 0, 2, 0, 3),
    'layers.0.wOut': Float32Array.of(1, 0, 0, 1),
  });
  const x = [0.5, -1, 0.25, 2];
  const y = model.predict(Float32Array.from(x));
  for (let i = 0; i < 2; i++) {
    for (let h = 0; h < 2; h++) {
      const at = (step: number) => x[2 * step + h]!;
      const shares = [0, 1].map((j) => Math.exp(at(i) * 2 * at(j)));
      const sum = shares[0]! + shares[1]!;
      const wanted = (shares[0]! * 3 * at(0) + shares[1]! * 3 * at(1)) / sum;
      expect(y[2 * i + h]).toBeCloseTo(wanted, 5);
    }
  }
});

it('is drawn as one matrix of q, k and v, and has no biases at first', () => {
  const model = sequential({ inputShape: [4, 6], layers: [layers.attention({ heads: 3 })] });
  const { 'layers.0.w': w, 'layers.0.b': b, 'layers.0.wOut': wOut } = model.getWeights();
  expect([w!.length, b!.length, wOut!.length]).toEqual([6 * 18, 18, 36]);
  expect(Math.max(...w!.map(Math.abs))).toBeLessThan(Math.sqrt(6 / 24));
  expect(b).toEqual(new Float32Array(18));
});

it('is saved, loaded and written as a module to the same bits', async () => {
  const model = sequential(spec([5, 6], { heads: 2, causal: true, useBias: false }));
  const x = floats(2 * 30);
  expect(load(save(model)).predict(x)).toEqual(model.predict(x));
  const url = `data:text/javascript,${encodeURIComponent(toModule(model))}`;
  expect((await import(url)).predict(x)).toEqual(model.predict(x));
});

// The fixture, its tool, version and command are described in scripts/golden-attention.py.
describe.each(['wasm', 'js'] as const)('trajectories of PyTorch on %s', (backend) => {
  it.each(configurationsOf('attention.json'))('$name', (configuration) => {
    expect(failuresOf(configuration, backend)).toEqual([]);
  });
});

describe('refuses', () => {
  const refusal = (inputShape: number[], options: object) => () =>
    sequential({ inputShape, layers: [layers.attention(options as { heads: number })] });

  it('rows that are no sequences', () => {
    expect(refusal([8], { heads: 2 })).toThrow(ShapeError);
    expect(refusal([8], { heads: 2 })).toThrow(
      'layers[0] (attention): expected rows of shape [steps, features], got [8]',
    );
    expect(refusal([2, 2, 2], { heads: 2 })).toThrow(ShapeError);
  });

  it.each<[object, string]>([
    [{}, 'heads: expected a whole number, got undefined'],
    [{ heads: 0 }, 'heads: expected a whole number of at least 1, got 0'],
    [{ heads: 3 }, 'heads: expected a divisor of the features, 8, got 3'],
    [{ heads: 3, units: 4 }, 'heads: expected a divisor of units, 4, got 3'],
    [{ heads: 2, units: 2.5 }, 'units: expected a whole number of at least 1, got 2.5'],
    [{ heads: 2, causal: 1 }, 'causal: expected true or false, got 1'],
    [{ heads: 2, useBias: 'no' }, "useBias: expected true or false, got 'no'"],
    [{ heads: 2, weightInitializer: 'wide' }, "weightInitializer: unknown name 'wide'"],
  ])('%j', (options, said) => {
    expect(refusal([4, 8], options)).toThrow(`layers[0] (attention): ${said}`);
  });
});
