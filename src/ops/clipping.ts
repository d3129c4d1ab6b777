import { fround } from '../math.js';
import type { Floats } from './definition.js';
import { positive } from './internal/step.js';

/*
 * Clipping works on `size` floats of the gradients' block, a multiple of 8, before the optimizer's
 * step and its weight decay. Padding is 0, and stays so.
 */

/** dw ← min(max(dw, −limit), limit), element by element. NaN stays. */
export function clipValue(dw: Floats, size: number, limit: number): void {
  const most = fround(limit);
  for (let i = 0; i < size; i++) dw[i] = Math.min(Math.max(dw[i]!, -most), most);
}

/**
 * dw ← dw·limit/(‖dw‖ + 10⁻⁶) where that factor is below 1. Squares are summed in float64 in eight
 * lanes, element i in lane i mod 8; lanes j and j + 4 are added, and then (l0 + l2) + (l1 + l3). The
 * factor is rounded once. A norm that is not finite makes all that is not 0 NaN or 0.
 */
export function clipNorm(dw: Floats, size: number, limit: number): void {
  const lanes = [0, 0, 0, 0, 0, 0, 0, 0];
  for (let i = 0; i < size; i++) lanes[i & 7]! += dw[i]! * dw[i]!;
  const four = lanes.slice(0, 4).map((lane, j) => lane + lanes[j + 4]!);
  const norm = Math.sqrt(four[0]! + four[2]! + (four[1]! + four[3]!));
  const factor = fround(fround(limit) / (norm + 1e-6));
  if (factor >= 1) return;
  for (let i = 0; i < size; i++) dw[i] = fround(dw[i]! * factor);
}

const limited = { options: { limit: 1 }, ranges: { limit: positive } } as const;

/**
 * Ways to bound gradients, each with a limit c > 0, default 1:
 *
 * - `value`: every number to [−c, c];
 * - `norm`: the norm of each parameter's gradient to c;
 * - `globalNorm`: the norm of all gradients together to c, so that their direction stays.
 */
export const clippings = {
  value: { kernel: 'clipValue', over: 'block', ...limited },
  norm: { kernel: 'clipNorm', over: 'tensor', ...limited },
  globalNorm: { kernel: 'clipNorm', over: 'block', ...limited },
} as const;
