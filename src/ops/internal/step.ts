import { fround } from '../../math.js';

/** What the steps of all optimizers have in common; the kernels are in optimizers.ts and adaptive.ts. */

/** Ranges [least, below) of options: from the smallest float32, from 0, and shares of a whole. */
export const positive = [2 ** -149, 2 ** 127] as const;
export const notNegative = [0, 2 ** 127] as const;
export const share = [0, 1] as const;

/** The options that every optimizer has, first in `hyper`. */
export const common = (learningRate: number, weightDecay = 0, decoupled = false) => ({
  learningRate,
  weightDecay,
  decoupled,
  decayBiases: false,
});
export const commonRanges = { learningRate: positive, weightDecay: notNegative } as const;

/** λ where it pulls at the gradient, else 0. */
export function coupling(hyper: Float64Array, decays: number): number {
  return decays !== 0 && hyper[2] === 0 ? fround(hyper[1]!) : 0;
}

/** η·λ where the weights shrink by themselves, else 0. */
export function shrinkage(hyper: Float64Array, decays: number): number {
  return decays !== 0 && hyper[2] !== 0 ? fround(hyper[0]! * hyper[1]!) : 0;
}

export function pulled(dw: number, w: number, coupled: number): number {
  return coupled === 0 ? dw : fround(dw + fround(coupled * w));
}

export function shrunk(w: number, shrink: number): number {
  return shrink === 0 ? w : fround(w - fround(shrink * w));
}
