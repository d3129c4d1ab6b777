import { describe, expect, it } from 'vitest';
import {
  type Batch,
  layers,
  load,
  type NetworkSpec,
  save,
  sequential,
  standardScaler,
} from '../src/index.js';
import { toModule } from '../src/module.js';
import { optimizerSpecs } from './catalogues.js';
import { engines, hexOf, networkOn } from './engines.js';
import { generator } from './kernels/core.js';

// Vectors looked up by number.

const [rows, steps, vocabulary] = [12, 5, 30];
const random = generator(31);
const places = Array.from({ length: rows * steps }, () => Math.floor(20 * random()));
const x = Float32Array.from(places);
const labels = Array.from({ length: rows }, () => Math.floor(3 * random()));

const spec = (changes: Partial<NetworkSpec> = {}): NetworkSpec => ({
  inputShape: [steps],
  layers: [
    layers.embedding({ vocabulary, units: 6 }),
    layers.flatten(),
    layers.dense({ units: 3, activation: 'softmax' }),
  ],
  loss: 'sparseCategoricalCrossentropy',
  seed: 5,
  ...changes,
});

it('gives the rows of its weights', () => {
  const model = sequential({
    inputShape: [steps],
    layers: [layers.embedding({ vocabulary, units: 3 })],
  });
  const w = model.getWeights()['layers.0.w']!;
  expect(w.every((v) => v >= -0.05 && v < 0.05)).toBe(true);
  const row = Uint8Array.of(3, 0, 29, 3, 1);
  const wanted = [...row].flatMap((i) => [...w.subarray(3 * i, 3 * i + 3)]);
  expect([...model.predict(row)]).toEqual(wanted);
});

describe('backends agree', () => {
  it.each(optimizerSpecs)('trained with %j', async (optimizer) => {
    const trained = await Promise.all(
      engines.map(async (engine) => {
        const model = networkOn(engine, spec({ optimizer }));
        const { history } = await model.fit(x, labels, { epochs: 3, batchSize: 5 });
        return [history, hexOf(model), [...model.predict(x)]];
      }),
    );
    expect(trained[1]).toEqual(trained[0]);
    expect(trained[2]).toEqual(trained[0]);
  });
});

describe.each(engines)('on %s', (engine) => {
  it('a step of sgd is that along the gradients, to the bit', () => {
    for (const optimizer of ['sgd', { type: 'sgd', momentum: 0.9 }] as const) {
      const [one, two] = [
        networkOn(engine, spec({ optimizer })),
        networkOn(engine, spec({ optimizer })),
      ];
      for (let step = 0; step < 3; step++) {
        one.trainOnBatch(x, labels);
        const { weights } = two.gradients(x, labels);
        two.applyGradients(weights);
        expect(hexOf(two)).toEqual(hexOf(one));
      }
    }
  });

  it('a batch in parts has the sums of the whole, to the bit', async () => {
    const given = { epochs: 2, batchSize: 12 };
    const [whole, parts] = [networkOn(engine, spec()), networkOn(engine, spec())];
    await whole.fit(x, labels, given);
    await parts.fit(x, labels, { ...given, microBatchSize: 5 });
    expect(hexOf(parts)).toEqual(hexOf(whole));
  });

  it('what does not occur stays as it is', () => {
    const model = networkOn(engine, spec({ optimizer: { type: 'sgd', learningRate: 0.5 } }));
    const before = model.getWeights()['layers.0.w']!.slice();
    model.trainOnBatch(x, labels);
    const after = model.getWeights()['layers.0.w']!;
    for (let i = 0; i < vocabulary; i++) {
      const [was, is] = [before, after].map((w) => [...w.subarray(6 * i, 6 * i + 6)]);
      if (places.includes(i)) expect(is).not.toEqual(was);
      else expect(is).toEqual(was);
    }
  });

  it('inputs have a gradient of 0, and frozen vectors none', () => {
    const frozen = spec({
      layers: spec().layers.map((layer, i) => (i ? layer : { ...layer, trainable: false })),
    });
    const model = networkOn(engine, frozen);
    const { inputs, weights } = model.gradients(x, labels, { inputs: true });
    expect(inputs).toEqual(new Float32Array(x.length));
    expect(Object.keys(weights)).toEqual(['layers.2.w', 'layers.2.b']);
    const before = hexOf(model)['layers.0.w'];
    model.trainOnBatch(x, labels);
    expect(hexOf(model)['layers.0.w']).toBe(before);
  });
});

describe.each(engines)('vectors for positions, on %s,', (engine) => {
  const positioned = (changes: Partial<NetworkSpec> = {}) =>
    spec({
      inputShape: [2, 3, 5],
      layers: [
        layers.residual({ layers: [layers.positionalEmbedding()] }),
        layers.positionalEmbedding({ weightInitializer: 'randomNormal' }),
        layers.flatten(),
        layers.dense({ units: 3, activation: 'softmax' }),
      ],
      ...changes,
    });
  const given = Float32Array.from({ length: rows * 30 }, () => random());

  it('are added', () => {
    const model = networkOn(
      engine,
      spec({ ...positioned(), layers: [layers.positionalEmbedding()], loss: 'meanSquaredError' }),
    );
    const w = model.getWeights()['layers.0.w']!;
    expect(w.length).toBe(30);
    expect(model.predict(given)).toEqual(given.map((v, i) => v + w[i % 30]!));
  });

  it.each(['sgd', 'adam'] as const)(
    'learn under %s as along gradients, and in parts',
    async (optimizer) => {
      const [one, two] = [
        networkOn(engine, positioned({ optimizer })),
        networkOn(engine, positioned({ optimizer })),
      ];
      one.trainOnBatch(given, labels);
      two.applyGradients(two.gradients(given, labels).weights);
      expect(hexOf(two)).toEqual(hexOf(one));
      expect(two.gradients(given, labels, { inputs: true }).inputs).toHaveLength(given.length);
      const batches = { epochs: 2, batchSize: 12 };
      await one.fit(given, labels, batches);
      await two.fit(given, labels, { ...batches, microBatchSize: 5 });
      expect(hexOf(two)).toEqual(hexOf(one));
      const js = networkOn('js', positioned({ optimizer }));
      js.trainOnBatch(given, labels);
      await js.fit(given, labels, batches);
      expect(hexOf(js)).toEqual(hexOf(one));
    },
  );

  it('are refused on flat rows', () => {
    expect(() => sequential({ inputShape: [4], layers: [layers.positionalEmbedding()] })).toThrow(
      'layers[0] (positionalEmbedding): expected rows of shape [steps, features], got [4]',
    );
  });
});

it('is saved, loaded and written as a module to the same bits', async () => {
  const model = sequential(spec());
  await model.fit(x, labels, { epochs: 2 });
  expect(load(save(model)).predict(x)).toEqual(model.predict(x));
  const url = `data:text/javascript,${encodeURIComponent(toModule(model))}`;
  expect((await import(url)).predict(x)).toEqual(model.predict(x));
});

it('learns what each number means', async () => {
  // Whether the sum of five signs, one for each number, is positive.
  const sign = (i: number) => ((i * 7) % 20 < 10 ? 1 : -1);
  const many = Array.from({ length: 400 }, () =>
    Array.from({ length: 5 }, () => Math.floor(20 * random())),
  );
  const y = many.map((row) => Number(row.reduce((sum, i) => sum + sign(i), 0) > 0));
  const model = sequential({
    inputShape: [5],
    layers: [
      layers.embedding({ vocabulary: 20, units: 2 }),
      layers.flatten(),
      layers.dense({ units: 1, activation: 'sigmoid' }),
    ],
    loss: 'binaryCrossentropy',
    optimizer: { type: 'adam', learningRate: 0.02 },
    metrics: ['accuracy'],
  });
  const warnings: string[] = [];
  const heard = sequential(model.toJSON(), { onWarning: (text) => warnings.push(text) });
  const { history } = await heard.fit(many, y, { epochs: 30 });
  expect(history.accuracy!.at(-1)).toBeGreaterThan(0.98);
  expect(warnings).toEqual([]);
});

describe('refuses, before anything changes,', () => {
  const message = 'expected a whole number from 0 to 29, got';
  const wrong: [string, number][] = [
    ['30', 30],
    ['-1', -1],
    ['1.5', 1.5],
  ];

  it.each(wrong)('%s', async (text, value) => {
    const model = networkOn('js', spec());
    const bad = x.slice();
    bad[7] = value;
    const before = hexOf(model);
    const said = `x: row 1, column 2: ${message} ${text}`;
    expect(() => model.predict(bad)).toThrow(said);
    const row = [0, 1, value, 3, 4];
    for (const one of [row, Float32Array.from(row), [row]]) {
      expect(() => model.predict(one)).toThrow(`x: row 0, column 2: ${message} ${text}`);
      expect(() => model.predictClasses(one)).toThrow(message);
    }
    expect(() => model.evaluate(bad, labels)).toThrow(said);
    expect(() => model.trainOnBatch(bad, labels)).toThrow(said);
    expect(() => model.gradients(bad, labels)).toThrow(said);
    await expect(model.fit(bad, labels)).rejects.toThrow(said);
    const batches = [{ x: bad, y: labels }] satisfies Batch[];
    await expect(model.fit(batches, {})).rejects.toThrow(`batch 0: ${said}`);
    const validationData = [bad, labels] as const;
    await expect(model.fit(x, labels, { validationData })).rejects.toThrow(message);
    const augment = (batch: { x: Float32Array }) => {
      batch.x[7] = value;
    };
    await expect(model.fit(x, labels, { augment, shuffle: false })).rejects.toThrow(
      `augment: batch 0: x, row 1, column 2: ${message} ${text}`,
    );
    expect(hexOf(model)).toEqual(before);
  });

  it('what is no number', () => {
    expect(() => networkOn('js', spec()).predict(['a', 1, 2, 3, 4] as unknown as number[])).toThrow(
      "x: row 0, column 0: expected a number, got 'a'",
    );
  });

  it('layers before it that change numbers', () => {
    const behind = (...before: NetworkSpec['layers']) =>
      sequential(spec({ layers: [...before, ...spec().layers] }));
    expect(() => behind(layers.dense({ units: 2 }))).toThrow(
      "layers[1] (embedding): takes the network's inputs themselves",
    );
    expect(() => behind(layers.dropout({ rate: 0.5 }))).toThrow(TypeError);
    expect(() => behind(...spec().layers)).toThrow('only flatten and reshape may come before it');
    expect(() => behind(layers.residual({ layers: [layers.flatten()] }))).toThrow(TypeError);
    behind(layers.reshape({ shape: [5, 1] }), layers.flatten());
  });

  it('scaling', () => {
    expect(() => sequential(spec({ preprocess: { x: standardScaler() } }))).toThrow(
      'preprocess.x: layers[0] (embedding) takes inputs as they are, which are not scaled',
    );
  });

  it.each<[object, string]>([
    [{ vocabulary: 0, units: 2 }, 'layers[0] (embedding): vocabulary: expected a whole number'],
    [{ vocabulary: 2 ** 24 + 1, units: 2 }, 'vocabulary: expected at most 2²⁴, got 16777217'],
    [{ vocabulary: 4, units: 1.5 }, 'layers[0] (embedding): units: expected a whole number'],
    [{ vocabulary: 4, units: 1, bias: 1 }, "layers[0]: unknown option 'bias'"],
    [{ vocabulary: 4, units: 1, weightInitializer: 'wide' }, 'weightInitializer: unknown name'],
  ])('%j', (options, said) => {
    const layer = layers.embedding(options as never);
    expect(() => sequential(spec({ layers: [layer] }))).toThrow(said);
  });
});

it('holds several tables to the shortest', () => {
  const table = (vocabulary: number) => [layers.embedding({ vocabulary, units: 2 })];
  const model = sequential({
    inputShape: [steps],
    layers: [layers.parallel({ branches: [table(9), table(4)] })],
  });
  expect(model.predict([0, 1, 2, 3, 3])).toHaveLength(20);
  expect(() => model.predict([0, 1, 2, 3, 4])).toThrow(
    'expected a whole number from 0 to 3, got 4',
  );
});
