import { describe, expect, it } from 'vitest';
import {
  embeddingBackward,
  embeddingBackwardOnto,
  embeddingForward,
  positionsBackward,
  positionsBackwardOnto,
  positionsForward,
} from '../../src/ops/embedding.js';
import { pitchOf } from '../../src/tensor.js';
import { expectSameBits, inner, type JsKernel, matrix } from './arrays.js';
import { generator } from './core.js';

const sizes = [1, 3, 4, 5, 8, 17, 63, 64, 65];
const random = generator(23);
const draw = () => 2 * random() - 1;
const [forward, backward, onto] = [embeddingForward, embeddingBackward, embeddingBackwardOnto].map(
  (kernel) => kernel as JsKernel,
);

/** Places in a list, and, unless `clean`, what is none: no kernel may read or write there. */
const odd = [-1, 7, 1e9, -1e9, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, 2 ** 32];
const numbers = (rows: number, positions: number, vocabulary: number, clean: boolean) =>
  matrix(rows, positions, (i) =>
    !clean && i % 3 === 1 ? odd[i % odd.length]! : Math.floor(vocabulary * random()),
  );

describe.each([
  ['of places alone', true],
  ['with numbers that are none', false],
])('rows %s', (_, clean) => {
  it.each(sizes)('of vectors of %i', (units) => {
    for (const [rows, positions, vocabulary] of [
      [1, 1, 1],
      [1, 5, 3],
      [4, 9, 7],
      [3, 1, 2],
    ] as const) {
      const x = numbers(rows, positions, vocabulary, clean);
      const w = matrix(vocabulary, units, draw);
      const y = matrix(rows * positions, units, () => 9);
      const [xPitch, pitch] = [pitchOf(positions), pitchOf(units)];
      const given = [rows, positions, units, vocabulary, xPitch, pitch];
      const [found] = expectSameBits('embeddingForward', forward!, [y, x, w], given);
      const dy = matrix(rows * positions, units, draw);
      const dw = matrix(vocabulary, units, () => 9);
      const [sums] = expectSameBits('embeddingBackward', backward!, [dw, dy, x], given);
      const [both] = expectSameBits('embeddingBackwardOnto', onto!, [sums!, dy, x], given);
      const wanted = new Float32Array(vocabulary * units);
      for (let k = 0; k < rows * positions; k++) {
        const place = inner(x)[Math.floor(k / positions) * xPitch + (k % positions)]!;
        const known = place >= 0 && place < vocabulary;
        for (let c = 0; c < units; c++) {
          const value = known ? inner(w)[place * pitch + c] : Number.NaN;
          expect(inner(found!)[k * pitch + c]).toBe(value);
          if (known) wanted[place * units + c]! += inner(dy)[k * pitch + c]!;
        }
      }
      wanted.forEach((sum, i) => {
        const at = Math.floor(i / units) * pitch + (i % units);
        expect(inner(sums!)[at]).toBe(sum);
        expect(inner(both!)[at]).toBeCloseTo(2 * sum, 5);
      });
    }
  });
});

describe('vectors for positions', () => {
  it.each(sizes)('of %i', (units) => {
    for (const [rows, positions] of [
      [1, 1],
      [1, 5],
      [4, 3],
    ] as const) {
      const given = [rows, positions, units, pitchOf(units)];
      const x = matrix(rows * positions, units, draw);
      const w = matrix(positions, units, draw);
      const y = matrix(rows * positions, units, () => 9);
      expectSameBits('positionsForward', positionsForward as JsKernel, [y, x, w], given);
      expectSameBits('positionsForward', positionsForward as JsKernel, [x, x, w], given);
      const dw = matrix(positions, units, () => 9);
      expectSameBits('positionsBackward', positionsBackward as JsKernel, [dw, x], given);
      expectSameBits('positionsBackwardOnto', positionsBackwardOnto as JsKernel, [dw, x], given);
    }
  });
});
