/**
 * What several families of kernels need of four lanes. Everything here is inlined, and nothing is
 * exported to the host.
 */

/**
 * acc + a · b on four lanes. The default build rounds the product and the sum, as the JS twins do
 * with `fround`; the fused build leaves it to the processor and promises no bits.
 */
// @ts-ignore: decorator
@inline
export function multiplyAdd(a: v128, b: v128, acc: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, acc);
  return f32x4.add(acc, f32x4.mul(a, b));
}

/** acc + a · b of single floats: one lane of the vector version, so that both round alike. */
// @ts-ignore: decorator
@inline
export function multiplyAddOne(a: f32, b: f32, acc: f32): f32 {
  if (ASC_FEATURE_RELAXED_SIMD) {
    return f32x4.extract_lane(
      f32x4.relaxed_madd(f32x4.splat(a), f32x4.splat(b), f32x4.splat(acc)),
      0,
    );
  }
  return acc + a * b;
}

/** The float at `pointer` in all four lanes, also for constants that must stay in memory. */
// @ts-ignore: decorator
@inline
export function splatAt(pointer: usize): v128 {
  return v128.load32_splat(pointer);
}

/** Four lanes of ones and four of zeros: a mask is a window on them, and one load instead of many steps. */
const LANES: usize = memory.data<i32>([-1, -1, -1, -1, 0, 0, 0]);

/**
 * All ones in the lanes that hold columns in the last vector of a row of `columns` ≥ 1 columns, zero
 * in the padding: every lane when `columns` is a multiple of 4. `v128.and` with it keeps the padding
 * zero even under NaN and infinity.
 */
// @ts-ignore: decorator
@inline
export function tailMask(columns: i32): v128 {
  return v128.load(LANES + (<usize>(-columns & 3) << 2));
}

/** All ones in the first `lanes` lanes: none for `lanes` ≤ 0, all four for `lanes` ≥ 4. */
// @ts-ignore: decorator
@inline
export function laneMask(lanes: i32): v128 {
  return i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(lanes));
}

/** (l0 + l2) + (l1 + l3): how a sum kept in four lanes is joined everywhere. */
// @ts-ignore: decorator
@inline
export function joinLanes(v: v128): f32 {
  const pairs = f32x4.add(v, v128.shuffle<f32>(v, v, 2, 3, 0, 1));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
}

/** `joinLanes` of four sums at once: lane i is the joined sum of the i-th argument. */
// @ts-ignore: decorator
@inline
export function joinLanesOfFour(a: v128, b: v128, c: v128, d: v128): v128 {
  // [a0 a1 b0 b1] + [a2 a3 b2 b3] are the pairs (l0 + l2), (l1 + l3) of a and of b.
  const ab = f32x4.add(v128.shuffle<f32>(a, b, 0, 1, 4, 5), v128.shuffle<f32>(a, b, 2, 3, 6, 7));
  const cd = f32x4.add(v128.shuffle<f32>(c, d, 0, 1, 4, 5), v128.shuffle<f32>(c, d, 2, 3, 6, 7));
  return f32x4.add(v128.shuffle<f32>(ab, cd, 0, 2, 4, 6), v128.shuffle<f32>(ab, cd, 1, 3, 5, 7));
}

/** The vector at c, a step down its gradient: c − rate · sum. */
// @ts-ignore: decorator
@inline
export function stepped(c: usize, sum: v128, rate: v128): v128 {
  return f32x4.sub(v128.load(c), f32x4.mul(rate, sum));
}

/** One dense row into a padded one. Reads up to three floats past the row, and masks them away. */
// @ts-ignore: decorator
@inline
export function padRow(x: usize, row: usize, columns: i32, tail: v128): void {
  const last = x + (((columns - 1) >> 2) << 4);
  while (x != last) {
    v128.store(x, v128.load(row));
    x += 16;
    row += 16;
  }
  v128.store(x, v128.and(v128.load(row), tail));
}
