import { fround } from '../math.js';
import type { Floats } from './definition.js';

/*
 * Batch and layer normalization: y = γ·x̂ + β with x̂ = (x − μ) / √(σ² + ε). Over a batch, μ and σ² are
 * those of a column; within a layer, those of a row.
 *
 * Layout: x, y, dx, dy [rows][pitch] hold `columns`; γ (scale), β (shift), and what there is one of for
 * each column, hold `columns` floats. 1 / √(σ² + ε) is one sum, one square root and one division. dx may
 * be dy. What is written ends in zeros up to the next multiple of four columns. Sums over rows are one
 * chain for each column, rows 0, 1, 2 … added to +0.
 */

/** 1 / √(variance + epsilon). */
const inverseDeviation = (variance: number, epsilon: number): number =>
  fround(1 / fround(Math.sqrt(fround(variance + epsilon))));

/**
 * mean[j] = Σ_r x[r, j] / rows, variance[j] = Σ_r (x[r, j] − mean[j])² / rows: the biased one.
 */
export function batchStatistics(
  mean: Floats,
  variance: Floats,
  x: Floats,
  rows: number,
  columns: number,
  pitch: number,
): void {
  const end = rows * pitch;
  const count = fround(rows);
  for (let j = 0; j < columns; j++) {
    let sum = 0;
    for (let i = j; i < end; i += pitch) sum = fround(sum + x[i]!);
    const center = fround(sum / count);
    let squares = 0;
    for (let i = j; i < end; i += pitch) {
      const distance = fround(x[i]! - center);
      squares = fround(squares + fround(distance * distance));
    }
    mean[j] = center;
    variance[j] = fround(squares / count);
  }
}

/**
 * What a batch adds to running statistics, v ← (1 − m)·v + m·b with m = `momentum`, where the variance b
 * is made unbiased by `correction` = rows / (rows − 1). `newMean` may be `oldMean`, and so for the
 * variance.
 */
export function runningStatistics(
  newMean: Floats,
  newVariance: Floats,
  oldMean: Floats,
  oldVariance: Floats,
  mean: Floats,
  variance: Floats,
  columns: number,
  momentum: number,
  correction: number,
): void {
  const share = fround(momentum);
  const kept = fround(1 - share);
  const unbiased = fround(correction);
  for (let j = 0; j < columns; j++) {
    newMean[j] = fround(fround(kept * oldMean[j]!) + fround(share * mean[j]!));
    const corrected = fround(unbiased * variance[j]!);
    newVariance[j] = fround(fround(kept * oldVariance[j]!) + fround(share * corrected));
  }
}

/** y[r, j] = (x[r, j] − mean[j])·(scale[j] / √(variance[j] + epsilon)) + shift[j]. y may be x. */
export function batchNormalizationForward(
  y: Floats,
  x: Floats,
  mean: Floats,
  variance: Floats,
  scale: Floats,
  shift: Floats,
  rows: number,
  columns: number,
  pitch: number,
  epsilon: number,
): void {
  const end = rows * pitch;
  const small = fround(epsilon);
  for (let j = 0; j < columns; j++) {
    const center = mean[j]!;
    const factor = fround(scale[j]! * inverseDeviation(variance[j]!, small));
    const offset = shift[j]!;
    for (let i = j; i < end; i += pitch) {
      y[i] = fround(fround(fround(x[i]! - center) * factor) + offset);
    }
  }
}

/** dScale[j] = Σ_r dy[r, j]·x̂[r, j], dShift[j] = Σ_r dy[r, j]. */
export function batchNormalizationSums(
  dScale: Floats,
  dShift: Floats,
  dy: Floats,
  x: Floats,
  mean: Floats,
  variance: Floats,
  rows: number,
  columns: number,
  pitch: number,
  epsilon: number,
): void {
  const end = rows * pitch;
  const small = fround(epsilon);
  for (let j = 0; j < columns; j++) {
    const center = mean[j]!;
    const inverse = inverseDeviation(variance[j]!, small);
    let products = 0;
    let sum = 0;
    for (let i = j; i < end; i += pitch) {
      const normal = fround(fround(x[i]! - center) * inverse);
      products = fround(products + fround(dy[i]! * normal));
      sum = fround(sum + dy[i]!);
    }
    dScale[j] = products;
    dShift[j] = sum;
  }
}

/**
 * Back through statistics that are those of the batch itself:
 * dx[r, j] = (scale[j] / √(variance[j] + epsilon))·((dy[r, j] − dShift[j] / rows) − x̂[r, j]·(dScale[j] / rows)).
 * With statistics that do not depend on x, dx is `batchNormalizationForward` of dy, without mean or
 * shift.
 */
export function batchNormalizationBackward(
  dx: Floats,
  dy: Floats,
  x: Floats,
  mean: Floats,
  variance: Floats,
  scale: Floats,
  dScale: Floats,
  dShift: Floats,
  rows: number,
  columns: number,
  pitch: number,
  epsilon: number,
): void {
  const end = rows * pitch;
  const count = fround(rows);
  const small = fround(epsilon);
  for (let j = 0; j < columns; j++) {
    const center = mean[j]!;
    const inverse = inverseDeviation(variance[j]!, small);
    const factor = fround(scale[j]! * inverse);
    const shared = fround(dShift[j]! / count);
    const slope = fround(dScale[j]! / count);
    for (let i = j; i < end; i += pitch) {
      const normal = fround(fround(x[i]! - center) * inverse);
      const rest = fround(fround(dy[i]! - shared) - fround(normal * slope));
      dx[i] = fround(factor * rest);
    }
  }
}

/*
 * Sums over a row are kept in four lanes from +0, lane l adding columns l, l + 4, l + 8 …, and joined as
 * (l0 + l2) + (l1 + l3). `statistics` [rows][2] holds each row's μ and 1 / √(σ² + ε).
 */

const lanes = new Float64Array(4);

const joined = (): number => fround(fround(lanes[0]! + lanes[2]!) + fround(lanes[1]! + lanes[3]!));

/** y[r, j] = x̂[r, j]·scale[j] + shift[j], x̂ from the row's mean and biased variance. y may be x. */
export function layerNormalizationForward(
  y: Floats,
  statistics: Floats,
  x: Floats,
  scale: Floats,
  shift: Floats,
  rows: number,
  columns: number,
  pitch: number,
  epsilon: number,
): void {
  const count = fround(columns);
  const small = fround(epsilon);
  for (let r = 0; r < rows; r++) {
    const from = r * pitch;
    lanes.fill(0);
    for (let j = 0; j < columns; j++) lanes[j & 3] = fround(lanes[j & 3]! + x[from + j]!);
    const center = fround(joined() / count);
    lanes.fill(0);
    for (let j = 0; j < columns; j++) {
      const distance = fround(x[from + j]! - center);
      lanes[j & 3] = fround(lanes[j & 3]! + fround(distance * distance));
    }
    const inverse = inverseDeviation(fround(joined() / count), small);
    statistics[2 * r] = center;
    statistics[2 * r + 1] = inverse;
    for (let j = 0; j < columns; j++) {
      const normal = fround(fround(x[from + j]! - center) * inverse);
      y[from + j] = fround(fround(normal * scale[j]!) + shift[j]!);
    }
  }
}

/**
 * dScale[j] = Σ_r dy[r, j]·x̂[r, j], dShift[j] = Σ_r dy[r, j]. With `onto` 1 the sums go on from what
 * stands there, so that a batch taken in parts gives the bits of the whole.
 */
export function layerNormalizationSums(
  dScale: Floats,
  dShift: Floats,
  dy: Floats,
  x: Floats,
  statistics: Floats,
  rows: number,
  columns: number,
  pitch: number,
  onto: number,
): void {
  for (let j = 0; j < columns; j++) {
    let products = onto ? dScale[j]! : 0;
    let sum = onto ? dShift[j]! : 0;
    for (let r = 0, i = j; r < rows; r++, i += pitch) {
      const normal = fround(fround(x[i]! - statistics[2 * r]!) * statistics[2 * r + 1]!);
      products = fround(products + fround(dy[i]! * normal));
      sum = fround(sum + dy[i]!);
    }
    dScale[j] = products;
    dShift[j] = sum;
  }
}

/**
 * With g = dy·scale: dx[r, j] = ((g − Σ_j g / columns) − x̂·(Σ_j g·x̂ / columns)) / √(σ² + ε).
 */
export function layerNormalizationBackward(
  dx: Floats,
  dy: Floats,
  x: Floats,
  statistics: Floats,
  scale: Floats,
  rows: number,
  columns: number,
  pitch: number,
): void {
  const count = fround(columns);
  for (let r = 0; r < rows; r++) {
    const from = r * pitch;
    const center = statistics[2 * r]!;
    const inverse = statistics[2 * r + 1]!;
    lanes.fill(0);
    for (let j = 0; j < columns; j++) {
      lanes[j & 3] = fround(lanes[j & 3]! + fround(dy[from + j]! * scale[j]!));
    }
    const shared = fround(joined() / count);
    lanes.fill(0);
    for (let j = 0; j < columns; j++) {
      const normal = fround(fround(x[from + j]! - center) * inverse);
      const g = fround(dy[from + j]! * scale[j]!);
      lanes[j & 3] = fround(lanes[j & 3]! + fround(g * normal));
    }
    const slope = fround(joined() / count);
    for (let j = 0; j < columns; j++) {
      const normal = fround(fround(x[from + j]! - center) * inverse);
      const g = fround(dy[from + j]! * scale[j]!);
      const rest = fround(fround(g - shared) - fround(normal * slope));
      dx[from + j] = fround(inverse * rest);
    }
  }
}
