import { fround } from '../math.js';
import type { Floats } from './definition.js';

/*
 * Where values come together or part: the sums and the rows that several layers give at once, and rows
 * that hold several positions. Matrices are padded as those of dense layers are, and what a kernel
 * writes ends in zeros up to the next multiple of four columns.
 */

/**
 * y[r, c] = a[r, c] + b[r, c]: two values, or two shares of one gradient. y may be a or b, and these
 * may be one.
 */
export function addRows(
  y: Floats,
  a: Floats,
  b: Floats,
  rows: number,
  columns: number,
  pitch: number,
): void {
  for (let r = 0; r < rows; r++) {
    for (let i = r * pitch, end = i + columns; i < end; i++) y[i] = fround(a[i]! + b[i]!);
  }
}

/**
 * y[r, yStart + c] = x[r, xStart + c] for `columns` columns: into wider rows, or out of them. Behind
 * them, up to the next multiple of four columns, y becomes 0: parts are to be copied in order.
 */
export function copyColumns(
  y: Floats,
  x: Floats,
  rows: number,
  columns: number,
  yStart: number,
  yPitch: number,
  xStart: number,
  xPitch: number,
): void {
  const end = yStart + columns;
  const filled = Math.ceil(end / 4) * 4;
  for (let r = 0; r < rows; r++) {
    const to = r * yPitch + yStart;
    const from = r * xPitch + xStart;
    for (let c = 0; c < columns; c++) y[to + c] = x[from + c]!;
    for (let c = end; c < filled; c++) y[r * yPitch + c] = 0;
  }
}

/**
 * Rows that hold `positions` times `columns` numbers, parted into as many rows:
 * y[r · positions + p, c] = x[r, p · columns + c].
 */
export function splitRows(
  y: Floats,
  x: Floats,
  rows: number,
  positions: number,
  columns: number,
  yPitch: number,
  xPitch: number,
): void {
  const filled = Math.ceil(columns / 4) * 4;
  for (let r = 0; r < rows; r++) {
    for (let p = 0; p < positions; p++) {
      const to = (r * positions + p) * yPitch;
      const from = r * xPitch + p * columns;
      for (let c = 0; c < columns; c++) y[to + c] = x[from + c]!;
      for (let c = columns; c < filled; c++) y[to + c] = 0;
    }
  }
}

/** The way back: y[r, p · columns + c] = x[r · positions + p, c]. */
export function joinRows(
  y: Floats,
  x: Floats,
  rows: number,
  positions: number,
  columns: number,
  yPitch: number,
  xPitch: number,
): void {
  const end = positions * columns;
  const filled = Math.ceil(end / 4) * 4;
  for (let r = 0; r < rows; r++) {
    for (let p = 0; p < positions; p++) {
      const to = r * yPitch + p * columns;
      const from = (r * positions + p) * xPitch;
      for (let c = 0; c < columns; c++) y[to + c] = x[from + c]!;
    }
    for (let c = end; c < filled; c++) y[r * yPitch + c] = 0;
  }
}
