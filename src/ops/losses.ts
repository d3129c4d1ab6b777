import { exp, expShare, fround, log, log1p } from '../math.js';
import type { Floats, LossDefinition } from './definition.js';

/*
 * A loss writes, for each row r,
 *
 *     losses[r] = lossScale · Σ_j value(y[r, j], t[r, j])
 *     dy[r, j] = gradientScale · slope(y[r, j], t[r, j])
 *
 * where value and slope stand above each kernel, y is [batch][pitch] and the targets t are
 * [batch][targetPitch], both of `units` columns. dy shares the layout of y and may not be y. Its
 * padding is not touched here and stays zero in WebAssembly, which masks the last vector of a row.
 *
 * The sum over a row is kept in four lanes, lane l with j ≡ l (mod 4) in order from +0, joined as
 * (l0 + l2) + (l1 + l3); the cross-entropies over classes add them in order, from +0.
 *
 * A new loss is a block here (kernel and an entry of the catalogue below) and one in
 * assembly/losses.ts.
 */

const lanes = new Float64Array(4);

function add(j: number, value: number): void {
  lanes[j & 3] = fround(lanes[j & 3]! + value);
}

/** The sum of what was added, leaving the lanes empty. */
function takeSum(): number {
  const sum = fround(fround(lanes[0]! + lanes[2]!) + fround(lanes[1]! + lanes[3]!));
  lanes.fill(0);
  return sum;
}

/** value = (y − t)², slope = 2(y − t). */
export function meanSquaredErrorLoss(
  dy: Floats,
  losses: Floats,
  y: Floats,
  targets: Floats,
  batch: number,
  units: number,
  pitch: number,
  targetPitch: number,
  lossScale: number,
  gradientScale: number,
): void {
  for (let r = 0; r < batch; r++) {
    for (let j = 0; j < units; j++) {
      const d = fround(y[r * pitch + j]! - targets[r * targetPitch + j]!);
      add(j, fround(d * d));
      dy[r * pitch + j] = fround(fround(gradientScale) * fround(2 * d));
    }
    losses[r] = fround(fround(lossScale) * takeSum());
  }
}

/** value = |y − t|, slope = sign(y − t), 0 at 0. */
export function meanAbsoluteErrorLoss(
  dy: Floats,
  losses: Floats,
  y: Floats,
  targets: Floats,
  batch: number,
  units: number,
  pitch: number,
  targetPitch: number,
  lossScale: number,
  gradientScale: number,
): void {
  for (let r = 0; r < batch; r++) {
    for (let j = 0; j < units; j++) {
      const d = fround(y[r * pitch + j]! - targets[r * targetPitch + j]!);
      add(j, Math.abs(d));
      dy[r * pitch + j] = fround(fround(gradientScale) * (d > 0 ? 1 : d < 0 ? -1 : d));
    }
    losses[r] = fround(fround(lossScale) * takeSum());
  }
}

/**
 * With d = y − t: value = d²/2 for |d| ≤ δ and δ(|d| − δ/2) beyond, slope = c = min(max(d, −δ), δ);
 * both halves of the value are c(d − c/2) (Huber 1964).
 */
export function huberLoss(
  dy: Floats,
  losses: Floats,
  y: Floats,
  targets: Floats,
  batch: number,
  units: number,
  pitch: number,
  targetPitch: number,
  lossScale: number,
  gradientScale: number,
  delta: number,
): void {
  const bound = fround(delta);
  for (let r = 0; r < batch; r++) {
    for (let j = 0; j < units; j++) {
      const d = fround(y[r * pitch + j]! - targets[r * targetPitch + j]!);
      const c = Math.max(Math.min(d, bound), -bound);
      add(j, fround(c * fround(d - fround(0.5 * c))));
      dy[r * pitch + j] = fround(fround(gradientScale) * c);
    }
    losses[r] = fround(fround(lossScale) * takeSum());
  }
}

/**
 * For logits y: value = −t·log σ(y) − (1 − t)·log(1 − σ(y)) = max(y, 0) − y·t + log(1 + exp(−|y|)),
 * slope = σ(y) − t. Neither overflows for any finite y.
 */
export function binaryCrossentropyLoss(
  dy: Floats,
  losses: Floats,
  y: Floats,
  targets: Floats,
  batch: number,
  units: number,
  pitch: number,
  targetPitch: number,
  lossScale: number,
  gradientScale: number,
): void {
  for (let r = 0; r < batch; r++) {
    for (let j = 0; j < units; j++) {
      const z = y[r * pitch + j]!;
      const t = targets[r * targetPitch + j]!;
      const e = exp(-Math.abs(z));
      add(j, fround(fround((z > 0 ? z : 0) - fround(z * t)) + log1p(e)));
      const sigmoid = fround((z < 0 ? expShare(z) : 1) / fround(1 + e));
      dy[r * pitch + j] = fround(fround(gradientScale) * fround(sigmoid - t));
    }
    losses[r] = fround(fround(lossScale) * takeSum());
  }
}

let max = 0;
let logSum = 0;

/**
 * The part of softmax that both cross-entropies share, with its steps: writes exp(z − m) to dy,
 * leaves m in `max` and log Σ exp(z − m) in `logSum`, and returns 1 / Σ exp(z − m).
 */
function exponentials(dy: Floats, z: Floats, start: number, end: number): number {
  max = z[start]!;
  for (let i = start + 1; i < end; i++) max = max < z[i]! ? z[i]! : max;
  let sum = 0;
  for (let i = start; i < end; i++) {
    const e = expShare(fround(z[i]! - max));
    dy[i] = e;
    sum = fround(sum + e);
  }
  logSum = log(sum);
  return fround(1 / sum);
}

/**
 * For logits y, with p = softmax(y) and T = Σ_j t_j: Σ_j value = Σ_j t_j·(log Σ_k exp(y_k − m) −
 * (y_j − m)), slope = p·T − t. Finite for finite y.
 */
export function categoricalCrossentropyLoss(
  dy: Floats,
  losses: Floats,
  y: Floats,
  targets: Floats,
  batch: number,
  units: number,
  pitch: number,
  targetPitch: number,
  lossScale: number,
  gradientScale: number,
): void {
  for (let r = 0; r < batch; r++) {
    const row = r * pitch;
    const target = r * targetPitch;
    const inverse = exponentials(dy, y, row, row + units);
    let total = 0;
    for (let j = 0; j < units; j++) total = fround(total + targets[target + j]!);
    let sum = 0;
    for (let j = 0; j < units; j++) {
      const t = targets[target + j]!;
      sum = fround(sum + fround(t * fround(logSum - fround(y[row + j]! - max))));
      const p = fround(dy[row + j]! * inverse);
      dy[row + j] = fround(fround(gradientScale) * fround(fround(p * total) - t));
    }
    losses[r] = fround(fround(lossScale) * sum);
  }
}

/**
 * As `categoricalCrossentropyLoss`, to the bit, with a target of 1 at the class t[r, 0] and 0
 * elsewhere. t must be a class: it is checked at the public door only.
 */
export function sparseCategoricalCrossentropyLoss(
  dy: Floats,
  losses: Floats,
  y: Floats,
  targets: Floats,
  batch: number,
  units: number,
  pitch: number,
  targetPitch: number,
  lossScale: number,
  gradientScale: number,
): void {
  for (let r = 0; r < batch; r++) {
    const row = r * pitch;
    const label = row + targets[r * targetPitch]!;
    const inverse = exponentials(dy, y, row, row + units);
    for (let i = row; i < row + units; i++) {
      const p = fround(dy[i]! * inverse);
      dy[i] = fround(fround(gradientScale) * (i === label ? fround(p - 1) : p));
    }
    losses[r] = fround(fround(lossScale) * fround(logSum - fround(y[label]! - max)));
  }
}

/**
 * sums[epoch] += Σ_r losses[r], in order of the rows, in float64; which epoch of this run it is stands
 * in `counters`. Stops the list unless the sum is finite.
 */
export function addLosses(
  sums: Float64Array,
  losses: Floats,
  counters: Int32Array,
  batch: number,
): boolean {
  const epoch = counters[3]!;
  let total = sums[epoch]!;
  for (let r = 0; r < batch; r++) total += losses[r]!;
  sums[epoch] = total;
  return !Number.isFinite(total);
}

/**
 * The losses of the catalogue. Option of `huber`: δ ≥ 0, where the square goes over into a line,
 * default 1.
 */
export const losses = {
  meanSquaredError: { targets: 'values', average: 'outputs', options: {} },
  meanAbsoluteError: { targets: 'values', average: 'outputs', options: {}, kinks: [0] },
  huber: {
    targets: 'values',
    average: 'outputs',
    options: { delta: 1 },
    ranges: { delta: [0, 2 ** 127] },
  },
  binaryCrossentropy: {
    logits: 'sigmoid',
    targets: 'probabilities',
    average: 'batch',
    options: {},
  },
  categoricalCrossentropy: {
    logits: 'softmax',
    targets: 'probabilities',
    average: 'batch',
    options: {},
  },
  sparseCategoricalCrossentropy: {
    logits: 'softmax',
    targets: 'labels',
    average: 'batch',
    options: {},
  },
} as const satisfies Record<string, LossDefinition>;
