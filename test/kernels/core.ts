import { readFileSync } from 'node:fs';

/** A kernel as WebAssembly exports it: pointers, sizes and scalars are all numbers. */
export type Kernel = (...args: number[]) => number | undefined;

export interface Core {
  readonly name: 'release' | 'debug';
  readonly exports: Record<string, Kernel>;
  readonly memory: WebAssembly.Memory;
  /** The first byte that a test may use. */
  readonly base: number;
}

const pages = 1024;

/** Both builds that the package is tested on, each over a memory of its own. */
export function cores(): Core[] {
  return (['release', 'debug'] as const).map((name) => {
    const file = name === 'release' ? 'core.wasm' : 'core.debug.wasm';
    const bytes = readFileSync(new URL(`../../build/${file}`, import.meta.url));
    const memory = new WebAssembly.Memory({ initial: pages });
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
    const exports = instance.exports as Record<string, Kernel>;
    return { name, exports, memory, base: (exports.heapBase!()! + 63) & -64 };
  });
}

/** A small generator of repeatable test data. */
export function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The bits of floats, with every NaN written as one pattern: engines and processors differ. */
export function bits(floats: Float32Array): Uint32Array {
  const words = new Uint32Array(floats.length);
  words.set(new Uint32Array(floats.buffer, floats.byteOffset, floats.length));
  for (let i = 0; i < words.length; i++) if (Number.isNaN(floats[i])) words[i] = 0x7fc00000;
  return words;
}
