import { MemoryError } from '../errors.js';
import type { ElementType, Tensor } from '../tensor.js';
import type { KernelArray, Memory } from './backend.js';

/**
 * Where a network's part of the memory begins, in bytes: behind the data of the module. It is the same
 * for every build, so that it is known before one is compiled.
 */
export const dataBytes = 4096;

export const pageBytes = 65536;
/** Vector loads may read past the last row of the arena, never write. */
export const slackBytes = 64;

/** An arena within WebAssembly's memory, whatever computes on it. */
export class LinearMemory implements Memory {
  floats: Float32Array;
  readonly memory: WebAssembly.Memory;
  readonly #base: number;

  /** @param base where it begins, in bytes, on a cache line */
  constructor(memory: WebAssembly.Memory, base: number) {
    this.memory = memory;
    this.#base = base;
    this.floats = new Float32Array(memory.buffer, base, 0);
  }

  pointer(tensor: Tensor): number {
    return this.#base + tensor.offset * 4;
  }

  view(tensor: Tensor): KernelArray {
    const types = { f32: Float32Array, i32: Int32Array, f64: Float64Array } satisfies Record<
      ElementType,
      unknown
    >;
    const { buffer } = this.memory;
    return new types[tensor.type](buffer, this.pointer(tensor), tensor.rows * tensor.pitch);
  }

  reserve(size: number): void {
    if (size <= this.floats.length) return;
    const { memory } = this;
    const base = this.#base;
    const missing = base + size * 4 + slackBytes - memory.buffer.byteLength;
    if (missing > 0) {
      try {
        memory.grow(Math.ceil(missing / pageBytes));
      } catch {
        throw new MemoryError(`no room for ${((size * 4) / 2 ** 20).toFixed(0)} MiB`);
      }
    }
    const room = Math.floor((memory.buffer.byteLength - base - slackBytes) / 4);
    this.floats = new Float32Array(memory.buffer, base, room);
  }
}
