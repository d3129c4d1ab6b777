/**
 * What softmax and the cross-entropies share: four rows at once, each in vectors of its own, with
 * sums per row in one vector, lane i for row i. So a sum over classes runs in order of the classes,
 * and the work that follows a sum is done once for four rows.
 *
 * Where fewer than four rows are left, the last stands in for the others: a row may come twice.
 * Loops therefore load all four rows before they store any.
 */
import { expShare } from './math';
import { splatAt, tailMask } from './simd';

const LOWEST: usize = memory.data<f32>([f32.NEGATIVE_INFINITY]);

/** The i-th lane of v in all lanes. */
// @ts-ignore: decorator
@inline
export function splatLane(v: v128, i: i32): v128 {
  if (i == 0) return v128.shuffle<f32>(v, v, 0, 0, 0, 0);
  if (i == 1) return v128.shuffle<f32>(v, v, 1, 1, 1, 1);
  if (i == 2) return v128.shuffle<f32>(v, v, 2, 2, 2, 2);
  return v128.shuffle<f32>(v, v, 3, 3, 3, 3);
}

/** sum + the lanes 0, 1, 2, 3 of four rows, one after another. */
// @ts-ignore: decorator
@inline
export function addInOrder(sum: v128, a: v128, b: v128, c: v128, d: v128): v128 {
  const ab01 = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
  const cd01 = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
  sum = f32x4.add(sum, v128.shuffle<f32>(ab01, cd01, 0, 1, 4, 5));
  sum = f32x4.add(sum, v128.shuffle<f32>(ab01, cd01, 2, 3, 6, 7));
  const ab23 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
  const cd23 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
  sum = f32x4.add(sum, v128.shuffle<f32>(ab23, cd23, 0, 1, 4, 5));
  return f32x4.add(sum, v128.shuffle<f32>(ab23, cd23, 2, 3, 6, 7));
}

/**
 * The largest value of each row. Any order gives the same one, save for the sign of a zero, which
 * no distance shows, and for a NaN, which then comes back with the exponentials.
 */
export function maxima(z0: usize, z1: usize, z2: usize, z3: usize, columns: i32): v128 {
  const lowest = splatAt(LOWEST);
  const last = ((columns - 1) >> 2) << 4;
  // The last vectors come first: their padding must not count.
  const tail = tailMask(columns);
  let a = v128.bitselect(v128.load(z0 + last), lowest, tail);
  let b = v128.bitselect(v128.load(z1 + last), lowest, tail);
  let c = v128.bitselect(v128.load(z2 + last), lowest, tail);
  let d = v128.bitselect(v128.load(z3 + last), lowest, tail);
  for (let at = 0; at < last; at += 16) {
    a = f32x4.pmax(a, v128.load(z0 + at));
    b = f32x4.pmax(b, v128.load(z1 + at));
    c = f32x4.pmax(c, v128.load(z2 + at));
    d = f32x4.pmax(d, v128.load(z3 + at));
  }
  const ab = f32x4.pmax(
    v128.shuffle<f32>(a, b, 0, 1, 4, 5),
    v128.shuffle<f32>(a, b, 2, 3, 6, 7),
  );
  const cd = f32x4.pmax(
    v128.shuffle<f32>(c, d, 0, 1, 4, 5),
    v128.shuffle<f32>(c, d, 2, 3, 6, 7),
  );
  return f32x4.pmax(
    v128.shuffle<f32>(ab, cd, 0, 2, 4, 6),
    v128.shuffle<f32>(ab, cd, 1, 3, 5, 7),
  );
}

/** exp(z − max), exactly 0 where the distance is below −43. */
// @ts-ignore: decorator
@inline
function exponential(z: v128, max: v128): v128 {
  return expShare(f32x4.sub(z, max));
}

/** Writes exp(z − max) to y, zero in the padding, and returns its sums. y may be z. */
export function exponentials(
  y0: usize, y1: usize, y2: usize, y3: usize, z0: usize, z1: usize, z2: usize, z3: usize, columns:
  i32, max: v128,
): v128 {
  const tail = tailMask(columns);
  const last = ((columns - 1) >> 2) << 4;
  let sum = f32x4.splat(0);
  let at = 0;
  do {
    let a = exponential(v128.load(z0 + at), splatLane(max, 0));
    let b = exponential(v128.load(z1 + at), splatLane(max, 1));
    let c = exponential(v128.load(z2 + at), splatLane(max, 2));
    let d = exponential(v128.load(z3 + at), splatLane(max, 3));
    if (at == last) {
      a = v128.and(a, tail);
      b = v128.and(b, tail);
      c = v128.and(c, tail);
      d = v128.and(d, tail);
    }
    v128.store(y0 + at, a);
    v128.store(y1 + at, b);
    v128.store(y2 + at, c);
    v128.store(y3 + at, d);
    sum = addInOrder(sum, a, b, c, d);
    at += 16;
  } while (at <= last);
  return sum;
}
