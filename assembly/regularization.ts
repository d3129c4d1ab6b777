/** Penalties and constraints. src/ops/regularization.ts states formulas, order of sums and padding. */
import { joinLanes, multiplyAdd, tailMask } from './internal/simd';

/** Adds the penalty of a matrix, `times` over, to the sum of losses. */
export function addPenalty(
  sums: usize, y: usize, counters: usize, rows: i32, columns: i32, pitch: i32, times: i32, l1: f32,
  l2: f32,
): bool {
  const sum = sums + (<usize>load<i32>(counters, 12) << 3);
  const a = f32x4.splat(l1);
  const b = f32x4.splat(l2);
  const tail = tailMask(columns);
  const last = ((columns - 1) >> 2) << 4;
  let total = load<f64>(sum);
  do {
    let lanes = f32x4.splat(0);
    let at = 0;
    do {
      let value = v128.load(y + at);
      if (at == last) value = v128.and(value, tail);
      const linear = f32x4.mul(a, f32x4.abs(value));
      lanes = f32x4.add(lanes, multiplyAdd(b, f32x4.mul(value, value), linear));
      at += 16;
    } while (at <= last);
    total += <f64>times * <f64>joinLanes(lanes);
    y += pitch << 2;
  } while (--rows);
  store<f64>(sum, total);
  return !isFinite(total);
}

/** dy += s1·sign(y) + s2·y, or without what dy was. */
export function addPenaltySlope(
  dy: usize, y: usize, rows: i32, columns: i32, pitch: i32, keep: i32, s1: f32, s2: f32,
): void {
  const zero = f32x4.splat(0);
  const a = f32x4.splat(s1);
  const b = f32x4.splat(s2);
  const kept = i32x4.splat(keep ? -1 : 0);
  const tail = tailMask(columns);
  const last = ((columns - 1) >> 2) << 4;
  do {
    let at = 0;
    do {
      const value = v128.load(y + at);
      const above = v128.and(a, f32x4.gt(value, zero));
      const below = v128.and(f32x4.neg(a), f32x4.lt(value, zero));
      const slope = multiplyAdd(b, value, v128.or(above, below));
      let gradient = f32x4.add(v128.and(v128.load(dy + at), kept), slope);
      if (at == last) gradient = v128.and(gradient, tail);
      v128.store(dy + at, gradient);
      at += 16;
    } while (at <= last);
    dy += pitch << 2;
    y += pitch << 2;
  } while (--rows);
}

/** w ← max(w, 0). Padding is 0, and stays so. */
export function nonNegativeConstraint(w: usize, rows: i32, columns: i32, pitch: i32): void {
  const end = w + ((rows * pitch) << 2);
  do {
    const value = v128.load(w);
    v128.store(w, v128.andnot(value, f32x4.lt(value, f32x4.splat(0))));
    w += 16;
  } while (w != end);
}

/** Columns whose norm is above the limit are scaled down to it, four at a time. */
export function maxNormConstraint(w: usize, rows: i32, columns: i32, pitch: i32, limit: f32): void {
  const row = pitch << 2;
  const most = f64x2.splat(<f64>limit);
  const one = f64x2.splat(1);
  for (let c = 0; c < columns; c += 4) {
    const end = w + <usize>rows * row;
    let low = f64x2.splat(0);
    let high = low;
    for (let at = w; at != end; at += row) {
      const value = v128.load(at);
      const a = f64x2.promote_low_f32x4(value);
      const b = f64x2.promote_low_f32x4(v128.shuffle<f32>(value, value, 2, 3, 2, 3));
      low = f64x2.add(low, f64x2.mul(a, a));
      high = f64x2.add(high, f64x2.mul(b, b));
    }
    low = f64x2.sqrt(low);
    high = f64x2.sqrt(high);
    const above = f64x2.gt(low, most);
    const highAbove = f64x2.gt(high, most);
    if (v128.any_true(v128.or(above, highAbove))) {
      low = v128.bitselect(f64x2.div(most, low), one, above);
      high = v128.bitselect(f64x2.div(most, high), one, highAbove);
      const factor = v128.shuffle<f32>(
        f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 1, 4, 5,
      );
      for (let at = w; at != end; at += row) v128.store(at, f32x4.mul(v128.load(at), factor));
    }
    w += 16;
  }
}
