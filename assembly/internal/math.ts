/**
 * Elementary functions on four lanes, with the steps of src/math.ts and hence its bits, on the parts
 * of their domains that kernels need. NaN passes. Errors and methods are stated there.
 *
 * Constants stand in memory: Binaryen turns a splat of a constant into one that engines build anew
 * in every iteration of a loop, while a load from memory costs next to nothing.
 */
import { multiplyAdd, splatAt } from './simd';

const EXP: usize = memory.data<f32>([
  1.4426950408889634, 12583039, -0.693359375, 2.1219444005469057e-4,
  0.5, 0.16666535, 0.041667238, 0.008367474, 0.0013863778,
  1, -87.33654022216797, -32, -0.0, -0.5625, 9, -43,
]);
const ONE: usize = EXP + 36;
const EXP_LOWEST: usize = EXP + 40;
const EXPM1_LOWEST: usize = EXP + 44;
const SIGN: usize = EXP + 48;
const TANH_SMALL: usize = EXP + 52;
const ERFC_END: usize = EXP + 56;
const SHARE_LOWEST: usize = EXP + 60;

/** −|x| */
// @ts-ignore: decorator
@inline
export function minusAbs(x: v128): v128 {
  return v128.or(x, splatAt(SIGN));
}

/** x / ln 2, rounded, plus 127, in the lowest bits; the float itself is far larger. */
// @ts-ignore: decorator
@inline
function shifted(x: v128): v128 {
  return multiplyAdd(x, splatAt(EXP), splatAt(EXP + 4));
}

/** 2ⁿ of the n in `shifted`. */
// @ts-ignore: decorator
@inline
function power(t: v128): v128 {
  return i32x4.shl(t, 23);
}

/** eʳ − 1 for r = x − n ln 2. */
// @ts-ignore: decorator
@inline
function reducedExpm1(x: v128, t: v128): v128 {
  const n = f32x4.sub(t, splatAt(EXP + 4));
  const r = multiplyAdd(n, splatAt(EXP + 12), multiplyAdd(n, splatAt(EXP + 8), x));
  const square = f32x4.mul(r, r);
  let q = multiplyAdd(splatAt(EXP + 28), r, splatAt(EXP + 24));
  q = multiplyAdd(splatAt(EXP + 32), square, q);
  q = multiplyAdd(q, square, multiplyAdd(splatAt(EXP + 20), r, splatAt(EXP + 16)));
  return multiplyAdd(q, square, r);
}

/** eˣ for −87.33654 ≤ x ≤ 0; below, anything. */
// @ts-ignore: decorator
@inline
function expNear(x: v128): v128 {
  const t = shifted(x);
  return f32x4.mul(f32x4.add(splatAt(ONE), reducedExpm1(x, t)), power(t));
}

/** eˣ for −87.33654 ≤ x ≤ 0; below, what it is there. */
// @ts-ignore: decorator
@inline
export function expBounded(x: v128): v128 {
  return expNear(f32x4.pmax(x, splatAt(EXP_LOWEST)));
}

/** eˣ for x ≤ 0, and 0 where it is below 2⁻¹²⁶. */
// @ts-ignore: decorator
@inline
export function expNegative(x: v128): v128 {
  return expNegativeOf(x, expBounded(x));
}

/** The same, given `expBounded(x)`. */
// @ts-ignore: decorator
@inline
export function expNegativeOf(x: v128, bounded: v128): v128 {
  return v128.andnot(bounded, f32x4.lt(x, splatAt(EXP_LOWEST)));
}

/** `x` where `z` is at least −43, and else 0. */
// @ts-ignore: decorator
@inline
export function shareOf(x: v128, z: v128): v128 {
  return v128.andnot(x, f32x4.lt(z, splatAt(SHARE_LOWEST)));
}

/** eˣ for x ≤ 0, and 0 where it is below 2⁻⁶². */
// @ts-ignore: decorator
@inline
export function expShare(x: v128): v128 {
  return shareOf(expNear(x), x);
}

/** eˣ − 1 for x ≤ 0. */
// @ts-ignore: decorator
@inline
export function expm1Negative(x: v128): v128 {
  const bounded = f32x4.pmax(x, splatAt(EXPM1_LOWEST));
  const t = shifted(bounded);
  const scale = power(t);
  return f32x4.add(
    f32x4.mul(scale, reducedExpm1(bounded, t)),
    f32x4.sub(scale, splatAt(ONE)),
  );
}

const LOG: usize = memory.data<f32>([
  0.3333333, -0.2500082, 0.20001227, -0.16623358, 0.14201754, -0.13160162, 0.12761588, -0.076345585,
  0.5, -2.1219444005469057e-4, 0.693359375,
  9.313225746154785e-10, 0.9101486, 0.14803143, 1.5768133, 0.69926906, 0.077610224,
]);
const HALF: usize = LOG + 32;

/** log x for normal x > 0. */
// @ts-ignore: decorator
@inline
export function log(x: v128): v128 {
  const e = i32x4.shr_s(i32x4.sub(x, i32x4.splat(0x3f3504f3)), 23);
  const f = f32x4.sub(i32x4.sub(x, i32x4.shl(e, 23)), splatAt(ONE));
  const n = f32x4.convert_i32x4_s(e);
  const square = f32x4.mul(f, f);
  const p01 = multiplyAdd(splatAt(LOG + 4), f, splatAt(LOG));
  const p23 = multiplyAdd(splatAt(LOG + 12), f, splatAt(LOG + 8));
  const p45 = multiplyAdd(splatAt(LOG + 20), f, splatAt(LOG + 16));
  const p67 = multiplyAdd(splatAt(LOG + 28), f, splatAt(LOG + 24));
  const p03 = multiplyAdd(p23, square, p01);
  const p47 = multiplyAdd(p67, square, p45);
  const p = multiplyAdd(p47, f32x4.mul(square, square), p03);
  let y = multiplyAdd(f32x4.mul(square, f), p, f32x4.mul(n, splatAt(LOG + 36)));
  y = f32x4.sub(y, f32x4.mul(splatAt(HALF), square));
  y = multiplyAdd(n, splatAt(LOG + 40), f32x4.add(y, f));
  // The bits of a NaN have been taken apart above: x − x brings it back.
  return f32x4.add(y, f32x4.sub(x, x));
}

/** log(1 + x) for 0 ≤ x ≤ 1. */
// @ts-ignore: decorator
@inline
export function log1pUnit(x: v128): v128 {
  const one = splatAt(ONE);
  // Where the square might be subnormal, it counts as 0.
  const g = v128.and(x, f32x4.gt(x, splatAt(LOG + 44)));
  const r = multiplyAdd(multiplyAdd(splatAt(LOG + 52), x, splatAt(LOG + 48)), x, one);
  let s = multiplyAdd(splatAt(LOG + 64), x, splatAt(LOG + 60));
  s = multiplyAdd(s, x, splatAt(LOG + 56));
  s = multiplyAdd(s, x, one);
  const halfSquare = f32x4.mul(f32x4.mul(g, g), splatAt(HALF));
  return f32x4.sub(x, f32x4.mul(halfSquare, f32x4.div(r, s)));
}

const TANH: usize = memory.data<f32>([
  -0.33333313, 0.13332471, -0.053839248, 0.021014279, -0.0061886446,
]);

/** 1 / (1 + e⁻ˣ) */
// @ts-ignore: decorator
@inline
export function sigmoid(x: v128): v128 {
  const e = expShare(minusAbs(x));
  const dividend = v128.bitselect(e, splatAt(ONE), f32x4.lt(x, f32x4.splat(0)));
  return f32x4.div(dividend, f32x4.add(splatAt(ONE), e));
}

/** tanh x */
// @ts-ignore: decorator
@inline
export function tanh(x: v128): v128 {
  const a = minusAbs(x);
  return tanhOf(x, expBounded(f32x4.add(a, a)));
}

/** The same, given `expBounded(−2|x|)`. */
// @ts-ignore: decorator
@inline
export function tanhOf(x: v128, e: v128): v128 {
  const one = splatAt(ONE);
  const sign = v128.and(x, splatAt(SIGN));
  const a = minusAbs(x);
  const q = f32x4.div(e, f32x4.add(one, e));
  const large = v128.or(f32x4.sub(one, f32x4.add(q, q)), sign);
  const z = f32x4.mul(x, x);
  let p = multiplyAdd(splatAt(TANH + 16), z, splatAt(TANH + 12));
  p = multiplyAdd(p, z, splatAt(TANH + 8));
  p = multiplyAdd(p, z, splatAt(TANH + 4));
  p = multiplyAdd(p, z, splatAt(TANH));
  const small = multiplyAdd(f32x4.mul(p, z), x, x);
  return v128.bitselect(small, large, f32x4.gt(a, splatAt(TANH_SMALL)));
}

const ERFC: usize = memory.data<f32>([
  0.8968289, 0.38191652, 0.06629824,
  2.0252073, 1.6671319, 0.67440474, 0.11766597,
]);

/** exp(−a²) for 0 ≤ a < 9.3, and 0 from 9 on. */
// @ts-ignore: decorator
@inline
export function gaussian(a: v128): v128 {
  return v128.andnot(expBounded(minusAbs(f32x4.mul(a, a))), f32x4.ge(a, splatAt(ERFC_END)));
}

/** erfc a for a ≥ 0, given `gaussian(a)`. */
// @ts-ignore: decorator
@inline
export function erfc(a: v128, gaussian: v128): v128 {
  const one = splatAt(ONE);
  let n = multiplyAdd(splatAt(ERFC + 8), a, splatAt(ERFC + 4));
  n = multiplyAdd(n, a, splatAt(ERFC));
  n = multiplyAdd(n, a, one);
  let d = multiplyAdd(splatAt(ERFC + 24), a, splatAt(ERFC + 20));
  d = multiplyAdd(d, a, splatAt(ERFC + 16));
  d = multiplyAdd(d, a, splatAt(ERFC + 12));
  d = multiplyAdd(d, a, one);
  return f32x4.mul(f32x4.div(n, d), gaussian);
}

const TURNS: usize = memory.data<f32>([6.2831855, -41.34168, 81.602234, -76.57499, 39.710922]);

/** sin(2πt) for |t| ≤ 1/4. */
// @ts-ignore: decorator
@inline
export function sinTurns(t: v128): v128 {
  const square = f32x4.mul(t, t);
  let p = multiplyAdd(splatAt(TURNS + 16), square, splatAt(TURNS + 12));
  p = multiplyAdd(p, square, splatAt(TURNS + 8));
  p = multiplyAdd(p, square, splatAt(TURNS + 4));
  p = multiplyAdd(p, square, splatAt(TURNS));
  return f32x4.mul(t, p);
}
