import { fround } from '../math.js';
import type { Floats } from './definition.js';

/*
 * Penalties l1·Σ|y| + l2·Σy² on the size of weights or activations, and constraints that a step is
 * followed by. They work on padded matrices; the padding of activations may hold anything, so it is
 * left out of sums, and that of gradients and weights stays zero.
 */

/**
 * sums[epoch] += times · Σ_r Σ_c (l1·|y[r, c]| + l2·y[r, c]²). A row's sum is kept in four lanes,
 * column c in lane c mod 4, joined as (l0 + l2) + (l1 + l3); the rows are added in order, in float64.
 * Which epoch of this run it is stands in `counters`. Stops the list unless the sum is finite.
 */
export function addPenalty(
  sums: Float64Array,
  y: Floats,
  counters: Int32Array,
  rows: number,
  columns: number,
  pitch: number,
  times: number,
  l1: number,
  l2: number,
): boolean {
  const epoch = counters[3]!;
  const [a, b] = [fround(l1), fround(l2)];
  const lanes = [0, 0, 0, 0];
  let total = sums[epoch]!;
  for (let r = 0; r < rows; r++) {
    lanes.fill(0);
    for (let c = 0; c < columns; c++) {
      const value = y[r * pitch + c]!;
      const square = fround(b * fround(value * value));
      lanes[c & 3] = fround(lanes[c & 3]! + fround(fround(a * Math.abs(value)) + square));
    }
    const pairs = [fround(lanes[0]! + lanes[2]!), fround(lanes[1]! + lanes[3]!)] as const;
    total += times * fround(pairs[0] + pairs[1]);
  }
  sums[epoch] = total;
  return !Number.isFinite(total);
}

/**
 * The slope of a penalty, added to a gradient: dy += s1·sign(y) + s2·y, or, where `keep` is 0, put in
 * its place. Padding of dy becomes, or stays, zero. sign(0) is 0.
 */
export function addPenaltySlope(
  dy: Floats,
  y: Floats,
  rows: number,
  columns: number,
  pitch: number,
  keep: number,
  s1: number,
  s2: number,
): void {
  const [a, b] = [fround(s1), fround(s2)];
  for (let r = 0; r < rows; r++) {
    for (let i = r * pitch, end = i + columns; i < end; i++) {
      const value = y[i]!;
      const sign = value > 0 ? a : value < 0 ? -a : 0;
      const slope = fround(sign + fround(b * value));
      dy[i] = fround((keep === 0 ? 0 : dy[i]!) + slope);
    }
  }
}

/** w ← max(w, 0). NaN stays. */
export function nonNegativeConstraint(
  w: Floats,
  rows: number,
  columns: number,
  pitch: number,
): void {
  for (let r = 0; r < rows; r++) {
    for (let i = r * pitch, end = i + columns; i < end; i++) if (w[i]! < 0) w[i] = 0;
  }
}

/**
 * Where the norm of a column, the weights into one unit, is above the limit m, the column becomes
 * w·m/‖w‖. Squares are summed over the rows in order, in float64; the factor is rounded once.
 */
export function maxNormConstraint(
  w: Floats,
  rows: number,
  columns: number,
  pitch: number,
  limit: number,
): void {
  const most = fround(limit);
  for (let c = 0; c < columns; c++) {
    const end = rows * pitch;
    let sum = 0;
    for (let i = c; i < end; i += pitch) sum += w[i]! * w[i]!;
    const norm = Math.sqrt(sum);
    if (!(norm > most)) continue;
    const factor = fround(most / norm);
    for (let i = c; i < end; i += pitch) w[i] = fround(w[i]! * factor);
  }
}

/**
 * Constraints on parameters, kernels `<name>Constraint`. Option of `maxNorm`: limit m > 0 of the norm
 * of the weights into each unit, default 2.
 */
export const constraints = {
  nonNegative: { options: {} },
  maxNorm: { options: { limit: 2 }, ranges: { limit: [2 ** -149, 2 ** 127] } },
} as const;
