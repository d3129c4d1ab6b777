import { fround } from '../math.js';
import type { Floats } from './definition.js';

/*
 * The dense layer y = x·w + b and its gradients.
 *
 * Layout: x, dx [batch][xPitch] hold `inputs` columns; y, z, dz [batch][yPitch or zPitch] hold
 * `units`; w, dw [inputs][pitch of z] and b, db [pitch of z] hold `units`. Floats between the
 * columns and the pitch are zero: no kernel here writes them, and the vector kernels mask what they
 * would write, so that they stay zero under NaN and infinity too. No array may alias another unless
 * said so below. Sums are one chain each, in the order stated; loops take four outputs at a time
 * where that leaves every chain as it is, and single ones for the rest. The order follows from the
 * layer's shape alone: a row of a batch comes out as the same row alone. Every term counts, also
 * those of inputs that are 0: they make a NaN of weights that are not finite, and +0 of a −0.
 */

/**
 * y[r, j] = max(b[j] + Σ_i x[r, i] · w[i, j], floor)
 *
 * Order: b, then inputs 0, 1, 2 … `floor` is the lower bound of a fused relu, −∞ for none; a NaN is
 * not less than it and stays, and so does −0 at floor 0. A layer without bias passes a row of zeros
 * as b.
 */
export function denseForward(
  y: Floats,
  x: Floats,
  w: Floats,
  b: Floats,
  batch: number,
  inputs: number,
  units: number,
  xPitch: number,
  yPitch: number,
  floor: number,
): void {
  const bound = fround(floor);
  const blocks = units - (units % 4);
  for (let r = 0; r < batch; r++) {
    const from = r * xPitch;
    const to = r * yPitch;
    let j = 0;
    for (; j < blocks; j += 4) {
      let s0 = b[j]!;
      let s1 = b[j + 1]!;
      let s2 = b[j + 2]!;
      let s3 = b[j + 3]!;
      for (let i = 0, p = j; i < inputs; i++, p += yPitch) {
        const value = x[from + i]!;
        s0 = fround(s0 + fround(value * w[p]!));
        s1 = fround(s1 + fround(value * w[p + 1]!));
        s2 = fround(s2 + fround(value * w[p + 2]!));
        s3 = fround(s3 + fround(value * w[p + 3]!));
      }
      y[to + j] = s0 < bound ? bound : s0;
      y[to + j + 1] = s1 < bound ? bound : s1;
      y[to + j + 2] = s2 < bound ? bound : s2;
      y[to + j + 3] = s3 < bound ? bound : s3;
    }
    for (; j < units; j++) {
      let s = b[j]!;
      for (let i = 0, p = j; i < inputs; i++, p += yPitch) {
        s = fround(s + fround(x[from + i]! * w[p]!));
      }
      y[to + j] = s < bound ? bound : s;
    }
  }
}

/**
 * dx[r, i] = x[r, i] ≤ floor ? 0 : Σ_j dz[r, j] · w[i, j]
 *
 * The condition is the slope of a lower bound that the layer below has applied to give x: floor is
 * 0 above a relu, and NaN where nothing is to be masked.
 *
 * Order: a layer with units ≤ 12 and inputs ≥ 8 adds units 0, 1, 2 … to +0. Any other keeps four
 * lanes from +0, lane l adding units l, l + 4, l + 8 …, joined as (l0 + l2) + (l1 + l3).
 */
export function denseBackwardInput(
  dx: Floats,
  dz: Floats,
  w: Floats,
  x: Floats,
  batch: number,
  inputs: number,
  units: number,
  xPitch: number,
  zPitch: number,
  floor: number,
): void {
  const bound = fround(floor);
  if (units <= 12 && inputs >= 8) {
    inputGradientInOrder(dx, dz, w, x, batch, inputs, units, xPitch, zPitch, bound);
  } else {
    inputGradientInLanes(dx, dz, w, x, batch, inputs, units, xPitch, zPitch, bound);
  }
}

function inputGradientInOrder(
  dx: Floats,
  dz: Floats,
  w: Floats,
  x: Floats,
  batch: number,
  inputs: number,
  units: number,
  xPitch: number,
  zPitch: number,
  bound: number,
): void {
  const blocks = inputs - (inputs % 4);
  for (let r = 0; r < batch; r++) {
    const from = r * zPitch;
    const to = r * xPitch;
    let i = 0;
    for (; i < blocks; i += 4) {
      const row0 = i * zPitch;
      const row1 = row0 + zPitch;
      const row2 = row1 + zPitch;
      const row3 = row2 + zPitch;
      let s0 = 0;
      let s1 = 0;
      let s2 = 0;
      let s3 = 0;
      for (let j = 0; j < units; j++) {
        const value = dz[from + j]!;
        s0 = fround(s0 + fround(value * w[row0 + j]!));
        s1 = fround(s1 + fround(value * w[row1 + j]!));
        s2 = fround(s2 + fround(value * w[row2 + j]!));
        s3 = fround(s3 + fround(value * w[row3 + j]!));
      }
      dx[to + i] = x[to + i]! <= bound ? 0 : s0;
      dx[to + i + 1] = x[to + i + 1]! <= bound ? 0 : s1;
      dx[to + i + 2] = x[to + i + 2]! <= bound ? 0 : s2;
      dx[to + i + 3] = x[to + i + 3]! <= bound ? 0 : s3;
    }
    for (; i < inputs; i++) {
      let s = 0;
      for (let j = 0, p = i * zPitch; j < units; j++, p++) {
        s = fround(s + fround(dz[from + j]! * w[p]!));
      }
      dx[to + i] = x[to + i]! <= bound ? 0 : s;
    }
  }
}

function inputGradientInLanes(
  dx: Floats,
  dz: Floats,
  w: Floats,
  x: Floats,
  batch: number,
  inputs: number,
  units: number,
  xPitch: number,
  zPitch: number,
  bound: number,
): void {
  const blocks = units - (units % 4);
  const rest = units - blocks;
  for (let r = 0; r < batch; r++) {
    const from = r * zPitch;
    const to = r * xPitch;
    for (let i = 0; i < inputs; i++) {
      const end = from + blocks;
      let l0 = 0;
      let l1 = 0;
      let l2 = 0;
      let l3 = 0;
      let q = from;
      let p = i * zPitch;
      for (; q < end; q += 4, p += 4) {
        l0 = fround(l0 + fround(dz[q]! * w[p]!));
        l1 = fround(l1 + fround(dz[q + 1]! * w[p + 1]!));
        l2 = fround(l2 + fround(dz[q + 2]! * w[p + 2]!));
        l3 = fround(l3 + fround(dz[q + 3]! * w[p + 3]!));
      }
      if (rest > 0) l0 = fround(l0 + fround(dz[q]! * w[p]!));
      if (rest > 1) l1 = fround(l1 + fround(dz[q + 1]! * w[p + 1]!));
      if (rest > 2) l2 = fround(l2 + fround(dz[q + 2]! * w[p + 2]!));
      dx[to + i] = x[to + i]! <= bound ? 0 : fround(fround(l0 + l2) + fround(l1 + l3));
    }
  }
}

/**
 * dw[i, j] = Σ_r x[r, i] · dz[r, j]
 *
 * Order: rows 0, 1, 2 … added to +0.
 */
export function denseBackwardWeights(
  dw: Floats,
  x: Floats,
  dz: Floats,
  batch: number,
  inputs: number,
  units: number,
  xPitch: number,
  zPitch: number,
): void {
  const size = batch * xPitch;
  const blocks = units - (units % 4);
  for (let i = 0; i < inputs; i++) {
    const to = i * zPitch;
    let j = 0;
    for (; j < blocks; j += 4) {
      let s0 = 0;
      let s1 = 0;
      let s2 = 0;
      let s3 = 0;
      for (let p = i, q = j; p < size; p += xPitch, q += zPitch) {
        const value = x[p]!;
        s0 = fround(s0 + fround(value * dz[q]!));
        s1 = fround(s1 + fround(value * dz[q + 1]!));
        s2 = fround(s2 + fround(value * dz[q + 2]!));
        s3 = fround(s3 + fround(value * dz[q + 3]!));
      }
      dw[to + j] = s0;
      dw[to + j + 1] = s1;
      dw[to + j + 2] = s2;
      dw[to + j + 3] = s3;
    }
    for (; j < units; j++) {
      let s = 0;
      for (let p = i, q = j; p < size; p += xPitch, q += zPitch) {
        s = fround(s + fround(x[p]! * dz[q]!));
      }
      dw[to + j] = s;
    }
  }
}

/**
 * dw[i, j] ← dw[i, j] + Σ_r x[r, i] · dz[r, j]
 *
 * Order: rows 0, 1, 2 … added to dw, so that a batch taken in parts gives the bits of the whole.
 */
export function denseBackwardWeightsOnto(
  dw: Floats,
  x: Floats,
  dz: Floats,
  batch: number,
  inputs: number,
  units: number,
  xPitch: number,
  zPitch: number,
): void {
  const size = batch * xPitch;
  for (let i = 0; i < inputs; i++) {
    const to = i * zPitch;
    for (let j = 0; j < units; j++) {
      let s = dw[to + j]!;
      for (let p = i, q = j; p < size; p += xPitch, q += zPitch) {
        s = fround(s + fround(x[p]! * dz[q]!));
      }
      dw[to + j] = s;
    }
  }
}

/**
 * w[i, j] ← w[i, j] − η · Σ_r x[r, i] · dz[r, j], with the rate η = hyper[0] rounded to float32
 *
 * Order: as `denseBackwardWeights`; the rate is applied once, after the last row, so that the bits
 * are those of the gradient stored and then stepped. The layer's dx must have been taken before.
 */
export function denseBackwardWeightsSgd(
  w: Floats,
  x: Floats,
  dz: Floats,
  hyper: Float64Array,
  batch: number,
  inputs: number,
  units: number,
  xPitch: number,
  zPitch: number,
): void {
  const rate = fround(hyper[0]!);
  const size = batch * xPitch;
  const blocks = units - (units % 4);
  for (let i = 0; i < inputs; i++) {
    const to = i * zPitch;
    let j = 0;
    for (; j < blocks; j += 4) {
      let s0 = 0;
      let s1 = 0;
      let s2 = 0;
      let s3 = 0;
      for (let p = i, q = j; p < size; p += xPitch, q += zPitch) {
        const value = x[p]!;
        s0 = fround(s0 + fround(value * dz[q]!));
        s1 = fround(s1 + fround(value * dz[q + 1]!));
        s2 = fround(s2 + fround(value * dz[q + 2]!));
        s3 = fround(s3 + fround(value * dz[q + 3]!));
      }
      w[to + j] = fround(w[to + j]! - fround(rate * s0));
      w[to + j + 1] = fround(w[to + j + 1]! - fround(rate * s1));
      w[to + j + 2] = fround(w[to + j + 2]! - fround(rate * s2));
      w[to + j + 3] = fround(w[to + j + 3]! - fround(rate * s3));
    }
    for (; j < units; j++) {
      let s = 0;
      for (let p = i, q = j; p < size; p += xPitch, q += zPitch) {
        s = fround(s + fround(x[p]! * dz[q]!));
      }
      w[to + j] = fround(w[to + j]! - fround(rate * s));
    }
  }
}

/**
 * db[j] = Σ_r dz[r, j]
 *
 * Order: rows 0, 1, 2 … added to +0.
 */
export function denseBackwardBias(
  db: Floats,
  dz: Floats,
  batch: number,
  units: number,
  zPitch: number,
): void {
  const size = batch * zPitch;
  for (let j = 0; j < units; j++) {
    let s = 0;
    for (let q = j; q < size; q += zPitch) s = fround(s + dz[q]!);
    db[j] = s;
  }
}

/**
 * db[j] ← db[j] + Σ_r dz[r, j]
 *
 * Order: rows 0, 1, 2 … added to db.
 */
export function denseBackwardBiasOnto(
  db: Floats,
  dz: Floats,
  batch: number,
  units: number,
  zPitch: number,
): void {
  const size = batch * zPitch;
  for (let j = 0; j < units; j++) {
    let s = db[j]!;
    for (let q = j; q < size; q += zPitch) s = fround(s + dz[q]!);
    db[j] = s;
  }
}

/**
 * b[j] ← b[j] − η · Σ_r dz[r, j], with the rate η = hyper[0] rounded to float32
 *
 * Order: as `denseBackwardBias`; the rate is applied once, after the last row.
 */
export function denseBackwardBiasSgd(
  b: Floats,
  dz: Floats,
  hyper: Float64Array,
  batch: number,
  units: number,
  zPitch: number,
): void {
  const rate = fround(hyper[0]!);
  const size = batch * zPitch;
  for (let j = 0; j < units; j++) {
    let s = 0;
    for (let q = j; q < size; q += zPitch) s = fround(s + dz[q]!);
    b[j] = fround(b[j]! - fround(rate * s));
  }
}

/**
 * Both steps of a batch of one row, as the two kernels above make them:
 * w[i, j] ← w[i, j] − η · x[i] · dz[j] and b[j] ← b[j] − η · dz[j]
 *
 * It walks down the columns of w, so it is for layers small enough to stay in the nearest cache.
 */
export function denseBackwardRowSgd(
  w: Floats,
  b: Floats,
  x: Floats,
  dz: Floats,
  hyper: Float64Array,
  inputs: number,
  units: number,
  zPitch: number,
): void {
  denseBackwardWeightsSgd(w, x, dz, hyper, 1, inputs, units, inputs, zPitch);
  denseBackwardBiasSgd(b, dz, hyper, 1, units, zPitch);
}
