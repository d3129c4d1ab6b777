/**
 * src/math.ts in float64, for running the JS twins as a reference: no rounding, the engine's own
 * functions, and an error function from its series and continued fraction. Tests put it in the
 * place of src/math.ts, by `vi.mock` or `vi.doMock`.
 */
export const fround = (x: number): number => x;
export const { exp, expm1, log, log1p, tanh } = Math;
export const expShare = exp;
export const sigmoid = (x: number): number => 1 / (1 + exp(-x));
export const sinTurns = (t: number): number => Math.sin(2 * Math.PI * t);

/** erf x by its Taylor series, for |x| < 2. */
function series(x: number): number {
  let sum = x;
  let term = x;
  for (let k = 1; k < 60; k++) {
    term *= (-x * x) / k;
    sum += term / (2 * k + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

export function erfc(x: number): number {
  if (Number.isNaN(x)) return x;
  if (x < 0) return 2 - erfc(-x);
  if (x < 1.5) return 1 - series(x);
  let fraction = 0;
  for (let k = 160; k > 0; k--) fraction = k / 2 / (x + fraction);
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + fraction);
}

export function erf(x: number): number {
  return Math.abs(x) < 1.5 ? series(x) : 1 - erfc(x);
}
