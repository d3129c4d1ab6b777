import { describe, expect, it } from 'vitest';
import { jsBackend } from '../src/backends/js.js';
import {
  type ConstraintSpec,
  dense,
  layers,
  type NetworkSpec,
  type RegularizerSpec,
  sequential,
} from '../src/index.js';
import { resolveModel } from '../src/layers/model.js';
import * as ops from '../src/ops/index.js';
import { Plan } from '../src/plan.js';
import { clippingSpecs, constraintSpecs, nameOf } from './catalogues.js';
import { engines, hexOf, networkOn } from './engines.js';
import { expectSameBits, guard, inner, type JsKernel, matrix, sentinel } from './kernels/arrays.js';
import { generator } from './kernels/core.js';
import { configurationsOf, failuresOf } from './trajectory.js';

// The fixture, its tool, version and command are described in scripts/golden-regularization.py.
describe.each(['wasm', 'js'] as const)('trajectories of PyTorch on %s', (backend) => {
  it.each(configurationsOf('regularization.json'))('$name', (configuration) => {
    expect(failuresOf(configuration, backend)).toEqual([]);
  });
});

const kernels = ops as unknown as Record<string, JsKernel>;
const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;
const special = [0, -0, 1, -1, 1e-45, -1e-30, 1e-20, 1e19, -1e30, 3e38, nan, infinity, -infinity];
const shapes = [1, 3, 4, 5, 8, 17, 63, 65].flatMap((columns) =>
  [1, 2, 7].map((rows) => [rows, columns] as const),
);

describe('JS and WebAssembly agree to the bit', () => {
  const pitchOf = (array: Float32Array, rows: number) => (array.length - 2 * guard) / rows;

  /** A matrix of ordinary numbers, then one of numbers at the edges of the format. */
  function* matrices(rows: number, columns: number): Generator<Float32Array> {
    const random = generator(rows * 100 + columns);
    yield matrix(rows, columns, () => 4 * random() - 2);
    yield matrix(rows, columns, (i) => special[(7 * i + rows) % special.length]!);
  }

  /** The same with anything in the padding, as in activations. */
  function withPadding(array: Float32Array, rows: number, columns: number): Float32Array {
    const pitch = pitchOf(array, rows);
    const copy = array.slice();
    for (let r = 0; r < rows; r++) {
      for (let c = columns; c < pitch; c++) copy[guard + r * pitch + c] = c % 2 ? nan : -7;
    }
    return copy;
  }

  it.each(shapes)('in penalties of %i × %i', (rows, columns) => {
    const counters = new Float32Array(2 * guard + 8).fill(sentinel);
    // The words of an Int32Array, of which the fourth is the epoch.
    inner(counters).fill(0);
    const [js, others] = [kernels.addPenalty!, kernels.addPenaltySlope!];
    const penalty: JsKernel = (sums, y, words, ...rest) => {
      const { buffer, byteOffset } = sums as Float32Array;
      const { buffer: held, byteOffset: at } = words as Float32Array;
      return js(new Float64Array(buffer, byteOffset, 2), y, new Int32Array(held, at, 8), ...rest);
    };
    for (const y of matrices(rows, columns)) {
      const pitch = pitchOf(y, rows);
      const sums = new Float32Array(2 * guard + 4).fill(sentinel);
      inner(sums).set(new Float32Array(Float64Array.of(0.1, 0.2).buffer));
      for (const [times, l1, l2] of [[1, 0.1, 0.2] as const, [32, 0, 0.01], [3, 0.7, 0]]) {
        const arrays = [sums, withPadding(y, rows, columns), counters];
        expectSameBits('addPenalty', penalty, arrays, [rows, columns, pitch, times!, l1!, l2!]);
      }
      for (const dy of matrices(rows, columns)) {
        for (const [keep, s1, s2] of [[1, 0.1, 0.2] as const, [0, 0, 0.01], [1, 0, 1]]) {
          const sizes = [rows, columns, pitch, keep!, s1!, s2!];
          // JS does not touch the padding; it is zero in gradients.
          const before = keep ? dy : matrix(rows, columns, () => nan);
          const padded = withPadding(y, rows, columns);
          expectSameBits('addPenaltySlope', others, [before, padded], sizes);
        }
      }
    }
  });

  it.each(shapes)('in constraints on %i × %i', (rows, columns) => {
    for (const w of matrices(rows, columns)) {
      const pitch = pitchOf(w, rows);
      const [plain, most] = [kernels.nonNegativeConstraint!, kernels.maxNormConstraint!];
      const held = expectSameBits('nonNegativeConstraint', plain, [w], [rows, columns, pitch])[0]!;
      expect(inner(held).some((v) => v < 0)).toBe(false);
      for (const limit of [0.5, 2, 1e30]) {
        expectSameBits('maxNormConstraint', most, [w], [rows, columns, pitch, limit]);
      }
    }
  });

  it.each([8, 16, 24, 72])('in clipping of %i numbers', (size) => {
    const random = generator(size);
    const blocks = [
      matrix(1, size, () => 4 * random() - 2, size),
      matrix(1, size, (i) => special[i % 10]!, size),
      matrix(1, size, (i) => special[(3 * i + size) % special.length]!, size),
      matrix(1, size, () => 0, size),
    ];
    for (const dw of blocks) {
      for (const limit of [1e-3, 0.5, 1e20]) {
        expectSameBits('clipValue', kernels.clipValue!, [dw], [size, limit]);
        expectSameBits('clipNorm', kernels.clipNorm!, [dw], [size, limit]);
      }
    }
  });
});

const both = ['wasm', 'js'] as const;
const constant = (value: number) => ({ weightInitializer: { type: 'constant', value } as const });
/** One unit without a bias, y = w·x, whose weight is 2; the loss is (y − t)². */
const single = (options: Parameters<typeof dense>[1] = {}, spec: Partial<NetworkSpec> = {}) =>
  ({
    inputShape: [1],
    layers: [dense(1, { useBias: false, ...constant(2), ...options })],
    loss: 'meanSquaredError',
    optimizer: { type: 'sgd', learningRate: 0.5 },
    ...spec,
  }) as const satisfies NetworkSpec;

describe.each(both)('by hand on %s', (backend) => {
  it('penalties add to the loss and to the gradient', () => {
    // y = 4, (4 − 1)² = 9, and its slope 2·3·2 = 12; 0.5·|2| + 0.25·2² = 2 and 0.5 + 0.5·2 = 1.5.
    const model = sequential(single({ weightRegularizer: { l1: 0.5, l2: 0.25 } }), { backend });
    const { loss, weights } = model.gradients([[2]], [[1]]);
    expect(loss).toBe(11);
    expect(weights['layers.0.w']).toEqual(Float32Array.of(13.5));
    expect(model.evaluate([[2]], [[1]])).toEqual({ loss: 11 });
    expect(model.trainOnBatch([[2]], [[1]])).toEqual({ loss: 11 });
    expect(model.getWeights()['layers.0.w']).toEqual(Float32Array.of(2 - 0.5 * 13.5));
  });

  it('that of activities is a mean over the rows, that of weights is not', () => {
    // y = 4 and −2: losses 9 and 9, a mean of 9. 0.5·(4 + 2)/2 = 1.5; slopes of y: 0.5/2, −0.5/2.
    const x = [[2], [-1]];
    const t = [[1], [1]];
    const activity = sequential(single({ activityRegularizer: { l1: 0.5 } }), { backend });
    const { loss, weights, inputs } = activity.gradients(x, t, { inputs: true });
    expect(loss).toBe(10.5);
    // (6·2 + (−6)·(−1))/2 = 9 and 0.25·2 + 0.25·1.
    expect(weights['layers.0.w']).toEqual(Float32Array.of(9.75));
    expect(inputs).toEqual(Float32Array.of(2 * 3.25, 2 * -3.25));
    const weight = sequential(single({ weightRegularizer: { l1: 0.5 } }), { backend });
    expect(weight.gradients(x, t).loss).toBe(10);
    expect(weight.evaluate(x, t).loss).toBe(10);
  });

  it('validation counts them too', async () => {
    const model = sequential(single({ weightRegularizer: { l2: 1 } }), { backend });
    const { history } = await model.fit([[2], [1]], [[1], [0]], {
      validationData: [
        [[0], [0], [0]],
        [[0], [0], [0]],
      ],
    });
    const w = model.getWeights()['layers.0.w']![0]!;
    expect(history.val_loss).toEqual([Math.fround(w * w)]);
  });

  it.each([
    ['value', { type: 'value', limit: 3 } as const, [3, -3, 2]],
    // ‖(12, −4, 2)‖ = √164; each by itself; √164 once more.
    ['norm', { type: 'norm', limit: 3 } as const, [3, -3, 2]],
    ['globalNorm', 'globalNorm' as const, [12, -4, 2].map((g) => g / Math.sqrt(164))],
  ])('clipping by %s', (_, clipping, expected) => {
    const spec = {
      inputShape: [1],
      layers: [1, 2, 3].map(() => dense(1, { useBias: false, ...constant(0) })),
      optimizer: { type: 'sgd', learningRate: 1 },
      clipping,
    } as const satisfies NetworkSpec;
    const model = sequential(spec, { backend });
    const names = Object.keys(model.getWeights());
    model.applyGradients(Object.fromEntries(names.map((name, i) => [name, [[12, -4, 2][i]!]])));
    Object.values(model.getWeights()).forEach((w, i) => {
      expect(-w[0]!).toBeCloseTo(expected[i]!, 5);
    });
  });

  it('gradients below the limit stay as they are', () => {
    const clipped = sequential(single({}, { clipping: { type: 'globalNorm', limit: 13 } }), {
      backend,
    });
    const free = sequential(single(), { backend });
    for (const model of [clipped, free]) model.trainOnBatch([[2]], [[1]]);
    expect(clipped.getWeights()).toEqual(free.getWeights());
  });

  it('clipping comes before weight decay', () => {
    const optimizer = { type: 'sgd', learningRate: 1, weightDecay: 0.5 } as const;
    const model = sequential(single({}, { optimizer, clipping: 'value' }), { backend });
    model.applyGradients({ 'layers.0.w': [12] });
    expect(model.getWeights()['layers.0.w']).toEqual(Float32Array.of(2 - (1 + 0.5 * 2)));
  });

  it('maxNorm bounds the weights into each unit, nonNegative every number', () => {
    const layer = (weightConstraint: ConstraintSpec) =>
      dense(2, { weightConstraint, biasConstraint: weightConstraint, ...constant(0) });
    const stepped = (constraint: ConstraintSpec) => {
      const optimizer = { type: 'sgd', learningRate: 1 } as const;
      const model = sequential(
        { inputShape: [2], layers: [layer(constraint)], optimizer },
        { backend },
      );
      model.applyGradients({ 'layers.0.w': [-3, 0.5, -4, 0.5], 'layers.0.b': [3, -1] });
      return model.getWeights();
    };
    expect(stepped({ type: 'maxNorm', limit: 1 })).toEqual({
      'layers.0.w': Float32Array.of(0.6, -0.5, 0.8, -0.5),
      'layers.0.b': Float32Array.of(-1, 1),
    });
    expect(stepped('nonNegative')).toEqual({
      'layers.0.w': Float32Array.of(3, 0, 4, 0),
      'layers.0.b': Float32Array.of(0, 1),
    });
  });
});

const penalized: Parameters<typeof dense>[1] = {
  weightRegularizer: { l1: 0.01, l2: 0.02 },
  activityRegularizer: { l1: 0.05 },
};
/** Where plain gradient descent is fused, in some places only. */
const mixed: Partial<NetworkSpec> = {
  inputShape: [7],
  layers: [
    dense(18, { activation: 'relu' }),
    dense(9, { activation: 'gelu', ...penalized }),
    dense(5, { activation: 'tanh', biasRegularizer: { l2: 0.1 }, weightConstraint: 'nonNegative' }),
    dense(3, { activation: 'softmax', activityRegularizer: { l2: 0.1 } }),
  ],
  loss: 'sparseCategoricalCrossentropy',
  seed: 3,
};

describe.each(engines)('on %s', (engine) => {
  const cases = [
    undefined,
    ...clippingSpecs.map((clipping) =>
      typeof clipping === 'string' ? ({ type: clipping, limit: 0.05 } as const) : clipping,
    ),
  ].flatMap((clipping) =>
    (['sgd', 'adam'] as const).map((optimizer) => ({ ...mixed, clipping, optimizer })),
  );

  it.each(cases)(
    'trainOnBatch is gradients, then applyGradients: $optimizer, $clipping',
    (spec) => {
      const random = generator(2);
      const x = Float32Array.from({ length: 9 * 7 }, () => 4 * random() - 2);
      const y = Array.from({ length: 9 }, (_, r) => r % 3);
      const make = () => networkOn(engine, JSON.parse(JSON.stringify(spec)) as NetworkSpec);
      const [once, twice, fitted] = [make(), make(), make()];
      const start = hexOf(once);
      for (let step = 0; step < 5; step++) {
        const { loss } = once.trainOnBatch(x, y);
        const { loss: same, weights } = twice.gradients(x, y);
        twice.applyGradients(weights);
        expect(same).toBe(loss);
        expect(hexOf(twice)).toEqual(hexOf(once));
      }
      expect(hexOf(once)).not.toEqual(start);
      return fitted.fit(x, y, { epochs: 5, batchSize: 9, shuffle: false }).then(() => {
        expect(hexOf(fitted)).toEqual(hexOf(once));
      });
    },
  );

  it('a network without parameters has nothing to clip', () => {
    const model = networkOn(engine, {
      inputShape: [2],
      layers: [layers.activityRegularization({ l2: 0.5 })],
      loss: 'meanSquaredError',
      clipping: 'norm',
    });
    // (1 + 4)/2 and 0.5·(1 + 4).
    expect(model.trainOnBatch([[1, 2]], [[0, 0]]).loss).toBe(5);
  });
});

it('only what has a penalty keeps its gradient for a step of its own', () => {
  const plan = new Plan(resolveModel({ ...mixed, optimizer: 'sgd' } as NetworkSpec), jsBackend());
  const ops = plan.describe({
    ...{ batch: 4, rows: 'given', training: true, outputs: false },
    ...{ loss: true, gradients: 'parameters', update: true },
  });
  const count = (name: string) => ops.filter(({ kernel }) => kernel === name).length;
  expect([count('denseBackwardWeightsSgd'), count('denseBackwardWeights')]).toEqual([3, 1]);
  expect([count('denseBackwardBiasSgd'), count('denseBackwardBias')]).toEqual([3, 1]);
  expect(count('sgdStep')).toBe(2);
});

it('predictions are those without penalties', () => {
  const plain = sequential(single());
  const held = sequential(single({ activityRegularizer: { l1: 1 }, weightRegularizer: { l2: 1 } }));
  expect(held.predict([[3], [4]])).toEqual(plain.predict([[3], [4]]));
});

it('a penalty of 0 is none', () => {
  const plain = sequential(single());
  const held = sequential(single({ weightRegularizer: { l1: 0 }, biasRegularizer: { l2: 0 } }));
  expect(held.gradients([[3]], [[4]])).toEqual(plain.gradients([[3]], [[4]]));
});

it('a penalty that is too large to count ends the training before the step', async () => {
  const model = sequential(single({ weightRegularizer: { l2: 1e19 }, ...constant(1e15) }));
  await expect(model.fit([[0]], [[0]])).rejects.toThrow('the loss stopped being finite');
  expect(model.getWeights()['layers.0.w']).toEqual(Float32Array.of(1e15));
});

it('survives toJSON', () => {
  const spec = { ...mixed, clipping: { type: 'norm', limit: 0.5 } } as NetworkSpec;
  const model = sequential(spec);
  const copy = sequential(JSON.parse(JSON.stringify(model)));
  expect(copy.toJSON()).toEqual({ ...spec });
  const [x, y] = [[[1, 2, 3, 4, 5, 6, 7]], [2]];
  for (let i = 0; i < 3; i++) expect(copy.trainOnBatch(x, y)).toEqual(model.trainOnBatch(x, y));
});

it.each(constraintSpecs.map((c) => [nameOf(c as string), c] as const))('takes %s', (_, spec) => {
  const model = sequential(single({ weightConstraint: spec }));
  expect(model.toJSON().layers[0]).toMatchObject({ weightConstraint: spec });
});

describe('refuses', () => {
  const refused: [name: string, layer: object, spec: object, message: string][] = [
    [
      'a number',
      { weightRegularizer: 0.1 },
      {},
      'weightRegularizer: expected a penalty such as { l2: 0.01 }, got 0.1',
    ],
    [
      'null',
      { biasRegularizer: null },
      {},
      'biasRegularizer: expected a penalty such as { l2: 0.01 }, got null',
    ],
    [
      'an empty object',
      { activityRegularizer: {} },
      {},
      'activityRegularizer: expected a penalty such as { l2: 0.01 }, got an object',
    ],
    [
      'a negative penalty',
      { weightRegularizer: { l1: -1 } },
      {},
      'weightRegularizer: l1: expected a number',
    ],
    [
      'a penalty that is NaN',
      { weightRegularizer: { l2: nan } },
      {},
      'weightRegularizer: l2: expected a number',
    ],
    [
      'text',
      { weightRegularizer: { l2: '1' } },
      {},
      "weightRegularizer: l2: expected a number, got '1'",
    ],
    [
      'a third',
      { weightRegularizer: { l1: 1, l3: 1 } },
      {},
      "unknown option 'l3'; did you mean 'l1'?",
    ],
    [
      'an unknown constraint',
      { weightConstraint: 'maxnorm' },
      {},
      "weightConstraint: unknown name 'maxnorm'; did you mean 'maxNorm'?",
    ],
    [
      'a limit of 0',
      { biasConstraint: { type: 'maxNorm', limit: 0 } },
      {},
      'biasConstraint: limit: expected a number above 0, got 0',
    ],
    [
      'an unknown clipping',
      {},
      { clipping: 'global' },
      "clipping: unknown name 'global'; did you mean 'globalNorm'?",
    ],
    [
      'a limit below 0',
      {},
      { clipping: { type: 'norm', limit: -1 } },
      'clipping: limit: expected a number above 0, got -1',
    ],
    [
      'a number for a clipping',
      {},
      { clipping: 1 },
      "clipping: expected a name such as 'value', got 1",
    ],
  ];
  it.each(refused)('%s', (_, layer, spec, message) => {
    expect(() => sequential(single(layer, spec))).toThrow(message);
  });

  it('the same in a layer of its own', () => {
    const spec = {
      inputShape: [2],
      layers: [layers.activityRegularization({} as RegularizerSpec)],
    };
    expect(() => sequential(spec)).toThrow(
      'layers[0] (activityRegularization): expected a penalty such as { l2: 0.01 }, got an object',
    );
  });
});
