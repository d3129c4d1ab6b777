import { describe, expect, it } from 'vitest';
import * as ops from '../../src/ops/dropout.js';
import { pitchOf } from '../../src/tensor.js';
import { expectSameBits, inner, type JsKernel, matrix } from './arrays.js';
import { bits, cores, generator } from './core.js';

const widths = [1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 63, 64, 65, 130];
const heights = [1, 2, 5];
const seed = 0x1234567;
const stream = 0x40003;
/** How many rows count as one of the network's. */
const positions = 3;
/** Half of the words reach it; as a signed integer. */
const threshold = (2 ** 31) | 0;
const random = generator(31);
const draw = () => 4 * random() - 2;

/** Counters, in the step 7, behind 3 rows of it, as floats with the bits of whole numbers. */
const counters = () => {
  const floats = matrix(1, 8, () => 0);
  const numbers = new Int32Array(floats.buffer, inner(floats).byteOffset, 8);
  [numbers[2], numbers[7]] = [7, 3];
  return floats;
};

/** The kernel with counters as whole numbers, as the backend hands them over. */
const withCounters =
  (kernel: (...args: never[]) => void, at: number): JsKernel =>
  (...args) => {
    const floats = args[at] as Float32Array;
    args[at] = new Int32Array(floats.buffer, floats.byteOffset, floats.length);
    return (kernel as JsKernel)(...args);
  };

describe.each(widths)('%i columns', (columns) => {
  it.each(heights)('%i rows', (rows) => {
    const pitch = pitchOf(columns);
    const x = matrix(rows, columns, draw);
    const y = matrix(rows, columns, () => 9);
    const mask = matrix(rows, columns, () => 8);
    const key = [rows, columns, pitch, positions, seed, stream];
    const dropout = withCounters(ops.dropoutForward, 3);
    expectSameBits('dropoutForward', dropout, [y, mask, x, counters()], [...key, threshold, 2]);
    const alpha = withCounters(ops.alphaDropoutForward, 3);
    const rest = [...key, threshold, 0.8, 0.3, -1.1];
    const [out, masked] = expectSameBits(
      'alphaDropoutForward',
      alpha,
      [y, mask, x, counters()],
      rest,
    );
    expectSameBits('alphaDropoutForward', alpha, [x, mask, x, counters()], rest);
    for (let r = 0; r < rows; r++) {
      for (let i = r * pitch; i < r * pitch + columns; i++) {
        const kept = Math.fround(Math.fround(inner(x)[i]! * Math.fround(0.8)) + Math.fround(0.3));
        const m = inner(masked!)[i]!;
        expect([0, Math.fround(0.8)]).toContain(m);
        expect(inner(out!)[i]).toBe(m === 0 ? Math.fround(-1.1) : kept);
      }
    }
    expectSameBits(
      'dropoutBackward',
      ops.dropoutBackward as JsKernel,
      [y, x, masked!],
      [rows, columns, pitch],
    );
  });

  it.each(heights)('%i rows of noise', (rows) => {
    const pitch = pitchOf(columns);
    const x = matrix(rows, columns, draw);
    const key = [rows, columns, pitch, positions, seed, stream, 0.7];
    const js = [x.slice(), counters()] as const;
    withCounters(ops.gaussianNoiseForward, 2)(inner(js[0]), inner(js[0]), inner(js[1]), ...key);
    for (const { exports, memory, base } of cores()) {
      // In place, with scratch behind it all.
      const floats = new Float32Array(memory.buffer);
      const [at, counts, scratch] = [base / 4, base / 4 + 8192, base / 4 + 16384];
      floats.set(x, at);
      floats.set(inner(counters()), counts);
      exports.setScratch!(4 * scratch);
      const place = 4 * (at + 16);
      exports.gaussianNoiseForward!(place, place, 4 * counts, ...key);
      expect(bits(floats.slice(at, at + x.length))).toEqual(bits(js[0]));
    }
  });
});
