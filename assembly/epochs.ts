import { drawWords } from './internal/random';
import { scratch } from './internal/scratch';

/** Where the word draws one of the first `bound` integers: ⌊word · bound / 2³²⌋ of them, in bytes. */
// @ts-ignore: decorator
@inline
function drawn(words: v128, bounds: v128): v128 {
  const low = i64x2.extmul_low_i32x4_u(words, bounds);
  const high = i64x2.extmul_high_i32x4_u(words, bounds);
  return i32x4.shl(v128.shuffle<i32>(low, high, 1, 3, 5, 7), 2);
}

// @ts-ignore: decorator
@inline
function swap(place: usize, other: usize): void {
  const held = load<i32>(place);
  store<i32>(place, load<i32>(other));
  store<i32>(other, held);
}

/** Shuffles `rows` into `indices`; see the twin. 32 words at a time, which scratch has room for. */
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
  const whole = size & -16;
  let at: usize = 0;
  for (; at != whole; at += 16) v128.store(order + at, v128.load(rows + at));
  for (; at != size; at += 4) store<i32>(order + at, load<i32>(rows + at));
  let last = order + size - 4;
  let bounds = i32x4.sub(i32x4.splat(count), i32x4(0, 1, 2, 3));
  let block = 0;
  while (last > order) {
    drawWords(scratch, seed, stream, block, sequence);
    block += 16;
    let place = scratch;
    do {
      v128.store(place, drawn(v128.load(place), bounds));
      bounds = i32x4.sub(bounds, i32x4.splat(4));
      place += 16;
    } while (place != scratch + 128);
    const end = last - min<usize>(last - order, 128);
    place = scratch;
    while (last - end >= 16) {
      swap(last, order + load<i32>(place));
      swap(last - 4, order + load<i32>(place, 4));
      swap(last - 8, order + load<i32>(place, 8));
      swap(last - 12, order + load<i32>(place, 12));
      place += 16;
      last -= 16;
    }
    while (last != end) {
      swap(last, order + load<i32>(place));
      place += 4;
      last -= 4;
    }
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
