import { fround } from '../math.js';
import { pow64 } from '../math64.js';
import type { Floats, OptimizerDefinition } from './definition.js';
import {
  common,
  commonRanges,
  coupling,
  notNegative,
  positive,
  pulled,
  share,
  shrinkage,
  shrunk,
} from './internal/step.js';

/*
 * Optimizers that divide by a running scale of each gradient. What holds for the kernels of all
 * optimizers is written in optimizers.ts.
 */

/**
 * Opens a step of Adam: the powers β₁ᵗ and β₂ᵗ are kept as running products, because `pow` differs
 * between engines. hyper[4…6]: β₁, β₂, ε; behind the options: 1 − β₁ᵗ [8], 1 − β₂ᵗ [9],
 * η / (1 − β₁ᵗ) [10] and 1 / √(1 − β₂ᵗ) [11]. The products are kept as their distance from 1, so
 * that a new block of zeros is their start: 1 − βᵗ = (1 − βᵗ⁻¹)·β + (1 − β).
 */
export function adamAdvance(hyper: Float64Array): void {
  const first = hyper[8]! * hyper[4]! + (1 - hyper[4]!);
  const second = hyper[9]! * hyper[5]! + (1 - hyper[5]!);
  hyper[8] = first;
  hyper[9] = second;
  hyper[10] = hyper[0]! / first;
  hyper[11] = 1 / Math.sqrt(second);
}

/**
 * Adam (Kingma and Ba 2015, Algorithm 1): m ← β₁·m + (1 − β₁)·g, v ← β₂·v + (1 − β₂)·g²,
 * w ← w − η/(1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε). hyper: as `adamAdvance` leaves it.
 */
export function adamStep(
  w: Floats,
  m: Floats,
  v: Floats,
  dw: Floats,
  hyper: Float64Array,
  size: number,
  decays: number,
): void {
  const beta1 = fround(hyper[4]!);
  const beta2 = fround(hyper[5]!);
  const rest1 = fround(1 - hyper[4]!);
  const rest2 = fround(1 - hyper[5]!);
  const epsilon = fround(hyper[6]!);
  const rate = fround(hyper[10]!);
  const correction = fround(hyper[11]!);
  const coupled = coupling(hyper, decays);
  const shrink = shrinkage(hyper, decays);
  for (let i = 0; i < size; i++) {
    const g = pulled(dw[i]!, w[i]!, coupled);
    const mean = fround(fround(beta1 * m[i]!) + fround(rest1 * g));
    const square = fround(fround(beta2 * v[i]!) + fround(rest2 * fround(g * g)));
    m[i] = mean;
    v[i] = square;
    const divisor = fround(fround(fround(Math.sqrt(square)) * correction) + epsilon);
    w[i] = fround(shrunk(w[i]!, shrink) - fround(rate * fround(mean / divisor)));
  }
}

/**
 * AMSGrad (Reddi et al. 2018): Adam with the largest v so far, l ← max(l, v), in place of v under
 * the root. As in PyTorch, it is the uncorrected v that is compared.
 */
export function amsgradStep(
  w: Floats,
  m: Floats,
  v: Floats,
  largest: Floats,
  dw: Floats,
  hyper: Float64Array,
  size: number,
  decays: number,
): void {
  const beta1 = fround(hyper[4]!);
  const beta2 = fround(hyper[5]!);
  const rest1 = fround(1 - hyper[4]!);
  const rest2 = fround(1 - hyper[5]!);
  const epsilon = fround(hyper[6]!);
  const rate = fround(hyper[10]!);
  const correction = fround(hyper[11]!);
  const coupled = coupling(hyper, decays);
  const shrink = shrinkage(hyper, decays);
  for (let i = 0; i < size; i++) {
    const g = pulled(dw[i]!, w[i]!, coupled);
    const mean = fround(fround(beta1 * m[i]!) + fround(rest1 * g));
    const square = fround(fround(beta2 * v[i]!) + fround(rest2 * fround(g * g)));
    // A square that is NaN stays NaN.
    const most = square < largest[i]! ? largest[i]! : square;
    m[i] = mean;
    v[i] = square;
    largest[i] = most;
    const divisor = fround(fround(fround(Math.sqrt(most)) * correction) + epsilon);
    w[i] = fround(shrunk(w[i]!, shrink) - fround(rate * fround(mean / divisor)));
  }
}

/**
 * Opens a step of NAdam, whose momentum grows: μₜ = β₁·(1 − ½·qᵗ), q = 0.96^ψ. hyper[4…8]: β₁, β₂,
 * ε, ψ, q; behind them 1 − qᵗ [9], 1 − μ₁·…·μₜ [10] and 1 − β₂ᵗ [11], running products all; and for
 * this step η·(1 − μₜ) / (1 − μ₁·…·μₜ) [12], η·μₜ₊₁ / (1 − μ₁·…·μₜ₊₁) [13], 1 / √(1 − β₂ᵗ) [14].
 */
export function nadamAdvance(hyper: Float64Array): void {
  const beta1 = hyper[4]!;
  const beta2 = hyper[5]!;
  const q = hyper[8]!;
  const grown = hyper[9]! * q + (1 - q);
  const momentum = beta1 * (0.5 + 0.5 * grown);
  const next = beta1 * (0.5 + 0.5 * (grown * q + (1 - q)));
  const product = hyper[10]! * momentum + (1 - momentum);
  const second = hyper[11]! * beta2 + (1 - beta2);
  hyper[9] = grown;
  hyper[10] = product;
  hyper[11] = second;
  hyper[12] = (hyper[0]! * (1 - momentum)) / product;
  hyper[13] = (hyper[0]! * next) / (product * next + (1 - next));
  hyper[14] = 1 / Math.sqrt(second);
}

/**
 * NAdam, Adam with Nesterov's momentum (Dozat 2016, Algorithm 2): m and v as in Adam, and
 * w ← w − (a·g + b·m) / (√v / √(1 − β₂ᵗ) + ε), with a and b as `nadamAdvance` leaves them in
 * hyper[12] and hyper[13].
 */
export function nadamStep(
  w: Floats,
  m: Floats,
  v: Floats,
  dw: Floats,
  hyper: Float64Array,
  size: number,
  decays: number,
): void {
  const beta1 = fround(hyper[4]!);
  const beta2 = fround(hyper[5]!);
  const rest1 = fround(1 - hyper[4]!);
  const rest2 = fround(1 - hyper[5]!);
  const epsilon = fround(hyper[6]!);
  const gradientRate = fround(hyper[12]!);
  const meanRate = fround(hyper[13]!);
  const correction = fround(hyper[14]!);
  const coupled = coupling(hyper, decays);
  const shrink = shrinkage(hyper, decays);
  for (let i = 0; i < size; i++) {
    const g = pulled(dw[i]!, w[i]!, coupled);
    const mean = fround(fround(beta1 * m[i]!) + fround(rest1 * g));
    const square = fround(fround(beta2 * v[i]!) + fround(rest2 * fround(g * g)));
    m[i] = mean;
    v[i] = square;
    const divisor = fround(fround(fround(Math.sqrt(square)) * correction) + epsilon);
    const ahead = fround(fround(gradientRate * g) + fround(meanRate * mean));
    w[i] = fround(shrunk(w[i]!, shrink) - fround(ahead / divisor));
  }
}

/**
 * All forms of RMSprop: v ← ρ·v + (1 − ρ)·g², d = g / (√v + ε), w ← w − η·d. With a mean m, which
 * makes it centered: m ← ρ·m + (1 − ρ)·g, and √(v − m²) in place of √v; rounding must not make that
 * negative. With a velocity b: b ← μ·b + d, w ← w − η·b. hyper[4…6]: ρ, ε, μ.
 */
function rmsprop(
  w: Floats,
  square: Floats,
  mean: Floats | undefined,
  velocity: Floats | undefined,
  dw: Floats,
  hyper: Float64Array,
  size: number,
  decays: number,
): void {
  const rate = fround(hyper[0]!);
  const decay = fround(hyper[4]!);
  const rest = fround(1 - hyper[4]!);
  const epsilon = fround(hyper[5]!);
  const momentum = fround(hyper[6]!);
  const coupled = coupling(hyper, decays);
  const shrink = shrinkage(hyper, decays);
  for (let i = 0; i < size; i++) {
    const g = pulled(dw[i]!, w[i]!, coupled);
    let variance = fround(fround(decay * square[i]!) + fround(rest * fround(g * g)));
    square[i] = variance;
    if (mean) {
      const m = fround(fround(decay * mean[i]!) + fround(rest * g));
      mean[i] = m;
      variance = fround(variance - fround(m * m));
      if (variance < 0) variance = 0;
    }
    let step = fround(g / fround(fround(Math.sqrt(variance)) + epsilon));
    if (velocity) {
      step = fround(fround(momentum * velocity[i]!) + step);
      velocity[i] = step;
    }
    w[i] = fround(shrunk(w[i]!, shrink) - fround(rate * step));
  }
}

/** RMSprop (Tieleman and Hinton 2012), with ε outside the root: see `rmsprop`. */
export function rmspropStep(
  w: Floats,
  square: Floats,
  dw: Floats,
  hyper: Float64Array,
  size: number,
  decays: number,
): void {
  rmsprop(w, square, undefined, undefined, dw, hyper, size, decays);
}

/** RMSprop with momentum: see `rmsprop`. */
export function rmspropMomentumStep(
  w: Floats,
  square: Floats,
  velocity: Floats,
  dw: Floats,
  hyper: Float64Array,
  size: number,
  decays: number,
): void {
  rmsprop(w, square, undefined, velocity, dw, hyper, size, decays);
}

/** Centered RMSprop (Graves 2013): see `rmsprop`. */
export function rmspropCenteredStep(
  w: Floats,
  square: Floats,
  mean: Floats,
  dw: Floats,
  hyper: Float64Array,
  size: number,
  decays: number,
): void {
  rmsprop(w, square, mean, undefined, dw, hyper, size, decays);
}

/** Centered RMSprop with momentum (Graves 2013): see `rmsprop`. */
export function rmspropCenteredMomentumStep(
  w: Floats,
  square: Floats,
  mean: Floats,
  velocity: Floats,
  dw: Floats,
  hyper: Float64Array,
  size: number,
  decays: number,
): void {
  rmsprop(w, square, mean, velocity, dw, hyper, size, decays);
}

/**
 * Adagrad (Duchi et al. 2011): s ← s + g², w ← w − η·g / (√(s₀ + s) + ε). hyper[4…5]: s₀, ε.
 */
export function adagradStep(
  w: Floats,
  sum: Floats,
  dw: Floats,
  hyper: Float64Array,
  size: number,
  decays: number,
): void {
  const rate = fround(hyper[0]!);
  const start = fround(hyper[4]!);
  const epsilon = fround(hyper[5]!);
  const coupled = coupling(hyper, decays);
  const shrink = shrinkage(hyper, decays);
  for (let i = 0; i < size; i++) {
    const g = pulled(dw[i]!, w[i]!, coupled);
    const s = fround(sum[i]! + fround(g * g));
    sum[i] = s;
    const divisor = fround(fround(Math.sqrt(fround(start + s))) + epsilon);
    w[i] = fround(shrunk(w[i]!, shrink) - fround(rate * fround(g / divisor)));
  }
}

/**
 * Adadelta (Zeiler 2012, Algorithm 1): v ← ρ·v + (1 − ρ)·g², d = √((u + ε) / (v + ε))·g,
 * u ← ρ·u + (1 − ρ)·d², w ← w − η·d. hyper[4…5]: ρ, ε.
 */
export function adadeltaStep(
  w: Floats,
  square: Floats,
  change: Floats,
  dw: Floats,
  hyper: Float64Array,
  size: number,
  decays: number,
): void {
  const rate = fround(hyper[0]!);
  const decay = fround(hyper[4]!);
  const rest = fround(1 - hyper[4]!);
  const epsilon = fround(hyper[5]!);
  const coupled = coupling(hyper, decays);
  const shrink = shrinkage(hyper, decays);
  for (let i = 0; i < size; i++) {
    const g = pulled(dw[i]!, w[i]!, coupled);
    const v = fround(fround(decay * square[i]!) + fround(rest * fround(g * g)));
    square[i] = v;
    const u = change[i]!;
    const ratio = fround(Math.sqrt(fround(fround(u + epsilon) / fround(v + epsilon))));
    const d = fround(ratio * g);
    change[i] = fround(fround(decay * u) + fround(rest * fround(d * d)));
    w[i] = fround(shrunk(w[i]!, shrink) - fround(rate * d));
  }
}

const adam = (weightDecay: number, decoupled: boolean) =>
  ({
    options: {
      ...common(0.001, weightDecay, decoupled),
      ...{ beta1: 0.9, beta2: 0.999, epsilon: 1e-8, amsgrad: false },
    },
    ranges: { ...commonRanges, beta1: share, beta2: share, epsilon: positive },
    kept: 4,
    rule: ({ amsgrad }) =>
      amsgrad
        ? { advance: 'adamAdvance', step: 'amsgradStep', slots: ['m', 'v', 'largest'] }
        : { advance: 'adamAdvance', step: 'adamStep', slots: ['m', 'v'] },
  }) as const satisfies OptimizerDefinition;

/**
 * The entries of the catalogue that step by the gradient's own scale, with PyTorch's names and
 * definitions. The options that all optimizers have are told where the catalogue is.
 *
 * - `adam`: η 0.001; beta1 β₁ 0.9 and beta2 β₂ 0.999 in [0, 1); epsilon ε 1e-8 > 0, outside the
 *   root; amsgrad false. `adamW` (Loshchilov and Hutter 2019) is `adam` with λ 0.01, decoupled.
 * - `nadam`: η 0.001; β₁, β₂ and ε as in `adam`; momentumDecay ψ 0.004 ≥ 0.
 * - `rmsprop`: η 0.001; decay ρ 0.99 in [0, 1); ε 1e-8; momentum μ 0 in [0, 1); centered false.
 * - `adagrad`: η 0.01; initialAccumulatorValue s₀ 0 ≥ 0; ε 1e-10.
 * - `adadelta`: η 1; rho ρ 0.9 in [0, 1); ε 1e-6.
 */
export const adaptive = {
  adam: adam(0, false),
  adamW: adam(0.01, true),
  nadam: {
    options: { ...common(0.001), beta1: 0.9, beta2: 0.999, epsilon: 1e-8, momentumDecay: 0.004 },
    ranges: {
      ...{ ...commonRanges, beta1: share, beta2: share },
      ...{ epsilon: positive, momentumDecay: notNegative },
    },
    derived: ({ momentumDecay }) => [pow64(0.96, momentumDecay!)],
    kept: 6,
    rule: () => ({ advance: 'nadamAdvance', step: 'nadamStep', slots: ['m', 'v'] }),
  },
  rmsprop: {
    options: { ...common(0.001), decay: 0.99, epsilon: 1e-8, momentum: 0, centered: false },
    ranges: { ...commonRanges, decay: share, epsilon: positive, momentum: share },
    kept: 0,
    rule: ({ momentum, centered }) => {
      const slots = ['square', ...(centered ? ['mean'] : []), ...(momentum ? ['velocity'] : [])];
      return {
        step: `rmsprop${centered ? 'Centered' : ''}${momentum ? 'Momentum' : ''}Step`,
        slots,
      };
    },
  },
  adagrad: {
    options: { ...common(0.01), initialAccumulatorValue: 0, epsilon: 1e-10 },
    ranges: { ...commonRanges, initialAccumulatorValue: notNegative, epsilon: positive },
    kept: 0,
    rule: () => ({ step: 'adagradStep', slots: ['sum'] }),
  },
  adadelta: {
    options: { ...common(1), rho: 0.9, epsilon: 1e-6 },
    ranges: { ...commonRanges, rho: share, epsilon: positive },
    kept: 0,
    rule: () => ({ step: 'adadeltaStep', slots: ['square', 'change'] }),
  },
} as const satisfies Record<string, OptimizerDefinition>;
