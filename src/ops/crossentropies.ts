import { exp, expShare, fround, log, log1p } from '../math.js';
import type { Floats, LossDefinition } from './definition.js';
import { add, takeSum } from './internal/rowSum.js';

/*
 * Losses of probabilities, computed from logits. losses.ts says what a loss writes, and how it is
 * summed; those over classes add up a row in order, from +0.
 *
 * Label smoothing ε (Szegedy et al. 2016) learns the targets t·(1 − ε) + ε/K in place of t, with K
 * classes, or K = 2 where each output is a yes or a no. With the default of 0 nothing is rounded anew.
 */

/**
 * For logits y, with p = σ(y), q = 1 − p, the smoothed target t, and the weight w of positives:
 * value = −w·t·log p − (1 − t)·log q, from max(y, 0) − y·t + log(1 + exp(−|y|)) and (w − 1)·t·−log p,
 * slope = p − t + (w − 1)·t·(p − 1). Neither overflows for any finite y.
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
  labelSmoothing: number,
  positiveWeight: number,
): void {
  const keep = fround(1 - fround(labelSmoothing));
  const share = fround(0.5 * fround(labelSmoothing));
  const excess = fround(fround(positiveWeight) - 1);
  for (let r = 0; r < batch; r++) {
    for (let j = 0; j < units; j++) {
      const z = y[r * pitch + j]!;
      const t = fround(fround(targets[r * targetPitch + j]! * keep) + share);
      const e = exp(-Math.abs(z));
      const tail = log1p(e);
      const value = fround(fround((z > 0 ? z : 0) - fround(z * t)) + tail);
      const surprise = fround((z < 0 ? -z : 0) + tail);
      add(j, fround(value + fround(excess * fround(t * surprise))));
      const p = fround((z < 0 ? expShare(z) : 1) / fround(1 + e));
      const more = fround(excess * fround(t * fround(p - 1)));
      dy[r * pitch + j] = fround(fround(gradientScale) * fround(fround(p - t) + more));
    }
    losses[r] = fround(fround(lossScale) * takeSum());
  }
}

/**
 * The focal loss (Lin et al. 2017), which heeds less what is told apart already: for logits y, with
 * p = σ(y), q = 1 − p and the weight w of positives, value = −w·t·qᵞ·log p − (1 − t)·pᵞ·log q,
 * slope = (1 − t)·pᵞ·(p − γ·q·log q) − w·t·qᵞ·(q − γ·p·log p). Powers are exp(γ·log q), exp(γ·log p).
 */
export function binaryFocalCrossentropyLoss(
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
  gamma: number,
  positiveWeight: number,
): void {
  const power = fround(gamma);
  const weight = fround(positiveWeight);
  for (let r = 0; r < batch; r++) {
    for (let j = 0; j < units; j++) {
      const z = y[r * pitch + j]!;
      const t = targets[r * targetPitch + j]!;
      const e = exp(-Math.abs(z));
      const tail = log1p(e);
      // −log p and −log q.
      const logP = fround((z < 0 ? -z : 0) + tail);
      const logQ = fround((z > 0 ? z : 0) + tail);
      const sum = fround(1 + e);
      const p = fround((z < 0 ? expShare(z) : 1) / sum);
      const q = fround((z < 0 ? 1 : expShare(-z)) / sum);
      const positive = fround(fround(weight * t) * exp(-fround(power * logQ)));
      const negative = fround(fround(1 - t) * exp(-fround(power * logP)));
      add(j, fround(fround(positive * logP) + fround(negative * logQ)));
      const up = fround(fround(fround(power * q) * logQ) + p);
      const down = fround(fround(fround(power * p) * logP) + q);
      const slope = fround(fround(negative * up) - fround(positive * down));
      dy[r * pitch + j] = fround(fround(gradientScale) * slope);
    }
    losses[r] = fround(fround(lossScale) * takeSum());
  }
}

let max = 0;
let logSum = 0;

/**
 * The part of softmax that all losses over classes share, with its steps: writes exp(z − m) to dy,
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

/** −log p of the output whose logit is z. */
const surprise = (z: number): number => fround(logSum - fround(z - max));

/**
 * For logits y, with p = softmax(y), smoothed targets t and T = Σ_j t_j: Σ_j value =
 * Σ_j t_j·(log Σ_k exp(y_k − m) − (y_j − m)), slope = p·T − t. Finite for finite y.
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
  labelSmoothing: number,
): void {
  const keep = fround(1 - fround(labelSmoothing));
  const share = fround(fround(labelSmoothing) / units);
  const smoothed = (t: number) => fround(fround(t * keep) + share);
  for (let r = 0; r < batch; r++) {
    const row = r * pitch;
    const target = r * targetPitch;
    const inverse = exponentials(dy, y, row, row + units);
    let total = 0;
    for (let j = 0; j < units; j++) total = fround(total + smoothed(targets[target + j]!));
    let sum = 0;
    for (let j = 0; j < units; j++) {
      const t = smoothed(targets[target + j]!);
      sum = fround(sum + fround(t * surprise(y[row + j]!)));
      const p = fround(dy[row + j]! * inverse);
      dy[row + j] = fround(fround(gradientScale) * fround(fround(p * total) - t));
    }
    losses[r] = fround(fround(lossScale) * sum);
  }
}

/** 2⁻¹²⁶: below it, t·log t counts as 0. */
const SMALLEST_NORMAL = 1.1754943508222875e-38;

/**
 * The divergence of p = softmax(y) from t (Kullback and Leibler 1951), for logits y: Σ_j value =
 * Σ_j t_j·(log t_j − log p_j), slope = p·T − t with T = Σ_j t_j, for t in [0, 1].
 */
export function klDivergenceLoss(
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
      const logT = t < SMALLEST_NORMAL ? 0 : log(t > 1 ? 1 : t);
      sum = fround(sum + fround(t * fround(surprise(y[row + j]!) + logT)));
      const p = fround(dy[row + j]! * inverse);
      dy[row + j] = fround(fround(gradientScale) * fround(fround(p * total) - t));
    }
    losses[r] = fround(fround(lossScale) * sum);
  }
}

/**
 * As `categoricalCrossentropyLoss` with a target of 1 at the class t[r, 0] and 0 elsewhere: to the bit
 * without smoothing, else with sums in another order. With smoothing, value =
 * (1 − ε)·−log p_t + ε/K·Σ_j −log p_j. t must be a class: it is checked at the public door only.
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
  labelSmoothing: number,
): void {
  const smoothing = fround(labelSmoothing);
  const keep = fround(1 - smoothing);
  const share = fround(smoothing / units);
  const hot = fround(keep + share);
  for (let r = 0; r < batch; r++) {
    const row = r * pitch;
    const label = row + targets[r * targetPitch]!;
    const inverse = exponentials(dy, y, row, row + units);
    for (let i = row; i < row + units; i++) {
      const p = fround(dy[i]! * inverse);
      dy[i] = fround(fround(gradientScale) * fround(p - (i === label ? hot : share)));
    }
    let value = fround(keep * surprise(y[label]!));
    if (smoothing !== 0) {
      let sum = 0;
      for (let i = row; i < row + units; i++) sum = fround(sum + surprise(y[i]!));
      value = fround(value + fround(share * sum));
    }
    losses[r] = fround(fround(lossScale) * value);
  }
}

/** 2⁻²⁵: 1 − p is never taken for less. */
const SMALLEST_REST = 2.9802322387695312e-8;

/**
 * The focal loss over classes: with p = softmax(y) for logits y, t = t[r, 0] the class, q = 1 − p_t:
 * value = −qᵞ·log p_t, slope_j = (p_j − [j = t])·qᵞ·(1 − γ·p_t·log p_t / q). The power is
 * exp(γ·log q). As `sparseCategoricalCrossentropyLoss` for γ = 0.
 */
export function sparseCategoricalFocalCrossentropyLoss(
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
  gamma: number,
): void {
  const power = fround(gamma);
  for (let r = 0; r < batch; r++) {
    const row = r * pitch;
    const label = row + targets[r * targetPitch]!;
    const inverse = exponentials(dy, y, row, row + units);
    const logP = surprise(y[label]!);
    const p = fround(dy[label]! * inverse);
    const rest = fround(1 - p);
    const q = rest < SMALLEST_REST ? SMALLEST_REST : rest;
    const weight = exp(fround(power * log(q)));
    const more = fround(fround(fround(power * p) * logP) / q);
    const scale = fround(fround(gradientScale) * fround(weight * fround(1 + more)));
    for (let i = row; i < row + units; i++) {
      const share = fround(dy[i]! * inverse);
      dy[i] = fround(scale * fround(share - (i === label ? 1 : 0)));
    }
    losses[r] = fround(fround(lossScale) * fround(weight * logP));
  }
}

const smoothing = {
  options: { labelSmoothing: 0 },
  ranges: { labelSmoothing: [0, 1] },
} as const;

/**
 * The catalogue's losses of probabilities. Options: labelSmoothing ε in [0, 1), default 0;
 * positiveWeight w ≥ 0, of the targets that are yes, default 1; γ of the focal losses ≥ 0, default 2.
 */
export const crossentropies = {
  binaryCrossentropy: {
    logits: 'sigmoid',
    targets: 'probabilities',
    average: 'batch',
    options: { labelSmoothing: 0, positiveWeight: 1 },
    ranges: { labelSmoothing: [0, 1], positiveWeight: [0, 2 ** 127] },
  },
  binaryFocalCrossentropy: {
    logits: 'sigmoid',
    targets: 'probabilities',
    average: 'batch',
    options: { gamma: 2, positiveWeight: 1 },
    ranges: { gamma: [0, 64], positiveWeight: [0, 2 ** 127] },
  },
  categoricalCrossentropy: {
    logits: 'softmax',
    targets: 'probabilities',
    average: 'batch',
    ...smoothing,
  },
  klDivergence: { logits: 'softmax', targets: 'probabilities', average: 'batch', options: {} },
  sparseCategoricalCrossentropy: {
    logits: 'softmax',
    targets: 'labels',
    average: 'batch',
    ...smoothing,
  },
  sparseCategoricalFocalCrossentropy: {
    logits: 'softmax',
    targets: 'labels',
    average: 'batch',
    options: { gamma: 2 },
    ranges: { gamma: [0, 64] },
  },
} as const satisfies Record<string, LossDefinition>;
