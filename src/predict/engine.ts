import carried from '../../build/predict.inline.js';
import { dataBytes, pageBytes, slackBytes } from '../backends/memory.js';
import { lazyModule } from '../backends/module.js';
import { MemoryError } from '../errors.js';
import { type ForwardKernel, kernels } from './kernels.js';

type Kernel = (...args: unknown[]) => void;

type Grow = (size: number, before: Float32Array) => Float32Array<ArrayBuffer>;

/** A kernel in WebAssembly, and how it knows the place of a float. */
interface Native {
  readonly kernel: Kernel;
  pointer(offset: number): number;
}

/** One predictor's memory, and what computes on it. */
export class Engine {
  readonly name: 'wasm' | 'js';
  /** All of the memory. Making room gives a new array, so it is read here each time. */
  floats = new Float32Array(0);
  readonly #grow: Grow;
  readonly #dense: Native | undefined;

  /**
   * @param grow gives memory of so many floats, which begins as the one before and is 0 behind it
   * @param dense what dense layers run on, if not on plain JavaScript as all others do
   */
  constructor(name: 'wasm' | 'js', grow: Grow, dense?: Native) {
    this.name = name;
    this.#grow = grow;
    this.#dense = dense;
  }

  reserve(size: number): void {
    try {
      this.floats = this.#grow(size, this.floats);
    } catch {
      throw new MemoryError(`no room for ${Math.ceil(size / 2 ** 18)} MiB`);
    }
  }

  /** A kernel with its arrays, by their offsets, and its numbers; what it still takes is the rows. */
  bind(
    name: ForwardKernel,
    offsets: readonly number[],
    numbers: readonly number[],
  ): (rows: number) => void {
    const native = name === 'denseForward' ? this.#dense : undefined;
    const kernel = native?.kernel ?? (kernels[name] as Kernel);
    const places = offsets.map((offset) => native?.pointer(offset) ?? this.floats.subarray(offset));
    return (rows) => kernel(...places, rows, ...numbers);
  }
}

const moduleOf = lazyModule(carried);

function wasmEngine(): Engine {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const instance = new WebAssembly.Instance(moduleOf(), { env: { memory } });
  const { denseForward } = instance.exports as { denseForward: Kernel };
  const grow = (size: number) => {
    const missing = dataBytes + size * 4 + slackBytes - memory.buffer.byteLength;
    memory.grow(Math.max(0, Math.ceil(missing / pageBytes)));
    return new Float32Array(memory.buffer, dataBytes, size);
  };
  const pointer = (offset: number) => dataBytes + offset * 4;
  return new Engine('wasm', grow, { kernel: denseForward, pointer });
}

function jsEngine(): Engine {
  return new Engine('js', (size, before) => {
    const floats = new Float32Array(size);
    floats.set(before);
    return floats;
  });
}

export const engines = { wasm: wasmEngine, js: jsEngine };
