import { describe, expect, it } from 'vitest';
import {
  crossValidate,
  datasets,
  dense,
  kFold,
  sequential,
  standardScaler,
  stratifiedKFold,
  takeRows,
  trainTestSplit,
} from '../src/index.js';

const count = (labels: ArrayLike<number>, label: number) =>
  Array.from(labels).filter((l) => l === label).length;
const sorted = (...parts: Int32Array[]) => parts.flatMap((part) => [...part]).sort((a, b) => a - b);

describe('trainTestSplit', () => {
  const labels = Array.from({ length: 40 }, (_, r) => (r % 10 === 0 ? 'rare' : 'often'));
  const rows = labels.map((_, r) => [r, -r]);

  it('parts rows with their targets', () => {
    const { train, test } = trainTestSplit(rows, labels, { testShare: 0.3, seed: 4 });
    expect(test.rows).toHaveLength(12);
    expect(sorted(train.rows, test.rows)).toEqual(rows.map((_, r) => r));
    expect(test.x).toEqual([...test.rows].map((r) => [r, -r]));
    expect(test.y).toEqual([...test.rows].map((r) => labels[r]));
    const again = trainTestSplit(rows, labels, { testShare: 0.3, seed: 4 });
    expect(again).toEqual({ train, test });
    const other = trainTestSplit(rows, labels, { testShare: 0.3, seed: 5 });
    expect(other.test.rows).not.toEqual(test.rows);
  });

  it('keeps the proportions of classes, and the order where it is told', () => {
    const { train, test } = trainTestSplit(rows, labels, { stratify: true });
    expect(test.y.filter((l) => l === 'rare')).toHaveLength(1);
    expect(train.y.filter((l) => l === 'rare')).toHaveLength(3);
    const last = trainTestSplit(rows, labels, { shuffle: false });
    expect([...last.test.rows]).toEqual([30, 31, 32, 33, 34, 35, 36, 37, 38, 39]);
  });

  it('takes flat arrays, of their own type', () => {
    const { x, y } = datasets.blobs({ rows: 30 });
    const { train, test } = trainTestSplit(x, y, { stratify: true, testShare: 0.2 });
    expect(train.x).toBeInstanceOf(Float32Array);
    expect(test.y).toBeInstanceOf(Int32Array);
    expect([0, 1, 2].map((label) => count(test.y, label))).toEqual([2, 2, 2]);
    test.rows.forEach((row, i) => {
      expect(test.x.slice(i * 2, i * 2 + 2)).toEqual(x.slice(row * 2, row * 2 + 2));
    });
    // A list says how many rows there are, where a flat array does not.
    const wide = trainTestSplit(rows, new Float32Array(120), { testShare: 0.5 });
    expect(wide.test.y).toHaveLength(60);
  });

  it('is refused where it does not work', () => {
    const split =
      (options: object, x: unknown = rows) =>
      () =>
        trainTestSplit(x as number[][], labels, options);
    expect(split({}, rows.slice(1))).toThrow('y: expected 39 rows, as many as x has, got 40');
    expect(split({}, [])).toThrow('x: expected at least one row, got none');
    expect(split({}, 5)).toThrow('x: expected an array, got 5');
    expect(split({ testShare: 1 })).toThrow('testShare: expected a number in [0, 1), got 1');
    expect(split({ testShare: 0.01 })).toThrow(
      'testShare: 0.01 of 40 rows leaves 0 to test on and 40 to train on',
    );
    expect(split({ share: 0.1 })).toThrow("trainTestSplit: unknown option 'share'");
    expect(split({ stratify: true, shuffle: false })).toThrow('stratify: rows are drawn for it');
    expect(() => trainTestSplit(rows, rows, { stratify: true })).toThrow(
      'y: row 0: expected a label',
    );
    expect(() => takeRows(rows, [40])).toThrow('rows: expected rows from 0 to 39, got 40');
  });
});

describe('kFold', () => {
  it.each([
    [10, 5],
    [11, 3],
    [7, 7],
    [23, 4],
  ])('tests each of %d rows in one of %d folds', (rows, folds) => {
    for (const shuffle of [true, false]) {
      const made = kFold(rows, { folds, shuffle });
      expect(made).toHaveLength(folds);
      const sizes = made.map(({ test }) => test.length);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThan(2);
      expect(sorted(...made.map(({ test }) => test))).toHaveLength(rows);
      for (const { train, test } of made) {
        expect(sorted(train, test)).toEqual(Array.from({ length: rows }, (_, r) => r));
      }
    }
  });

  it('goes by runs of rows without shuffling', () => {
    const tests = kFold(5, { folds: 2, shuffle: false }).map(({ test }) => [...test]);
    expect(tests).toEqual([
      [0, 1, 2],
      [3, 4],
    ]);
    expect(kFold(5, { seed: 1 })).toEqual(kFold(5, { seed: 1 }));
  });

  it('spreads classes evenly when stratified', () => {
    const labels = Array.from({ length: 31 }, (_, r) => (r < 5 ? 0 : r < 13 ? 1 : 2));
    for (const shuffle of [true, false]) {
      const made = stratifiedKFold(labels, { folds: 4, shuffle, seed: 3 });
      const sizes = made.map(({ test }) => test.length).sort();
      expect(sizes).toEqual([7, 8, 8, 8]);
      for (const label of [0, 1, 2]) {
        const counts = made.map(({ test }) => count(takeRows(labels, test), label));
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThan(2);
      }
    }
  });

  it('is refused for too many folds, and too few', () => {
    expect(() => kFold(3)).toThrow('folds: 5 is more than the 3 rows');
    expect(() => kFold(3, { folds: 1 })).toThrow('folds: expected a whole number of at least 2');
    expect(() => stratifiedKFold([0, 1], { fold: 2 } as never)).toThrow("unknown option 'fold'");
  });
});

describe('crossValidate', () => {
  const { x, y } = datasets.blobs({ rows: 60, seed: 2 });
  const make = () =>
    sequential({
      inputShape: [2],
      layers: [dense(8), dense(3)],
      task: 'multiclass',
      optimizer: { type: 'adam', learningRate: 0.05 },
      preprocess: { x: standardScaler() },
      metrics: ['accuracy'],
    });

  it('scores each fold with a network trained on the others', async () => {
    const told: number[] = [];
    const result = await crossValidate(make, x, y, {
      folds: 3,
      stratify: true,
      fit: { epochs: 20 },
      onFold: (fold) => told.push(fold),
    });
    expect(told).toEqual([0, 1, 2]);
    expect(result.stopReason).toBe('completed');
    const [first] = stratifiedKFold(y, { folds: 3 });
    const model = make();
    await model.fit(takeRows(x, first!.train, 60), takeRows(y, first!.train), { epochs: 20 });
    const { train, test } = first!;
    expect(train).toHaveLength(40);
    expect(result.folds[0]).toEqual(model.evaluate(takeRows(x, test, 60), takeRows(y, test)));
    const values = result.folds.map((logs) => logs.accuracy!);
    const mean = values.reduce((sum, v) => sum + v, 0) / 3;
    expect(mean).toBeGreaterThan(0.9);
    expect(result.mean.accuracy).toBe(mean);
    const squares = values.reduce((sum, v) => sum + (v - mean) ** 2, 0);
    expect(result.deviation.accuracy).toBeCloseTo(Math.sqrt(squares / 2), 12);
    expect(result.text.split('\n').map((line) => line.split(' ')[0])).toEqual([
      ...['fold', result.text.split('\n')[1], '0', '1', '2', 'mean', 'deviation'],
    ]);
  });

  it('ends with the folds that were whole when it is aborted', async () => {
    const controller = new AbortController();
    const result = await crossValidate(make, x, y, {
      fit: { epochs: 2 },
      signal: controller.signal,
      onFold: (fold) => fold === 1 && controller.abort(),
    });
    expect(result.stopReason).toBe('aborted');
    expect(result.folds).toHaveLength(2);
    const none = await crossValidate(make, x, y, { signal: AbortSignal.abort() });
    expect(none).toMatchObject({ folds: [], mean: {}, stopReason: 'aborted' });
    const within = new AbortController();
    const callbacks = [{ onBatchEnd: () => within.abort() }];
    const cut = await crossValidate(make, x, y, { fit: { callbacks, signal: within.signal } });
    expect(cut.folds).toHaveLength(0);
  });

  it('takes folds of your own, and refuses a network that has been trained', async () => {
    const folds = [{ train: Int32Array.of(0, 1, 2, 3), test: Int32Array.of(4, 5) }];
    expect((await crossValidate(make, x, y, { folds })).folds).toHaveLength(1);
    const model = make();
    await expect(crossValidate(() => model, x, y)).rejects.toThrow(
      'makeModel: expected a new network for each fold, got one again',
    );
    await expect(crossValidate(make, x, y, { fold: 3 } as never)).rejects.toThrow(
      "crossValidate: unknown option 'fold'",
    );
  });
});
