import { fround } from '../math.js';
import { adaptive } from './adaptive.js';
import type { Floats, OptimizerDefinition } from './definition.js';
import {
  common,
  commonRanges,
  coupling,
  positive,
  pulled,
  share,
  shrinkage,
  shrunk,
} from './internal/step.js';

/*
 * Optimizers step over a range of the flat parameter block, element by element; the gradient block
 * and every slot share its layout, and slots start as zeros. Padding has gradient 0, and its weights
 * stay 0. `hyper` holds the options in the order of the catalogue entry, flags as 0 or 1, and behind
 * them what the optimizer keeps from step to step: all in float64, rounded to float32 once, where it
 * meets the parameters. It begins with what all of them have:
 *
 *   [0] learningRate η    [1] weightDecay λ    [2] decoupled    [3] decayBiases
 *
 * `decays` says, as 0 or 1, whether weights of this range decay. Then g below is dw + λ·w where the
 * decay is coupled; where it is decoupled, w shrinks to w − η·λ·w before the step. Else g is dw.
 */

/** 1, −1 or 0; NaN stays. */
function sign(x: number): number {
  return x > 0 ? 1 : x < 0 ? -1 : x;
}

/** Stochastic gradient descent: w ← w − η·g. */
export function sgdStep(
  w: Floats,
  dw: Floats,
  hyper: Float64Array,
  size: number,
  decays: number,
): void {
  const rate = fround(hyper[0]!);
  const coupled = coupling(hyper, decays);
  const shrink = shrinkage(hyper, decays);
  for (let i = 0; i < size; i++) {
    const g = pulled(dw[i]!, w[i]!, coupled);
    w[i] = fround(shrunk(w[i]!, shrink) - fround(rate * g));
  }
}

/** Gradient descent with momentum: v ← μ·v + g, w ← w − η·v. hyper[4]: μ. */
export function momentumStep(
  w: Floats,
  velocity: Floats,
  dw: Floats,
  hyper: Float64Array,
  size: number,
  decays: number,
): void {
  const rate = fround(hyper[0]!);
  const momentum = fround(hyper[4]!);
  const coupled = coupling(hyper, decays);
  const shrink = shrinkage(hyper, decays);
  for (let i = 0; i < size; i++) {
    const g = pulled(dw[i]!, w[i]!, coupled);
    const v = fround(fround(momentum * velocity[i]!) + g);
    velocity[i] = v;
    w[i] = fround(shrunk(w[i]!, shrink) - fround(rate * v));
  }
}

/**
 * Momentum that looks ahead (Nesterov 1983, in the form of Sutskever et al. 2013 that PyTorch has):
 * v ← μ·v + g, w ← w − η·(g + μ·v). hyper[4]: μ.
 */
export function nesterovStep(
  w: Floats,
  velocity: Floats,
  dw: Floats,
  hyper: Float64Array,
  size: number,
  decays: number,
): void {
  const rate = fround(hyper[0]!);
  const momentum = fround(hyper[4]!);
  const coupled = coupling(hyper, decays);
  const shrink = shrinkage(hyper, decays);
  for (let i = 0; i < size; i++) {
    const g = pulled(dw[i]!, w[i]!, coupled);
    const v = fround(fround(momentum * velocity[i]!) + g);
    velocity[i] = v;
    const ahead = fround(g + fround(momentum * v));
    w[i] = fround(shrunk(w[i]!, shrink) - fround(rate * ahead));
  }
}

/**
 * Opens a step of damped momentum. The first gradient is taken whole, as in PyTorch, so that the
 * velocity starts as a gradient and not as a part of one. hyper[5]: τ; behind the options: whether
 * there was a step [7], and the gradient's share of this one [8], which is 1, then 1 − τ.
 */
export function dampedAdvance(hyper: Float64Array): void {
  hyper[8] = hyper[7] === 0 ? 1 : 1 - hyper[5]!;
  hyper[7] = 1;
}

/** Momentum with dampening τ: v ← μ·v + (1 − τ)·g, w ← w − η·v. hyper: see `dampedAdvance`. */
export function dampedStep(
  w: Floats,
  velocity: Floats,
  dw: Floats,
  hyper: Float64Array,
  size: number,
  decays: number,
): void {
  const rate = fround(hyper[0]!);
  const momentum = fround(hyper[4]!);
  const share = fround(hyper[8]!);
  const coupled = coupling(hyper, decays);
  const shrink = shrinkage(hyper, decays);
  for (let i = 0; i < size; i++) {
    const g = pulled(dw[i]!, w[i]!, coupled);
    const v = fround(fround(momentum * velocity[i]!) + fround(share * g));
    velocity[i] = v;
    w[i] = fround(shrunk(w[i]!, shrink) - fround(rate * v));
  }
}

/**
 * Lion (Chen et al. 2023, Algorithm 2): w ← w − η·sign(β₁·m + (1 − β₁)·g), then
 * m ← β₂·m + (1 − β₂)·g. hyper[4…5]: β₁, β₂.
 */
export function lionStep(
  w: Floats,
  m: Floats,
  dw: Floats,
  hyper: Float64Array,
  size: number,
  decays: number,
): void {
  const rate = fround(hyper[0]!);
  const beta1 = fround(hyper[4]!);
  const beta2 = fround(hyper[5]!);
  const rest1 = fround(1 - hyper[4]!);
  const rest2 = fround(1 - hyper[5]!);
  const coupled = coupling(hyper, decays);
  const shrink = shrinkage(hyper, decays);
  for (let i = 0; i < size; i++) {
    const g = pulled(dw[i]!, w[i]!, coupled);
    const direction = sign(fround(fround(beta1 * m[i]!) + fround(rest1 * g)));
    m[i] = fround(fround(beta2 * m[i]!) + fround(rest2 * g));
    w[i] = fround(shrunk(w[i]!, shrink) - fround(rate * direction));
  }
}

/**
 * Rprop (Riedmiller and Braun 1993, in the form Rprop− of Igel and Hüsken 2000 that PyTorch has): a
 * step size s for each parameter, which grows by η₊ while the gradient keeps its sign, and shrinks by
 * η₋ when it changes; such a change is waited out. With p the sign of the step before:
 * s ← min(max(s·(η₊, η₋ or 1), least), most), p ← sign(g) or, where g·p < 0, 0; w ← w − s·p.
 * A step size of 0 is one that has not begun, and stands for η; so the padding's comes to be η.
 * hyper[4…7]: η₋, η₊, least, most.
 */
export function rpropStep(
  w: Floats,
  previous: Floats,
  stepSize: Floats,
  dw: Floats,
  hyper: Float64Array,
  size: number,
  decays: number,
): void {
  const rate = fround(hyper[0]!);
  const etaMinus = fround(hyper[4]!);
  const etaPlus = fround(hyper[5]!);
  const least = fround(hyper[6]!);
  const most = fround(hyper[7]!);
  const coupled = coupling(hyper, decays);
  const shrink = shrinkage(hyper, decays);
  for (let i = 0; i < size; i++) {
    const g = pulled(dw[i]!, w[i]!, coupled);
    // Signs are kept, not gradients, so that no product of two small ones is lost.
    const agreement = g * previous[i]!;
    const factor = agreement > 0 ? etaPlus : agreement < 0 ? etaMinus : 1;
    const s = fround((stepSize[i] === 0 ? rate : stepSize[i]!) * factor);
    const bounded = Math.min(Math.max(s, least), most);
    const direction = agreement < 0 ? 0 : sign(g);
    previous[i] = direction;
    stepSize[i] = bounded;
    w[i] = fround(shrunk(w[i]!, shrink) - fround(bounded * direction));
  }
}

/**
 * The optimizers of the catalogue, with PyTorch's names, definitions and, save for a few rates, its
 * defaults. All have
 *
 * - learningRate η > 0, a step;
 * - weightDecay λ ≥ 0, default 0: coupled, g = dw + λ·w, or, with `decoupled: true`, apart from the
 *   gradient, w ← w − η·λ·w; on weights only or, with `decayBiases: true`, on every parameter.
 *
 * Their own options, each with its default:
 *
 * - `sgd`: η 0.01; momentum μ 0 in [0, 1); dampening τ 0 in [0, 1), of the gradient's part in the
 *   velocity; nesterov false, which needs a momentum and no dampening.
 * - `adam`, `adamW`, `nadam`, `rmsprop`, `adagrad`, `adadelta`: see `adaptive`.
 * - `lion`: η 1e-4; β₁ 0.9 and β₂ 0.99 in [0, 1); its decay is decoupled by default.
 * - `rprop`: η 0.01, the first step size; etaMinus 0.5 in (0, 1), etaPlus 1.2 ≥ 1; minStep 1e-6 and
 *   maxStep 50 > 0. For gradients of all rows (batchSize: the number of rows), not of small batches.
 *
 * Ranges are [least, below): refused outside.
 */
export const optimizers = {
  sgd: {
    options: { ...common(0.01), momentum: 0, dampening: 0, nesterov: false },
    ranges: { ...commonRanges, momentum: share, dampening: share },
    kept: 2,
    conflict: ({ momentum, dampening, nesterov }) => {
      if (nesterov && (momentum === 0 || dampening !== 0)) {
        return `nesterov: expected a momentum above 0 and no dampening with it, got momentum ${momentum} and dampening ${dampening}`;
      }
      return dampening !== 0 && momentum === 0
        ? `dampening: expected a momentum above 0 with it, got momentum 0`
        : undefined;
    },
    rule: ({ momentum, dampening, nesterov, weightDecay }) => {
      const slots = ['velocity'];
      if (nesterov) return { step: 'nesterovStep', slots };
      if (dampening !== 0) return { advance: 'dampedAdvance', step: 'dampedStep', slots };
      if (momentum !== 0) return { step: 'momentumStep', slots };
      return { step: 'sgdStep', slots: [], ...(weightDecay === 0 ? { fusion: 'Sgd' } : {}) };
    },
  },
  ...adaptive,
  lion: {
    options: { ...common(1e-4, 0, true), beta1: 0.9, beta2: 0.99 },
    ranges: { ...commonRanges, beta1: share, beta2: share },
    kept: 0,
    rule: () => ({ step: 'lionStep', slots: ['m'] }),
  },
  rprop: {
    options: { ...common(0.01), etaMinus: 0.5, etaPlus: 1.2, minStep: 1e-6, maxStep: 50 },
    ranges: {
      ...{ ...commonRanges, etaMinus: [positive[0], 1], etaPlus: [1, 2 ** 127] },
      ...{ minStep: positive, maxStep: positive },
    },
    kept: 0,
    conflict: ({ minStep, maxStep }) =>
      minStep! > maxStep!
        ? `expected minStep ≤ maxStep, got minStep ${minStep} and maxStep ${maxStep}`
        : undefined,
    rule: () => ({ step: 'rpropStep', slots: ['previous', 'stepSize'] }),
  },
} as const satisfies Record<string, OptimizerDefinition>;
