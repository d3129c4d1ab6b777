import { expShare, fround } from '../math.js';
import type { ActivationDefinition, Floats } from './definition.js';

/**
 * y[r, j] = exp(z[r, j] − m) / Σ_j exp(z[r, j] − m), m the largest of the row: the sum in order of
 * the classes, then one division, and a product per class. Classes below m − 43 are exactly 0 (`expShare`).
 *
 * y may be z. The padding is not touched here and stays zero in WebAssembly, which takes four rows
 * at once, the last of them repeated where there are fewer. Largest error 4 + |z − m| + columns ULP.
 * A row with NaN or +∞ in it, or of −∞ alone, becomes NaN.
 */
export function softmaxForward(
  y: Floats,
  z: Floats,
  rows: number,
  columns: number,
  pitch: number,
): void {
  for (let r = 0; r < rows; r++) {
    const start = r * pitch;
    const end = start + columns;
    let max = z[start]!;
    for (let i = start + 1; i < end; i++) max = max < z[i]! ? z[i]! : max;
    let sum = 0;
    for (let i = start; i < end; i++) {
      const e = expShare(fround(z[i]! - max));
      y[i] = e;
      sum = fround(sum + e);
    }
    const inverse = fround(1 / sum);
    for (let i = start; i < end; i++) y[i] = fround(y[i]! * inverse);
  }
}

/**
 * dz[r, j] = y[r, j]·(dy[r, j] − Σ_k dy[r, k]·y[r, k]), the sum in order of the classes from +0.
 * dz may be dy. Rows and padding as in `softmaxForward`.
 */
export function softmaxBackward(
  dz: Floats,
  dy: Floats,
  y: Floats,
  rows: number,
  columns: number,
  pitch: number,
): void {
  for (let r = 0; r < rows; r++) {
    const start = r * pitch;
    const end = start + columns;
    let dot = 0;
    for (let i = start; i < end; i++) dot = fround(dot + fround(dy[i]! * y[i]!));
    for (let i = start; i < end; i++) dz[i] = fround(y[i]! * fround(dy[i]! - dot));
  }
}

export const softmax = {
  slopeFrom: 'y',
  mixes: true,
  positive: true,
  options: {},
  initializer: 'glorotUniform',
} as const satisfies ActivationDefinition;
