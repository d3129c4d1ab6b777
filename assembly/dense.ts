import { descendTN, multiplyGatedNN, multiplyNN, multiplyNT, multiplyTN } from './internal/gemm';
import {
  descendRowTN,
  multiplyRowInOrderNT,
  multiplyRowNN,
  multiplyRowNT,
  multiplyRowTN,
  transpose,
} from './internal/gemv';
import { scratch } from './internal/scratch';
import { hasNegativeZero, leavesOut, sparseNN, sparseTN } from './internal/sparse';
import { laneMask } from './internal/simd';

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
    sparseTN(dw, x, dz, batch, inputs, units, xStride, zStride, 0);
  } else {
    multiplyTN(dw, x, dz, batch, inputs, units, xStride, zStride);
  }
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
    rate > 0 && rate < Infinity && leavesOut(x, batch, inputs, units, xStride, dz, batch, zStride)
  ) {
    sparseTN(w, x, dz, batch, inputs, units, xStride, zStride, rate);
  } else {
    descendTN(w, x, dz, batch, inputs, units, xStride, zStride, rate);
  }
}

/** Sums of 16 columns at a time (4 · `vectors`), of which those before `columns` are kept. */
// @ts-ignore: decorator
@inline
function sumRows(
  vectors: i32, sgd: bool, b: usize, dz: usize, end: usize, stride: usize, columns: i32,
  rate: v128,
): void {
  let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
  do {
    s0 = f32x4.add(s0, v128.load(dz));
    if (vectors > 1) {
      s1 = f32x4.add(s1, v128.load(dz, 16));
      s2 = f32x4.add(s2, v128.load(dz, 32));
      s3 = f32x4.add(s3, v128.load(dz, 48));
    }
    dz += stride;
  } while (dz != end);
  storeSum(sgd, b, s0, columns, rate);
  if (vectors > 1) {
    storeSum(sgd, b + 16, s1, columns - 4, rate);
    storeSum(sgd, b + 32, s2, columns - 8, rate);
    storeSum(sgd, b + 48, s3, columns - 12, rate);
  }
}

// @ts-ignore: decorator
@inline
function storeSum(sgd: bool, b: usize, sum: v128, columns: i32, rate: v128): void {
  const value = sgd ? f32x4.sub(v128.load(b), f32x4.mul(rate, sum)) : sum;
  v128.store(b, v128.and(value, laneMask(columns)));
}

// @ts-ignore: decorator
@inline
function biasGradient(
  sgd: bool, b: usize, dz: usize, batch: i32, units: i32, zPitch: i32, rate: v128,
): void {
  const stride = <usize>zPitch << 2;
  const size = <usize>batch * stride;
  while (units >= 16) {
    sumRows(4, sgd, b, dz, dz + size, stride, units, rate);
    b += 64;
    dz += 64;
    units -= 16;
  }
  while (units > 0) {
    sumRows(1, sgd, b, dz, dz + size, stride, units, rate);
    b += 16;
    dz += 16;
    units -= 4;
  }
}

export function denseBackwardBias(
  db: usize, dz: usize, batch: i32, units: i32, zPitch: i32,
): void {
  biasGradient(false, db, dz, batch, units, zPitch, f32x4.splat(0));
}

export function denseBackwardBiasSgd(
  b: usize, dz: usize, hyper: usize, batch: i32, units: i32, zPitch: i32,
): void {
  biasGradient(true, b, dz, batch, units, zPitch, f32x4.splat(<f32>load<f64>(hyper)));
}
