import { kernels } from '../../build/kernels.js';
import { MemoryError } from '../errors.js';
import type { ElementType } from '../tensor.js';
import type { Backend, KernelName, Memory, Op, Program } from './backend.js';

type Kernel = (...args: unknown[]) => unknown;

/**
 * A call with its arguments bound. One closure for each number of arguments, written out: `bind` and
 * spread arguments cost several times a call, and building functions from text is forbidden on many
 * sites.
 */
// biome-ignore format: one number of arguments a line
function bound(f: Kernel, args: readonly unknown[]): () => unknown {
  const [a, b, c, d, e, g, h, i, j, k, l, m, n, o, p] = args;
  switch (args.length) {
    case 1: return () => f(a);
    case 2: return () => f(a, b);
    case 3: return () => f(a, b, c);
    case 4: return () => f(a, b, c, d);
    case 5: return () => f(a, b, c, d, e);
    case 6: return () => f(a, b, c, d, e, g);
    case 7: return () => f(a, b, c, d, e, g, h);
    case 8: return () => f(a, b, c, d, e, g, h, i);
    case 9: return () => f(a, b, c, d, e, g, h, i, j);
    case 10: return () => f(a, b, c, d, e, g, h, i, j, k);
    case 11: return () => f(a, b, c, d, e, g, h, i, j, k, l);
    case 12: return () => f(a, b, c, d, e, g, h, i, j, k, l, m);
    case 13: return () => f(a, b, c, d, e, g, h, i, j, k, l, m, n);
    case 14: return () => f(a, b, c, d, e, g, h, i, j, k, l, m, n, o);
    default: return () => f(a, b, c, d, e, g, h, i, j, k, l, m, n, o, p);
  }
}

/** A list on plain JavaScript, with its calls bound to views of the memory. */
export function bindList(list: readonly Op[], memory: Memory): Program {
  let calls: (() => unknown)[] = [];
  /** Views are made anew when the memory has moved. */
  let madeFor: Float32Array | undefined;
  return {
    run(steps) {
      if (madeFor !== memory.floats) {
        calls = list.map(({ kernel, args }) =>
          bound(
            kernels[kernel satisfies KernelName] as Kernel,
            args.map((arg) => (typeof arg === 'number' ? arg : memory.view(arg))),
          ),
        );
        madeFor = memory.floats;
      }
      for (let step = 0; step < steps; step++) {
        for (let i = 0; i < calls.length; i++) if (calls[i]!() === true) return step;
      }
      return steps;
    },
  };
}

/**
 * The plain JavaScript backend. It is the specification that the WASM one must equal to the bit.
 *
 * @param Floats the arena's element type; the gradient checks run the same kernels in float64
 */
export function jsBackend(
  Floats: typeof Float32Array | typeof Float64Array = Float32Array,
): Backend {
  let floats = new Floats(0);
  const memory: Memory = {
    get floats() {
      return floats as Float32Array;
    },
    view(tensor) {
      const start = tensor.offset * floats.BYTES_PER_ELEMENT;
      const size = tensor.rows * tensor.pitch;
      const types = { f32: Floats, i32: Int32Array, f64: Float64Array } satisfies Record<
        ElementType,
        unknown
      >;
      return new types[tensor.type](floats.buffer, start, size);
    },
    reserve(size) {
      if (size <= floats.length) return;
      let larger: typeof floats;
      try {
        larger = new Floats(Math.max(size, Math.min(2 * floats.length, size + 2 ** 24)));
      } catch {
        throw new MemoryError(`no room for ${(size * floats.BYTES_PER_ELEMENT) / 2 ** 20} MiB`);
      }
      larger.set(floats);
      floats = larger;
    },
  };
  return Object.assign(memory, {
    name: 'js' as const,
    compile: (list: readonly Op[]) => bindList(list, memory),
  });
}
