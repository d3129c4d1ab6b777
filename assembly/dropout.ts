import { log, sinTurns } from './internal/math';
import { drawWords, firstWords } from './internal/random';
import { scratch } from './internal/scratch';
import { laneMask, multiplyAdd, tailMask } from './internal/simd';

/** y = x ⊙ mask, mask = scale where the element's word is at least `threshold`; see the twin. */
export function dropoutForward(
  y: usize,
  mask: usize,
  x: usize,
  counters: usize,
  rows: i32,
  units: i32,
  pitch: i32,
  positions: i32,
  seed: i32,
  stream: i32,
  threshold: i32,
  scale: f32,
): void {
  const step = load<i32>(counters, 8);
  const kept = f32x4.splat(scale);
  const least = i32x4.splat(threshold);
  const tail = tailMask(units);
  const vectors = (units + 3) >> 2;
  const skipped = ((pitch >> 2) - vectors) << 4;
  let element = load<i32>(counters, 28) * positions * units;
  do {
    let counter = i32x4.add(i32x4.splat(element), i32x4(0, 1, 2, 3));
    const end = x + (vectors << 4);
    do {
      const word = firstWords(seed, stream, counter, step);
      let m = v128.and(i32x4.ge_u(word, least), kept);
      let product = f32x4.mul(v128.load(x), m);
      if (x + 16 == end) {
        m = v128.and(m, tail);
        product = v128.and(product, tail);
      }
      v128.store(mask, m);
      v128.store(y, product);
      counter = i32x4.add(counter, i32x4.splat(4));
      x += 16;
      y += 16;
      mask += 16;
    } while (x != end);
    x += skipped;
    y += skipped;
    mask += skipped;
    element += units;
  } while (--rows);
}

/** The same with one number for all positions of a channel, which those behind the first take from it. */
export function spatialDropoutForward(
  y: usize, mask: usize, x: usize, counters: usize, rows: i32, units: i32, pitch: i32,
  positions: i32, seed: i32, stream: i32, threshold: i32, scale: f32,
): void {
  const step = load<i32>(counters, 8), before = load<i32>(counters, 28);
  const kept = f32x4.splat(scale), least = i32x4.splat(threshold), lanes = i32x4(0, 1, 2, 3);
  const stride = <usize>pitch << 2;
  let first = mask;
  for (let r = 0; r < rows; ++r) {
    const draws = r % positions == 0;
    if (draws) first = mask;
    const counter = i32x4.add(i32x4.splat((before + r / positions) * units), lanes);
    for (let u = 0; u < units; u += 4) {
      const at = <usize>u << 2, tail = laneMask(units - u);
      let m = v128.load(first + at);
      if (draws) {
        const word = firstWords(seed, stream, i32x4.add(counter, i32x4.splat(u)), step);
        m = v128.and(v128.and(i32x4.ge_u(word, least), kept), tail);
      }
      v128.store(mask + at, m);
      v128.store(y + at, v128.and(f32x4.mul(v128.load(x + at), m), tail));
    }
    x += stride;
    y += stride;
    mask += stride;
  }
}

/** dx = dy ⊙ mask; see the twin. */
export function dropoutBackward(
  dx: usize,
  dy: usize,
  mask: usize,
  rows: i32,
  units: i32,
  pitch: i32,
): void {
  const tail = tailMask(units);
  const vectors = (units + 3) >> 2;
  const skipped = ((pitch >> 2) - vectors) << 4;
  do {
    const end = dy + (vectors << 4);
    do {
      let product = f32x4.mul(v128.load(dy), v128.load(mask));
      if (dy + 16 == end) product = v128.and(product, tail);
      v128.store(dx, product);
      dx += 16;
      dy += 16;
      mask += 16;
    } while (dy != end);
    dx += skipped;
    dy += skipped;
    mask += skipped;
  } while (--rows);
}

/** y = scale·x + shift where the element's word is at least `threshold`, else `dropped`; see the twin. */
export function alphaDropoutForward(
  y: usize, mask: usize, x: usize, counters: usize, rows: i32, units: i32, pitch: i32,
  positions: i32, seed: i32, stream: i32, threshold: i32, scale: f32, shift: f32, dropped: f32,
): void {
  const step = load<i32>(counters, 8), before = load<i32>(counters, 28) * positions;
  const factor = f32x4.splat(scale), offset = f32x4.splat(shift), other = f32x4.splat(dropped);
  const least = i32x4.splat(threshold);
  const lanes = i32x4(0, 1, 2, 3);
  for (let r = 0; r < rows; ++r) {
    const row = i32x4.add(i32x4.splat((before + r) * units), lanes);
    for (let u = 0; u < units; u += 4) {
      const at = <usize>u << 2;
      const tail = laneMask(units - u);
      const word = firstWords(seed, stream, i32x4.add(row, i32x4.splat(u)), step);
      const kept = i32x4.ge_u(word, least);
      const value = v128.bitselect(multiplyAdd(v128.load(x + at), factor, offset), other, kept);
      v128.store(mask + at, v128.and(v128.and(factor, kept), tail));
      v128.store(y + at, v128.and(value, tail));
    }
    x += pitch << 2;
    y += pitch << 2;
    mask += pitch << 2;
  }
}

/** Four normal numbers from a word each in `first` and `second`; see the twin. */
// @ts-ignore: decorator
@inline
function normals(first: v128, second: v128): v128 {
  const unit = f32x4.splat(5.9604644775390625e-8);
  const high = i32x4.add(i32x4.shr_u(first, 8), i32x4.splat(1));
  const uniform = f32x4.mul(f32x4.convert_i32x4_s(high), unit);
  const turn = f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_s(second, 8)), unit);
  const radius = f32x4.sqrt(f32x4.mul(f32x4.splat(-2), log(uniform)));
  return f32x4.mul(radius, sinTurns(f32x4.sub(f32x4.splat(0.25), f32x4.abs(turn))));
}

// @ts-ignore: decorator
@inline
function addNoise(y: usize, x: usize, words: usize, units: i32, factor: v128): void {
  const a = v128.load(words), b = v128.load(words, 16);
  const noise = normals(v128.shuffle<i32>(a, b, 0, 2, 4, 6), v128.shuffle<i32>(a, b, 1, 3, 5, 7));
  const sum = multiplyAdd(factor, noise, v128.load(x));
  v128.store(y, v128.and(sum, laneMask(units)));
}

/** y = x + deviation·n, with words for sixteen elements at a time; see the twin. */
export function gaussianNoiseForward(
  y: usize, x: usize, counters: usize, rows: i32, units: i32, pitch: i32, positions: i32,
  seed: i32, stream: i32,
  deviation: f32,
): void {
  const step = load<i32>(counters, 8), before = load<i32>(counters, 28) * positions;
  const factor = f32x4.splat(deviation);
  for (let r = 0; r < rows; ++r) {
    for (let u = 0; u < units; u += 4) {
      const at = <usize>u << 2, drawn = <usize>u & 15;
      if (!drawn) drawWords(scratch, seed, stream, (before + r) * units + u, step);
      addNoise(y + at, x + at, scratch + (drawn << 3), units - u, factor);
    }
    x += pitch << 2;
    y += pitch << 2;
  }
}
