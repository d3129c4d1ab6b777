/** The distance of two floats next to each other at x: 2⁻¹⁴⁹ where x is subnormal. */
export function spacing(x: number): number {
  let exponent = Math.max(Math.floor(Math.log2(Math.abs(x))), -126);
  if (2 ** exponent > Math.abs(x)) exponent = Math.max(exponent - 1, -126);
  return 2 ** (exponent - 23);
}

/** How far `actual` is from the true value, in units of that value's spacing; 0 for equal ones. */
export function ulp(actual: number, truth: number): number {
  if (Object.is(actual, truth) || actual === truth) return 0;
  const error = Math.abs(actual - truth) / spacing(truth);
  return Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
}

/** The largest ULP error of f over all floats from `from` to `to`, or every `step`-th of them. */
export function largestUlp(
  f: (x: number) => number,
  reference: (x: number) => number,
  from: number,
  to: number,
  step: number,
): { error: number; at: number } {
  const float = new Float32Array(1);
  const word = new Uint32Array(float.buffer);
  const worst = { error: 0, at: from };
  const check = (x: number) => {
    const error = ulp(f(x), reference(x));
    if (error > worst.error) Object.assign(worst, { error, at: x });
  };
  for (const sign of [0, 0x80000000]) {
    for (let bits = 0; bits <= 0x7f800000; bits += step) {
      word[0] = sign + bits;
      if (float[0]! >= from && float[0]! <= to) check(float[0]!);
    }
  }
  check(Math.fround(from));
  check(Math.fround(to));
  return worst;
}
