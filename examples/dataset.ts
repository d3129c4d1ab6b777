import { readFileSync } from 'node:fs';

/** The rows of a CSV file in this folder, without its header. Our own files quote nothing. */
export function readCsv(name: string): string[][] {
  const text = readFileSync(new URL(name, import.meta.url), 'utf8');
  const [, ...lines] = text.trim().split(/\r?\n/);
  return lines.map((line) => line.split(','));
}

/**
 * Sets a share of the items aside for the test, drawn by the seed from each class by itself, so that
 * both parts hold the classes in the same proportions. Both keep the order of the items.
 */
export function holdOut<T>(
  items: readonly T[],
  classOf: (item: T) => unknown,
  share: number,
  seed: number,
): { training: T[]; test: T[] } {
  const below = randomNumbers(seed);
  const held = new Set<T>();
  for (const group of new Set(items.map(classOf))) {
    const rest = items.filter((item) => classOf(item) === group);
    for (let missing = Math.round(rest.length * share); missing > 0; missing--) {
      held.add(rest.splice(below(rest.length), 1)[0]!);
    }
  }
  return {
    training: items.filter((item) => !held.has(item)),
    test: items.filter((item) => held.has(item)),
  };
}

/** Whole numbers in [0, bound), the same for the same seed on every machine (mulberry32). */
function randomNumbers(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return Math.floor((((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32) * bound);
  };
}
