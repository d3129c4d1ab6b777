import { multiplyAdd } from './internal/simd';

/*
 * One pass each over `size` floats of the flat block, a multiple of 4.
 */

// @ts-ignore: decorator
@inline
function scalar(hyper: usize, index: i32): v128 {
  return f32x4.splat(<f32>load<f64>(hyper + (index << 3)));
}

/** w ← w − η·dw. */
export function sgdStep(w: usize, dw: usize, hyper: usize, size: i32): void {
  const rate = scalar(hyper, 0);
  const end = w + (<usize>size << 2);
  do {
    v128.store(w, f32x4.sub(v128.load(w), f32x4.mul(rate, v128.load(dw))));
    w += 16;
    dw += 16;
  } while (w != end);
}

/** v ← μ·v + dw, w ← w − η·v. */
export function momentumStep(
  w: usize,
  velocity: usize,
  dw: usize,
  hyper: usize,
  size: i32,
): void {
  const rate = scalar(hyper, 0);
  const momentum = scalar(hyper, 1);
  const end = w + (<usize>size << 2);
  do {
    const v = multiplyAdd(momentum, v128.load(velocity), v128.load(dw));
    v128.store(velocity, v);
    v128.store(w, f32x4.sub(v128.load(w), f32x4.mul(rate, v)));
    w += 16;
    velocity += 16;
    dw += 16;
  } while (w != end);
}

/** The running products of Adam's bias corrections; see the twin. */
export function adamAdvance(hyper: usize): void {
  const beta1 = load<f64>(hyper, 8);
  const beta2 = load<f64>(hyper, 16);
  const first = load<f64>(hyper, 32) * beta1 + (1 - beta1);
  const second = load<f64>(hyper, 40) * beta2 + (1 - beta2);
  store<f64>(hyper, first, 32);
  store<f64>(hyper, second, 40);
  store<f64>(hyper, load<f64>(hyper) / first, 48);
  store<f64>(hyper, 1 / sqrt(second), 56);
}

/** w ← w − rate · m / (√v · correction + ε); see the twin. */
export function adamStep(
  w: usize,
  m: usize,
  v: usize,
  dw: usize,
  hyper: usize,
  size: i32,
): void {
  const beta1 = scalar(hyper, 1);
  const beta2 = scalar(hyper, 2);
  const rest1 = f32x4.splat(<f32>(1 - load<f64>(hyper, 8)));
  const rest2 = f32x4.splat(<f32>(1 - load<f64>(hyper, 16)));
  const epsilon = scalar(hyper, 3);
  const rate = scalar(hyper, 6);
  const correction = scalar(hyper, 7);
  const end = w + (<usize>size << 2);
  do {
    const g = v128.load(dw);
    const mean = f32x4.add(f32x4.mul(beta1, v128.load(m)), f32x4.mul(rest1, g));
    const square = f32x4.add(
      f32x4.mul(beta2, v128.load(v)),
      f32x4.mul(rest2, f32x4.mul(g, g)),
    );
    v128.store(m, mean);
    v128.store(v, square);
    const divisor = f32x4.add(f32x4.mul(f32x4.sqrt(square), correction), epsilon);
    v128.store(w, f32x4.sub(v128.load(w), f32x4.mul(rate, f32x4.div(mean, divisor))));
    w += 16;
    m += 16;
    v += 16;
    dw += 16;
  } while (w != end);
}
