import { fround } from '../math.js';
import type { Floats } from './definition.js';
import { addRows } from './merge.js';

/*
 * Tables whose rows are looked up by number: y[r, p] = w[x[r, p]].
 *
 * Layout: x [rows][xPitch] holds `positions` numbers a row; y, dy [rows · positions][pitch] and w, dw
 * [vocabulary][pitch] hold `units` columns. What stands at a position is the place of a row of w,
 * checked before it comes here. What is none all the same makes a row of NaN and has no gradient: no
 * kernel reads or writes beside w. Gradients are added to the rows of dw in the order of the rows of x,
 * and of the positions in them.
 */

/** The row of w that a number stands for, −1 for none. */
function rowOf(index: number, vocabulary: number): number {
  return index >= 0 && index < vocabulary ? Math.trunc(index) : -1;
}

/** y[r · positions + p, c] = w[x[r, p], c] */
export function embeddingForward(
  y: Floats,
  x: Floats,
  w: Floats,
  rows: number,
  positions: number,
  units: number,
  vocabulary: number,
  xPitch: number,
  pitch: number,
): void {
  let to = 0;
  for (let r = 0; r < rows; r++) {
    for (let p = 0; p < positions; p++, to += pitch) {
      const row = rowOf(x[r * xPitch + p]!, vocabulary);
      const from = row * pitch;
      for (let c = 0; c < units; c++) y[to + c] = row < 0 ? Number.NaN : w[from + c]!;
    }
  }
}

/** dw[i, c] = Σ dy[r · positions + p, c] over all places where x[r, p] is i. */
export function embeddingBackward(
  dw: Floats,
  dy: Floats,
  x: Floats,
  rows: number,
  positions: number,
  units: number,
  vocabulary: number,
  xPitch: number,
  pitch: number,
): void {
  dw.fill(0, 0, vocabulary * pitch);
  embeddingBackwardOnto(dw, dy, x, rows, positions, units, vocabulary, xPitch, pitch);
}

/** The same sums, added to dw. */
export function embeddingBackwardOnto(
  dw: Floats,
  dy: Floats,
  x: Floats,
  rows: number,
  positions: number,
  units: number,
  vocabulary: number,
  xPitch: number,
  pitch: number,
): void {
  let from = 0;
  for (let r = 0; r < rows; r++) {
    for (let p = 0; p < positions; p++, from += pitch) {
      const row = rowOf(x[r * xPitch + p]!, vocabulary);
      if (row < 0) continue;
      const to = row * pitch;
      for (let c = 0; c < units; c++) dw[to + c] = fround(dw[to + c]! + dy[from + c]!);
    }
  }
}

/**
 * w[i, c] ← w[i, c] − η · dw[i, c] for the rows i that occur in x, and no others, with the sums of
 * `embeddingBackward` and the rate η = hyper[0] rounded to float32: the work follows what occurs.
 *
 * dw serves to add up in; of the rows that occur it is 0 afterwards, the others are not touched.
 */
export function embeddingBackwardSgd(
  w: Floats,
  dw: Floats,
  dy: Floats,
  x: Floats,
  hyper: Float64Array,
  rows: number,
  positions: number,
  units: number,
  vocabulary: number,
  xPitch: number,
  pitch: number,
): void {
  const rate = fround(hyper[0]!);
  const eachRow = (visit: (at: number) => void) => {
    for (let r = 0; r < rows; r++) {
      for (let p = 0; p < positions; p++) {
        const row = rowOf(x[r * xPitch + p]!, vocabulary);
        if (row >= 0) visit(row * pitch);
      }
    }
  };
  eachRow((at) => dw.fill(0, at, at + units));
  embeddingBackwardOnto(dw, dy, x, rows, positions, units, vocabulary, xPitch, pitch);
  // A row that comes again steps by 0, which leaves it as it is.
  eachRow((at) => {
    for (let i = at; i < at + units; i++) {
      w[i] = fround(w[i]! - fround(rate * dw[i]!));
      dw[i] = 0;
    }
  });
}

/**
 * y[r · positions + p, c] = x[r · positions + p, c] + w[p, c]: a vector for each position, learnt like
 * those of an embedding. y may be x.
 */
export function positionsForward(
  y: Floats,
  x: Floats,
  w: Floats,
  rows: number,
  positions: number,
  units: number,
  pitch: number,
): void {
  const size = positions * pitch;
  for (let at = 0; at < rows * size; at += size) {
    addRows(y.subarray(at), x.subarray(at), w, positions, units, pitch);
  }
}

/** dw[p, c] = Σ_r dy[r · positions + p, c], rows 0, 1, 2 … added to +0. */
export function positionsBackward(
  dw: Floats,
  dy: Floats,
  rows: number,
  positions: number,
  units: number,
  pitch: number,
): void {
  dw.fill(0, 0, positions * pitch);
  positionsBackwardOnto(dw, dy, rows, positions, units, pitch);
}

/** The same sums, added to dw. */
export function positionsBackwardOnto(
  dw: Floats,
  dy: Floats,
  rows: number,
  positions: number,
  units: number,
  pitch: number,
): void {
  const size = positions * pitch;
  for (let at = 0; at < rows * size; at += size) {
    addRows(dw, dw, dy.subarray(at), positions, units, pitch);
  }
}
