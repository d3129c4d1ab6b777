import { Random } from '../random.js';
import type { Floats } from './definition.js';

/*
 * What opens and closes an epoch. `counters` is told in rows.ts; behind it stands the number of the
 * epoch that is shuffled next.
 */

/**
 * The order in which an epoch visits the rows: writes `rows`, shuffled, to `indices` from the cursor
 * on, moves the cursor behind them, and goes on to the next epoch's order. An order follows from
 * seed, stream and the number of the epoch alone.
 */
export function shuffleIndices(
  indices: Int32Array,
  rows: Int32Array,
  counters: Int32Array,
  seed: number,
  stream: number,
  count: number,
): void {
  const cursor = counters[0]!;
  const order = indices.subarray(cursor, cursor + count);
  order.set(rows.subarray(0, count));
  new Random(seed, stream, counters[6]!).shuffle(order);
  counters[0] = cursor + count;
  counters[6] = (counters[6]! + 1) | 0;
}

/** Stops the list unless every number of x is finite. `size` is a multiple of 16. */
export function requireFinite(x: Floats, size: number): boolean {
  for (let i = 0; i < size; i++) if (x[i]! - x[i]! !== 0) return true;
  return false;
}
