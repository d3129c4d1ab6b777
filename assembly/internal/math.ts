/**
 * Elementary functions on four lanes, with the steps of src/math.ts and hence its bits, on the parts
 * of their domains that kernels need. NaN passes. Errors and methods are stated there.
 *
 * Constants stand in memory: Binaryen turns a splat of a constant into one that engines build anew
 * in every iteration of a loop, while a load from memory costs next to nothing.
 */
import { multiplyAdd, splatAt } from './simd';

// biome-ignore format: one group a line
const EXP: usize = memory.data<f32>([
  1.4426950408889634, 12583039, -0.693359375, 2.1219444005469057e-4,
  0.49999997, 0.16666539, 0.041667223, 0.00836718, 0.0013882382,
  1, -87.33654022216797, -32, -2, 0.5625, 9, 2,
]);
const ONE: usize = EXP + 36;
const EXP_LOWEST: usize = EXP + 40;
const EXPM1_LOWEST: usize = EXP + 44;
const MINUS_TWO: usize = EXP + 48;
const TANH_SMALL: usize = EXP + 52;
const ERFC_END: usize = EXP + 56;
const TWO: usize = EXP + 60;

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
  let q = multiplyAdd(splatAt(EXP + 32), r, splatAt(EXP + 28));
  q = multiplyAdd(q, r, splatAt(EXP + 24));
  q = multiplyAdd(q, r, splatAt(EXP + 20));
  q = multiplyAdd(q, r, splatAt(EXP + 16));
  return multiplyAdd(f32x4.mul(r, r), q, r);
}

/** eˣ for −87.33654 ≤ x ≤ 0; below, what it is there. */
// @ts-ignore: decorator
@inline
export function expBounded(x: v128): v128 {
  const bounded = f32x4.pmax(x, splatAt(EXP_LOWEST));
  const t = shifted(bounded);
  return f32x4.mul(f32x4.add(splatAt(ONE), reducedExpm1(bounded, t)), power(t));
}

/** eˣ for x ≤ 0, and 0 where it is below 2⁻¹²⁶. */
// @ts-ignore: decorator
@inline
export function expNegative(x: v128): v128 {
  return v128.andnot(expBounded(x), f32x4.lt(x, splatAt(EXP_LOWEST)));
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

// biome-ignore format: one group a line
const LOG: usize = memory.data<f32>([
  0.3333333, -0.2500082, 0.20001227, -0.16623358, 0.14201754, -0.13160162, 0.12761588, -0.076345585,
  0.5, -2.1219444005469057e-4, 0.693359375, 1.4142135, 9.313225746154785e-10,
]);
const HALF: usize = LOG + 32;
const LN2_LOW: usize = LOG + 36;
const LN2_HIGH: usize = LOG + 40;
const SQRT2: usize = LOG + 44;
const LOG1P_SMALL: usize = LOG + 48;

/** low + log(1 + f) + high, for √½ ≤ 1 + f ≤ √2; `second` is f in the terms of second order on. */
// @ts-ignore: decorator
@inline
function logFrom(f: v128, second: v128, low: v128, high: v128): v128 {
  let p = multiplyAdd(splatAt(LOG + 28), f, splatAt(LOG + 24));
  p = multiplyAdd(p, f, splatAt(LOG + 20));
  p = multiplyAdd(p, f, splatAt(LOG + 16));
  p = multiplyAdd(p, f, splatAt(LOG + 12));
  p = multiplyAdd(p, f, splatAt(LOG + 8));
  p = multiplyAdd(p, f, splatAt(LOG + 4));
  p = multiplyAdd(p, f, splatAt(LOG));
  const square = f32x4.mul(second, second);
  let y = multiplyAdd(f32x4.mul(square, second), p, low);
  y = f32x4.sub(y, f32x4.mul(splatAt(HALF), square));
  return f32x4.add(f32x4.add(y, f), high);
}

/** log x for normal x > 0. */
// @ts-ignore: decorator
@inline
export function log(x: v128): v128 {
  const e = i32x4.shr_s(i32x4.sub(x, i32x4.splat(0x3f3504f3)), 23);
  const f = f32x4.sub(i32x4.sub(x, i32x4.shl(e, 23)), splatAt(ONE));
  const n = f32x4.convert_i32x4_s(e);
  const y = logFrom(f, f, f32x4.mul(n, splatAt(LN2_LOW)), f32x4.mul(n, splatAt(LN2_HIGH)));
  // The bits of a NaN have been taken apart above: x − x brings it back.
  return f32x4.add(y, f32x4.sub(x, x));
}

/** log(1 + x) for 0 ≤ x ≤ 1, where the exponent of 1 + x is 0 or 1. */
// @ts-ignore: decorator
@inline
export function log1pUnit(x: v128): v128 {
  const one = splatAt(ONE);
  const u = f32x4.add(one, x);
  const lost = f32x4.sub(x, f32x4.sub(u, one));
  const halve = f32x4.ge(u, splatAt(SQRT2));
  const scale = f32x4.sub(one, v128.and(halve, splatAt(HALF)));
  const f = f32x4.add(f32x4.sub(f32x4.mul(u, scale), one), f32x4.mul(lost, scale));
  const second = v128.and(f, f32x4.gt(x, splatAt(LOG1P_SMALL)));
  const low = v128.and(halve, splatAt(LN2_LOW));
  return logFrom(f, second, low, v128.and(halve, splatAt(LN2_HIGH)));
}

// biome-ignore format: one group a line
const TANH: usize = memory.data<f32>([
  -0.33333313, 0.13332471, -0.053839248, 0.021014279, -0.0061886446,
]);

/** tanh x */
// @ts-ignore: decorator
@inline
export function tanh(x: v128): v128 {
  const one = splatAt(ONE);
  const a = f32x4.abs(x);
  const e = expBounded(f32x4.mul(a, splatAt(MINUS_TWO)));
  const q = f32x4.div(e, f32x4.add(one, e));
  const sign = v128.xor(x, a);
  const large = v128.or(f32x4.sub(one, f32x4.add(q, q)), sign);
  const z = f32x4.mul(x, x);
  let p = multiplyAdd(splatAt(TANH + 16), z, splatAt(TANH + 12));
  p = multiplyAdd(p, z, splatAt(TANH + 8));
  p = multiplyAdd(p, z, splatAt(TANH + 4));
  p = multiplyAdd(p, z, splatAt(TANH));
  const small = multiplyAdd(f32x4.mul(p, z), x, x);
  return v128.bitselect(small, large, f32x4.lt(a, splatAt(TANH_SMALL)));
}

// biome-ignore format: one group a line
const ERFC: usize = memory.data<f32>([
  0.8968289, 0.38191652, 0.06629824,
  2.0252073, 1.6671319, 0.67440474, 0.11766597,
]);

/** erfc a for 0 ≤ a ≤ 9, given exp(−a²). */
// @ts-ignore: decorator
@inline
function erfcTail(a: v128, e: v128): v128 {
  const one = splatAt(ONE);
  let n = multiplyAdd(splatAt(ERFC + 8), a, splatAt(ERFC + 4));
  n = multiplyAdd(n, a, splatAt(ERFC));
  n = multiplyAdd(n, a, one);
  let d = multiplyAdd(splatAt(ERFC + 24), a, splatAt(ERFC + 20));
  d = multiplyAdd(d, a, splatAt(ERFC + 16));
  d = multiplyAdd(d, a, splatAt(ERFC + 12));
  d = multiplyAdd(d, a, one);
  return f32x4.mul(f32x4.div(n, d), e);
}

/** exp(−u²), for what is said of `erfc`. */
// @ts-ignore: decorator
@inline
export function gaussian(u: v128): v128 {
  return expBounded(f32x4.neg(f32x4.mul(u, u)));
}

/** min(|u|, 9), where erfc ends. */
// @ts-ignore: decorator
@inline
export function untilErfcEnd(u: v128): v128 {
  return f32x4.pmin(f32x4.abs(u), splatAt(ERFC_END));
}

/** erfc(−u), given a = `untilErfcEnd(u)` and `gaussian(a)`; not 0 but tiny for u ≤ −9. */
// @ts-ignore: decorator
@inline
export function erfcOfMinus(u: v128, a: v128, gaussian: v128): v128 {
  const tail = erfcTail(a, gaussian);
  return v128.bitselect(
    f32x4.sub(splatAt(TWO), tail),
    tail,
    f32x4.gt(u, f32x4.splat(0)),
  );
}
