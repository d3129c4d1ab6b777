import { describe, expect, it } from 'vitest';
import { firstWord, Random, secondWord, streams } from '../src/random.js';

describe('Threefry-2x32 with 20 rounds', () => {
  // The known answers of Random123, tests/kat_vectors: counter, key, output.
  it.each([
    [0x00000000, 0x00000000, 0x00000000, 0x00000000, 0x6b200159, 0x99ba4efe],
    [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x1cb996fc, 0xbb002be7],
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xc4923a9c, 0x483df7a0],
  ])('of counter %i %i, key %i %i', (counter0, counter1, key0, key1, first, second) => {
    expect(firstWord(key0, key1, counter0, counter1) >>> 0).toBe(first);
    expect(secondWord() >>> 0).toBe(second);
    // The same bits as signed integers.
    expect(firstWord(key0 | 0, key1 | 0, counter0 | 0, counter1 | 0) >>> 0).toBe(first);
  });
});

describe('Random', () => {
  const draws = (random: Random, count = 50) => Array.from({ length: count }, () => random.word());

  it('gives both words of one block after another', () => {
    const expected: number[] = [];
    for (let block = 0; block < 25; block++) {
      expected.push(firstWord(9, 8, block, 7) >>> 0, secondWord() >>> 0);
    }
    expect(draws(new Random(9, 8, 7))).toEqual(expected);
  });

  it('starts anew for each seed, purpose and sequence, at any seed of 32 bits', () => {
    const all = [
      [1, 2, 3],
      [2, 2, 3],
      [1, 3, 3],
      [1, 2, 4],
      [2 ** 32 - 1, 2, 3],
    ].map(([seed, stream, sequence]) => draws(new Random(seed!, stream!, sequence)).join());
    expect(new Set(all).size).toBe(all.length);
    expect(draws(new Random(1, 2, 3)).join()).toBe(all[0]);
    expect(draws(new Random(1, 2)).join()).toBe(draws(new Random(1, 2, 0)).join());
  });

  it('draws below a bound by the exact product, however large', () => {
    for (const bound of [1, 3, 2 ** 21 + 1, 2 ** 31 - 1, 2 ** 31]) {
      const [words, random] = [new Random(3, 4, bound), new Random(3, 4, bound)];
      for (let i = 0; i < 200; i++) {
        const expected = Number((BigInt(words.word()) * BigInt(bound)) >> 32n);
        expect(random.below(bound)).toBe(expected);
      }
    }
  });

  it('has purposes of its own, with room for many indices', () => {
    const starts = Object.values(streams).sort((a, b) => a - b);
    starts.forEach((start, i) => {
      if (i > 0) expect(start - starts[i - 1]!).toBeGreaterThanOrEqual(2 ** 16);
    });
  });

  const count = 200_000;
  const moment = (values: number[], power: number) =>
    values.reduce((sum, v) => sum + v ** power, 0) / values.length;

  it('draws uniform numbers in [0, 1)', () => {
    const random = new Random(5, 1);
    const values = Array.from({ length: count }, () => random.uniform());
    expect(values.every((v) => v >= 0 && v < 1)).toBe(true);
    // Five standard errors of each moment: √(1/(2k + 1) − 1/(k + 1)²) / √count.
    for (const k of [1, 2, 3, 4]) {
      const error = Math.sqrt((1 / (2 * k + 1) - 1 / (k + 1) ** 2) / count);
      expect(Math.abs(moment(values, k) - 1 / (k + 1))).toBeLessThan(5 * error);
    }
    const bins = new Array<number>(64).fill(0);
    for (const v of values) bins[Math.floor(v * 64)]!++;
    const chi = bins.reduce((sum, n) => sum + (n - count / 64) ** 2 / (count / 64), 0);
    // 63 degrees of freedom: mean 63, deviation √126.
    expect(Math.abs(chi - 63)).toBeLessThan(5 * Math.sqrt(126));
    // More than the 32 bits of one word.
    expect(values.some((v) => (v * 2 ** 40) % 1 !== 0)).toBe(true);
  });

  it('draws normal numbers', () => {
    const random = new Random(5, 2);
    const values = Array.from({ length: count }, () => random.normal());
    // Moments 0, 1, 0, 3, 0, 15; the variance of the k-th is that of 2k less its square.
    const moments = [1, 0, 1, 0, 3, 0, 15, 0, 105, 0, 945, 0, 10395];
    for (const k of [1, 2, 3, 4, 5, 6]) {
      const error = Math.sqrt((moments[2 * k]! - moments[k]! ** 2) / count);
      expect(Math.abs(moment(values, k) - moments[k]!)).toBeLessThan(5 * error);
    }
    const beyond = values.filter((v) => Math.abs(v) > 1.959963984540054).length / count;
    expect(Math.abs(beyond - 0.05)).toBeLessThan(5 * Math.sqrt((0.05 * 0.95) / count));
    // One after another they have nothing to do with each other.
    const products = values.slice(1).map((v, i) => v * values[i]!);
    expect(Math.abs(moment(products, 1))).toBeLessThan(5 / Math.sqrt(count));
  });

  it('draws whole numbers below a bound, all as often', () => {
    const random = new Random(5, 3);
    const counts = new Array<number>(7).fill(0);
    for (let i = 0; i < 70_000; i++) counts[random.below(7)]!++;
    for (const n of counts) expect(Math.abs(n - 10_000)).toBeLessThan(5 * Math.sqrt(10_000));
    for (let i = 0; i < 100; i++) expect(random.below(1)).toBe(0);
  });

  it.each([0, 1, 2, 3, 17, 1000])('shuffles %i numbers', (length) => {
    const list = Int32Array.from({ length }, (_, i) => i);
    const order = list.slice();
    new Random(1, 2, 3).shuffle(order);
    expect(order.slice().sort()).toEqual(list);
    const again = list.slice();
    new Random(1, 2, 3).shuffle(again);
    expect(again).toEqual(order);
    if (length < 17) return;
    expect(order).not.toEqual(list);
    again.set(list);
    new Random(1, 2, 4).shuffle(again);
    expect(again).not.toEqual(order);
  });

  it('puts every number in every place as often', () => {
    const [size, times] = [5, 20_000];
    const counts = new Map<string, number>();
    for (let sequence = 0; sequence < times; sequence++) {
      const order = Int32Array.from({ length: size }, (_, i) => i);
      new Random(3, streams.shuffle, sequence).shuffle(order);
      counts.set(order.join(), (counts.get(order.join()) ?? 0) + 1);
    }
    expect(counts.size).toBe(120);
    const expected = times / 120;
    const chi = [...counts.values()].reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
    expect(Math.abs(chi - 119)).toBeLessThan(5 * Math.sqrt(2 * 119));
  });
});
