import { drawWords } from './internal/random';
import { scratch } from './internal/scratch';

/** Shuffles `rows` into `indices`; see the twin. Sixteen words at a time, which scratch has room for. */
export function shuffleIndices(
  indices: usize,
  rows: usize,
  counters: usize,
  seed: i32,
  stream: i32,
  count: i32,
): void {
  const cursor = load<i32>(counters);
  const sequence = load<i32>(counters, 24);
  store<i32>(counters, cursor + count);
  store<i32>(counters, sequence + 1, 24);
  const order = indices + ((<usize>cursor) << 2);
  const size = (<usize>count) << 2;
  for (let at: usize = 0; at != size; at += 4) store<i32>(order + at, load<i32>(rows + at));
  let last = order + size - 4;
  let bound = <u64>count;
  let block = 0;
  while (last > order) {
    drawWords(scratch, seed, stream, block, sequence);
    const end = last - min<usize>(last - order, 64);
    let word = scratch;
    do {
      const other = order + (<usize>((load<u32>(word) * bound) >> 32) << 2);
      const held = load<i32>(last);
      store<i32>(last, load<i32>(other));
      store<i32>(other, held);
      bound -= 1;
      word += 4;
      last -= 4;
    } while (last != end);
    block += 8;
  }
}

/** x − x is 0 for a finite number, else NaN; four chains, because one would wait for each step. */
export function requireFinite(x: usize, size: i32): bool {
  let bad0 = i32x4.splat(0), bad1 = bad0, bad2 = bad0, bad3 = bad0;
  for (let end = x + ((<usize>size) << 2); x != end; x += 64) {
    const a = v128.load(x), b = v128.load(x, 16), c = v128.load(x, 32), d = v128.load(x, 48);
    bad0 = v128.or(bad0, f32x4.sub(a, a));
    bad1 = v128.or(bad1, f32x4.sub(b, b));
    bad2 = v128.or(bad2, f32x4.sub(c, c));
    bad3 = v128.or(bad3, f32x4.sub(d, d));
  }
  return v128.any_true(v128.or(v128.or(bad0, bad1), v128.or(bad2, bad3)));
}
