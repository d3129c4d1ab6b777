import { fround } from '../math.js';
import type { Floats } from './definition.js';

/*
 * Masks: which rows of a matrix count, 1, and which are left out, 0. A sequence has one for each step.
 *
 * Layout: mask [rows], without padding; x, y [rows][pitch] hold `columns` columns. Padding of what is
 * written is zero up to the next four columns.
 */

/** mask[r] = 1 where a column of x[r] is not `value`, else 0; the value is rounded to float32. */
export function maskRows(
  mask: Int32Array,
  x: Floats,
  rows: number,
  columns: number,
  pitch: number,
  value: number,
): void {
  const left = fround(value);
  for (let r = 0; r < rows; r++) {
    const row = x.subarray(r * pitch, r * pitch + columns);
    mask[r] = row.some((given) => given !== left) ? 1 : 0;
  }
}

/** y[r] = x[r] where mask[r] is 1, else +0. y may be x. */
export function keepRows(
  y: Floats,
  x: Floats,
  mask: Int32Array,
  rows: number,
  columns: number,
  pitch: number,
): void {
  for (let r = 0; r < rows; r++) {
    for (let i = r * pitch, end = i + columns; i < end; i++) y[i] = mask[r] === 1 ? x[i]! : 0;
  }
}

/** How many of `steps` numbers of a mask are 1, from number `first` on. */
function count(mask: Int32Array, first: number, steps: number): number {
  return mask.subarray(first, first + steps).reduce((sum, counts) => sum + counts, 0);
}

/**
 * y[n] = (Σ x[n · steps + t]) / count over the steps t of sequence n that count, +0 where none does:
 * x [batch · steps][pitch], y [batch][pitch].
 *
 * Order: steps, added to +0.
 */
export function stepsMeanForward(
  y: Floats,
  x: Floats,
  mask: Int32Array,
  batch: number,
  steps: number,
  columns: number,
  pitch: number,
): void {
  for (let n = 0; n < batch; n++) {
    const first = n * steps;
    const counted = count(mask, first, steps);
    for (let c = 0; c < columns; c++) {
      let sum = 0;
      for (let r = first; r < first + steps; r++) {
        if (mask[r] === 1) sum = fround(sum + x[r * pitch + c]!);
      }
      y[n * pitch + c] = counted === 0 ? 0 : fround(sum / counted);
    }
  }
}

/** dx[n · steps + t] = dy[n] / count where step t counts, else +0. */
export function stepsMeanBackward(
  dx: Floats,
  dy: Floats,
  mask: Int32Array,
  batch: number,
  steps: number,
  columns: number,
  pitch: number,
): void {
  for (let n = 0; n < batch; n++) {
    const first = n * steps;
    const counted = count(mask, first, steps);
    for (let r = first; r < first + steps; r++) {
      for (let c = 0; c < columns; c++) {
        dx[r * pitch + c] = mask[r] === 1 ? fround(dy[n * pitch + c]! / counted) : 0;
      }
    }
  }
}
