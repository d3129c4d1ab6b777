import { describe, expect, it } from 'vitest';
import {
  type ActivationSpec,
  dense,
  type InitializerSpec,
  type NetworkSpec,
  sequential,
} from '../src/index.js';
import { initializers } from '../src/initializers.js';
import { activations } from '../src/ops/index.js';
import { activationSpecs, nameOf, typeOf } from './catalogues.js';

const [inputs, units] = [300, 200];

function weightsOf(
  options: { weightInitializer?: InitializerSpec; activation?: ActivationSpec },
  seed = 1,
  backend: 'wasm' | 'js' = 'wasm',
): Float32Array {
  const spec: NetworkSpec = { inputShape: [inputs], layers: [dense(units, options)], seed };
  return sequential(spec, { backend }).getWeights()['layers.0.w']!;
}

/** Bit for bit; comparing arrays element by element takes long. */
const same = (a: Float32Array, b: Float32Array) =>
  Buffer.from(a.buffer).equals(Buffer.from(b.buffer));

/** Mean and variance, and the standard errors of both, by the fourth moment. */
function momentsOf(values: Float32Array) {
  const n = values.length;
  const mean = values.reduce((sum, v) => sum + v, 0) / n;
  const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / n;
  const fourth = values.reduce((sum, v) => sum + (v - mean) ** 4, 0) / n;
  const errors = [Math.sqrt(variance / n), Math.sqrt((fourth - variance ** 2) / n)] as const;
  return { mean, variance, errors, largest: values.reduce((m, v) => Math.max(m, Math.abs(v)), 0) };
}

const scales = { glorot: 2 / (inputs + units), he: 2 / inputs, lecun: 1 / inputs };

/** Each initializer's mean and variance; and the bound, where it has one. */
const expected: [InitializerSpec, mean: number, variance: number, bound?: number][] = [
  ...Object.entries(scales).flatMap(([name, variance]): typeof expected => [
    [`${name}Uniform` as InitializerSpec, 0, variance, Math.sqrt(3 * variance)],
    [`${name}Normal` as InitializerSpec, 0, variance],
  ]),
  ['randomUniform', 0, 0.1 ** 2 / 12, 0.05],
  [{ type: 'randomUniform', min: -1, max: 3 }, 1, 16 / 12, 3],
  ['randomNormal', 0, 0.0025],
  [{ type: 'randomNormal', mean: 2, stddev: 0.5 }, 2, 0.25],
  // 1 − 4·φ(2) / (Φ(2) − Φ(−2)) of the variance is left.
  ['truncatedNormal', 0, 0.0025 * 0.7737413, 0.1],
  [{ type: 'truncatedNormal', mean: 1, stddev: 2 }, 1, 4 * 0.7737413, 5],
  // Columns of length 1.
  ['orthogonal', 0, 1 / inputs],
  [{ type: 'orthogonal', gain: 2 }, 0, 4 / inputs],
  ['zeros', 0, 0, 0],
  ['ones', 1, 0, 1],
  ['constant', 0, 0, 0],
  [{ type: 'constant', value: -0.75 }, -0.75, 0, 0.75],
];

it('has an expectation for every initializer', () => {
  expect(new Set(expected.map(([spec]) => typeOf(spec)))).toEqual(
    new Set(Object.keys(initializers)),
  );
});

describe.each(expected.map(([spec, ...rest]) => [nameOf(spec), spec, ...rest] as const))(
  '%s',
  (_, weightInitializer, mean, variance, bound) => {
    const values = weightsOf({ weightInitializer });

    it('has its mean and variance', () => {
      const found = momentsOf(values);
      expect(Math.abs(found.mean - mean)).toBeLessThanOrEqual(5 * found.errors[0]);
      expect(Math.abs(found.variance - variance)).toBeLessThanOrEqual(5 * found.errors[1]);
      if (bound === undefined) {
        // A normal one has tails: of 60,000 the largest is near 4.3 deviations.
        expect(found.largest).toBeGreaterThan(Math.abs(mean) + 3.5 * Math.sqrt(variance));
        return;
      }
      expect(found.largest).toBeLessThanOrEqual(Math.fround(bound));
      expect(found.largest).toBeGreaterThanOrEqual(0.999 * bound);
    });

    it('follows from the seed, on both backends', () => {
      expect(same(weightsOf({ weightInitializer }, 1, 'js'), values)).toBe(true);
      expect(same(weightsOf({ weightInitializer }, 2), values)).toBe(variance === 0);
    });
  },
);

describe('defaults', () => {
  it.each(activationSpecs.map((f) => [nameOf(f), f] as const))('before %s', (_, activation) => {
    const type = typeOf(activation) as keyof typeof activations;
    const weightInitializer = activations[type].initializer;
    expect(same(weightsOf({ activation }), weightsOf({ weightInitializer }))).toBe(true);
  });

  it.each([
    ['relu', 'heUniform'],
    ['leakyRelu', 'heUniform'],
    ['elu', 'heUniform'],
    ['selu', 'lecunNormal'],
    ['tanh', 'glorotUniform'],
    ['sigmoid', 'glorotUniform'],
    ['softmax', 'glorotUniform'],
  ] as const)('before %s are %s', (activation, weightInitializer) => {
    expect(same(weightsOf({ activation }), weightsOf({ weightInitializer }))).toBe(true);
  });

  it('of a biased layer are zeros for the bias, unless it says otherwise', () => {
    const layers = [dense(3), dense(3, { biasInitializer: 'ones' }), dense(3, { useBias: false })];
    const weights = sequential({ inputShape: [2], layers }).getWeights();
    expect(weights['layers.0.b']).toEqual(new Float32Array(3));
    expect(weights['layers.1.b']).toEqual(Float32Array.of(1, 1, 1));
    expect(weights).not.toHaveProperty('layers.2.b');
  });
});

it('each tensor has numbers of its own', () => {
  const layers = [dense(40), dense(40, { biasInitializer: 'randomNormal' })];
  const weights = sequential({ inputShape: [40], layers }).getWeights();
  expect(weights['layers.0.w']).not.toEqual(weights['layers.1.w']);
  // What one layer draws does not depend on the size of another.
  const wide = sequential({ inputShape: [40], layers: [dense(40), dense(70), dense(3)] });
  expect(wide.getWeights()['layers.0.w']).toEqual(weights['layers.0.w']);
});

describe('orthogonal', () => {
  const gain = 1.5;
  const matrixOf = (rows: number, columns: number, backend: 'wasm' | 'js' = 'js') => {
    const weightInitializer = { type: 'orthogonal', gain } as const;
    const layers = [dense(columns, { weightInitializer })];
    return sequential({ inputShape: [rows], layers }, { backend }).getWeights()['layers.0.w']!;
  };

  it.each([
    [1, 1],
    [2, 2],
    [8, 8],
    [9, 4],
    [4, 9],
    [1, 7],
    [7, 1],
    [64, 64],
    [70, 33],
    [33, 70],
  ])('%i × %i: its shorter side is at right angles', (rows, columns) => {
    const w = matrixOf(rows, columns);
    const at = (vector: number, i: number) =>
      rows < columns ? w[vector * columns + i]! : w[i * columns + vector]!;
    const [count, length] = [Math.min(rows, columns), Math.max(rows, columns)];
    for (let a = 0; a < count; a++) {
      for (let b = 0; b <= a; b++) {
        let product = 0;
        for (let i = 0; i < length; i++) product += at(a, i) * at(b, i);
        // Each element is rounded to float32 once.
        expect(Math.abs(product - (a === b ? gain ** 2 : 0))).toBeLessThan(
          4 * 2 ** -24 * gain ** 2,
        );
      }
    }
    expect(same(w, matrixOf(rows, columns, 'wasm'))).toBe(true);
  });

  it('has both directions', () => {
    const signs = Array.from({ length: 40 }, (_, seed) => {
      const layers = [dense(1, { weightInitializer: 'orthogonal' })];
      const [w] = sequential({ inputShape: [1], layers, seed }).getWeights()['layers.0.w']!;
      return w;
    });
    expect(new Set(signs)).toEqual(new Set([1, -1]));
  });
});
