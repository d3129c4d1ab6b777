import { coupling, pulled, rest, scalar, shrinkage, shrunk } from './internal/step';

/*
 * One pass each over `size` floats of the flat block, a multiple of 4; `decays` as in the twins.
 */

/** The running products of Adam's bias corrections; see the twin. */
export function adamAdvance(hyper: usize): void {
  const beta1 = load<f64>(hyper, 32);
  const beta2 = load<f64>(hyper, 40);
  const first = load<f64>(hyper, 64) * beta1 + (1 - beta1);
  const second = load<f64>(hyper, 72) * beta2 + (1 - beta2);
  store<f64>(hyper, first, 64);
  store<f64>(hyper, second, 72);
  store<f64>(hyper, load<f64>(hyper) / first, 80);
  store<f64>(hyper, 1 / sqrt(second), 88);
}

/** w ← w − rate · m / (√v · correction + ε); see the twin. */
export function adamStep(
  w: usize,
  m: usize,
  v: usize,
  dw: usize,
  hyper: usize,
  size: i32,
  decays: i32,
): void {
  const beta1 = scalar(hyper, 4);
  const beta2 = scalar(hyper, 5);
  const rest1 = rest(hyper, 4);
  const rest2 = rest(hyper, 5);
  const epsilon = scalar(hyper, 6);
  const rate = scalar(hyper, 10);
  const correction = scalar(hyper, 11);
  const coupled = coupling(hyper, decays != 0);
  const shrink = shrinkage(hyper, decays != 0);
  const end = w + (<usize>size << 2);
  do {
    const g = pulled(dw, w, coupled);
    const mean = f32x4.add(f32x4.mul(beta1, v128.load(m)), f32x4.mul(rest1, g));
    const square = f32x4.add(
      f32x4.mul(beta2, v128.load(v)),
      f32x4.mul(rest2, f32x4.mul(g, g)),
    );
    v128.store(m, mean);
    v128.store(v, square);
    const divisor = f32x4.add(f32x4.mul(f32x4.sqrt(square), correction), epsilon);
    v128.store(w, f32x4.sub(shrunk(w, shrink), f32x4.mul(rate, f32x4.div(mean, divisor))));
    w += 16;
    m += 16;
    v += 16;
    dw += 16;
  } while (w != end);
}

/** Adam with the largest v so far under the root; see the twin. */
export function amsgradStep(
  w: usize,
  m: usize,
  v: usize,
  largest: usize,
  dw: usize,
  hyper: usize,
  size: i32,
  decays: i32,
): void {
  const beta1 = scalar(hyper, 4);
  const beta2 = scalar(hyper, 5);
  const rest1 = rest(hyper, 4);
  const rest2 = rest(hyper, 5);
  const epsilon = scalar(hyper, 6);
  const rate = scalar(hyper, 10);
  const correction = scalar(hyper, 11);
  const coupled = coupling(hyper, decays != 0);
  const shrink = shrinkage(hyper, decays != 0);
  const end = w + (<usize>size << 2);
  do {
    const g = pulled(dw, w, coupled);
    const mean = f32x4.add(f32x4.mul(beta1, v128.load(m)), f32x4.mul(rest1, g));
    const square = f32x4.add(
      f32x4.mul(beta2, v128.load(v)),
      f32x4.mul(rest2, f32x4.mul(g, g)),
    );
    // max(v, l) that keeps a v that is NaN.
    const most = f32x4.pmax(square, v128.load(largest));
    v128.store(m, mean);
    v128.store(v, square);
    v128.store(largest, most);
    const divisor = f32x4.add(f32x4.mul(f32x4.sqrt(most), correction), epsilon);
    v128.store(w, f32x4.sub(shrunk(w, shrink), f32x4.mul(rate, f32x4.div(mean, divisor))));
    w += 16;
    m += 16;
    v += 16;
    largest += 16;
    dw += 16;
  } while (w != end);
}

/** NAdam's running products, and the rates of this step; see the twin. */
export function nadamAdvance(hyper: usize): void {
  const rate = load<f64>(hyper);
  const beta1 = load<f64>(hyper, 32);
  const beta2 = load<f64>(hyper, 40);
  const q = load<f64>(hyper, 64);
  const grown = load<f64>(hyper, 72) * q + (1 - q);
  const momentum = beta1 * (0.5 + 0.5 * grown);
  const next = beta1 * (0.5 + 0.5 * (grown * q + (1 - q)));
  const product = load<f64>(hyper, 80) * momentum + (1 - momentum);
  const second = load<f64>(hyper, 88) * beta2 + (1 - beta2);
  store<f64>(hyper, grown, 72);
  store<f64>(hyper, product, 80);
  store<f64>(hyper, second, 88);
  store<f64>(hyper, (rate * (1 - momentum)) / product, 96);
  store<f64>(hyper, (rate * next) / (product * next + (1 - next)), 104);
  store<f64>(hyper, 1 / sqrt(second), 112);
}

/** w ← w − (a·g + b·m) / (√v · correction + ε); see the twin. */
export function nadamStep(
  w: usize,
  m: usize,
  v: usize,
  dw: usize,
  hyper: usize,
  size: i32,
  decays: i32,
): void {
  const beta1 = scalar(hyper, 4);
  const beta2 = scalar(hyper, 5);
  const rest1 = rest(hyper, 4);
  const rest2 = rest(hyper, 5);
  const epsilon = scalar(hyper, 6);
  const gradientRate = scalar(hyper, 12);
  const meanRate = scalar(hyper, 13);
  const correction = scalar(hyper, 14);
  const coupled = coupling(hyper, decays != 0);
  const shrink = shrinkage(hyper, decays != 0);
  const end = w + (<usize>size << 2);
  do {
    const g = pulled(dw, w, coupled);
    const mean = f32x4.add(f32x4.mul(beta1, v128.load(m)), f32x4.mul(rest1, g));
    const square = f32x4.add(
      f32x4.mul(beta2, v128.load(v)),
      f32x4.mul(rest2, f32x4.mul(g, g)),
    );
    v128.store(m, mean);
    v128.store(v, square);
    const divisor = f32x4.add(f32x4.mul(f32x4.sqrt(square), correction), epsilon);
    const ahead = f32x4.add(f32x4.mul(gradientRate, g), f32x4.mul(meanRate, mean));
    v128.store(w, f32x4.sub(shrunk(w, shrink), f32x4.div(ahead, divisor)));
    w += 16;
    m += 16;
    v += 16;
    dw += 16;
  } while (w != end);
}

/** All forms of RMSprop. `mean` is read where `centered`, `velocity` where `moving`; see the twin. */
// @ts-ignore: decorator
@inline
function rmsprop(
  w: usize,
  square: usize,
  mean: usize,
  velocity: usize,
  dw: usize,
  hyper: usize,
  size: i32,
  decays: i32,
  centered: bool,
  moving: bool,
): void {
  const rate = scalar(hyper, 0);
  const decay = scalar(hyper, 4);
  const fresh = rest(hyper, 4);
  const epsilon = scalar(hyper, 5);
  const momentum = scalar(hyper, 6);
  const coupled = coupling(hyper, decays != 0);
  const shrink = shrinkage(hyper, decays != 0);
  const end = w + (<usize>size << 2);
  do {
    const g = pulled(dw, w, coupled);
    let variance = f32x4.add(
      f32x4.mul(decay, v128.load(square)),
      f32x4.mul(fresh, f32x4.mul(g, g)),
    );
    v128.store(square, variance);
    if (centered) {
      const m = f32x4.add(f32x4.mul(decay, v128.load(mean)), f32x4.mul(fresh, g));
      v128.store(mean, m);
      variance = f32x4.pmax(f32x4.sub(variance, f32x4.mul(m, m)), f32x4.splat(0));
      mean += 16;
    }
    let step = f32x4.div(g, f32x4.add(f32x4.sqrt(variance), epsilon));
    if (moving) {
      step = f32x4.add(f32x4.mul(momentum, v128.load(velocity)), step);
      v128.store(velocity, step);
      velocity += 16;
    }
    v128.store(w, f32x4.sub(shrunk(w, shrink), f32x4.mul(rate, step)));
    w += 16;
    square += 16;
    dw += 16;
  } while (w != end);
}

/** w ← w − η·g / (√v + ε). */
export function rmspropStep(
  w: usize,
  square: usize,
  dw: usize,
  hyper: usize,
  size: i32,
  decays: i32,
): void {
  rmsprop(w, square, 0, 0, dw, hyper, size, decays, false, false);
}

/** RMSprop with momentum. */
export function rmspropMomentumStep(
  w: usize,
  square: usize,
  velocity: usize,
  dw: usize,
  hyper: usize,
  size: i32,
  decays: i32,
): void {
  rmsprop(w, square, 0, velocity, dw, hyper, size, decays, false, true);
}

/** RMSprop with √(v − m²) in place of √v. */
export function rmspropCenteredStep(
  w: usize,
  square: usize,
  mean: usize,
  dw: usize,
  hyper: usize,
  size: i32,
  decays: i32,
): void {
  rmsprop(w, square, mean, 0, dw, hyper, size, decays, true, false);
}

/** Both. */
export function rmspropCenteredMomentumStep(
  w: usize,
  square: usize,
  mean: usize,
  velocity: usize,
  dw: usize,
  hyper: usize,
  size: i32,
  decays: i32,
): void {
  rmsprop(w, square, mean, velocity, dw, hyper, size, decays, true, true);
}

/** s ← s + g², w ← w − η·g / (√(s₀ + s) + ε). */
export function adagradStep(
  w: usize,
  sum: usize,
  dw: usize,
  hyper: usize,
  size: i32,
  decays: i32,
): void {
  const rate = scalar(hyper, 0);
  const start = scalar(hyper, 4);
  const epsilon = scalar(hyper, 5);
  const coupled = coupling(hyper, decays != 0);
  const shrink = shrinkage(hyper, decays != 0);
  const end = w + (<usize>size << 2);
  do {
    const g = pulled(dw, w, coupled);
    const s = f32x4.add(v128.load(sum), f32x4.mul(g, g));
    v128.store(sum, s);
    const divisor = f32x4.add(f32x4.sqrt(f32x4.add(start, s)), epsilon);
    v128.store(w, f32x4.sub(shrunk(w, shrink), f32x4.mul(rate, f32x4.div(g, divisor))));
    w += 16;
    sum += 16;
    dw += 16;
  } while (w != end);
}

/** d = √((u + ε) / (v + ε))·g, w ← w − η·d; see the twin. */
export function adadeltaStep(
  w: usize,
  square: usize,
  change: usize,
  dw: usize,
  hyper: usize,
  size: i32,
  decays: i32,
): void {
  const rate = scalar(hyper, 0);
  const decay = scalar(hyper, 4);
  const fresh = rest(hyper, 4);
  const epsilon = scalar(hyper, 5);
  const coupled = coupling(hyper, decays != 0);
  const shrink = shrinkage(hyper, decays != 0);
  const end = w + (<usize>size << 2);
  do {
    const g = pulled(dw, w, coupled);
    const v = f32x4.add(
      f32x4.mul(decay, v128.load(square)),
      f32x4.mul(fresh, f32x4.mul(g, g)),
    );
    v128.store(square, v);
    const u = v128.load(change);
    const ratio = f32x4.sqrt(f32x4.div(f32x4.add(u, epsilon), f32x4.add(v, epsilon)));
    const d = f32x4.mul(ratio, g);
    v128.store(change, f32x4.add(f32x4.mul(decay, u), f32x4.mul(fresh, f32x4.mul(d, d))));
    v128.store(w, f32x4.sub(shrunk(w, shrink), f32x4.mul(rate, d)));
    w += 16;
    square += 16;
    change += 16;
    dw += 16;
  } while (w != end);
}
