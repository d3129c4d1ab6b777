import type * as ops from '../ops/index.js';
import type { Tensor } from '../tensor.js';

/** An array that a kernel reads or writes. */
export type KernelArray = Float32Array | Float64Array | Int32Array;

/** The kernels: every function that `src/ops` exports. Its catalogues are objects, and left out. */
export type Kernels = {
  [K in keyof typeof ops as (typeof ops)[K] extends (...args: never[]) => void
    ? K
    : never]: (typeof ops)[K];
};

export type KernelName = keyof Kernels;

/** A kernel's parameters with a `Place` for each array: a tensor in a list, a pointer in WASM. */
export type Arguments<K extends KernelName, Place> = Places<Parameters<Kernels[K]>, Place>;

type Places<P extends unknown[], Place> = {
  [I in keyof P]: P[I] extends number ? number : Place;
};

/** One entry of a list: a kernel and what it works on. Plain data, which can be printed. */
export interface Op {
  readonly kernel: KernelName;
  readonly args: readonly (Tensor | number)[];
}

/** A list made ready to run. */
export interface Program {
  /**
   * Walks the list `steps` times. The result is smaller than `steps` where a kernel stopped it: the
   * number of times that the list was walked to its end.
   */
  run(steps: number): number;
}

/** What a backend may use to run a list; the JS backend needs none of it. */
export interface Workspace {
  /** Floating point operations of one walk, roughly. */
  readonly work: number;
  /** Where kernels pack panels. */
  readonly scratch: Tensor;
  /** Room for the records of a few lists at a time, one list a row. */
  readonly records: Tensor;
}

/** One network's memory. */
export interface Memory {
  /**
   * The whole arena. Making room gives new arrays and leaves the old ones useless, so they are read
   * here each time and never kept.
   */
  readonly floats: Float32Array;
  /** The same memory, for tensors of another type: see `viewOf`. */
  view(tensor: Tensor): KernelArray;
  /** Makes room for an arena of this many floats. What it held stays; new floats are 0. */
  reserve(floats: number): void;
}

/** A network's memory, and the means to run lists on it. */
export interface Backend extends Memory {
  readonly name: BackendName | WasmBuild;
  /** How many threads walk a list side by side, each with records and scratch of its own; default 1. */
  readonly threads?: number;
  /** What runs the kernels, where that is WebAssembly: a worker may be handed it. */
  readonly module?: WebAssembly.Module | undefined;
  compile(ops: readonly Op[], workspace: Workspace): Program;
}

/** A backend that the default entry carries, and that is named rather than handed over. */
export type BackendName = 'wasm' | 'js';

/** Which build of the kernels a WebAssembly backend runs. */
export type WasmBuild = 'wasm' | 'fused' | 'debug' | 'threads';

/** A backend that users import and hand over, because the default entry does not carry it. */
export interface BackendFactory {
  create(): Backend;
}
