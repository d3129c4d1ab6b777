import { expect } from 'vitest';
import { pitchOf } from '../../src/tensor.js';
import { bits, type Core, cores } from './core.js';

/** What stands around every array, and no kernel may write. */
export const sentinel = 1e33;
/** Floats of sentinel before and behind an array. */
export const guard = 16;

export type JsKernel = (...args: unknown[]) => unknown;

const builds = cores();

/** [rows][pitch] with zeros behind the columns, and sentinels around. */
export function matrix(
  rows: number,
  columns: number,
  value: (i: number) => number,
  pitch = pitchOf(columns),
): Float32Array {
  const floats = new Float32Array(rows * pitch + 2 * guard).fill(sentinel);
  floats.fill(0, guard, guard + rows * pitch);
  for (let r = 0, i = 0; r < rows; r++) {
    for (let j = 0; j < columns; j++) floats[guard + r * pitch + j] = value(i++);
  }
  return floats;
}

/** The same of whole numbers: their words are those of the floats. */
export function words(numbers: readonly number[]): Float32Array {
  const floats = matrix(1, numbers.length, () => 0);
  new Int32Array(floats.buffer, 4 * guard).set(numbers);
  return floats;
}

/** A kernel one of whose arrays holds whole numbers. */
export const withWords =
  (kernel: JsKernel, at: number): JsKernel =>
  (...args) => {
    const { buffer, byteOffset, length } = args[at] as Float32Array;
    return kernel(...args.with(at, new Int32Array(buffer, byteOffset, length)));
  };

/** What stands between the sentinels. */
export function inner(array: Float32Array): Float32Array {
  return array.subarray(guard, array.length - guard);
}

/** Runs a kernel of a build on copies of the arrays, and gives back what they hold afterwards. */
export function inWasm(core: Core, name: string, arrays: Float32Array[], rest: number[]) {
  const memory = new Float32Array(core.memory.buffer);
  const places = new Map<Float32Array, number>();
  let place = core.base / 4;
  for (const array of new Set(arrays)) {
    memory.set(array, place);
    places.set(array, place);
    place += (array.length + 15) & -16;
  }
  core.exports.setScratch!(4 * place);
  core.exports[name]!(...arrays.map((array) => 4 * (places.get(array)! + guard)), ...rest);
  return arrays.map((array) => memory.slice(places.get(array), places.get(array)! + array.length));
}

/** The same with a JS kernel. An array given twice stays one array. */
export function inJs(kernel: JsKernel, arrays: Float32Array[], rest: number[]) {
  const copies = new Map(arrays.map((array) => [array, array.slice()]));
  kernel(...arrays.map((array) => inner(copies.get(array)!)), ...rest);
  return arrays.map((array) => copies.get(array)!);
}

/**
 * Runs a kernel in JS and in both builds of WebAssembly, and expects the same bits in all arrays,
 * sentinels and padding included, which JS does not touch.
 */
export function expectSameBits(
  name: string,
  kernel: JsKernel,
  arrays: Float32Array[],
  rest: number[],
) {
  const expected = inJs(kernel, arrays, rest);
  const expectedBits = expected.map(bits);
  for (const core of builds) {
    const actual = inWasm(core, name, arrays, rest);
    for (const [i, array] of actual.entries()) {
      const at = bits(array).findIndex((word, k) => word !== expectedBits[i]![k]);
      if (at < 0) continue;
      expect.fail(
        `${name}(${rest}), ${core.name}: array ${i} has ${array[at]} at ${at - guard}, JS ${expected[i]![at]}`,
      );
    }
  }
  return expected;
}

/** Gives kernels so many floats of scratch, with NaN in them, behind all else; says whether they kept to it. */
export function withScratch(floats: number, run: () => void): void {
  const place = 2 ** 25;
  const of = ({ memory }: Core) => new Float32Array(memory.buffer, place, floats + 4 * guard);
  for (const core of builds) {
    of(core).fill(Number.NaN, 0, floats).fill(sentinel, floats);
    core.exports.setScratch!(place);
  }
  run();
  for (const core of builds) {
    const kept = of(core)
      .subarray(floats)
      .every((value) => value === Math.fround(sentinel));
    expect(kept, `${core.name} keeps to its scratch`).toBe(true);
  }
}
