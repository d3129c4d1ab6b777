const rotated = (word: number, by: number) => (word << by) | (word >>> (32 - by));

/**
 * A digest of numbers by their bits, in 64 bits: tells other data from the same, by chance wrong
 * once in 2⁶⁴. It is no defence against forgery. Two chains of the rounds of MurmurHash3 (Appleby).
 */
export class Digest {
  #a = 0x3c6ef372;
  #b = 0x5be0cd19;

  add(values: Float32Array): void {
    const words = new Int32Array(values.buffer, values.byteOffset, values.length);
    let a = this.#a;
    let b = this.#b;
    for (let i = 0; i < words.length; i++) {
      const word = words[i]!;
      a ^= Math.imul(rotated(Math.imul(word, 0xcc9e2d51), 15), 0x1b873593);
      a = (Math.imul(rotated(a, 13), 5) + 0xe6546b64) | 0;
      b ^= Math.imul(rotated(Math.imul(word, 0x85ebca6b), 16), 0xc2b2ae35);
      b = (Math.imul(rotated(b, 15), 9) + 0x561ccd1b) | 0;
    }
    this.#a = a;
    this.#b = b;
  }

  /** Sixteen hexadecimal digits. */
  toString(): string {
    return [this.#a, this.#b].map((w) => (w >>> 0).toString(16).padStart(8, '0')).join('');
  }
}
