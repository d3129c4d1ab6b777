import { describe, expect, it } from 'vitest';
import { dense, layers, type NetworkSpec, sequential } from '../src/index.js';
import { losses } from '../src/ops/index.js';
import { lossSpecs, nameOf, requiredActivation, targetsFor, typeOf } from './catalogues.js';
import { generator } from './kernels/core.js';

type Formula = (z: number, t: number) => number;

const crossEntropy = (z: readonly number[], t: (j: number) => number) => {
  const logSum = Math.log(z.reduce((sum, v) => sum + Math.exp(v), 0));
  return z.reduce((sum, v, j) => sum + t(j) * (logSum - v), 0);
};

const total = (z: readonly number[], t: readonly number[], f: Formula) =>
  z.reduce((sum, v, j) => sum + f(v, t[j]!), 0);

/**
 * The loss of one row in float64, from the textbook; z are logits for cross-entropies.
 */
const formulas: Record<
  string,
  (z: readonly number[], t: readonly number[], options: Record<string, unknown>) => number
> = {
  meanSquaredError: (z, t, { reduction }) =>
    total(z, t, (v, w) => (v - w) ** 2) / (reduction === 'halfSum' ? 2 : z.length),
  meanAbsoluteError: (z, t) => total(z, t, (v, w) => Math.abs(v - w)) / z.length,
  huber: (z, t, { delta }) => {
    const most = (delta as number | undefined) ?? 1;
    const cost = (d: number) => (d <= most ? (d * d) / 2 : most * (d - most / 2));
    return total(z, t, (v, w) => cost(Math.abs(v - w))) / z.length;
  },
  logCosh: (z, t) => total(z, t, (v, w) => Math.log(Math.cosh(v - w))) / z.length,
  hinge: (z, t) => total(z, t, (v, w) => Math.max(1 - v * w, 0)) / z.length,
  squaredHinge: (z, t) => total(z, t, (v, w) => Math.max(1 - v * w, 0) ** 2) / z.length,
  // The outputs come from a softplus.
  poisson: (z, t) => {
    const rate = (v: number) => Math.log1p(Math.exp(v));
    return total(z, t, (v, n) => rate(v) - n * Math.log(rate(v) + 1e-7)) / z.length;
  },
  cosineSimilarity: (z, t) => {
    const dot = (a: readonly number[], b: readonly number[]) => total(a, b, (v, w) => v * w);
    return 1 - dot(z, t) / Math.sqrt(dot(z, z) * dot(t, t));
  },
  binaryCrossentropy: (z, t, { labelSmoothing = 0, positiveWeight = 1 }) =>
    total(z, t, (v, given) => {
      const p = given * (1 - (labelSmoothing as number)) + (labelSmoothing as number) / 2;
      const positive = (positiveWeight as number) * p * Math.log1p(Math.exp(-v));
      return positive + (1 - p) * Math.log1p(Math.exp(v));
    }),
  binaryFocalCrossentropy: (z, t, { gamma = 2, positiveWeight = 1 }) =>
    total(z, t, (v, w) => {
      const p = 1 / (1 + Math.exp(-v));
      const power = gamma as number;
      const positive = (positiveWeight as number) * w * (1 - p) ** power * Math.log(p);
      return -positive - (1 - w) * p ** power * Math.log(1 - p);
    }),
  categoricalCrossentropy: (z, t, { labelSmoothing = 0 }) =>
    crossEntropy(
      z,
      smoothed((j) => t[j]!, labelSmoothing as number, z.length),
    ),
  klDivergence: (z, t) =>
    crossEntropy(z, (j) => t[j]!) + total(t, t, (w) => (w > 0 ? w * Math.log(w) : 0)),
  sparseCategoricalCrossentropy: (z, t, { labelSmoothing = 0 }) =>
    crossEntropy(
      z,
      smoothed((j) => Number(j === t[0]), labelSmoothing as number, z.length),
    ),
  sparseCategoricalFocalCrossentropy: (z, t, { gamma = 2 }) => {
    const surprise = crossEntropy(z, (j) => Number(j === t[0]));
    return (1 - Math.exp(-surprise)) ** (gamma as number) * surprise;
  },
};

it('knows the formula of every loss', () => {
  expect(Object.keys(formulas).sort()).toEqual(Object.keys(losses).sort());
});

const smoothed =
  (target: (j: number) => number, share: number, classes: number) =>
  (j: number): number =>
    target(j) * (1 - share) + share / classes;

const spec: NetworkSpec = {
  inputShape: [3],
  layers: [dense(5, { activation: 'tanh' }), dense(2)],
  loss: 'meanSquaredError',
  seed: 3,
};

describe('evaluate', () => {
  const random = generator(8);
  const count = 600;
  const x = Float32Array.from({ length: count * 3 }, () => 6 * random() - 3);

  it.each(lossSpecs.map((loss) => [nameOf(loss), loss] as const))(
    'means %s over all rows',
    (_, loss) => {
      const last = requiredActivation(loss) ?? 'linear';
      const model = sequential({ ...spec, layers: [dense(4), layers.activation(last)], loss });
      const logits = sequential({ ...spec, layers: [dense(4)] });
      expect(logits.getWeights()).toEqual(model.getWeights());
      const z = logits.predict(x);
      const y = Float32Array.from(targetsFor(loss, count, 4, random));
      const width = y.length / count;
      const options = typeof loss === 'string' ? {} : loss;
      let sum = 0;
      for (let r = 0; r < count; r++) {
        const row = [...z.subarray(r * 4, r * 4 + 4)];
        const target = [...y.subarray(r * width, (r + 1) * width)];
        sum += formulas[typeOf(loss)]!(row, target, { ...options });
      }
      const evaluated = model.evaluate(x, y);
      expect(Object.keys(evaluated)).toEqual(['loss']);
      expect(evaluated.loss / (sum / count)).toBeCloseTo(1, 5);
      // One batch there and back has the same loss, to the bit.
      expect(model.gradients(x, y).loss).toBe(evaluated.loss);
      expect(model.trainOnBatch(x, y).loss).toBe(evaluated.loss);
    },
  );

  it('reports metrics of classes', () => {
    const model = sequential({
      ...spec,
      task: 'multiclass',
      loss: 'sparseCategoricalCrossentropy',
      metrics: ['accuracy', 'meanAbsoluteError'],
    });
    const labels = Int32Array.from({ length: count }, () => Math.floor(random() * 2));
    const p = model.predict(x);
    const classes = model.predictClasses(x);
    const right = labels.filter((label, r) => label === classes[r]).length;
    const errors = labels.reduce(
      (sum, label, r) =>
        sum +
        Math.abs(p[r * 2]! - (label === 0 ? 1 : 0)) +
        Math.abs(p[r * 2 + 1]! - (label === 1 ? 1 : 0)),
      0,
    );
    const { accuracy, meanAbsoluteError } = model.evaluate(x, labels);
    expect(accuracy).toBe(right / count);
    expect(meanAbsoluteError).toBeCloseTo(errors / count / 2, 12);
    const oneHot = Float32Array.from({ length: count * 2 }, (_, i) =>
      labels[i >> 1] === (i & 1) ? 1 : 0,
    );
    const { loss: _, ...rest } = sequential({
      ...model.toJSON(),
      loss: 'categoricalCrossentropy',
    }).evaluate(x, oneHot);
    expect(rest).toEqual({ accuracy, meanAbsoluteError });
  });

  it('reports metrics of yes and no, output by output', () => {
    const model = sequential({
      ...spec,
      task: 'binary',
      loss: 'binaryCrossentropy',
      metrics: ['accuracy'],
    });
    const y = Float32Array.from({ length: count * 2 }, () => Math.round(random()));
    const right = model.predict(x).filter((p, i) => p > 0.5 === (y[i] === 1)).length;
    expect(model.evaluate(x, y).accuracy).toBe(right / count / 2);
  });

  it('reports metrics of numbers', () => {
    const model = sequential({ ...spec, metrics: ['meanAbsoluteError'] });
    const y = Float32Array.from({ length: count * 2 }, () => random());
    const errors = model.predict(x).reduce((sum, v, i) => sum + Math.abs(v - y[i]!), 0);
    expect(model.evaluate(x, y).meanAbsoluteError).toBeCloseTo(errors / count / 2, 12);
  });
});
