/**
 * Elementary functions in float32: every operation is rounded, and assembly/internal/math.ts takes
 * the same steps on four lanes, hence gives the same bits on every engine. Only + − × ÷ and exact
 * operations on bits are used. The coefficients come from scripts/fit-math.py.
 *
 * ULP are counted in the spacing of floats at the true value. NaN gives NaN everywhere.
 */

/** Rounds to float32. Tests that need float64 replace this whole module. */
export const fround = Math.fround;

const LOG2_E = fround(1.4426950408889634);
/**
 * ln 2 in two parts. The high one has 10 bits, so that x − n·LN2_HIGH is a float32 with no rounding;
 * nor do products with powers of two need any.
 */
const LN2_HIGH = 0.693359375;
const LN2_LOW = fround(-2.1219444005469057e-4);
/** Added to a small float, leaves it rounded to an integer, plus 127, in the lowest bits. */
const ROUNDER = 12583039;
/** Where exp crosses 2⁻¹²⁶ and 2¹²⁸: the last floats inside. */
const EXP_LOWEST = fround(-87.33654022216797);
const EXP_HIGHEST = fround(88.72283172607422);
const SQRT_HALF_BITS = 0x3f3504f3;
const SMALLEST_NORMAL = 2 ** -126;

/** POWERS[i] = 2^(i − 127) */
const POWERS = new Float32Array(255);
for (let i = 1, power = SMALLEST_NORMAL; i < 255; i++, power *= 2) POWERS[i] = power;

const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

const E0 = 0.5;
const E1 = fround(0.16666535);
const E2 = fround(0.041667238);
const E3 = fround(0.008367474);
const E4 = fround(0.0013863778);

/** eʳ − 1 = r + r²·q(r) for |r| ≤ ln 2 / 2. */
function reducedExpm1(r: number): number {
  const square = fround(r * r);
  let q = fround(fround(E3 * r) + E2);
  q = fround(fround(E4 * square) + q);
  q = fround(fround(q * square) + fround(fround(E1 * r) + E0));
  return fround(fround(q * square) + r);
}

/**
 * eˣ = 2ⁿ·eʳ with n = round(x / ln 2), r = x − n·ln 2. 0 below 2⁻¹²⁶, ∞ from 2¹²⁸ on.
 * Largest error 1.0 ULP.
 */
export function exp(x: number): number {
  if (!(x >= EXP_LOWEST)) return x < EXP_LOWEST ? 0 : Number.NaN;
  if (x > EXP_HIGHEST) return Number.POSITIVE_INFINITY;
  const t = fround(fround(x * LOG2_E) + ROUNDER);
  const n = t - ROUNDER;
  const r = fround(x - n * LN2_HIGH - fround(n * LN2_LOW));
  const p = fround(1 + reducedExpm1(r));
  return n > 127 ? p * 2 * POWERS[254]! : p * POWERS[n + 127]!;
}

/**
 * eˣ for x ≤ 0, and exactly 0 for x < −43, where it is below 2⁻⁶². So are the outputs of sigmoid and
 * softmax and their gradients: products of two such numbers would be subnormal, at which processors
 * are slow, and no sum with 1 in it would notice them. Largest error 1.0 ULP.
 */
export function expShare(x: number): number {
  return x < -43 ? 0 : exp(x);
}

/**
 * eˣ − 1 = 2ⁿ·(eʳ − 1) + (2ⁿ − 1), reduced as in `exp`; −1 far below 0. Largest error 1.7 ULP.
 */
export function expm1(x: number): number {
  if (!(x >= -32)) return x < -32 ? -1 : Number.NaN;
  if (x > EXP_HIGHEST) return Number.POSITIVE_INFINITY;
  const t = fround(fround(x * LOG2_E) + ROUNDER);
  const n = t - ROUNDER;
  const r = fround(x - n * LN2_HIGH - fround(n * LN2_LOW));
  const p = reducedExpm1(r);
  if (n > 127) return fround(1 + p) * 2 * POWERS[254]!;
  const power = POWERS[n + 127]!;
  return fround(power * p + fround(power - 1));
}

const L0 = fround(0.3333333);
const L1 = fround(-0.2500082);
const L2 = fround(0.20001227);
const L3 = fround(-0.16623358);
const L4 = fround(0.14201754);
const L5 = fround(-0.13160162);
const L6 = fround(0.12761588);
const L7 = fround(-0.076345585);

/** e·ln 2 + log(1 + f), √½ ≤ 1 + f ≤ √2, by log(1 + f) = f − f²/2 + f³·p(f): small terms first. */
function logFrom(e: number, f: number): number {
  const square = fround(f * f);
  const p01 = fround(fround(L1 * f) + L0);
  const p23 = fround(fround(L3 * f) + L2);
  const p45 = fround(fround(L5 * f) + L4);
  const p67 = fround(fround(L7 * f) + L6);
  const p03 = fround(fround(p23 * square) + p01);
  const p47 = fround(fround(p67 * square) + p45);
  const p = fround(fround(p47 * fround(square * square)) + p03);
  let y = fround(fround(fround(square * f) * p) + fround(e * LN2_LOW));
  y = fround(y - fround(0.5 * square));
  return fround(fround(y + f) + fround(e * LN2_HIGH));
}

/**
 * log x = e·ln 2 + log(1 + f) with x = 2ᵉ·(1 + f), √½ ≤ 1 + f < √2. −∞ at 0, NaN below.
 * Largest error 0.9 ULP.
 */
export function log(x: number): number {
  if (!(x > 0)) return x === 0 ? Number.NEGATIVE_INFINITY : Number.NaN;
  if (x === Number.POSITIVE_INFINITY) return x;
  let e = 0;
  if (x < SMALLEST_NORMAL) {
    x *= 2 ** 24;
    e = -24;
  }
  float[0] = x;
  const exponent = (bits[0]! - SQRT_HALF_BITS) >> 23;
  bits[0]! -= exponent << 23;
  e += exponent;
  return logFrom(e, fround(float[0]! - 1));
}

/** Up to this, log(1 + x) is x to half a ULP, and the square of x might be subnormal. */
const LOG1P_SMALL = 2 ** -30;
const R1 = fround(0.9101486);
const R2 = fround(0.14803143);
const S1 = fround(1.5768133);
const S2 = fround(0.69926906);
const S3 = fround(0.077610224);

/**
 * log(1 + x): x − x²/2 · R(x)/S(x) in [0, 1], which is all that kernels need, and elsewhere as `log`,
 * with f made up by what rounding 1 + x lost. −∞ at −1, NaN below. Largest error 1.8 ULP.
 */
export function log1p(x: number): number {
  if (!(x > -1)) return x === -1 ? Number.NEGATIVE_INFINITY : Number.NaN;
  if (x === Number.POSITIVE_INFINITY || Math.abs(x) <= LOG1P_SMALL) return x;
  if (x > 0 && x <= 1) {
    const r = fround(fround(fround(fround(R2 * x) + R1) * x) + 1);
    const s = fround(fround(fround(fround(fround(fround(S3 * x) + S2) * x) + S1) * x) + 1);
    return fround(x - fround(fround(fround(x * x) * 0.5) * fround(r / s)));
  }
  const u = fround(1 + x);
  const lost = x >= 1 ? fround(1 - fround(u - x)) : fround(x - fround(u - 1));
  float[0] = u;
  const e = (bits[0]! - SQRT_HALF_BITS) >> 23;
  bits[0]! -= e << 23;
  // From 2²⁵ on, what was lost is less than half a ULP of x: 2⁻ᵉ may stop there.
  const scale = POWERS[127 - Math.min(e, 25)]!;
  return logFrom(e, fround(fround(float[0]! - 1) + fround(lost * scale)));
}

const TANH_SMALL = 0.5625;
const T0 = fround(-0.33333313);
const T1 = fround(0.13332471);
const T2 = fround(-0.053839248);
const T3 = fround(0.021014279);
const T4 = fround(-0.0061886446);

/**
 * σ(x) = 1 / (1 + e⁻ˣ), with the exponential of −|x|, which cannot overflow. Exactly 0 below −43
 * (`expShare`). Largest error 3 ULP.
 */
export function sigmoid(x: number): number {
  const e = expShare(-Math.abs(x));
  return fround((x < 0 ? e : 1) / fround(1 + e));
}

/**
 * tanh x = x + x·z·p(z), z = x², below 0.5625; ±(1 − 2e / (1 + e)), e = exp(−2|x|), above.
 * Largest error 1.6 ULP.
 */
export function tanh(x: number): number {
  const a = Math.abs(x);
  if (a < TANH_SMALL) {
    const z = fround(x * x);
    let p = fround(fround(T4 * z) + T3);
    p = fround(fround(p * z) + T2);
    p = fround(fround(p * z) + T1);
    p = fround(fround(p * z) + T0);
    return fround(fround(fround(p * z) * x) + x);
  }
  const e = exp(-2 * a);
  const q = fround(e / fround(1 + e));
  const y = fround(1 - fround(q + q));
  return x < 0 ? -y : y;
}

const F0 = fround(0.12837917);
const F1 = fround(-0.37612626);
const F2 = fround(0.112835854);
const F3 = fround(-0.026853811);
const F4 = fround(0.0051883273);
const F5 = fround(-0.0008010192);
const F6 = fround(7.853857e-5);

/** erf x = x + x·p(x²) below 1, ±(1 − erfc|x|) above. Largest error 1.3 ULP. */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a < 1) {
    const z = fround(x * x);
    let p = fround(fround(F6 * z) + F5);
    p = fround(fround(p * z) + F4);
    p = fround(fround(p * z) + F3);
    p = fround(fround(p * z) + F2);
    p = fround(fround(p * z) + F1);
    p = fround(fround(p * z) + F0);
    return fround(fround(p * x) + x);
  }
  const y = fround(1 - erfcTail(a));
  return x < 0 ? -y : y;
}

const ERFC_END = 9;
const N1 = fround(0.8968289);
const N2 = fround(0.38191652);
const N3 = fround(0.06629824);
const D1 = fround(2.0252073);
const D2 = fround(1.6671319);
const D3 = fround(0.67440474);
const D4 = fround(0.11766597);

/** erfc a = exp(−a²)·N(a)/D(a) for a ≥ 0; all coefficients are positive, so nothing cancels. */
function erfcTail(a: number): number {
  if (a >= ERFC_END) return 0;
  let n = fround(fround(N3 * a) + N2);
  n = fround(fround(n * a) + N1);
  n = fround(fround(n * a) + 1);
  let d = fround(fround(D4 * a) + D3);
  d = fround(fround(d * a) + D2);
  d = fround(fround(d * a) + D1);
  d = fround(fround(d * a) + 1);
  return fround(fround(n / d) * exp(-fround(a * a)));
}

/**
 * erfc x = 1 − erf x without cancellation; 0 from 9 on. Largest error 3.5 ULP up to 0.5, 6 ULP up to
 * 2; beyond, the error in ULP grows as erfc falls, and stays below 10⁻⁸.
 */
export function erfc(x: number): number {
  const tail = erfcTail(Math.abs(x));
  return x < 0 ? fround(2 - tail) : tail;
}

const C0 = /* @__PURE__ */ fround(6.2831855);
const C1 = /* @__PURE__ */ fround(-41.34168);
const C2 = /* @__PURE__ */ fround(81.602234);
const C3 = /* @__PURE__ */ fround(-76.57499);
const C4 = /* @__PURE__ */ fround(39.710922);

/** sin(2πt), t·p(t²), for |t| ≤ 1/4: an angle in turns. Largest error 2.8 ULP. */
export function sinTurns(t: number): number {
  const square = fround(t * t);
  let p = fround(fround(C4 * square) + C3);
  p = fround(fround(p * square) + C2);
  p = fround(fround(p * square) + C1);
  p = fround(fround(p * square) + C0);
  return fround(t * p);
}
