/**
 * Elementary functions in float64 for the host: drawing initial weights, learning-rate schedules.
 * The engine's own `Math` functions differ from engine to engine; these use only + − × ÷ and exact
 * scaling, so they give the same bits everywhere. The coefficients come from scripts/fit-math.py.
 * NaN gives NaN. Errors are relative to the true value.
 */

const LOG2_E = 1.4426950408889634;
/** ln 2 in two parts. The high one ends in 21 zero bits, so its products with exponents are exact. */
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;
/** π/2 in three parts; products of the first two with whole numbers up to 2²⁰ are exact. */
const HALF_PI = [1.5707963267341256, 6.077100506303966e-11, 2.0222662487959506e-21] as const;
const TWO_BY_PI = 0.6366197723675814;
/** Added to a number and taken away again, leaves it rounded to an integer: 1.5 · 2⁵². */
const ROUNDER = 6755399441055744;
/** Multiplies a number so that its upper half can be cut off: 2²⁷ + 1 (Dekker 1971). */
const SPLITTER = 134217729;

const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

/** x · 2ⁿ for −1100 < n < 1100, rounded at most once. */
function scale(x: number, n: number): number {
  let y = x;
  let k = n;
  if (k > 1000) {
    y *= 2 ** 1000;
    k -= 1000;
  } else if (k < -1000) {
    y *= 2 ** -900;
    k += 900;
  }
  let power = 1;
  let base = k < 0 ? 0.5 : 2;
  for (k = Math.abs(k); k > 0; k >>= 1) {
    if (k & 1) power *= base;
    base *= base;
  }
  return y * power;
}

/** What rounding took from the product p = a · b: a · b − p, exactly. */
function productError(a: number, b: number, p: number): number {
  const ca = SPLITTER * a;
  const aHigh = ca - (ca - a);
  const aLow = a - aHigh;
  const cb = SPLITTER * b;
  const bHigh = cb - (cb - b);
  const bLow = b - bHigh;
  return aLow * bLow - (p - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
}

// biome-ignore format: a polynomial a line
const EXP = [0.5000000000000012, 0.16666666666666385, 0.04166666666651915, 0.008333333333507664, 0.0013888888946920086, 0.0001984126948616592, 2.48014893520944e-5, 2.7557597176454178e-6, 2.7631687407665714e-7, 2.4998997062357626e-8];
// biome-ignore format: a polynomial a line
const LOG = [0.6666666666666734, 0.399999999994147, 0.2857142874238521, 0.22222198573316013, 0.18183564323114906, 0.15314050564715959, 0.1479594999180305];
// biome-ignore format: a polynomial a line
const SIN = [-0.1666666666666663, 0.008333333333321868, -0.00019841269829353066, 2.7557313528193497e-6, -2.505073162559133e-8, 1.589521447232221e-10];
// biome-ignore format: a polynomial a line
const COS = [0.041666666666666595, -0.0013888888888873387, 2.480158728900147e-5, -2.7557314208028733e-7, 2.0875702977105383e-9, -1.1358564210981164e-11];

/** Σ c[i]·xⁱ in Horner's order. */
function polynomial(c: readonly number[], x: number): number {
  let sum = 0;
  for (let i = c.length - 1; i >= 0; i--) sum = sum * x + c[i]!;
  return sum;
}

/** exp(x + low) for a low that is small beside 1. */
function expOfSum(x: number, low: number): number {
  if (x > 710) return Number.POSITIVE_INFINITY;
  if (x < -746) return 0;
  const n = x * LOG2_E + ROUNDER - ROUNDER;
  const r = x - n * LN2_HIGH - (n * LN2_LOW - low);
  return scale(1 + (r + r * r * polynomial(EXP, r)), n);
}

/** eˣ, to 2·10⁻¹⁶; below 2⁻¹⁰²² it loses digits gradually. */
export function exp64(x: number): number {
  return expOfSum(x, 0);
}

let logLow = 0;

/**
 * log x for finite x > 0, rounded; `logLow` is left holding what rounding took, some ten bits more:
 * e·ln 2 + 2s + s³·p(s²), s = f / (2 + f), x = 2ᵉ·(1 + f), √½ ≤ 1 + f ≤ √2.
 */
function logHigh(x: number): number {
  let m = x;
  let e = 0;
  for (; m < 2 ** -120; m *= 2 ** 120) e -= 120;
  for (; m > 2 ** 120; m *= 2 ** -120) e += 120;
  float[0] = m;
  const exponent = (bits[0]! - 0x3f3504f3) >> 23;
  m = scale(m, -exponent);
  e += exponent;
  const f = m - 1;
  const below = m + 1;
  const belowLow = m - (below - 1);
  const s = f / below;
  const product = s * below;
  const sLow = (f - product - productError(s, below, product) - s * belowLow) / below;
  const z = s * s;
  const leading = e * LN2_HIGH;
  const high = leading + 2 * s;
  const low = leading - high + 2 * s + (2 * sLow + (s * z * polynomial(LOG, z) + e * LN2_LOW));
  const sum = high + low;
  logLow = high - sum + low;
  return sum;
}

/** log x, to 2·10⁻¹⁶; −∞ at 0, NaN below. */
export function log64(x: number): number {
  if (!(x > 0)) return x === 0 ? Number.NEGATIVE_INFINITY : Number.NaN;
  if (x === Number.POSITIVE_INFINITY) return x;
  return logHigh(x);
}

/** xʸ = exp(y·log x) for x ≥ 0 and finite y, to 10⁻¹⁵; NaN for negative x. x⁰ = 1. */
export function pow64(x: number, y: number): number {
  if (y === 0) return 1;
  if (x === 0 || x === Number.POSITIVE_INFINITY) {
    return (x === 0) === y > 0 ? 0 : Number.POSITIVE_INFINITY;
  }
  if (!(x > 0)) return Number.NaN;
  const high = logHigh(x);
  const low = logLow;
  const product = y * high;
  if (!(Math.abs(product) < 800)) return expOfSum(product, 0);
  return expOfSum(product, productError(y, high, product) + y * low);
}

/** The sine of x + quarter·π/2. */
function sineFrom(x: number, quarter: number): number {
  const n = x * TWO_BY_PI + ROUNDER - ROUNDER;
  const r = x - n * HALF_PI[0] - n * HALF_PI[1] - n * HALF_PI[2];
  const z = r * r;
  const turn = (n + quarter) & 3;
  const y = turn & 1 ? 1 - (0.5 * z - z * z * polynomial(COS, z)) : r + r * z * polynomial(SIN, z);
  return turn & 2 ? -y : y;
}

/** sin x for |x| ≤ 2²⁰, to 3·10⁻¹⁶. */
export function sin64(x: number): number {
  return sineFrom(x, 0);
}

/** cos x for |x| ≤ 2²⁰, to 3·10⁻¹⁶. */
export function cos64(x: number): number {
  return sineFrom(x, 1);
}
