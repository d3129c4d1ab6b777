import { describe, expect, it } from 'vitest';
import { layers, type NetworkSpec, ShapeError } from '../src/index.js';
import { engines, hexOf, networkOn } from './engines.js';
import { generator } from './kernels/core.js';

// Rows of more than one dimension: the last one holds columns, and each position is a row of its own.

const [rows, steps, columns] = [6, 3, 5];
const random = generator(8);
const x = Float32Array.from({ length: rows * steps * columns }, () => 2 * random() - 1);
const labels = Array.from({ length: rows * steps }, () => Math.floor(4 * random()));

/** Layers that treat positions alike. */
const stack = [
  layers.dense({ units: 7, activation: 'tanh', biasInitializer: 'randomNormal' }),
  layers.layerNormalization(),
  layers.residual({ layers: [layers.dense({ units: 7, activation: 'relu' })] }),
  layers.parallel({ branches: [[], [layers.dense({ units: 2, activation: 'softmax' })]] }),
  layers.batchNormalization(),
  layers.dense({ units: 4, activation: 'softmax' }),
];
const spec = (changes: Partial<NetworkSpec>): NetworkSpec => ({
  inputShape: [steps, columns],
  layers: stack,
  loss: 'sparseCategoricalCrossentropy',
  optimizer: { type: 'sgd', learningRate: 0.1 },
  metrics: ['accuracy'],
  seed: 3,
  ...changes,
});

/** Sums whose parts are added up in another order. */
function expectClose(one: Float32Array, other: Float32Array): void {
  one.forEach((value, i) => {
    expect(value).toBeCloseTo(other[i]!, 6);
  });
}

describe.each(engines)('on %s', (engine) => {
  it('a batch of rows is a larger batch of their positions, to the bit', async () => {
    const wide = networkOn(engine, spec({}));
    const narrow = networkOn(engine, spec({ inputShape: [columns] }));
    expect(wide.predict(x)).toEqual(narrow.predict(x));
    const learnt = await wide.fit(x, labels, { epochs: 3, batchSize: rows, shuffle: false });
    const all = rows * steps;
    const same = await narrow.fit(x, labels, { epochs: 3, batchSize: all, shuffle: false });
    expect(hexOf(wide)).toEqual(hexOf(narrow));
    // The sums of a row's positions are added up in another order than those of a batch.
    learnt.history.loss!.forEach((loss, i) => {
      expect(loss).toBeCloseTo(same.history.loss![i]!, 6);
    });
    expect(learnt.history.accuracy).toEqual(same.history.accuracy);
    expect(wide.predict(x)).toEqual(narrow.predict(x));
    expect(wide.predictClasses(x)).toEqual(narrow.predictClasses(x));
    const nested = Array.from({ length: rows }, (_, r) => labels.slice(r * steps, (r + 1) * steps));
    expect(wide.evaluate(x, nested).accuracy).toBe(narrow.evaluate(x, labels).accuracy);
  });

  it('one row alone is the same as among others, and its gradient too', () => {
    const model = networkOn(
      engine,
      spec({ layers: stack.filter((l) => l.type !== 'batchNormalization') }),
    );
    const all = model.predict(x);
    const one = model.predict(x.subarray(0, steps * columns));
    expect(one).toEqual(all.subarray(0, one.length));
    const { inputs } = model.gradients(x, labels, { inputs: true });
    expect(inputs!.length).toBe(x.length);
  });

  it('weights of rows count for all of their positions', () => {
    const sampleWeight = [2, 0, 1, 0, 0, 3];
    const each = sampleWeight.flatMap((w) => [w, w, w]);
    const changes = { layers: [stack[0]!, stack[5]!] };
    const wide = networkOn(engine, spec(changes));
    const narrow = networkOn(engine, spec({ ...changes, inputShape: [columns] }));
    wide.trainOnBatch(x, labels, { sampleWeight });
    narrow.trainOnBatch(x, labels, { sampleWeight: each });
    for (const [name, w] of Object.entries(wide.getWeights())) {
      expectClose(narrow.getWeights()[name]!, w);
    }
  });

  it('each position may have a weight of its own', async () => {
    const sampleWeight = Array.from({ length: rows }, (_, r) => [r % 2, 1, r / 2]);
    const each = sampleWeight.flat();
    const changes = { layers: [stack[0]!, stack[5]!] };
    const wide = networkOn(engine, spec(changes));
    const narrow = networkOn(engine, spec({ ...changes, inputShape: [columns] }));
    const given = { epochs: 2, batchSize: rows, shuffle: false };
    await wide.fit(x, labels, { ...given, sampleWeight });
    await narrow.fit(x, labels, { ...given, batchSize: rows * steps, sampleWeight: each });
    for (const [name, w] of Object.entries(wide.getWeights())) {
      expectClose(narrow.getWeights()[name]!, w);
    }
    const { loss } = wide.evaluate(x, labels, { sampleWeight: each });
    expect(loss).toBeCloseTo(narrow.evaluate(x, labels, { sampleWeight: each }).loss!, 6);
    // Whichever way the rows come.
    const ways = [
      (model: typeof wide) => model.fit(x, labels, { ...given, batchSize: 4, sampleWeight: each }),
      (model: typeof wide) =>
        model.fit(x, labels, { ...given, batchSize: 4, sampleWeight, memoryBudget: 1 }),
      (model: typeof wide) =>
        model.fit(x, labels, { ...given, batchSize: 4, microBatchSize: 1, sampleWeight }),
      (model: typeof wide) =>
        model.fit(
          () =>
            [0, 4].map((from) => {
              const to = Math.min(from + 4, rows);
              return {
                x: x.subarray(from * steps * columns, to * steps * columns),
                y: labels.slice(from * steps, to * steps),
                sampleWeight: sampleWeight.slice(from, to),
              };
            }),
          { epochs: 2 },
        ),
    ];
    const learnt = [];
    for (const way of ways) {
      const model = networkOn(engine, spec(changes));
      await way(model);
      learnt.push(hexOf(model));
    }
    for (const other of learnt) expect(other).toEqual(learnt[0]);
  });

  it('masks of dropout are those of the whole step when it comes in parts', async () => {
    const masked = spec({
      layers: [layers.dropout({ rate: 0.5 }), ...stack.slice(0, 1), stack[5]!],
    });
    const whole = networkOn(engine, masked);
    const parts = networkOn(engine, masked);
    const given = { epochs: 2, shuffle: false };
    await whole.fit(x, labels, { ...given, batchSize: 6 });
    await parts.fit(x, labels, { ...given, batchSize: 6, microBatchSize: 2 });
    for (const [name, w] of Object.entries(whole.getWeights())) {
      expectClose(parts.getWeights()[name]!, w);
    }
  });

  it('reshape and flatten keep numbers in their order', () => {
    const model = networkOn(
      engine,
      spec({
        layers: [
          layers.activation('softsign'),
          layers.dense({ units: columns, weightInitializer: 'ones', biasInitializer: 'zeros' }),
          layers.reshape({ shape: [columns, -1] }),
          layers.flatten(),
          layers.reshape({ shape: [steps, columns] }),
        ],
        loss: 'meanSquaredError',
        metrics: [],
      }),
    );
    const plain = networkOn(
      engine,
      spec({ layers: model.toJSON().layers.slice(0, 2), loss: 'meanSquaredError', metrics: [] }),
    );
    expect(model.predict(x)).toEqual(plain.predict(x));
  });
});

it('backends agree on all of it', async () => {
  const trained = await Promise.all(
    engines.map(async (engine) => {
      const model = networkOn(
        engine,
        spec({ optimizer: 'adam', layers: [layers.dropout({ rate: 0.2 }), ...stack] }),
      );
      const { history } = await model.fit(x, labels, { epochs: 4, batchSize: 4 });
      return [hexOf(model), history];
    }),
  );
  expect(trained[1]).toEqual(trained[0]);
  expect(trained[2]).toEqual(trained[0]);
});

describe('refuses', () => {
  const model = networkOn('js', spec({}));

  it('labels that are not as many as positions', () => {
    expect(() => model.trainOnBatch(x, labels.slice(1))).toThrow(ShapeError);
    expect(() => model.trainOnBatch(x, labels.slice(1))).toThrow(
      'y: expected 3 class labels a row, one for each position, got 17 in all',
    );
    expect(() => model.trainOnBatch(x, labels.slice(3))).toThrow('rows');
  });

  it('weights that are neither of rows nor of positions', () => {
    const refusal = (sampleWeight: number[] | number[][]) => () =>
      model.trainOnBatch(x, labels, { sampleWeight });
    expect(refusal([1, 2])).toThrow(
      'sampleWeight: expected 6 numbers, one for each row, or 18, one for each position, got 2',
    );
    const each = Array.from({ length: rows }, () => [1, 1, 1]);
    each[4]![2] = -1;
    expect(refusal(each)).toThrow(
      'sampleWeight: row 4, position 2: expected a number of at least 0',
    );
  });

  it('a label that is none, by its row and position', () => {
    const wrong = labels.with(7, 4);
    expect(() => model.trainOnBatch(x, wrong)).toThrow(
      'y: row 2, position 1: expected a class index from 0 to 3, got 4',
    );
  });

  it('weights of classes', async () => {
    await expect(model.fit(x, labels, { classWeight: 'balanced' })).rejects.toThrow(
      'classWeight: rows have 3 positions, each with a class of its own: use sampleWeight',
    );
  });
});
