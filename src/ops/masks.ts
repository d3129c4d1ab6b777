import { fround } from '../math.js';
import type { Floats } from './definition.js';

/*
 * Masks: which rows of a matrix count, 1, and which are left out, 0. A sequence has one for each step.
 *
 * Layout: mask [rows], without padding; x, y [rows][pitch] hold `columns` columns. Nothing is rounded.
 * Padding of what is written is zero up to the next four columns.
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
