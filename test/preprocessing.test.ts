import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  dense,
  type Encoding,
  type InputRows,
  layers,
  minMaxScaler,
  type NetworkSpec,
  oneHot,
  type Preprocess,
  robustScaler,
  sequential,
  standardScaler,
} from '../src/index.js';
import { FittedScaler } from '../src/scalers.js';

// Golden values of scikit-learn, made by scripts/golden-metrics.py.
const golden = JSON.parse(
  readFileSync(new URL('fixtures/metrics.json', import.meta.url), 'utf8'),
) as { scalers: ({ x: number[][] } & Record<string, number[][]>)[] };

const scalers = {
  standardScaler: standardScaler(),
  minMaxScaler: minMaxScaler(),
  'minMaxScaler -1 3': minMaxScaler({ min: -1, max: 3 }),
  robustScaler: robustScaler(),
};

/** What the layers of a network see of rows. */
function seen(model: ReturnType<typeof sequential>, x: InputRows, width: number): number[][] {
  const y = [...model.predict(x)];
  return Array.from({ length: y.length / width }, (_, r) => y.slice(r * width, (r + 1) * width));
}

/** A network without weights, whose outputs are its inputs as its scalers make them. */
const passing = (x: Encoding, columns: number) =>
  sequential({
    inputShape: [columns],
    layers: [layers.flatten()],
    loss: 'meanSquaredError',
    preprocess: { x },
  });

const zeros = (rows: number, width: number) =>
  Array.from({ length: rows }, () => new Array<number>(width).fill(0));

describe.each(Object.entries(scalers))('%s', (name, scaler) => {
  it.each(golden.scalers)('scales as scikit-learn does', async ({ x, ...expected }) => {
    const model = passing(scaler, 4);
    await model.fit(x, zeros(x.length, 4), { epochs: 0 });
    seen(model, x, 4).forEach((row, r) => {
      row.forEach((value, c) => {
        // A column that never changes is 0, also where scikit-learn makes it the range's start.
        const wanted = c === 2 ? 0 : expected[name]![r]![c]!;
        expect(value - wanted).toBeCloseTo(0, 6);
      });
    });
  });

  it('scales targets, and predictions back', async () => {
    const { x } = golden.scalers[0]!;
    const spec: NetworkSpec = {
      inputShape: [4],
      layers: [layers.flatten()],
      loss: 'meanSquaredError',
      metrics: ['meanAbsoluteError'],
    };
    const model = sequential({ ...spec, preprocess: { x: scaler, y: scaler } });
    await model.fit(x, x, { epochs: 0 });
    expect(model.evaluate(x, x).loss).toBe(0);
    model.predict(x).forEach((value, i) => {
      const wanted = x[Math.floor(i / 4)]![i % 4]!;
      expect(Math.abs(value - wanted)).toBeLessThan(1e-3);
    });
  });

  it('is one of several columns', () => {
    const values = Float32Array.from([1, 5, 2, 6, 9, 7, 4, 8]);
    const rows = Int32Array.of(0, 1, 2);
    const one = FittedScaler.fit([scaler, null], { values, rows: 4 }, 2, rows);
    const both = FittedScaler.fit(scaler, { values, rows: 4 }, 2, rows);
    expect(one.columns[0]).toEqual(both.columns[0]);
    expect(one.columns[1]).toEqual({ center: 0, scale: 1 });
  });
});

describe('oneHot', () => {
  const rows = [
    ['red', 10, 3],
    ['blue', 20, 5],
    ['red', 30, 3],
    ['green', 40, 5],
  ];
  const encoding = [oneHot(3), minMaxScaler(), oneHot([5, 3])];

  it('makes a column as wide as it has categories, at its place', async () => {
    const model = passing(encoding, 3);
    await model.fit(rows, zeros(4, 6), { epochs: 0 });
    const third = Math.fround(1 / 3);
    const twoThirds = Math.fround(2 / 3);
    // Ascending where they are learnt, as they are given where they are.
    expect(seen(model, rows, 6)).toEqual([
      [0, 0, 1, 0, 0, 1],
      [1, 0, 0, third, 1, 0],
      [0, 0, 1, twoThirds, 0, 1],
      [0, 1, 0, 1, 1, 0],
    ]);
    expect(seen(model, rows[1]!, 6)).toEqual([[1, 0, 0, third, 1, 0]]);
    expect(model.summary()).toContain('[3]');
  });

  it('takes numbers from typed arrays, and single columns', async () => {
    const model = passing([oneHot(3), null], 2);
    const x = Int32Array.of(7, 1, -2, 2, 7, 3, 300, 4);
    await model.fit(x, zeros(4, 4), { epochs: 0 });
    const expected = [
      [0, 1, 0, 1],
      [1, 0, 0, 2],
      [0, 1, 0, 3],
      [0, 0, 1, 4],
    ];
    expect(seen(model, x, 4)).toEqual(expected);
    expect(seen(model, [[7, 1], Float64Array.of(300, 4)], 4)).toEqual([expected[0], expected[3]]);
    const single = passing(oneHot(['a', 'b']), 1);
    expect(seen(single, ['b', 'a', 'b'], 2)).toEqual([
      [0, 1],
      [1, 0],
      [0, 1],
    ]);
  });

  it('learns from the rows that are trained on, once, and refuses what it has not seen', async () => {
    const model = passing(encoding, 3);
    const y = zeros(4, 6);
    await expect(model.fit(rows, y, { validationSplit: 0.25, shuffle: false })).rejects.toThrow(
      "x: row 3, column 0: 'green' is none of the categories known: 'blue', 'red'; train on rows that have it, or list all with oneHot([…])",
    );
    expect(() => model.predict(rows)).toThrow('the scaler of x has not been fitted');
    await expect(
      model.fit(rows.slice(0, 2), y.slice(0, 2), {
        validationData: [[['pink', 1, 3]], y.slice(3)],
      }),
    ).rejects.toThrow("validationData[0]: row 0, column 0: 'pink' is none of");
    await model.fit(rows.slice(0, 3), y.slice(0, 3), {
      epochs: 2,
      validationData: [rows.slice(0, 2), y.slice(0, 2)],
    });
    for (const ask of [
      () => model.predict(rows),
      () => model.evaluate(rows, y),
      () => model.trainOnBatch(rows, y),
      () => model.gradients(rows, y),
    ]) {
      expect(ask).toThrow(
        "x: row 3, column 0: 'green' is none of the categories known: 'blue', 'red'",
      );
    }
    await expect(model.fit(rows, y)).rejects.toThrow('x: row 3, column 0');
    expect(() => model.predict([['red', 1, 4]])).toThrow(
      'x: row 0, column 2: 4 is none of the categories known: 5, 3;',
    );
  });

  it('trains like columns made by hand, on either backend', async () => {
    const spec: NetworkSpec = {
      inputShape: [3],
      layers: [dense(4, { activation: 'tanh' }), dense(1)],
      loss: 'meanSquaredError',
      seed: 5,
    };
    const y = [1, 0, 0.5, 2];
    const encoded = passing(encoding, 3);
    await encoded.fit(rows, zeros(4, 6), { epochs: 0 });
    const hand = sequential({ ...spec, inputShape: [6] });
    const options = { epochs: 6, batchSize: 3 };
    await hand.fit(encoded.predict(rows), y, options);
    for (const backend of ['wasm', 'js'] as const) {
      const model = sequential({ ...spec, preprocess: { x: encoding } }, { backend });
      await model.fit(rows, y, options);
      expect(model.getWeights()).toEqual(hand.getWeights());
      expect(model.predict(rows)).toEqual(hand.predict(encoded.predict(rows)));
      const { inputs } = model.gradients(rows, y, { inputs: true });
      const by = hand.gradients(encoded.predict(rows), y, { inputs: true }).inputs!;
      expect(inputs).toEqual(
        Float32Array.from({ length: 12 }, (_, i) =>
          i % 3 === 1 ? by[Math.floor(i / 3) * 6 + 3]! / 30 : Number.NaN,
        ),
      );
    }
  });

  it.each<[Preprocess, string]>([
    [{ x: oneHot(0) }, 'preprocess.x: categories: expected a whole number of at least 1, got 0'],
    [{ x: oneHot([]) }, 'preprocess.x: categories: expected at least one'],
    [{ x: [oneHot(['a', 'a']), null] }, "preprocess.x[0]: categories: 'a' comes twice"],
    [
      { x: oneHot('ab' as never) },
      "preprocess.x: categories: expected their list, or how many there are, got 'ab'",
    ],
    [
      { x: [null, oneHot([Number.NaN])] },
      'preprocess.x[1]: categories[0]: expected a category, which is text, a finite number or a boolean, got NaN',
    ],
    [
      { y: oneHot(2) as never },
      "preprocess.y: oneHot is for inputs; to predict classes, use task: 'multiclass'",
    ],
    [{ x: minMaxScaler({ min: 2 }) }, 'preprocess.x: max: expected more than min, 2, got 1'],
  ])('refuses %j', (preprocess, message) => {
    const spec: NetworkSpec = { inputShape: [2], layers: [dense(2)], loss: 'meanSquaredError' };
    expect(() => sequential({ ...spec, preprocess })).toThrow(message);
  });

  it('refuses rows that are not flat, more categories than said, and what is no category', async () => {
    expect(() =>
      sequential({
        inputShape: [2, 2],
        layers: [layers.flatten(), dense(1)],
        preprocess: { x: oneHot(2) },
      }),
    ).toThrow('oneHot makes rows wider, which is for flat rows, got the inputShape [2, 2]');
    const model = passing([oneHot(2), null, null], 3);
    await expect(model.fit(rows, zeros(4, 4))).rejects.toThrow(
      "preprocess.x: column 0: oneHot(2) is for at most 2 categories, and the training rows have 3: 'blue', 'green', 'red'",
    );
    await expect(model.fit([[null, 1, 2]] as never, zeros(1, 4))).rejects.toThrow(
      'x: row 0, column 0: expected a category, which is text, a finite number or a boolean, got null',
    );
    await expect(model.fit([['a', 1]], zeros(1, 4))).rejects.toThrow(
      'x: row 0: expected rows of 3 numbers, got 2',
    );
    await expect(model.fit([['a', 'b', 2]], zeros(1, 4))).rejects.toThrow(
      "x: row 0, column 1: expected a number, got 'b'",
    );
  });

  it('comes back from toJSON', () => {
    const model = sequential({
      inputShape: [3],
      layers: [dense(1)],
      task: 'regression',
      preprocess: { x: encoding },
    });
    const copy = sequential(JSON.parse(JSON.stringify(model)) as NetworkSpec);
    expect(copy.getWeights()).toEqual(model.getWeights());
  });
});
