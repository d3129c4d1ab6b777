import type { Backend, Op, Program, Workspace } from './backend.js';
import { bindList } from './js.js';
import { dataBytes, LinearMemory } from './memory.js';
import { runnerOf } from './wasm.js';

/** A module that returns a vector of four zeros: who compiles it has WebAssembly, and has SIMD. */
// biome-ignore format: the header and one section a line
const probe = [
  0, 97, 115, 109, 1, 0, 0, 0,
  1, 5, 1, 96, 0, 1, 123,
  3, 2, 1, 0,
  10, 8, 1, 6, 0, 65, 0, 253, 17, 11,
];

/** What networks have in common that leave a module uncompiled until it pays. */
export interface Tier {
  readonly load: () => WebAssembly.Module;
  /** Floating point operations, roughly, that they may still be asked for before it is compiled. */
  left: number;
}

/** For so many, plain JavaScript that is not warm yet takes as long as compiling the module takes. */
export const smallWork = 2 ** 16;

/** What is said where the JS backend has to do. */
export const withoutWasm = (error: unknown): string =>
  `chainrule: WebAssembly cannot be used here, the JS backend runs instead (${error})`;

/**
 * A backend whose lists run on the JavaScript kernels, in the memory that the module will have, until
 * the networks of its tier together have been asked for more than small work. Then the module takes
 * over where they are, from one run of a list to the next. The kernels agree in every bit, so nobody
 * can tell.
 */
export class TieredBackend extends LinearMemory implements Backend {
  name: 'wasm' | 'js' = 'wasm';
  readonly #tier: Tier;
  readonly #warn: (message: string) => void;
  #native: Backend['compile'] | undefined;

  /** @throws CompileError and the like where WebAssembly with SIMD is not to be had */
  constructor(tier: Tier, warn: (message: string) => void) {
    new WebAssembly.Module(Uint8Array.from(probe));
    super(new WebAssembly.Memory({ initial: 1 }), dataBytes);
    this.#tier = tier;
    this.#warn = warn;
  }

  get module(): WebAssembly.Module | undefined {
    return this.#takeOver() && this.#tier.load();
  }

  compile(ops: readonly Op[], workspace: Workspace): Program {
    const tier = this.#tier;
    const first = bindList(ops, this);
    let native: Program | undefined;
    return {
      run: (steps) => {
        if (!native) {
          tier.left -= workspace.work * steps;
          const compile = tier.left < 0 ? this.#takeOver() : undefined;
          if (!compile) return first.run(steps);
          native = compile(ops, workspace);
        }
        return native.run(steps);
      },
    };
  }

  /** What makes lists ready for the module; undefined if the engine does not take it. */
  #takeOver(): Backend['compile'] | undefined {
    if (this.#native || this.name === 'js') return this.#native;
    try {
      this.#native = runnerOf(this.#tier.load(), this);
    } catch (error) {
      // On the pages of some older browsers small modules can be compiled, and large ones not.
      this.name = 'js';
      this.#warn(withoutWasm(error));
    }
    return this.#native;
  }
}
