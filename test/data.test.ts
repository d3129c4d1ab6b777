import { describe, expect, it } from 'vitest';
import {
  areNames,
  type DenseRows,
  learnClasses,
  readLabels,
  readProbabilities,
  readRows,
  stratifiedSplit,
} from '../src/data.js';
import { Random } from '../src/random.js';
import { generator } from './kernels/core.js';

const dense = ({ values, rows }: DenseRows) => [[...values], rows];

describe('readRows', () => {
  it.each<[string, unknown, number[], unknown]>([
    [
      'nested arrays',
      [
        [1, 2],
        [3, 4],
      ],
      [2],
      [[1, 2, 3, 4], 2],
    ],
    ['one row', [1, 2], [2], [[1, 2], 1]],
    ['typed rows', [Float64Array.of(1, 2), Int8Array.of(-3, 4)], [2], [[1, 2, -3, 4], 2]],
    ['a flat typed array', Uint16Array.of(1, 2, 3, 4, 5, 6), [2], [[1, 2, 3, 4, 5, 6], 3]],
    ['clamped bytes', Uint8ClampedArray.of(300, 7), [2], [[255, 7], 1]],
    ['numbers as rows of one', [1, 2, 3], [1], [[1, 2, 3], 3]],
    ['rows of one', [[1], [2]], [1], [[1, 2], 2]],
    ['one number', [5], [1], [[5], 1]],
    [
      'rows of two dimensions',
      [
        [
          [1, 2],
          [3, 4],
        ],
        [
          [5, 6],
          [7, 8],
        ],
      ],
      [2, 2],
      [[1, 2, 3, 4, 5, 6, 7, 8], 2],
    ],
    [
      'one row of two dimensions',
      [
        [1, 2],
        [3, 4],
      ],
      [2, 2],
      [[1, 2, 3, 4], 1],
    ],
    [
      'rows of two dimensions, typed inside',
      [[Float32Array.of(1, 2)], [Float32Array.of(3, 4)]],
      [1, 2],
      [[1, 2, 3, 4], 2],
    ],
    ['rows of two dimensions, flat', Float32Array.of(1, 2, 3, 4), [2, 2], [[1, 2, 3, 4], 1]],
    ['minus zero', [[-0, 0]], [2], [[-0, 0], 1]],
  ])('takes %s', (_, data, shape, expected) => {
    expect(dense(readRows(data, shape, 'x'))).toEqual(expected);
  });

  it('rounds to float32', () => {
    const { values } = readRows([[0.1, 1 / 3]], [2], 'x');
    expect([...values]).toEqual([Math.fround(0.1), Math.fround(1 / 3)]);
    expect(readRows(Float64Array.of(0.1, 1 / 3), [2], 'x').values).toEqual(values);
  });

  it('copies nothing that is as it must be', () => {
    const given = new Float32Array(6);
    expect(readRows(given, [3], 'x').values).toBe(given);
  });

  it('takes the largest floats', () => {
    const most = (2 - 2 ** -23) * 2 ** 127;
    expect([...readRows([[most, -most]], [2], 'x').values]).toEqual([most, -most]);
    expect(() => readRows([[2 ** 128, 0]], [2], 'x')).toThrow('beyond the range of float32');
  });
});

describe('labels', () => {
  it('are class indices as they come', () => {
    for (const given of [
      [2, 0, 1],
      Int32Array.of(2, 0, 1),
      Float32Array.of(2, 0, 1),
      [[2], [0], [1]],
    ]) {
      expect(dense(readLabels(given, 3, undefined, 'y'))).toEqual([[2, 0, 1], 3]);
    }
  });

  it('or places in the list of classes', () => {
    expect(dense(readLabels(['b', 'a', 'b'], 2, ['a', 'b'], 'y'))).toEqual([[1, 0, 1], 3]);
    expect(dense(readLabels([20, 10], 2, [10, 20], 'y'))).toEqual([[1, 0], 2]);
    expect(dense(readLabels([true, false], 2, [false, true], 'y'))).toEqual([[1, 0], 2]);
    expect(dense(readLabels(Int8Array.of(20, 10), 2, [10, 20], 'y'))).toEqual([[1, 0], 2]);
  });

  it('are learnt in ascending order', () => {
    expect(learnClasses(['b', 'c', 'a', 'b'], 3, 'y')).toEqual(['a', 'b', 'c']);
    expect(learnClasses([true, false], 2, 'y')).toEqual([false, true]);
  });

  it('are told from numbers', () => {
    expect([['a'], [true], [1], [[1]], [], new Float32Array(1), 'a'].map(areNames)).toEqual([
      ...[true, true, false, false],
      ...[false, false, false],
    ]);
  });
});

it('probabilities are one number an output, or names of two classes', () => {
  const halves = [
    [0.25, 0.75],
    [1, 0],
  ];
  expect(dense(readProbabilities(halves, [2], undefined, 'y'))).toEqual([halves.flat(), 2]);
  expect(dense(readProbabilities([0, 1, 0.5], [1], undefined, 'y'))).toEqual([[0, 1, 0.5], 3]);
  expect(dense(readProbabilities(['n', 'y'], [1], ['n', 'y'], 'y'))).toEqual([[0, 1], 2]);
  expect(dense(readProbabilities([true, false], [1], [false, true], 'y'))).toEqual([[1, 0], 2]);
  expect(dense(readProbabilities([5, 3], [1], [3, 5], 'y'))).toEqual([[1, 0], 2]);
});

describe('stratifiedSplit', () => {
  const random = () => new Random(1, 2);
  const classesOf = (counts: readonly number[]) =>
    counts.flatMap((n, c) => new Array<number>(n).fill(c));
  const tally = (labels: readonly number[], list: Int32Array, size: number) => {
    const counts = new Array<number>(size).fill(0);
    for (const r of list) counts[labels[r]!]!++;
    return counts;
  };

  it.each<[number[], number, number[], string?]>([
    [[60, 30, 10], 0.2, [12, 6, 2]],
    [[60, 30, 10], 0.25, [15, 8, 2], 'the larger remainder gets the row that is missing'],
    [[7, 7, 7], 0.5, [4, 4, 3], 'of equal remainders the first'],
    [[98, 1, 1], 0.1, [10, 0, 0], 'a class of one row stays in training'],
    [[2, 2], 0.9, [1, 1], 'and so does one row of each class'],
    [[10], 0.3, [3]],
    [[10], 0.01, [0]],
  ])('of %j by %d holds out %j', (counts, share, expected) => {
    const labels = classesOf(counts);
    const { held } = stratifiedSplit(labels, share, random());
    expect(tally(labels, held, counts.length)).toEqual(expected);
  });

  it('loses no row and doubles none, and keeps both parts in order', () => {
    const uniform = generator(2);
    for (let i = 0; i < 200; i++) {
      const labels = Array.from({ length: 1 + Math.floor(uniform() * 60) }, () =>
        Math.floor(uniform() * 5),
      );
      const share = uniform();
      const { training, held } = stratifiedSplit(labels, share, new Random(i, 0));
      expect([...training, ...held].sort((a, b) => a - b)).toEqual(labels.map((_, r) => r));
      expect(training).toEqual(training.slice().sort());
      expect(held).toEqual(held.slice().sort());
      const [all, part] = [tally(labels, training, 5), tally(labels, held, 5)];
      part.forEach((n, c) => {
        const size = n + all[c]!;
        expect(Math.abs(n - size * share)).toBeLessThanOrEqual(size > 2 ? 1 : 2);
        if (size > 0) expect(all[c]).toBeGreaterThan(0);
      });
    }
  });

  it('is drawn by the random numbers, and does not depend on the order of classes', () => {
    const labels = classesOf([20, 20]);
    const [a, b] = [stratifiedSplit(labels, 0.5, random()), stratifiedSplit(labels, 0.5, random())];
    expect(a).toEqual(b);
    expect(stratifiedSplit(labels, 0.5, new Random(2, 2))).not.toEqual(a);
    expect([...a.held].some((r, i) => i > 0 && r !== a.held[i - 1]! + 1)).toBe(true);
  });
});
