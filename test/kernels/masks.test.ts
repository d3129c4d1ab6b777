import { describe, expect, it } from 'vitest';
import { keepRows, maskRows, stepsMeanBackward, stepsMeanForward } from '../../src/ops/masks.js';
import { pitchOf } from '../../src/tensor.js';
import { expectSameBits, guard, inner, type JsKernel, matrix, withWords, words } from './arrays.js';
import { generator } from './core.js';

const random = generator(17);
const odd = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  0,
  -0,
  3e38,
  2 ** -140,
];
const draw = () => (random() < 0.1 ? odd[Math.floor(odd.length * random())]! : 4 * random() - 2);
const nothing = () => 9;

describe.each([1, 3, 4, 5, 7, 8, 13, 16])('%i columns', (columns) => {
  const pitch = pitchOf(columns);

  it.each([0, 1.5, 0.1])('a row counts unless all of it is %d', (value) => {
    const left = () => (random() < 0.6 / columns ? draw() : value);
    const rows = 23;
    const [mask] = expectSameBits(
      'maskRows',
      withWords(maskRows as JsKernel, 0),
      [words(new Array(rows).fill(7)), matrix(rows, columns, left)],
      [rows, columns, pitch, value],
    );
    const counts = new Int32Array(mask!.buffer, 4 * guard, rows);
    expect(new Set(counts)).toEqual(new Set([0, 1]));
  });

  it('keeps rows, whatever stands in the others', () => {
    const rows = 9;
    const mask = words(Array.from({ length: rows }, () => Number(random() < 0.5)));
    const x = matrix(rows, columns, draw);
    const kernel = withWords(keepRows as JsKernel, 2);
    expectSameBits(
      'keepRows',
      kernel,
      [matrix(rows, columns, nothing), x, mask],
      [rows, columns, pitch],
    );
    expectSameBits('keepRows', kernel, [x, x, mask], [rows, columns, pitch]);
  });

  it.each([1, 2, 5, 12])('the mean of those of %i steps that count', (steps) => {
    const batch = 6;
    const sizes = [batch, steps, columns, pitch];
    const counts = Array.from({ length: batch * steps }, (_, r) =>
      r < steps ? 0 : Number(random() < 0.6),
    );
    const x = matrix(batch * steps, columns, draw);
    const [y] = expectSameBits(
      'stepsMeanForward',
      withWords(stepsMeanForward as JsKernel, 2),
      [matrix(batch, columns, nothing), x, words(counts)],
      sizes,
    );
    expect([...inner(y!).subarray(0, columns)]).toEqual(new Array(columns).fill(0));
    expectSameBits(
      'stepsMeanBackward',
      withWords(stepsMeanBackward as JsKernel, 2),
      [matrix(batch * steps, columns, nothing), matrix(batch, columns, draw), words(counts)],
      sizes,
    );
  });
});
