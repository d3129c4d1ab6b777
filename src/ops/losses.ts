import { exp, fround, log, log1p, tanh } from '../math.js';
import { crossentropies } from './crossentropies.js';
import type { Floats, LossDefinition } from './definition.js';
import { add, takeSum } from './internal/rowSum.js';

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
 * A row is summed in four lanes (internal/rowSum.ts). The losses of probabilities, which take logits,
 * are in crossentropies.ts.
 *
 * A new loss is a block here (kernel and an entry of the catalogue below) and one in
 * assembly/losses.ts.
 */

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

/** log(1 + exp(−0)), which log cosh 0 takes off again. */
const LN2 = /* @__PURE__ */ log1p(1);

/**
 * With d = y − t: value = log cosh d = |d| + log(1 + exp(−2|d|)) − log 2, slope = tanh d. The value is
 * right to 1.2·10⁻⁷, not to so many of its own digits, where it is small.
 */
export function logCoshLoss(
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
      const size = Math.abs(d);
      add(j, fround(fround(size - LN2) + log1p(exp(-2 * size))));
      dy[r * pitch + j] = fround(fround(gradientScale) * tanh(d));
    }
    losses[r] = fround(fround(lossScale) * takeSum());
  }
}

/** For targets of −1 and 1: value = max(1 − t·y, 0), slope = −t where that is above 0, else 0. */
export function hingeLoss(
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
      const t = targets[r * targetPitch + j]!;
      const missing = fround(1 - fround(t * y[r * pitch + j]!));
      add(j, missing < 0 ? 0 : missing);
      dy[r * pitch + j] = fround(fround(gradientScale) * (missing <= 0 ? 0 : -t));
    }
    losses[r] = fround(fround(lossScale) * takeSum());
  }
}

/** For targets of −1 and 1: with h = max(1 − t·y, 0), value = h², slope = −2·h·t. */
export function squaredHingeLoss(
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
      const t = targets[r * targetPitch + j]!;
      const missing = fround(1 - fround(t * y[r * pitch + j]!));
      const h = missing < 0 ? 0 : missing;
      add(j, fround(h * h));
      dy[r * pitch + j] = fround(fround(gradientScale) * fround(fround(h + h) * -t));
    }
    losses[r] = fround(fround(lossScale) * takeSum());
  }
}

/** Added to a rate, so that it has a logarithm. */
const SMALLEST_RATE = /* @__PURE__ */ fround(1e-7);
const LARGEST_RATE = /* @__PURE__ */ fround(3e38);

/**
 * For rates y ≥ 0 and counts t ≥ 0, with q = y + 10⁻⁷: value = y − t·log q, slope = 1 − t/q: the
 * negative logarithm of the Poisson distribution without its log t!, which does not depend on y.
 */
export function poissonLoss(
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
      const rate = y[r * pitch + j]!;
      const t = targets[r * targetPitch + j]!;
      const sum = fround((rate > 0 ? rate : 0) + SMALLEST_RATE);
      const q = sum > LARGEST_RATE ? LARGEST_RATE : sum;
      add(j, fround(rate - fround(t * log(q))));
      dy[r * pitch + j] = fround(fround(gradientScale) * fround(1 - fround(t / q)));
    }
    losses[r] = fround(fround(lossScale) * takeSum());
  }
}

/** Added to the square of a length, so that there is a quotient by it. */
const SMALLEST_SQUARE = /* @__PURE__ */ fround(1e-12);

/**
 * With the lengths |y| = √(Σ y² + 10⁻¹²) and |t| likewise, and cos = Σ y·t / (|y|·|t|), over a row:
 * Σ_j value = 1 − cos, slope = y·cos / |y|² − t / (|y|·|t|).
 */
export function cosineSimilarityLoss(
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
    for (let j = 0; j < units; j++) add(j, fround(y[row + j]! * targets[target + j]!));
    const product = takeSum();
    for (let j = 0; j < units; j++) add(j, fround(y[row + j]! * y[row + j]!));
    const square = fround(takeSum() + SMALLEST_SQUARE);
    for (let j = 0; j < units; j++) add(j, fround(targets[target + j]! * targets[target + j]!));
    const targetSquare = fround(takeSum() + SMALLEST_SQUARE);
    const lengths = fround(fround(Math.sqrt(square)) * fround(Math.sqrt(targetSquare)));
    const inverse = fround(1 / lengths);
    const cosine = fround(product * inverse);
    const share = fround(cosine / square);
    for (let j = 0; j < units; j++) {
      const slope = fround(fround(share * y[row + j]!) - fround(inverse * targets[target + j]!));
      dy[row + j] = fround(fround(gradientScale) * slope);
    }
    losses[r] = fround(fround(lossScale) * fround(1 - cosine));
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
 * A row counts as much as its weight w says: losses[r] ← w·losses[r] and dy[r, j] ← w·dy[r, j]. Weights
 * stand `weightPitch` floats apart.
 */
export function weightLosses(
  dy: Floats,
  losses: Floats,
  weights: Floats,
  rows: number,
  units: number,
  pitch: number,
  weightPitch: number,
): void {
  for (let r = 0; r < rows; r++) {
    const weight = weights[r * weightPitch]!;
    losses[r] = fround(weight * losses[r]!);
    for (let j = 0; j < units; j++) {
      dy[r * pitch + j] = fround(weight * dy[r * pitch + j]!);
    }
  }
}

/**
 * The losses of the catalogue. Option of `huber`: δ ≥ 0, where the square goes over into a line,
 * default 1. Those of `crossentropies` are stated there.
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
  logCosh: { targets: 'values', average: 'outputs', options: {} },
  poisson: { targets: 'values', average: 'outputs', options: {}, positive: true },
  cosineSimilarity: { targets: 'values', average: 'batch', options: {} },
  hinge: { targets: 'signs', average: 'outputs', options: {}, kinks: [0] },
  squaredHinge: { targets: 'signs', average: 'outputs', options: {} },
  ...crossentropies,
} as const satisfies Record<string, LossDefinition>;
