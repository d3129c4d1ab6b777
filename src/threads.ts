import type { BackendFactory } from './backends/backend.js';
import { wholeNumber } from './checks.js';
import { threadsWith } from './threads/backend.js';
import { cores } from './threads/start.js';

export { ThreadError } from './errors.js';

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
