import { multiplyAdd } from './simd';

/*
 * What the steps of all optimizers have in common: the twin of src/ops/internal/step.ts. `hyper`
 * begins with the learning rate, the weight decay λ, and whether that is decoupled.
 */

/** A number of `hyper` in all lanes. */
// @ts-ignore: decorator
@inline
export function scalar(hyper: usize, index: i32): v128 {
  return f32x4.splat(<f32>load<f64>(hyper + (index << 3)));
}

/** 1 less a number of `hyper`, in all lanes. */
// @ts-ignore: decorator
@inline
export function rest(hyper: usize, index: i32): v128 {
  return f32x4.splat(<f32>(1 - load<f64>(hyper + (index << 3))));
}

/** λ where it pulls at the gradient, else 0. */
// @ts-ignore: decorator
@inline
export function coupling(hyper: usize, decays: bool): f32 {
  return decays && load<f64>(hyper, 16) == 0 ? <f32>load<f64>(hyper, 8) : 0;
}

/** η·λ where the weights shrink by themselves, else 0. */
// @ts-ignore: decorator
@inline
export function shrinkage(hyper: usize, decays: bool): f32 {
  return decays && load<f64>(hyper, 16) != 0
    ? <f32>(load<f64>(hyper) * load<f64>(hyper, 8))
    : 0;
}

/*
 * Decay is looked for in every vector, which costs nothing beside a division. Kernels that have none
 * are made twice, with and without.
 */

/** The gradient g = dw + λ·w, or dw where there is no such decay. */
// @ts-ignore: decorator
@inline
export function pulled(dw: usize, w: usize, coupled: f32): v128 {
  let g = v128.load(dw);
  if (coupled != 0) g = multiplyAdd(f32x4.splat(coupled), v128.load(w), g);
  return g;
}

/** The weights, w − η·λ·w where they shrink. */
// @ts-ignore: decorator
@inline
export function shrunk(w: usize, shrink: f32): v128 {
  let x = v128.load(w);
  if (shrink != 0) x = f32x4.sub(x, f32x4.mul(f32x4.splat(shrink), x));
  return x;
}
