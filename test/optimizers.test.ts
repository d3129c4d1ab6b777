import { describe, expect, it } from 'vitest';
import { jsBackend } from '../src/backends/js.js';
import { dense, type NetworkSpec, type OptimizerSpec, sequential } from '../src/index.js';
import { resolveModel } from '../src/layers/model.js';
import type { Request } from '../src/lists.js';
import * as ops from '../src/ops/index.js';
import { Plan } from '../src/plan.js';
import { nameOf, optimizerSpecs, typeOf } from './catalogues.js';
import { expectSameBits, guard, inner, type JsKernel, matrix, sentinel } from './kernels/arrays.js';
import { generator } from './kernels/core.js';
import { configurationsOf, failuresOf } from './trajectory.js';

const kernels = ops as unknown as Record<string, JsKernel>;
const named = optimizerSpecs.map((optimizer) => [nameOf(optimizer), optimizer] as const);
const types = Object.keys(ops.optimizers) as (keyof typeof ops.optimizers)[];

const ruleOf = (optimizer: OptimizerSpec) =>
  resolveModel({ inputShape: [1], layers: [dense(1)], optimizer }).optimizer;

// The fixture, its tool, version and command are described in scripts/golden-optimizers.py.
const configurations = configurationsOf('optimizers.json');

describe.each(['wasm', 'js'] as const)('trajectories of PyTorch on %s', (backend) => {
  it.each(configurations)('$name', (configuration) => {
    expect(failuresOf(configuration, backend)).toEqual([]);
  });
});

it('there are trajectories of every optimizer', () => {
  const met = configurations.map(({ spec }) => typeOf(spec.optimizer!));
  expect(new Set(met)).toEqual(new Set(types));
});

/** Numbers of float64 in the place of floats, between sentinels. */
function doubles(values: readonly number[]): Float32Array {
  const floats = new Float32Array(2 * values.length + 2 * guard).fill(sentinel);
  inner(floats).set(new Float32Array(Float64Array.from(values).buffer));
  return floats;
}

/** The kernel with the array at `place` as float64. */
const withDoubles =
  (kernel: JsKernel, place: number): JsKernel =>
  (...args) => {
    const { buffer, byteOffset, length } = args[place] as Float32Array;
    return kernel(...args.with(place, new Float64Array(buffer, byteOffset, length / 2)));
  };

const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;
const special = [0, -0, 1, -1, 1e-45, -1e-30, 1e-20, 1e19, -1e30, 3e38, nan, infinity, -infinity];

describe.each(named)('%s', (_, optimizer) => {
  const { advance, step, slots, hyper: start } = ruleOf(optimizer);

  /** Steps along gradients, in JS and in both builds, and gives the weights. */
  function steps(size: number, decays: number, gradients: ((i: number) => number)[]): Float32Array {
    const random = generator(size);
    const block = (value: (i: number) => number) => matrix(1, size, value, size);
    let hyper = doubles(start);
    let blocks = [block(() => 2 * random() - 1), ...slots.map(() => block(() => 0))];
    for (const gradient of gradients) {
      if (advance) {
        const kernel = withDoubles(kernels[advance]!, 0);
        hyper = expectSameBits(advance, kernel, [hyper], [])[0]!;
      }
      const arrays = [...blocks, block(gradient), hyper];
      const kernel = withDoubles(kernels[step]!, arrays.length - 1);
      blocks = expectSameBits(step, kernel, arrays, [size, decays]).slice(0, blocks.length);
    }
    return inner(blocks[0]!);
  }

  const sizes = Array.from({ length: 6 }, (_, i) => 8 * (i + 1));
  it.each(sizes)('JS and WebAssembly agree to the bit over %i parameters', (size) => {
    const random = generator(size);
    const around = (scale: number) => () => scale * (2 * random() - 1);
    for (const decays of [0, 1]) {
      steps(size, decays, [around(1), around(1), around(0.1), around(1)]);
      steps(size, decays, [around(1e-22), around(1e-22), around(1e22), around(1)]);
      steps(size, decays, [
        (i) => special[i % special.length]!,
        around(1),
        (i) => special[(5 * i + size) % special.length]!,
      ]);
    }
  });

  it('carries NaN', () => {
    for (const decays of [0, 1]) {
      const w = steps(8, decays, [() => 1, (i) => (i === 5 ? nan : 1)]);
      expect([...w.keys()].filter((i) => Number.isNaN(w[i]))).toEqual([5]);
    }
  });

  it('leaves padding alone', () => {
    const spec = { inputShape: [3], layers: [dense(3), dense(3)], optimizer } as const;
    const plan = new Plan(resolveModel({ ...spec, loss: 'meanSquaredError' }), jsBackend());
    const { floats } = plan.backend;
    for (const { tensor, gradient } of plan.parameters) {
      for (let r = 0; r < tensor.rows; r++) {
        for (let c = 0; c < tensor.columns; c++) {
          floats[tensor.offset + r * tensor.pitch + c] = 1;
          floats[gradient.offset + r * gradient.pitch + c] = 1;
        }
      }
    }
    for (let i = 0; i < 3; i++) plan.applyGradients();
    const { offset, pitch } = plan.trainable;
    const block = floats.subarray(offset, offset + pitch);
    const numbers = plan.parameters.reduce((n, { tensor: t }) => n + t.rows * t.columns, 0);
    expect(block.filter((w) => w !== 0).length).toBe(numbers);
  });

  it('survives toJSON', () => {
    const spec: NetworkSpec = {
      inputShape: [3],
      layers: [dense(4, { activation: 'tanh' }), dense(2)],
      loss: 'meanSquaredError',
      optimizer,
    };
    const model = sequential(spec, { backend: 'js' });
    expect(model.toJSON().optimizer).toEqual(optimizer);
    const copy = sequential(JSON.parse(JSON.stringify(model)), { backend: 'js' });
    const [x, y] = [Float32Array.of(1, -2, 0.5, 0, 1, 2), Float32Array.of(1, 0, -1, 2)];
    for (let i = 0; i < 4; i++) expect(copy.trainOnBatch(x, y)).toEqual(model.trainOnBatch(x, y));
    expect(copy.getWeights()).toEqual(model.getWeights());
  });
});

it('the specs above meet every kernel of the optimizers', () => {
  const rules = optimizerSpecs.map(ruleOf);
  const met = new Set(rules.flatMap(({ advance, step }) => [advance ?? step, step]));
  const all = Object.keys(ops).filter((name) => /(Step|[a-z]Advance)$/.test(name));
  expect([...met].sort()).toEqual(all.sort());
});

/** A weight of 1, or what it says, after each of the gradients. Worked out by hand. */
const byHand: [optimizer: OptimizerSpec, gradients: number[], weights: number[], from?: number][] =
  [
    [{ type: 'sgd', learningRate: 0.1 }, [2, 4], [0.8, 0.4]],
    // v = 2, then 0.9·2 + 4.
    [{ type: 'sgd', learningRate: 0.1, momentum: 0.9 }, [2, 4], [0.8, 0.22]],
    // The first gradient whole; then v = 0.9·2 + 0.5·4.
    [{ type: 'sgd', learningRate: 0.1, momentum: 0.9, dampening: 0.5 }, [2, 4], [0.8, 0.42]],
    // 2 + 0.9·2, then v = 5.8 and 4 + 0.9·5.8.
    [{ type: 'sgd', learningRate: 0.1, momentum: 0.9, nesterov: true }, [2, 4], [0.62, -0.302]],
    // g = 2 + 0.5·2 = v; then g = 2 + 0.5·1.7 and v = 0.5·3 + g.
    [{ type: 'sgd', learningRate: 0.1, momentum: 0.5, weightDecay: 0.5 }, [2, 2], [1.7, 1.265], 2],
    // 2 − 0.1·0.5·2 − 0.1·2; then v = 3 and 1.7 − 0.1·0.5·1.7 − 0.1·3.
    [
      { type: 'sgd', learningRate: 0.1, momentum: 0.5, weightDecay: 0.5, decoupled: true },
      [2, 2],
      [1.7, 1.315],
      2,
    ],
    // Then m = 0.58, over 0.19; v = 0.019996, over 0.001999, and its root.
    [{ type: 'adam', learningRate: 0.1 }, [2, 4], [0.9, 0.8034818]],
    // v = 8, then 6, so the root is that of 8, over √0.75; m = 0.56, over 0.19.
    [{ type: 'adam', learningRate: 0.1, beta2: 0.5, amsgrad: true }, [4, 2], [0.9, 0.8097556]],
    // 1 − 0.1·0.5·1 − 0.1.
    [{ type: 'adamW', learningRate: 0.1, weightDecay: 0.5 }, [2], [0.85]],
    [{ type: 'adamW', learningRate: 0.1 }, [2], [0.899]],
    // μ = 0.45 throughout: (0.1·2 + 0.1·0.45 / (1 − 0.45²)·0.2) / 2.
    [{ type: 'nadam', learningRate: 0.1, momentumDecay: 0 }, [2], [0.8943574]],
    // v = 1, then 1.75.
    [{ type: 'rmsprop', learningRate: 0.1, decay: 0.75 }, [2, 2], [0.8, 0.6488142]],
    // b = 2, then 0.5·2 + 2 / √1.75.
    [{ type: 'rmsprop', learningRate: 0.1, decay: 0.75, momentum: 0.5 }, [2, 2], [0.8, 0.5488142]],
    // v = 1 and m = 0.5: √(1 − 0.25).
    [{ type: 'rmsprop', learningRate: 0.1, decay: 0.75, centered: true }, [2], [0.7690599]],
    // s = 9, then 25.
    [{ type: 'adagrad', learningRate: 0.1 }, [3, 4], [0.9, 0.82]],
    [{ type: 'adagrad', learningRate: 0.1, initialAccumulatorValue: 16 }, [3], [0.94]],
    // v = 2, d = 2·√(1/3), u = 2/3; then v = 3, d = 2·√(5/3 / 4).
    [{ type: 'adadelta', rho: 0.5, epsilon: 1 }, [2, 2], [-0.1547005, -1.4456949]],
    // m = 0.02: 0.9·0.02 − 0.1·0.1 is above 0; m = 0.0188: 0.9·0.0188 − 0.1 is below.
    [{ type: 'lion', learningRate: 0.1 }, [2, -0.1, -1], [0.9, 0.8, 0.9]],
    [{ type: 'lion', learningRate: 0.1, weightDecay: 0.5 }, [2], [0.85]],
    // Steps 0.1, 0.12, none, 0.06, 0.072.
    [{ type: 'rprop', learningRate: 0.1 }, [2, 1, -1, -1, -3], [0.9, 0.78, 0.78, 0.84, 0.912]],
    [{ type: 'rprop', learningRate: 0.1, maxStep: 0.11 }, [2, 1, 1], [0.9, 0.79, 0.68]],
  ];

describe.each(['wasm', 'js'] as const)('by hand on %s', (backend) => {
  it.each(byHand.map(([spec, ...rest]) => [nameOf(spec), spec, ...rest] as const))(
    '%s',
    (_, optimizer, gradients, weights, from = 1) => {
      const layers = [dense(1, { useBias: false })];
      const model = sequential({ inputShape: [1], layers, optimizer }, { backend });
      model.setWeights({ 'layers.0.w': [from] });
      gradients.forEach((gradient, i) => {
        model.applyGradients({ 'layers.0.w': [gradient] });
        expect(model.getWeights()['layers.0.w']![0]).toBeCloseTo(weights[i]!, 6);
      });
    },
  );
});

it('every optimizer has a step by hand', () => {
  expect(new Set(byHand.map(([spec]) => typeOf(spec)))).toEqual(new Set(types));
});

describe.each(types)('weight decay of %s', (type) => {
  const spec = (changes: object): NetworkSpec => ({
    inputShape: [2],
    layers: [dense(3, { biasInitializer: 'ones' }), dense(1, { biasInitializer: 'ones' })],
    loss: 'meanSquaredError',
    optimizer: { type, weightDecay: 0, ...changes } as OptimizerSpec,
    seed: 3,
  });

  /** All parameters after a few steps along the same gradients. */
  function weightsWith(changes: object) {
    const model = sequential(spec(changes), { backend: 'js' });
    const random = generator(7);
    for (let step = 0; step < 4; step++) {
      const gradients = Object.entries(model.getWeights()).map(
        ([name, values]) => [name, values.map(() => random() - 0.5)] as const,
      );
      model.applyGradients(Object.fromEntries(gradients));
    }
    return model.getWeights();
  }

  const plain = weightsWith({});
  it.each([false, true])('acts on weights, or on all (decoupled: %s)', (decoupled) => {
    const decay = { weightDecay: 0.3, decoupled };
    const weights = weightsWith(decay);
    const all = weightsWith({ ...decay, decayBiases: true });
    for (const name of Object.keys(plain)) {
      const isWeight = name.endsWith('.w');
      if (isWeight) expect(weights[name]).not.toEqual(plain[name]);
      else expect(weights[name]).toEqual(plain[name]);
      expect(all[name]).not.toEqual(plain[name]);
      if (isWeight) expect(all[name]).toEqual(weights[name]);
    }
  });

  it('is one pass over the weights and one over the rest, behind one opening', () => {
    const request: Request = {
      batch: 4,
      rows: 'given',
      training: true,
      outputs: false,
      loss: true,
      gradients: 'parameters',
      update: true,
    };
    const stepsOf = (changes: object) => {
      const plan = new Plan(resolveModel(spec(changes)), jsBackend());
      const { advance, step } = plan.model.optimizer;
      const list = plan.describe(request);
      const count = list.filter(({ kernel }) => kernel === advance).length;
      expect(count).toBe(advance ? 1 : 0);
      const steps = list.filter(({ kernel }) => kernel === step);
      return { size: plan.trainable.pitch, steps: steps.map(({ args }) => args.slice(-2)) };
    };
    const { size, steps } = stepsOf({ weightDecay: 0.1 });
    // Both matrices of weights, rows in groups of eight.
    const weights = 2 * 8 * 8;
    expect(steps).toEqual([
      [weights, 1],
      [size - weights, 0],
    ]);
    expect(stepsOf({ weightDecay: 0.1, decayBiases: true }).steps).toEqual([[size, 1]]);
    // Plain descent has its steps fused into the gradients.
    expect(stepsOf({}).steps).toEqual(type === 'sgd' ? [] : [[size, 0]]);
  });
});

describe('refusals', () => {
  const refused: [optimizer: object, error: typeof Error, message: string][] = [
    [{ type: 'adam', amsgrad: 1 }, TypeError, 'amsgrad: expected true or false, got 1'],
    [
      { type: 'rmsprop', centered: 'yes' },
      TypeError,
      "centered: expected true or false, got 'yes'",
    ],
    [{ type: 'lion', decoupled: 0 }, TypeError, 'decoupled: expected true or false, got 0'],
    [{ type: 'sgd', momentum: true }, TypeError, 'momentum: expected a number, got true'],
    [
      { type: 'sgd', nesterov: true },
      RangeError,
      'nesterov: expected a momentum above 0 and no dampening with it, got momentum 0 and dampening 0',
    ],
    [
      { type: 'sgd', nesterov: true, momentum: 0.9, dampening: 0.1 },
      RangeError,
      'nesterov: expected a momentum above 0 and no dampening with it, got momentum 0.9 and dampening 0.1',
    ],
    [
      { type: 'sgd', dampening: 0.1 },
      RangeError,
      'dampening: expected a momentum above 0 with it, got momentum 0',
    ],
    [
      { type: 'sgd', momentum: 0.9, dampening: 1 },
      RangeError,
      'dampening: expected a number in [0, 1), got 1',
    ],
    [
      { type: 'nadam', momentumDecay: -1 },
      RangeError,
      'momentumDecay: expected a number of at least 0, got -1',
    ],
    [{ type: 'rmsprop', decay: 1 }, RangeError, 'decay: expected a number in [0, 1), got 1'],
    [
      { type: 'adagrad', initialAccumulatorValue: -1 },
      RangeError,
      'initialAccumulatorValue: expected a number of at least 0, got -1',
    ],
    [{ type: 'adadelta', rho: 1 }, RangeError, 'rho: expected a number in [0, 1), got 1'],
    [{ type: 'lion', beta2: 1 }, RangeError, 'beta2: expected a number in [0, 1), got 1'],
    [
      { type: 'rprop', etaPlus: 0.9 },
      RangeError,
      'etaPlus: expected a number of at least 1, got 0.9',
    ],
    [
      { type: 'rprop', minStep: 1, maxStep: 0.5 },
      RangeError,
      'expected minStep ≤ maxStep, got minStep 1 and maxStep 0.5',
    ],
    ...types.map((type): (typeof refused)[number] => [
      { type, weightDecay: -0.1 },
      RangeError,
      'weightDecay: expected a number of at least 0, got -0.1',
    ]),
    ...types.map((type): (typeof refused)[number] => [
      { type, decayBiases: 1 },
      TypeError,
      'decayBiases: expected true or false, got 1',
    ]),
  ];

  it.each(refused)('%j', (optimizer, type, message) => {
    let error: unknown;
    try {
      ruleOf(optimizer as OptimizerSpec);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(type);
    expect((error as Error).message).toBe(`optimizer: ${message}`);
  });
});
