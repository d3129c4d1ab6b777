import { cos64, log64 } from './math64.js';

/**
 * The one source of chance: Threefry-2x32 with 20 rounds, a counter-based generator (Salmon,
 * Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011). A key and a counter
 * give two words, with no state in between: so masks follow from (seed, layer, step, element) in
 * any order and on any number of threads. assembly/internal/random.ts does the same on four lanes.
 */

/** Which purpose words are drawn for; added to a seed's key, so that purposes never share words. */
export const streams = {
  shuffle: 0x10000,
  split: 0x20000,
  parameters: 0x30000,
  masks: 0x40000,
  datasets: 0x50000,
  search: 0x60000,
  check: 0x70000,
  augmentation: 0x40000000,
};

let second = 0;

/** The first word of a block, as a signed 32-bit integer; `secondWord()` gives the other. */
// biome-ignore format: one round a line
export function firstWord(key0: number, key1: number, counter0: number, counter1: number): number {
  const key2 = key0 ^ key1 ^ 0x1bd11bda;
  let a = (counter0 + key0) | 0;
  let b = (counter1 + key1) | 0;
  a = (a + b) | 0; b = ((b << 13) | (b >>> 19)) ^ a;
  a = (a + b) | 0; b = ((b << 15) | (b >>> 17)) ^ a;
  a = (a + b) | 0; b = ((b << 26) | (b >>> 6)) ^ a;
  a = (a + b) | 0; b = ((b << 6) | (b >>> 26)) ^ a;
  a = (a + key1) | 0; b = (b + key2 + 1) | 0;
  a = (a + b) | 0; b = ((b << 17) | (b >>> 15)) ^ a;
  a = (a + b) | 0; b = ((b << 29) | (b >>> 3)) ^ a;
  a = (a + b) | 0; b = ((b << 16) | (b >>> 16)) ^ a;
  a = (a + b) | 0; b = ((b << 24) | (b >>> 8)) ^ a;
  a = (a + key2) | 0; b = (b + key0 + 2) | 0;
  a = (a + b) | 0; b = ((b << 13) | (b >>> 19)) ^ a;
  a = (a + b) | 0; b = ((b << 15) | (b >>> 17)) ^ a;
  a = (a + b) | 0; b = ((b << 26) | (b >>> 6)) ^ a;
  a = (a + b) | 0; b = ((b << 6) | (b >>> 26)) ^ a;
  a = (a + key0) | 0; b = (b + key1 + 3) | 0;
  a = (a + b) | 0; b = ((b << 17) | (b >>> 15)) ^ a;
  a = (a + b) | 0; b = ((b << 29) | (b >>> 3)) ^ a;
  a = (a + b) | 0; b = ((b << 16) | (b >>> 16)) ^ a;
  a = (a + b) | 0; b = ((b << 24) | (b >>> 8)) ^ a;
  a = (a + key1) | 0; b = (b + key2 + 4) | 0;
  a = (a + b) | 0; b = ((b << 13) | (b >>> 19)) ^ a;
  a = (a + b) | 0; b = ((b << 15) | (b >>> 17)) ^ a;
  a = (a + b) | 0; b = ((b << 26) | (b >>> 6)) ^ a;
  a = (a + b) | 0; b = ((b << 6) | (b >>> 26)) ^ a;
  second = (b + key0 + 5) | 0;
  return (a + key2) | 0;
}

/** The second word of the block that `firstWord` made last. */
export function secondWord(): number {
  return second;
}

/** The same words one after another, for what the host draws: weights, shuffles, splits. */
export class Random {
  readonly #seed: number;
  readonly #stream: number;
  readonly #sequence: number;
  #block = 0;
  #spare = 0;
  #hasSpare = false;

  /**
   * @param seed 32 bits
   * @param stream the purpose, one of `streams` plus an index
   * @param sequence 32 bits more, such as the epoch of a shuffle
   */
  constructor(seed: number, stream: number, sequence = 0) {
    this.#seed = seed | 0;
    this.#stream = stream | 0;
    this.#sequence = sequence | 0;
  }

  /** 32 random bits, as a number in [0, 2³²). */
  word(): number {
    if (this.#hasSpare) {
      this.#hasSpare = false;
      return this.#spare;
    }
    const word = firstWord(this.#seed, this.#stream, this.#block++, this.#sequence);
    this.#spare = second >>> 0;
    this.#hasSpare = true;
    return word >>> 0;
  }

  /** Uniform in [0, 1), with 53 bits. */
  uniform(): number {
    const high = this.word() >>> 5;
    return (high * 2 ** 26 + (this.word() >>> 6)) * 2 ** -53;
  }

  /** Normal with mean 0 and deviation 1 (Box and Muller 1958). */
  normal(): number {
    const radius = Math.sqrt(-2 * log64(1 - this.uniform()));
    return radius * cos64(2 * Math.PI * this.uniform());
  }

  /** ⌊word · bound / 2³²⌋, a whole number in [0, bound): its bias is below bound / 2³². */
  below(bound: number): number {
    const word = this.word();
    // The product in two halves: as one it might not be exact.
    const low = Math.floor(((word & 0xffff) * bound) / 2 ** 16);
    return Math.floor(((word >>> 16) * bound + low) / 2 ** 16);
  }

  /** Puts a list into random order, in place (Fisher and Yates, in Durstenfeld's form). */
  shuffle(list: Int32Array): void {
    for (let i = list.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const held = list[i]!;
      list[i] = list[j]!;
      list[j] = held;
    }
  }
}
