import { describe, expect, it } from 'vitest';
import * as ops from '../../src/ops/normalization.js';
import { pitchOf } from '../../src/tensor.js';
import { expectSameBits, inner, type JsKernel, matrix } from './arrays.js';
import { generator } from './core.js';

const widths = [1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 63, 64, 65, 130];
const heights = [1, 2, 3, 5, 17];
const epsilon = 1e-5;
const random = generator(3);
const draw = () => 4 * random() - 2;
const positive = () => 0.1 + random();

/** Runs a kernel in all builds, and gives what the arrays hold afterwards, without sentinels. */
const run = (name: keyof typeof ops, arrays: Float32Array[], rest: number[]) =>
  expectSameBits(name, ops[name] as JsKernel, arrays, rest).map(inner);

/** Numbers like those that a row of a matrix has in it, one for each column. */
const vector = (columns: number, value: () => number) => matrix(1, columns, value);

/** A matrix whose padding holds NaN, which no kernel may let through. */
function poisoned(rows: number, columns: number, value: () => number): Float32Array {
  const made = matrix(rows, columns, value);
  const pitch = pitchOf(columns);
  inner(made).forEach((_, i) => {
    if (i % pitch >= columns) inner(made)[i] = Number.NaN;
  });
  return made;
}

describe.each(widths)('%i columns', (columns) => {
  it.each(heights)('%i rows, over the batch', (rows) => {
    const pitch = pitchOf(columns);
    const sizes = [rows, columns, pitch];
    const x = poisoned(rows, columns, draw);
    const dy = poisoned(rows, columns, draw);
    const [empty, other] = [vector(columns, () => 9), vector(columns, () => 8)];
    const [mean, variance] = run('batchStatistics', [empty, other, x], sizes);
    for (let j = 0; j < columns; j++) {
      const values = Array.from({ length: rows }, (_, r) => inner(x)[r * pitch + j]!);
      const m = values.reduce((sum, v) => sum + v, 0) / rows;
      expect(mean![j]).toBeCloseTo(m, 5);
      const v = values.reduce((sum, value) => sum + (value - m) ** 2, 0) / rows;
      expect(variance![j]).toBeCloseTo(v, 5);
    }
    const [m, v] = [vector(columns, draw), vector(columns, positive)];
    const [scale, shift] = [vector(columns, draw), vector(columns, draw)];
    const y = matrix(rows, columns, () => 9);
    const all = [...sizes, epsilon];
    run('batchNormalizationForward', [y, x, m, v, scale, shift], all);
    const own = matrix(rows, columns, draw);
    run('batchNormalizationForward', [own, own, m, v, scale, shift], all);
    run('batchNormalizationSums', [empty, other, dy, x, m, v], all);
    run('batchNormalizationBackward', [y, dy, x, m, v, scale, shift, empty], all);
    run('batchNormalizationBackward', [own, own, x, m, v, scale, shift, empty], all);
    const before = [vector(columns, draw), vector(columns, positive)] as const;
    const rest = [columns, 0.1, 1.25];
    run('runningStatistics', [empty, other, ...before, m, v], rest);
    run('runningStatistics', [...before, ...before, m, v], rest);
  });

  it.each(heights)('%i rows, over the row', (rows) => {
    const pitch = pitchOf(columns);
    const sizes = [rows, columns, pitch];
    const x = poisoned(rows, columns, draw);
    const dy = poisoned(rows, columns, draw);
    const [scale, shift] = [vector(columns, draw), vector(columns, draw)];
    const y = matrix(rows, columns, () => 9);
    const statistics = matrix(1, 2 * rows, () => 9, 2 * rows);
    const forward = run(
      'layerNormalizationForward',
      [y, statistics, x, scale, shift],
      [...sizes, epsilon],
    );
    const own = matrix(rows, columns, draw);
    run('layerNormalizationForward', [own, statistics, own, scale, shift], [...sizes, epsilon]);
    const learnt = matrix(1, 2 * rows, (i) => forward[1]![i]!, 2 * rows);
    const [empty, other] = [vector(columns, () => 9), vector(columns, () => 8)];
    run('layerNormalizationSums', [empty, other, dy, x, learnt], [...sizes, 0]);
    run('layerNormalizationSums', [empty, other, dy, x, learnt], [...sizes, 1]);
    run('layerNormalizationBackward', [y, dy, x, learnt, scale], sizes);
    run('layerNormalizationBackward', [own, own, x, learnt, scale], sizes);
    for (let r = 0; r < rows; r++) {
      const values = inner(x).subarray(r * pitch, r * pitch + columns);
      const m = values.reduce((sum, v) => sum + v, 0) / columns;
      expect(forward[1]![2 * r]).toBeCloseTo(m, 5);
    }
  });
});

describe('what is not finite', () => {
  it('stays in its column, or in its row', () => {
    const odd = [1, Number.NaN, 2, Number.POSITIVE_INFINITY, -3e38, 3e38];
    const x = matrix(3, 6, (i) => (i < 6 ? odd[i]! : draw()));
    const [mean, variance] = run(
      'batchStatistics',
      [vector(6, () => 9), vector(6, () => 9), x],
      [3, 6, 8],
    );
    expect([...mean!.subarray(0, 6)].map(Number.isFinite)).toEqual([
      true,
      false,
      true,
      false,
      true,
      true,
    ]);
    expect(Number.isFinite(variance![0])).toBe(true);
    const parts = [matrix(3, 6, () => 9), matrix(1, 6, () => 9, 6), x];
    const scales = [vector(6, draw), vector(6, draw)];
    const [y] = run('layerNormalizationForward', [...parts, ...scales], [3, 6, 8, epsilon]);
    expect(y!.subarray(0, 6).every(Number.isNaN)).toBe(true);
    expect(y!.subarray(8, 24).every(Number.isFinite)).toBe(true);
  });
});
