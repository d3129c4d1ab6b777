/** Clipping of gradients. src/ops/clipping.ts states formulas and the order of sums. */

/** dw ← min(max(dw, −limit), limit). */
export function clipValue(dw: usize, size: i32, limit: f32): void {
  const most = f32x4.splat(limit);
  const least = f32x4.neg(most);
  const end = dw + (<usize>size << 2);
  do {
    v128.store(dw, f32x4.pmin(f32x4.pmax(v128.load(dw), least), most));
    dw += 16;
  } while (dw != end);
}

/** sum + v² of the first two of four floats, in float64. */
// @ts-ignore: decorator
@inline
function addSquares(sum: v128, v: v128): v128 {
  const x = f64x2.promote_low_f32x4(v);
  return f64x2.add(sum, f64x2.mul(x, x));
}

/** dw ← dw·limit/(‖dw‖ + 10⁻⁶) where that factor is below 1. */
export function clipNorm(dw: usize, size: i32, limit: f32): void {
  const end = dw + (<usize>size << 2);
  let a = f64x2.splat(0);
  let b = a;
  let c = a;
  let d = a;
  let at = dw;
  do {
    const low = v128.load(at);
    const high = v128.load(at, 16);
    a = addSquares(a, low);
    b = addSquares(b, v128.shuffle<f32>(low, low, 2, 3, 2, 3));
    c = addSquares(c, high);
    d = addSquares(d, v128.shuffle<f32>(high, high, 2, 3, 2, 3));
    at += 32;
  } while (at != end);
  const pairs = f64x2.add(f64x2.add(a, c), f64x2.add(b, d));
  const sum = f64x2.extract_lane(pairs, 0) + f64x2.extract_lane(pairs, 1);
  const factor = <f32>(<f64>limit / (sqrt<f64>(sum) + 1e-6));
  if (factor >= 1) return;
  const scale = f32x4.splat(factor);
  do {
    v128.store(dw, f32x4.mul(v128.load(dw), scale));
    dw += 16;
  } while (dw != end);
}
