import type { Floats } from './definition.js';

/*
 * Rows on their way between the user's dense, row-major arrays and the padded matrices that kernels
 * compute on. `counters` holds the cursor into the row indices, the number of output rows appended in
 * this run, the step of the training, the epoch within this run, the rows left of it, and the rows of
 * an epoch.
 */

/**
 * The rows of the next batch: x[r, c] = data[indices[cursor + r], c].
 * `data` is dense with `columns` floats a row; the padding of x stays zero.
 */
export function gatherRows(
  x: Floats,
  data: Floats,
  indices: Int32Array,
  counters: Int32Array,
  batch: number,
  columns: number,
  pitch: number,
): void {
  const cursor = counters[0]!;
  for (let r = 0; r < batch; r++) {
    const row = indices[cursor + r]! * columns;
    for (let c = 0; c < columns; c++) x[r * pitch + c] = data[row + c]!;
  }
}

/** The rows of the next batch and their targets, t, as `gatherRows` does each of them. */
export function gatherExamples(
  x: Floats,
  t: Floats,
  data: Floats,
  targets: Floats,
  indices: Int32Array,
  counters: Int32Array,
  batch: number,
  columns: number,
  targetColumns: number,
  pitch: number,
  targetPitch: number,
): void {
  gatherRows(x, data, indices, counters, batch, columns, pitch);
  gatherRows(t, targets, indices, counters, batch, targetColumns, targetPitch);
}

/** Dense rows into padded ones: x[r, c] = data[r, c]. */
export function padRows(
  x: Floats,
  data: Floats,
  batch: number,
  columns: number,
  pitch: number,
): void {
  for (let r = 0; r < batch; r++) {
    for (let c = 0; c < columns; c++) x[r * pitch + c] = data[r * columns + c]!;
  }
}

/** Padded rows behind those that this run has appended: data[appended + r, c] = x[r, c]. */
export function appendRows(
  data: Floats,
  x: Floats,
  counters: Int32Array,
  batch: number,
  columns: number,
  pitch: number,
): void {
  const first = counters[1]! * columns;
  for (let r = 0; r < batch; r++) {
    for (let c = 0; c < columns; c++) data[first + r * columns + c] = x[r * pitch + c]!;
  }
}

/**
 * Moves on: the cursor and the appended rows by `batch`, the step by `steps`; and to the next epoch
 * when no rows of this one are left.
 */
export function advanceBatch(counters: Int32Array, batch: number, steps: number): void {
  counters[0] = counters[0]! + batch;
  counters[1] = counters[1]! + batch;
  counters[2] = (counters[2]! + steps) | 0;
  counters[4] = counters[4]! - batch;
  if (counters[4] === 0) {
    counters[3] = counters[3]! + 1;
    counters[4] = counters[5]!;
  }
}

/** Counts the rows of a step that have come in parts: so many more, or, with 0, none any more. */
export function advancePart(counters: Int32Array, batch: number): void {
  counters[7] = batch === 0 ? 0 : counters[7]! + batch;
}

/**
 * Takes the learning rate of this step from those that the host has written ahead: the rate of step t
 * stands at t mod size, where size is a power of two. hyper[0] = rates[step mod size].
 */
export function takeRate(
  hyper: Float64Array,
  rates: Float64Array,
  counters: Int32Array,
  size: number,
): void {
  hyper[0] = rates[counters[2]! & (size - 1)]!;
}
