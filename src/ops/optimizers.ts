import { fround } from '../math.js';
import type { Floats, OptimizerDefinition } from './definition.js';

/*
 * Optimizers step over a range of the flat parameter block, element by element; the gradient block
 * and every slot share its layout. Padding has gradient 0 and stays 0. `hyper` holds the options in
 * the order of the catalogue entry, and behind them what the optimizer keeps from step to step: all
 * in float64, rounded to float32 once, where it meets the parameters.
 */

/** Stochastic gradient descent: w ← w − η·dw. hyper: η. */
export function sgdStep(w: Floats, dw: Floats, hyper: Float64Array, size: number): void {
  const rate = fround(hyper[0]!);
  for (let i = 0; i < size; i++) w[i] = fround(w[i]! - fround(rate * dw[i]!));
}

/**
 * Stochastic gradient descent with momentum, in the form without damping: v ← μ·v + dw, then
 * w ← w − η·v. hyper: η, μ.
 */
export function momentumStep(
  w: Floats,
  velocity: Floats,
  dw: Floats,
  hyper: Float64Array,
  size: number,
): void {
  const rate = fround(hyper[0]!);
  const momentum = fround(hyper[1]!);
  for (let i = 0; i < size; i++) {
    const v = fround(fround(momentum * velocity[i]!) + dw[i]!);
    velocity[i] = v;
    w[i] = fround(w[i]! - fround(rate * v));
  }
}

/**
 * Opens a step of Adam: the powers β₁ᵗ and β₂ᵗ are kept as running products, because `pow` differs
 * between engines. hyper: η, β₁, β₂, ε, 1 − β₁ᵗ⁻¹, 1 − β₂ᵗ⁻¹; behind them this writes
 * η / (1 − β₁ᵗ) and 1 / √(1 − β₂ᵗ). The products are kept as their distance from 1, so that a new
 * block of zeros is their start: 1 − βᵗ = (1 − βᵗ⁻¹)·β + (1 − β).
 */
export function adamAdvance(hyper: Float64Array): void {
  const first = hyper[4]! * hyper[1]! + (1 - hyper[1]!);
  const second = hyper[5]! * hyper[2]! + (1 - hyper[2]!);
  hyper[4] = first;
  hyper[5] = second;
  hyper[6] = hyper[0]! / first;
  hyper[7] = 1 / Math.sqrt(second);
}

/**
 * Adam (Kingma and Ba 2015, Algorithm 1): m ← β₁·m + (1 − β₁)·dw, v ← β₂·v + (1 − β₂)·dw²,
 * w ← w − η/(1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε). hyper: as `adamAdvance` leaves it.
 */
export function adamStep(
  w: Floats,
  m: Floats,
  v: Floats,
  dw: Floats,
  hyper: Float64Array,
  size: number,
): void {
  const beta1 = fround(hyper[1]!);
  const beta2 = fround(hyper[2]!);
  const rest1 = fround(1 - hyper[1]!);
  const rest2 = fround(1 - hyper[2]!);
  const epsilon = fround(hyper[3]!);
  const rate = fround(hyper[6]!);
  const correction = fround(hyper[7]!);
  for (let i = 0; i < size; i++) {
    const g = dw[i]!;
    const mean = fround(fround(beta1 * m[i]!) + fround(rest1 * g));
    const square = fround(fround(beta2 * v[i]!) + fround(rest2 * fround(g * g)));
    m[i] = mean;
    v[i] = square;
    const divisor = fround(fround(fround(Math.sqrt(square)) * correction) + epsilon);
    w[i] = fround(w[i]! - fround(rate * fround(mean / divisor)));
  }
}

/** From the smallest float32 above 0. */
const positive = [2 ** -149, 2 ** 127] as const;

/**
 * The optimizers of the catalogue. Ranges are [least, below): refused outside.
 *
 * - `sgd`: learningRate η > 0, default 0.01; momentum μ in [0, 1), default 0.
 * - `adam`: learningRate η > 0, default 0.001; beta1 β₁ and beta2 β₂ in [0, 1), defaults 0.9 and
 *   0.999; epsilon ε > 0, outside the root, default 1e-8.
 */
export const optimizers = {
  sgd: {
    options: { learningRate: 0.01, momentum: 0 },
    ranges: { learningRate: positive, momentum: [0, 1] },
    kept: 0,
    rule: ({ momentum }) =>
      momentum === 0
        ? { step: 'sgdStep', slots: [], fusion: 'Sgd' }
        : { step: 'momentumStep', slots: ['velocity'] },
  },
  adam: {
    options: { learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
    ranges: { learningRate: positive, beta1: [0, 1], beta2: [0, 1], epsilon: positive },
    kept: 4,
    rule: () => ({ advance: 'adamAdvance', step: 'adamStep', slots: ['m', 'v'] }),
  },
} as const satisfies Record<string, OptimizerDefinition>;
