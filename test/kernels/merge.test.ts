import { describe, expect, it } from 'vitest';
import { addRows, copyColumns, joinRows, splitRows } from '../../src/ops/merge.js';
import { pitchOf } from '../../src/tensor.js';
import { expectSameBits, guard, inner, type JsKernel, matrix, sentinel } from './arrays.js';
import { generator } from './core.js';

const sizes = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 63, 64, 65, 130];
const random = generator(17);
const draw = () => 2 * random() - 1;
const add = addRows as JsKernel;
const copy = copyColumns as JsKernel;
const split = splitRows as JsKernel;
const join = joinRows as JsKernel;

describe('addRows', () => {
  it.each(sizes)('adds rows of %i columns, alike in all builds', (columns) => {
    for (const rows of [1, 2, 5]) {
      const [a, b] = [matrix(rows, columns, draw), matrix(rows, columns, draw)];
      const y = matrix(rows, columns, () => 7);
      const pitch = pitchOf(columns);
      const [sum] = expectSameBits('addRows', add, [y, a, b], [rows, columns, pitch]);
      inner(sum!).forEach((value, i) => {
        expect(value).toBe(Math.fround(inner(a)[i]! + inner(b)[i]!));
      });
      expectSameBits('addRows', add, [a, a, b], [rows, columns, pitch]);
      expectSameBits('addRows', add, [b, a, b], [rows, columns, pitch]);
      expectSameBits('addRows', add, [a, a, a], [rows, columns, pitch]);
    }
  });

  it('keeps NaN and infinity out of the padding', () => {
    const odd = [Number.NaN, Number.POSITIVE_INFINITY, -0, 1e38, 3e38];
    const a = matrix(2, 5, (i) => odd[i % 5]!);
    const b = matrix(2, 5, (i) => odd[(i + 2) % 5]!);
    expectSameBits('addRows', add, [matrix(2, 5, () => 1), a, b], [2, 5, 8]);
  });

  it('does not rely on zeros in the padding of what it reads', () => {
    const a = matrix(2, 3, draw);
    inner(a).forEach((_, i) => {
      if (i % 8 > 2) inner(a)[i] = Number.NaN;
    });
    expectSameBits('addRows', add, [matrix(2, 3, () => 1), a, matrix(2, 3, draw)], [2, 3, 8]);
  });
});

describe('copyColumns', () => {
  it.each(sizes)('puts %i columns at any place of a row and takes them out again', (columns) => {
    for (const start of [0, 1, 3, 4, 6]) {
      for (const rows of [1, 3]) {
        const width = start + columns;
        const [narrow, wide] = [pitchOf(columns), pitchOf(width)];
        const x = matrix(rows, columns, draw);
        const y = matrix(rows, width, () => 9);
        const into = [rows, columns, start, wide, 0, narrow];
        const [joined] = expectSameBits('copyColumns', copy, [y, x], into);
        const out = [rows, columns, 0, narrow, start, wide];
        const fresh = matrix(rows, columns, () => 9);
        const [back] = expectSameBits('copyColumns', copy, [fresh, joined!], out);
        expect(back).toEqual(x);
        // What stands before the place stays.
        for (let c = 0; c < start; c++) expect(inner(joined!)[c]).toBe(9);
      }
    }
  });

  it('fills up to four columns with zeros, and no further', () => {
    const y = matrix(1, 16, () => 9);
    const x = matrix(1, 2, () => 1);
    const [joined] = expectSameBits('copyColumns', copy, [y, x], [1, 2, 3, 16, 0, 8]);
    expect([...inner(joined!).subarray(0, 10)]).toEqual([9, 9, 9, 1, 1, 0, 0, 0, 9, 9]);
    expect(joined![guard - 1]).toBe(Math.fround(sentinel));
  });
});

describe('splitRows and joinRows', () => {
  it.each(sizes)('part rows of several positions of %i columns, and join them again', (columns) => {
    for (const [rows, positions] of [
      [1, 1],
      [1, 3],
      [3, 2],
      [2, 7],
    ] as const) {
      const [wide, narrow] = [pitchOf(positions * columns), pitchOf(columns)];
      const x = matrix(rows, positions * columns, draw);
      const y = matrix(rows * positions, columns, () => 9);
      const sizes = [rows, positions, columns];
      const [parted] = expectSameBits('splitRows', split, [y, x], [...sizes, narrow, wide]);
      for (let r = 0; r < rows; r++) {
        for (let i = 0; i < positions * columns; i++) {
          const [p, c] = [Math.floor(i / columns), i % columns];
          const at = (r * positions + p) * narrow + c;
          expect(inner(parted!)[at]).toBe(inner(x)[r * wide + i]);
        }
      }
      const fresh = matrix(rows, positions * columns, () => 9);
      const [back] = expectSameBits('joinRows', join, [fresh, parted!], [...sizes, wide, narrow]);
      expect(back).toEqual(x);
    }
  });
});
