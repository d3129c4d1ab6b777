/** Batch and layer normalization; src/ops/normalization.ts states formulas and the order of sums. */
import { joinLanes, laneMask, multiplyAdd, tailMask } from './internal/simd';

/*
 * Kernels of batch normalization take four columns at a time down all rows, with what belongs to the
 * columns in registers; those of layer normalization take row by row.
 */

// @ts-ignore: decorator
@inline
function inverseDeviations(variance: usize, epsilon: f32): v128 {
  const sum = f32x4.add(v128.load(variance), f32x4.splat(epsilon));
  return f32x4.div(f32x4.splat(1), f32x4.sqrt(sum));
}

export function batchStatistics(
  mean: usize, variance: usize, x: usize, rows: i32, columns: i32, pitch: i32,
): void {
  const stride = <usize>pitch << 2;
  const size = <usize>rows * stride;
  const count = f32x4.splat(<f32>rows);
  while (columns > 0) {
    const mask = laneMask(columns);
    const end = x + size;
    let sum = f32x4.splat(0), at = x;
    do {
      sum = f32x4.add(sum, v128.load(at));
      at += stride;
    } while (at != end);
    const center = f32x4.div(sum, count);
    let squares = f32x4.splat(0);
    at = x;
    do {
      const distance = f32x4.sub(v128.load(at), center);
      squares = multiplyAdd(distance, distance, squares);
      at += stride;
    } while (at != end);
    v128.store(mean, v128.and(center, mask));
    v128.store(variance, v128.and(f32x4.div(squares, count), mask));
    mean += 16;
    variance += 16;
    x += 16;
    columns -= 4;
  }
}

export function runningStatistics(
  newMean: usize, newVariance: usize, oldMean: usize, oldVariance: usize, mean: usize,
  variance: usize, columns: i32, momentum: f32, correction: f32,
): void {
  const share = f32x4.splat(momentum), kept = f32x4.splat(1 - momentum);
  const unbiased = f32x4.splat(correction);
  let at: usize = 0;
  while (columns > 0) {
    const mask = laneMask(columns);
    const m = f32x4.mul(share, v128.load(mean + at));
    const v = f32x4.mul(share, f32x4.mul(unbiased, v128.load(variance + at)));
    const means = multiplyAdd(kept, v128.load(oldMean + at), m);
    const variances = multiplyAdd(kept, v128.load(oldVariance + at), v);
    v128.store(newMean + at, v128.and(means, mask));
    v128.store(newVariance + at, v128.and(variances, mask));
    at += 16;
    columns -= 4;
  }
}

export function batchNormalizationForward(
  y: usize, x: usize, mean: usize, variance: usize, scale: usize, shift: usize, rows: i32,
  columns: i32, pitch: i32, epsilon: f32,
): void {
  const stride = <usize>pitch << 2;
  const size = <usize>rows * stride;
  while (columns > 0) {
    const mask = laneMask(columns);
    const center = v128.load(mean), offset = v128.load(shift);
    const factor = f32x4.mul(v128.load(scale), inverseDeviations(variance, epsilon));
    let at: usize = 0;
    do {
      const distance = f32x4.sub(v128.load(x + at), center);
      v128.store(y + at, v128.and(multiplyAdd(distance, factor, offset), mask));
      at += stride;
    } while (at != size);
    y += 16;
    x += 16;
    mean += 16;
    variance += 16;
    scale += 16;
    shift += 16;
    columns -= 4;
  }
}

export function batchNormalizationSums(
  dScale: usize, dShift: usize, dy: usize, x: usize, mean: usize, variance: usize, rows: i32,
  columns: i32, pitch: i32, epsilon: f32,
): void {
  const stride = <usize>pitch << 2;
  const size = <usize>rows * stride;
  while (columns > 0) {
    const mask = laneMask(columns);
    const center = v128.load(mean), inverse = inverseDeviations(variance, epsilon);
    let products = f32x4.splat(0), sum = products;
    let at: usize = 0;
    do {
      const normal = f32x4.mul(f32x4.sub(v128.load(x + at), center), inverse);
      const slope = v128.load(dy + at);
      products = multiplyAdd(slope, normal, products);
      sum = f32x4.add(sum, slope);
      at += stride;
    } while (at != size);
    v128.store(dScale, v128.and(products, mask));
    v128.store(dShift, v128.and(sum, mask));
    dScale += 16;
    dShift += 16;
    dy += 16;
    x += 16;
    mean += 16;
    variance += 16;
    columns -= 4;
  }
}

export function batchNormalizationBackward(
  dx: usize, dy: usize, x: usize, mean: usize, variance: usize, scale: usize, dScale: usize,
  dShift: usize, rows: i32, columns: i32, pitch: i32, epsilon: f32,
): void {
  const stride = <usize>pitch << 2;
  const size = <usize>rows * stride;
  const count = f32x4.splat(<f32>rows);
  while (columns > 0) {
    const mask = laneMask(columns);
    const center = v128.load(mean), inverse = inverseDeviations(variance, epsilon);
    const factor = f32x4.mul(v128.load(scale), inverse);
    const shared = f32x4.div(v128.load(dShift), count);
    const slope = f32x4.div(v128.load(dScale), count);
    let at: usize = 0;
    do {
      const normal = f32x4.mul(f32x4.sub(v128.load(x + at), center), inverse);
      const own = f32x4.sub(v128.load(dy + at), shared);
      const rest = f32x4.sub(own, f32x4.mul(normal, slope));
      v128.store(dx + at, v128.and(f32x4.mul(factor, rest), mask));
      at += stride;
    } while (at != size);
    dx += 16;
    dy += 16;
    x += 16;
    mean += 16;
    variance += 16;
    scale += 16;
    dScale += 16;
    dShift += 16;
    columns -= 4;
  }
}

export function layerNormalizationForward(
  y: usize, statistics: usize, x: usize, scale: usize, shift: usize, rows: i32, columns: i32,
  pitch: i32, epsilon: f32,
): void {
  const tail = tailMask(columns);
  const last = <usize>((columns - 1) >> 2) << 4;
  const count = <f32>columns;
  do {
    let sum = f32x4.splat(0);
    let at: usize = 0;
    for (; at != last; at += 16) sum = f32x4.add(sum, v128.load(x + at));
    sum = f32x4.add(sum, v128.and(v128.load(x + at), tail));
    const center = joinLanes(sum) / count;
    const centers = f32x4.splat(center);
    let squares = f32x4.splat(0);
    for (at = 0; at != last; at += 16) {
      const distance = f32x4.sub(v128.load(x + at), centers);
      squares = multiplyAdd(distance, distance, squares);
    }
    const distance = v128.and(f32x4.sub(v128.load(x + at), centers), tail);
    squares = multiplyAdd(distance, distance, squares);
    const inverse: f32 = 1 / sqrt<f32>(joinLanes(squares) / count + epsilon);
    store<f32>(statistics, center);
    store<f32>(statistics, inverse, 4);
    const inverses = f32x4.splat(inverse);
    for (at = 0; at <= last; at += 16) {
      const normal = f32x4.mul(f32x4.sub(v128.load(x + at), centers), inverses);
      v128.store(y + at, multiplyAdd(normal, v128.load(scale + at), v128.load(shift + at)));
    }
    v128.store(y + last, v128.and(v128.load(y + last), tail));
    statistics += 8;
    x += pitch << 2;
    y += pitch << 2;
  } while (--rows);
}

export function layerNormalizationSums(
  dScale: usize, dShift: usize, dy: usize, x: usize, statistics: usize, rows: i32, columns: i32,
  pitch: i32, onto: i32,
): void {
  const stride = <usize>pitch << 2;
  const size = <usize>rows * stride;
  while (columns > 0) {
    const mask = laneMask(columns);
    let products = f32x4.splat(0), sum = products;
    if (onto) {
      products = v128.load(dScale);
      sum = v128.load(dShift);
    }
    let at: usize = 0, row = statistics;
    do {
      const center = v128.load32_splat(row), inverse = v128.load32_splat(row, 4);
      const normal = f32x4.mul(f32x4.sub(v128.load(x + at), center), inverse);
      const slope = v128.load(dy + at);
      products = multiplyAdd(slope, normal, products);
      sum = f32x4.add(sum, slope);
      row += 8;
      at += stride;
    } while (at != size);
    v128.store(dScale, v128.and(products, mask));
    v128.store(dShift, v128.and(sum, mask));
    dScale += 16;
    dShift += 16;
    dy += 16;
    x += 16;
    columns -= 4;
  }
}

export function layerNormalizationBackward(
  dx: usize, dy: usize, x: usize, statistics: usize, scale: usize, rows: i32, columns: i32,
  pitch: i32,
): void {
  const tail = tailMask(columns);
  const last = <usize>((columns - 1) >> 2) << 4;
  const count = <f32>columns;
  do {
    const center = v128.load32_splat(statistics), inverse = v128.load32_splat(statistics, 4);
    let sum = f32x4.splat(0), products = sum;
    let at: usize = 0;
    for (; at != last; at += 16) {
      const g = f32x4.mul(v128.load(dy + at), v128.load(scale + at));
      const normal = f32x4.mul(f32x4.sub(v128.load(x + at), center), inverse);
      sum = f32x4.add(sum, g);
      products = multiplyAdd(g, normal, products);
    }
    const g = v128.and(f32x4.mul(v128.load(dy + at), v128.load(scale + at)), tail);
    const normal = f32x4.mul(f32x4.sub(v128.load(x + at), center), inverse);
    sum = f32x4.add(sum, g);
    products = multiplyAdd(g, v128.and(normal, tail), products);
    const shared = f32x4.splat(joinLanes(sum) / count);
    const slope = f32x4.splat(joinLanes(products) / count);
    for (at = 0; at <= last; at += 16) {
      const g = f32x4.mul(v128.load(dy + at), v128.load(scale + at));
      const normal = f32x4.mul(f32x4.sub(v128.load(x + at), center), inverse);
      const rest = f32x4.sub(f32x4.sub(g, shared), f32x4.mul(normal, slope));
      v128.store(dx + at, f32x4.mul(inverse, rest));
    }
    v128.store(dx + last, v128.and(v128.load(dx + last), tail));
    statistics += 8;
    dx += pitch << 2;
    dy += pitch << 2;
    x += pitch << 2;
  } while (--rows);
}
