import carried from '../build/core.threads.inline.js';
import type { BackendFactory } from './backends/backend.js';
import { decodeBytes } from './backends/module.js';
import { wasmBackend } from './backends/wasm.js';
import { wholeNumber } from './checks.js';
import { cores } from './threads/start.js';
import { type TeamOptions, Threads } from './threads/team.js';

export { ThreadError } from './errors.js';

let compiled: WebAssembly.Module | undefined;

/** @internal */
export function threadsWith(n: number, options: TeamOptions): BackendFactory {
  return {
    create() {
      if (typeof SharedArrayBuffer === 'undefined' || typeof WebAssembly === 'undefined') {
        throw new Error(
          'threads: WebAssembly and memory that can be shared (SharedArrayBuffer) are needed, and not there; a page has them if it is cross-origin isolated: Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp',
        );
      }
      compiled ??= new WebAssembly.Module(decodeBytes(carried as string));
      return wasmBackend(compiled, 'threads', new Threads(compiled, n, options));
    },
  };
}

/**
 * The WebAssembly backend on several threads: `sequential(spec, { backend: threads(2) })`. Each has a
 * share of the rows; the bits are those of one, whatever n is. Lists that are too small for it are
 * walked by one thread, and so are all lists on a page's main thread, which must not wait for others:
 * `fit(x, y, { worker })` trains on threads there as well.
 *
 * @param n how many threads, this one among them, from 1 to 64; no more than there are cores
 * @throws TypeError or RangeError where n is no such number; Error, from `sequential`, where memory
 *   cannot be shared; ThreadError, from what uses it, where a thread is lost
 */
export function threads(n: number): BackendFactory {
  wholeNumber(n, 'threads', 1);
  if (n > 64) throw new RangeError(`threads: expected at most 64, got ${n}`);
  return threadsWith(Math.min(n, cores()), {});
}
