import {
  type FitOptions,
  layers,
  load,
  type NetworkSpec,
  sequential,
  standardScaler,
} from 'chainrule';
import { describe, expect, it } from 'vitest';

const spec: NetworkSpec = {
  inputShape: [2],
  layers: [
    layers.dense({ units: 5, activation: 'tanh' }),
    layers.dropout({ rate: 0.25 }),
    layers.dense({ units: 1 }),
  ],
  loss: 'meanSquaredError',
  optimizer: { type: 'adam', learningRate: 0.01 },
  preprocess: { x: standardScaler(), y: standardScaler() },
  seed: 9,
};
const x = Array.from({ length: 30 }, (_, i) => [i, (i * i) % 7]);
const y = x.map(([a, b]) => a! - 3 * b!);
const options: FitOptions = { epochs: 2, batchSize: 8 };

describe('a snapshot', () => {
  for (const [from, to] of [
    ['wasm', 'js'],
    ['js', 'wasm'],
  ] as const) {
    it(`moves a network from ${from} to ${to}, to train on with the same bits`, async () => {
      const model = sequential(spec, { backend: from });
      await model.fit(x, y, options);
      const copy = load(model.snapshot({ optimizer: true }), { backend: to });
      expect(copy.backend).toBe(to);
      expect(copy.predict(x)).toEqual(model.predict(x));
      await model.fit(x, y, options);
      await copy.fit(x, y, options);
      expect(copy.getWeights()).toEqual(model.getWeights());
      expect(copy.snapshot({ optimizer: true })).toEqual(model.snapshot({ optimizer: true }));
    });
  }

  it('is a copy, with names, shapes and dense numbers', () => {
    const model = sequential({ inputShape: [3], layers: [layers.dense({ units: 2 })] });
    const { weights, scalers, optimizer } = model.snapshot();
    expect(Object.keys(weights)).toEqual(['layers.0.w', 'layers.0.b']);
    expect(weights['layers.0.w']!.shape).toEqual([3, 2]);
    expect(weights['layers.0.w']!.values).toEqual(model.getWeights()['layers.0.w']);
    weights['layers.0.w']!.values.fill(0);
    expect(model.getWeights()['layers.0.w']).not.toEqual(new Float32Array(6));
    expect(scalers).toEqual({});
    expect(optimizer).toBeUndefined();
  });

  it('keeps learnt names of classes, and learnt categories', async () => {
    const model = sequential({
      inputShape: [2],
      task: 'multiclass',
      layers: [layers.dense({ units: 3 })],
      preprocess: { x: [{ type: 'oneHot', categories: 3 }, { type: 'minMaxScaler' }] },
    });
    const rows = [
      ['red', 1],
      ['green', 4],
      ['red', 9],
      ['green', 2],
    ] as const;
    await model.fit(rows, ['ant', 'bee', 'cat', 'ant'], { epochs: 3 });
    const copy = load(model.snapshot());
    expect(copy.classes).toEqual(['ant', 'bee', 'cat']);
    expect(copy.predictClasses(rows)).toEqual(model.predictClasses(rows));
    expect(() => copy.predict([['blue', 1]])).toThrow("'blue' is none of the categories known");
  });
});

describe('a snapshot that does not hold together is refused', () => {
  const whole = () => structuredClone(sequential(spec).snapshot({ optimizer: true }));
  const refused: Record<string, [(s: ReturnType<typeof whole>) => object, string]> = {
    'weights that are missing': [
      (s) => ({ ...s, weights: { 'layers.0.w': s.weights['layers.0.w'] } }),
      'weights: layers.0.b is missing',
    ],
    'weights of another name': [
      (s) => ({ ...s, weights: { ...s.weights, 'layers.0.v': 1 } }),
      "weights: unknown name 'layers.0.v'; did you mean 'layers.0.w'?",
    ],
    'another shape': [
      (s) => ({
        ...s,
        weights: { ...s.weights, 'layers.0.w': { shape: [5, 2], values: new Float32Array(10) } },
      }),
      'weights: layers.0.w: expected the shape [2, 5], got [5, 2]',
    ],
    'too few numbers': [
      (s) => ({
        ...s,
        weights: { ...s.weights, 'layers.0.w': { shape: [2, 5], values: new Float32Array(9) } },
      }),
      'weights: layers.0.w: expected 10 numbers, got 9',
    ],
    'numbers that are not finite': [
      (s) => {
        s.weights['layers.0.b']!.values[3] = Number.NaN;
        return s;
      },
      'weights: layers.0.b: expected finite numbers, got NaN at place 3',
    ],
    'scalers that the spec does not have': [
      ({ spec: { preprocess: _, ...rest }, ...s }) => ({
        ...s,
        spec: rest,
        scalers: { x: [{ center: 0, scale: 1 }] },
      }),
      "scalers.x: the spec's preprocess does not ask for it",
    ],
    'a scale of 0': [
      (s) => ({
        ...s,
        scalers: {
          x: [
            { center: 0, scale: 1 },
            { center: 0, scale: 0 },
          ],
        },
      }),
      'scalers.x[1]: scale: expected a number above 0, got 0',
    ],
    'slots of another optimizer': [
      (s) => ({ ...s, spec: { ...s.spec, optimizer: 'sgd' } }),
      'optimizer: slots: unknown name',
    ],
    'steps that are no count': [
      (s) => ({ ...s, optimizer: { ...s.optimizer, steps: -1 } }),
      'optimizer: steps: expected a whole number of at least 0, got -1',
    ],
  };
  for (const [what, [change, message]] of Object.entries(refused)) {
    it(what, () => {
      expect(() => load(change(whole()) as ReturnType<typeof whole>)).toThrow(message);
    });
  }
});
