/** Whether every number is finite: the check that data and parameters have to pass. */
export function allFinite(values: Float32Array): boolean {
  // 0 times a number is NaN unless it is finite, and so is any sum with it. Four sums, because one
  // would wait for each addition.
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  const whole = values.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    a += values[i]! * 0;
    b += values[i + 1]! * 0;
    c += values[i + 2]! * 0;
    d += values[i + 3]! * 0;
  }
  for (let i = whole; i < values.length; i++) a += values[i]! * 0;
  return a + b + c + d === 0;
}
