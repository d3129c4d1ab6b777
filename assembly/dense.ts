import {
  descendTN,
  multiplyGatedNN,
  multiplyNN,
  multiplyNT,
  multiplyOntoTN,
  multiplyTN,
} from './internal/gemm';
import {
  descendColumnsTN,
  descendRowTN,
  multiplyRowInOrderNT,
  multiplyRowNN,
  multiplyRowNT,
  multiplyRowTN,
  transpose,
} from './internal/gemv';
import { scratch } from './internal/scratch';
import { hasNegativeZero, leavesOut, sparseNN, sparseTN } from './internal/sparse';
import { laneMask, stepped } from './internal/simd';

/*
 * See src/ops/dense.ts for the formulas, the layout and the order of every sum. Rows of w are
 * allocated up to a multiple of 8.
 */

export function denseForward(
  y: usize, x: usize, w: usize, b: usize, batch: i32, inputs: i32, units: i32,
  xPitch: i32, yPitch: i32, floor: f32,
): void {
  const xStride = <usize>xPitch << 2, yStride = <usize>yPitch << 2;
  if (batch == 1) {
    multiplyRowNN(y, x, w, b, units, inputs, yStride, floor);
  } else if (
    leavesOut(x, batch, inputs, units, xStride, w, inputs, yStride) && !hasNegativeZero(b, units)
  ) {
    sparseNN(y, x, w, b, batch, units, inputs, xStride, yStride, floor);
  } else {
    multiplyNN(y, x, w, b, batch, units, inputs, xStride, yStride, floor);
  }
}

export function denseBackwardInput(
  dx: usize, dz: usize, w: usize, x: usize, batch: i32, inputs: i32, units: i32,
  xPitch: i32, zPitch: i32, floor: f32,
): void {
  const zStride = <usize>zPitch << 2, xStride = <usize>xPitch << 2;
  const gate = x - dx;
  if (units <= 12 && inputs >= 8) {
    if (batch == 1) {
      multiplyRowInOrderNT(dx, dz, w, gate, inputs, units, zStride, floor);
    } else {
      const stride = <usize>((inputs + 7) & -8) << 2;
      transpose(scratch, w, inputs, units, zStride, stride);
      multiplyGatedNN(
        dx, dz, scratch, gate, batch, inputs, units, zStride, stride, xStride, floor,
      );
    }
  } else if (batch == 1) {
    multiplyRowNT(dx, dz, w, gate, inputs, units, zStride, floor);
  } else {
    multiplyNT(dx, dz, w, gate, batch, inputs, units, zStride, zStride, xStride, floor);
  }
}

export function denseBackwardWeights(
  dw: usize, x: usize, dz: usize, batch: i32, inputs: i32, units: i32, xPitch: i32, zPitch: i32,
): void {
  const xStride = <usize>xPitch << 2, zStride = <usize>zPitch << 2;
  if (batch == 1) {
    multiplyRowTN(dw, x, dz, inputs, units, zStride);
  } else if (leavesOut(x, batch, inputs, units, xStride, dz, batch, zStride)) {
    sparseTN(dw, x, dz, batch, inputs, units, xStride, zStride, false, 0);
  } else {
    multiplyTN(dw, x, dz, batch, inputs, units, xStride, zStride);
  }
}

export function denseBackwardWeightsOnto(
  dw: usize, x: usize, dz: usize, batch: i32, inputs: i32, units: i32, xPitch: i32, zPitch: i32,
): void {
  multiplyOntoTN(dw, x, dz, batch, inputs, units, <usize>xPitch << 2, <usize>zPitch << 2);
}

export function denseBackwardWeightsSgd(
  w: usize, x: usize, dz: usize, hyper: usize, batch: i32, inputs: i32, units: i32,
  xPitch: i32, zPitch: i32,
): void {
  const xStride = <usize>xPitch << 2, zStride = <usize>zPitch << 2;
  const rate = <f32>load<f64>(hyper);
  if (batch == 1) {
    descendRowTN(w, x, dz, inputs, units, zStride, rate);
  } else if (
    // Where no row adds to a weight, a step by such a rate leaves it as it is.
    rate > 0 && rate < Infinity && leavesOut(x, batch, inputs, units, xStride, dz, batch, zStride)
  ) {
    sparseTN(w, x, dz, batch, inputs, units, xStride, zStride, true, rate);
  } else {
    descendTN(w, x, dz, batch, inputs, units, xStride, zStride, rate);
  }
}

/** Sums of 4 · `vectors` columns at a time: 16 of them, or up to 4, past which zeros are stored. */
// @ts-ignore: decorator
@inline
function sumRows(
  vectors: i32, c: usize, dz: usize, end: usize, stride: usize, columns: i32, onto: bool,
  descend: bool, rate: v128,
): void {
  let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
  if (onto) {
    s0 = v128.load(c);
    if (vectors > 1) {
      s1 = v128.load(c, 16);
      s2 = v128.load(c, 32);
      s3 = v128.load(c, 48);
    }
  }
  do {
    s0 = f32x4.add(s0, v128.load(dz));
    if (vectors > 1) {
      s1 = f32x4.add(s1, v128.load(dz, 16));
      s2 = f32x4.add(s2, v128.load(dz, 32));
      s3 = f32x4.add(s3, v128.load(dz, 48));
    }
    dz += stride;
  } while (dz != end);
  if (descend) {
    s0 = stepped(c, s0, rate);
    if (vectors > 1) {
      s1 = stepped(c + 16, s1, rate);
      s2 = stepped(c + 32, s2, rate);
      s3 = stepped(c + 48, s3, rate);
    }
  }
  v128.store(c, vectors > 1 ? s0 : v128.and(s0, laneMask(columns)));
  if (vectors > 1) {
    v128.store(c, s1, 16);
    v128.store(c, s2, 32);
    v128.store(c, s3, 48);
  }
}

/** c = the biases' gradient, added `onto` c or from +0, or c − rate · that to `descend`. */
function biasGradient(
  c: usize, dz: usize, batch: i32, units: i32, zPitch: i32, onto: bool, descend: bool, rate: v128,
): void {
  const stride = <usize>zPitch << 2;
  const size = <usize>batch * stride;
  while (units >= 16) {
    sumRows(4, c, dz, dz + size, stride, units, onto, descend, rate);
    c += 64;
    dz += 64;
    units -= 16;
  }
  while (units > 0) {
    sumRows(1, c, dz, dz + size, stride, units, onto, descend, rate);
    c += 16;
    dz += 16;
    units -= 4;
  }
}

export function denseBackwardBias(
  db: usize, dz: usize, batch: i32, units: i32, zPitch: i32,
): void {
  biasGradient(db, dz, batch, units, zPitch, false, false, f32x4.splat(0));
}

export function denseBackwardBiasOnto(
  db: usize, dz: usize, batch: i32, units: i32, zPitch: i32,
): void {
  biasGradient(db, dz, batch, units, zPitch, true, false, f32x4.splat(0));
}

export function denseBackwardBiasSgd(
  b: usize, dz: usize, hyper: usize, batch: i32, units: i32, zPitch: i32,
): void {
  const rate = f32x4.splat(<f32>load<f64>(hyper));
  biasGradient(b, dz, batch, units, zPitch, false, true, rate);
}

export function denseBackwardRowSgd(
  w: usize, b: usize, x: usize, dz: usize, hyper: usize, inputs: i32, units: i32, zPitch: i32,
): void {
  descendColumnsTN(w, b, x, dz, inputs, units, <usize>zPitch << 2, <f32>load<f64>(hyper));
}
