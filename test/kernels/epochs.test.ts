import { describe, expect, it } from 'vitest';
import * as twins from '../../src/ops/epochs.js';
import { firstWord, secondWord } from '../../src/random.js';
import { cores } from './core.js';

const builds = cores();
const sentinel = 0x5eed5eed;

/** Fisher and Yates over the words of the blocks 0, 1, 2 …, in whole numbers of any size. */
function shuffled(rows: Int32Array, seed: number, stream: number, epoch: number): Int32Array {
  const order = rows.slice();
  for (let i = order.length - 1, k = 0; i > 0; i--, k++) {
    const first = firstWord(seed, stream, k >> 1, epoch);
    const word = (k & 1 ? secondWord() : first) >>> 0;
    const j = Number((BigInt(word) * BigInt(i + 1)) >> 32n);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

describe('shuffleIndices', () => {
  const cursor = 3;
  const [seed, stream] = [-123456789, 0x10000];

  it.each([1, 2, 3, 4, 15, 16, 17, 18, 32, 33, 34, 150, 1000])(
    '%i rows, epoch by epoch',
    (count) => {
      const rows = Int32Array.from({ length: count }, (_, i) => 7 * i + 1);
      const indices = new Int32Array(cursor + 2 * count + 8).fill(sentinel);
      const counters = Int32Array.of(cursor, 11, 12, 13, 14, 15, -1);
      const expected = indices.slice();
      expected.set(shuffled(rows, seed, stream, -1), cursor);
      expected.set(shuffled(rows, seed, stream, 0), cursor + count);
      const moved = Int32Array.of(cursor + 2 * count, 11, 12, 13, 14, 15, 1);

      const js = { indices: indices.slice(), counters: counters.slice() };
      for (let i = 0; i < 2; i++) {
        twins.shuffleIndices(js.indices, rows, js.counters, seed, stream, count);
      }
      expect(js.indices).toEqual(expected);
      expect(js.counters).toEqual(moved);

      for (const { memory, base, exports } of builds) {
        const words = new Int32Array(memory.buffer);
        const at = [0, 64, 2048, 4096].map((offset) => base + 4 * offset);
        const [countersAt, scratchAt, rowsAt, indicesAt] = at as [number, number, number, number];
        words.fill(sentinel, base / 4, base / 4 + 8192);
        words.set(counters, countersAt / 4);
        words.set(rows, rowsAt / 4);
        words.set(indices, indicesAt / 4);
        exports.setScratch!(scratchAt);
        for (let i = 0; i < 2; i++) {
          exports.shuffleIndices!(indicesAt, rowsAt, countersAt, seed, stream, count);
        }
        const read = (place: number, length: number) => words.slice(place / 4, place / 4 + length);
        expect(read(indicesAt, indices.length)).toEqual(expected);
        expect(read(countersAt, 8)).toEqual(Int32Array.of(...moved, sentinel));
        expect(read(rowsAt, count + 1)).toEqual(Int32Array.of(...rows, sentinel));
        expect(words[scratchAt / 4 + 32]).toBe(sentinel);
      }
    },
  );
});

describe('requireFinite', () => {
  it.each([0, 16, 32, 48, 1024])('looks at all of %i numbers', (size) => {
    const x = Float32Array.from({ length: size + 16 }, (_, i) => (i % 2 ? -1 : 1) * 3.4e38);
    // What stands behind does not count.
    x.fill(Number.NaN, size);
    const results = (values: Float32Array) => [
      twins.requireFinite(values, size),
      ...builds.map(({ memory, base, exports }) => {
        new Float32Array(memory.buffer).set(values, base / 4);
        return Boolean(exports.requireFinite!(base, size));
      }),
    ];
    expect(results(x)).toEqual([false, false, false]);
    const bad = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let i = 0; i < size; i += size > 100 ? 37 : 1) {
      const spoilt = x.slice();
      spoilt[i] = bad[i % 3]!;
      expect(results(spoilt), `at ${i}`).toEqual([true, true, true]);
    }
  });
});
