import carried from '../../build/core.threads.inline.js';
import type { BackendFactory } from '../backends/backend.js';
import { lazyModule } from '../backends/module.js';
import { wasmBackend } from '../backends/wasm.js';
import { type TeamOptions, Threads } from './team.js';

const compiled = lazyModule(carried);

/** The backend on n threads, however many cores there are. */
export function threadsWith(n: number, options: TeamOptions): BackendFactory {
  return {
    create() {
      if (typeof SharedArrayBuffer === 'undefined' || typeof WebAssembly === 'undefined') {
        throw new Error(
          'threads: WebAssembly and memory that can be shared (SharedArrayBuffer) are needed, and not there; a page has them if it is cross-origin isolated: Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp',
        );
      }
      const module = compiled();
      return wasmBackend(module, 'threads', new Threads(module, n, options));
    },
  };
}
