import { multiplyAdd } from './internal/simd';
import { coupling, pulled, rest, scalar, shrinkage, shrunk } from './internal/step';

/*
 * One pass each over `size` floats of the flat block, a multiple of 8; `decays` as in the twins.
 * Where little is done to each number, two vectors at a time: walking would cost a third of a pass.
 * `Decay` is an integer where weights decay: of an argument the compiler makes one loop that asks in
 * every turn.
 */

const ONE = memory.data<f32>([1, 1, 1, 1]);
/** 2¹²⁷: twice this takes the smallest float beyond 1. */
const LARGE = memory.data<f32>([
  1.7014118346046923e38, 1.7014118346046923e38, 1.7014118346046923e38, 1.7014118346046923e38,
]);

/**
 * 1, −1 or 0, by stretching and cutting, which takes fewer instructions than choosing; NaN stays. The
 * constants are given, so that they stand in registers.
 */
// @ts-ignore: decorator
@inline
function sign(x: v128, large: v128, one: v128, minusOne: v128): v128 {
  return f32x4.pmin(f32x4.pmax(f32x4.mul(f32x4.mul(x, large), large), minusOne), one);
}

// @ts-ignore: decorator
@inline
function sgd(
  w: usize,
  dw: usize,
  hyper: usize,
  size: i32,
  decays: bool,
): void {
  const rate = scalar(hyper, 0);
  const coupled = coupling(hyper, decays);
  const shrink = shrinkage(hyper, decays);
  const end = w + (<usize>size << 2);
  do {
    const g = decays ? pulled(dw, w, coupled) : v128.load(dw);
    const x = decays ? shrunk(w, shrink) : v128.load(w);
    v128.store(w, f32x4.sub(x, f32x4.mul(rate, g)));
    w += 16;
    dw += 16;
  } while (w != end);
}

/** w ← w − η·g. */
export function sgdStep(
  w: usize,
  dw: usize,
  hyper: usize,
  size: i32,
  decays: i32,
): void {
  if (decays) sgd(w, dw, hyper, size, true);
  else sgd(w, dw, hyper, size, false);
}

// @ts-ignore: decorator
@inline
function momentum(
  w: usize,
  velocity: usize,
  dw: usize,
  hyper: usize,
  size: i32,
  decays: bool,
): void {
  const rate = scalar(hyper, 0);
  const momentum = scalar(hyper, 4);
  const coupled = coupling(hyper, decays);
  const shrink = shrinkage(hyper, decays);
  const end = w + (<usize>size << 2);
  do {
    const g0 = decays ? pulled(dw, w, coupled) : v128.load(dw);
    const g1 = decays ? pulled(dw + 16, w + 16, coupled) : v128.load(dw, 16);
    const v0 = multiplyAdd(momentum, v128.load(velocity), g0);
    const v1 = multiplyAdd(momentum, v128.load(velocity, 16), g1);
    v128.store(velocity, v0);
    v128.store(velocity, v1, 16);
    const x0 = decays ? shrunk(w, shrink) : v128.load(w);
    const x1 = decays ? shrunk(w + 16, shrink) : v128.load(w, 16);
    v128.store(w, f32x4.sub(x0, f32x4.mul(rate, v0)));
    v128.store(w, f32x4.sub(x1, f32x4.mul(rate, v1)), 16);
    w += 32;
    velocity += 32;
    dw += 32;
  } while (w != end);
}

/** v ← μ·v + g, w ← w − η·v. */
export function momentumStep(
  w: usize,
  velocity: usize,
  dw: usize,
  hyper: usize,
  size: i32,
  decays: i32,
): void {
  if (decays) momentum(w, velocity, dw, hyper, size, true);
  else momentum(w, velocity, dw, hyper, size, false);
}

// @ts-ignore: decorator
@inline
function nesterov(
  w: usize,
  velocity: usize,
  dw: usize,
  hyper: usize,
  size: i32,
  decays: bool,
): void {
  const rate = scalar(hyper, 0);
  const momentum = scalar(hyper, 4);
  const coupled = coupling(hyper, decays);
  const shrink = shrinkage(hyper, decays);
  const end = w + (<usize>size << 2);
  do {
    const g0 = decays ? pulled(dw, w, coupled) : v128.load(dw);
    const g1 = decays ? pulled(dw + 16, w + 16, coupled) : v128.load(dw, 16);
    const v0 = multiplyAdd(momentum, v128.load(velocity), g0);
    const v1 = multiplyAdd(momentum, v128.load(velocity, 16), g1);
    v128.store(velocity, v0);
    v128.store(velocity, v1, 16);
    const x0 = decays ? shrunk(w, shrink) : v128.load(w);
    const x1 = decays ? shrunk(w + 16, shrink) : v128.load(w, 16);
    v128.store(w, f32x4.sub(x0, f32x4.mul(rate, multiplyAdd(momentum, v0, g0))));
    v128.store(w, f32x4.sub(x1, f32x4.mul(rate, multiplyAdd(momentum, v1, g1))), 16);
    w += 32;
    velocity += 32;
    dw += 32;
  } while (w != end);
}

/** v ← μ·v + g, w ← w − η·(g + μ·v). */
export function nesterovStep(
  w: usize,
  velocity: usize,
  dw: usize,
  hyper: usize,
  size: i32,
  decays: i32,
): void {
  if (decays) nesterov(w, velocity, dw, hyper, size, true);
  else nesterov(w, velocity, dw, hyper, size, false);
}

/** The gradient's share of a step: the first is taken whole; see the twin. */
export function dampedAdvance(hyper: usize): void {
  const share = load<f64>(hyper, 56) == 0 ? 1.0 : 1.0 - load<f64>(hyper, 40);
  store<f64>(hyper, share, 64);
  store<f64>(hyper, 1, 56);
}

// @ts-ignore: decorator
@inline
function damped(
  w: usize,
  velocity: usize,
  dw: usize,
  hyper: usize,
  size: i32,
  decays: bool,
): void {
  const rate = scalar(hyper, 0);
  const momentum = scalar(hyper, 4);
  const share = scalar(hyper, 8);
  const coupled = coupling(hyper, decays);
  const shrink = shrinkage(hyper, decays);
  const end = w + (<usize>size << 2);
  do {
    const g0 = decays ? pulled(dw, w, coupled) : v128.load(dw);
    const g1 = decays ? pulled(dw + 16, w + 16, coupled) : v128.load(dw, 16);
    const v0 = f32x4.add(f32x4.mul(momentum, v128.load(velocity)), f32x4.mul(share, g0));
    const v1 = f32x4.add(f32x4.mul(momentum, v128.load(velocity, 16)), f32x4.mul(share, g1));
    v128.store(velocity, v0);
    v128.store(velocity, v1, 16);
    const x0 = decays ? shrunk(w, shrink) : v128.load(w);
    const x1 = decays ? shrunk(w + 16, shrink) : v128.load(w, 16);
    v128.store(w, f32x4.sub(x0, f32x4.mul(rate, v0)));
    v128.store(w, f32x4.sub(x1, f32x4.mul(rate, v1)), 16);
    w += 32;
    velocity += 32;
    dw += 32;
  } while (w != end);
}

/** v ← μ·v + share·g, w ← w − η·v. */
export function dampedStep(
  w: usize,
  velocity: usize,
  dw: usize,
  hyper: usize,
  size: i32,
  decays: i32,
): void {
  if (decays) damped(w, velocity, dw, hyper, size, true);
  else damped(w, velocity, dw, hyper, size, false);
}

// @ts-ignore: decorator
@inline
function lion<Decay>(
  w: usize,
  m: usize,
  dw: usize,
  hyper: usize,
  size: i32,
): void {
  const rate = scalar(hyper, 0);
  const beta1 = scalar(hyper, 4);
  const beta2 = scalar(hyper, 5);
  const rest1 = rest(hyper, 4);
  const rest2 = rest(hyper, 5);
  const coupled = coupling(hyper, isInteger<Decay>());
  const shrink = shrinkage(hyper, isInteger<Decay>());
  const large = v128.load(LARGE);
  const one = v128.load(ONE);
  const minusOne = f32x4.neg(one);
  const end = w + (<usize>size << 2);
  do {
    const g0 = isInteger<Decay>() ? pulled(dw, w, coupled) : v128.load(dw);
    const m0 = v128.load(m);
    const d0 = f32x4.add(f32x4.mul(beta1, m0), f32x4.mul(rest1, g0));
    v128.store(m, f32x4.add(f32x4.mul(beta2, m0), f32x4.mul(rest2, g0)));
    const x0 = isInteger<Decay>() ? shrunk(w, shrink) : v128.load(w);
    v128.store(w, f32x4.sub(x0, f32x4.mul(rate, sign(d0, large, one, minusOne))));
    const g1 = isInteger<Decay>() ? pulled(dw + 16, w + 16, coupled) : v128.load(dw, 16);
    const m1 = v128.load(m, 16);
    const d1 = f32x4.add(f32x4.mul(beta1, m1), f32x4.mul(rest1, g1));
    v128.store(m, f32x4.add(f32x4.mul(beta2, m1), f32x4.mul(rest2, g1)), 16);
    const x1 = isInteger<Decay>() ? shrunk(w + 16, shrink) : v128.load(w, 16);
    v128.store(w, f32x4.sub(x1, f32x4.mul(rate, sign(d1, large, one, minusOne))), 16);
    w += 32;
    m += 32;
    dw += 32;
  } while (w != end);
}

/** w ← w − η·sign(β₁·m + (1 − β₁)·g), m ← β₂·m + (1 − β₂)·g. */
export function lionStep(
  w: usize,
  m: usize,
  dw: usize,
  hyper: usize,
  size: i32,
  decays: i32,
): void {
  if (decays) lion<bool>(w, m, dw, hyper, size);
  else lion<f32>(w, m, dw, hyper, size);
}

// @ts-ignore: decorator
@inline
function rprop<Decay>(
  w: usize,
  previous: usize,
  stepSize: usize,
  dw: usize,
  hyper: usize,
  size: i32,
): void {
  const rate = scalar(hyper, 0);
  const least = scalar(hyper, 6);
  const most = scalar(hyper, 7);
  const zero = f32x4.splat(0);
  const coupled = coupling(hyper, isInteger<Decay>());
  const shrink = shrinkage(hyper, isInteger<Decay>());
  const large = v128.load(LARGE);
  const one = v128.load(ONE);
  const minusOne = f32x4.neg(one);
  // In which bits the factors differ from 1.
  const cut = v128.xor(scalar(hyper, 4), one);
  const grown = v128.xor(scalar(hyper, 5), one);
  const end = w + (<usize>size << 2);
  do {
    const g = isInteger<Decay>() ? pulled(dw, w, coupled) : v128.load(dw);
    const agreement = f32x4.mul(g, v128.load(previous));
    const changed = f32x4.lt(agreement, zero);
    const change = v128.or(v128.and(grown, f32x4.gt(agreement, zero)), v128.and(cut, changed));
    const before = v128.load(stepSize);
    const begun = v128.bitselect(rate, before, f32x4.eq(before, zero));
    const s = f32x4.mul(begun, v128.xor(change, one));
    const bounded = f32x4.pmin(f32x4.pmax(s, least), most);
    const direction = v128.andnot(sign(g, large, one, minusOne), changed);
    v128.store(previous, direction);
    v128.store(stepSize, bounded);
    const x = isInteger<Decay>() ? shrunk(w, shrink) : v128.load(w);
    v128.store(w, f32x4.sub(x, f32x4.mul(bounded, direction)));
    w += 16;
    previous += 16;
    stepSize += 16;
    dw += 16;
  } while (w != end);
}

/** w ← w − s·p, with the step size s grown or shrunk, and the sign p; see the twin. */
export function rpropStep(
  w: usize,
  previous: usize,
  stepSize: usize,
  dw: usize,
  hyper: usize,
  size: i32,
  decays: i32,
): void {
  if (decays) rprop<bool>(w, previous, stepSize, dw, hyper, size);
  else rprop<f32>(w, previous, stepSize, dw, hyper, size);
}
