import { multiplyNN } from '../internal/gemm';
import { multiplyRowNN } from '../internal/gemv';

/**
 * The kernel of assembly/dense.ts without its way past inputs that are 0, which gives the same bits:
 * a module that is fetched for one prediction gains more by being short.
 */
export function denseForward(
  y: usize, x: usize, w: usize, b: usize, batch: i32, inputs: i32, units: i32,
  xPitch: i32, yPitch: i32, floor: f32,
): void {
  const xStride = <usize>xPitch << 2, yStride = <usize>yPitch << 2;
  if (batch == 1) {
    multiplyRowNN(y, x, w, b, units, inputs, yStride, floor);
  } else {
    multiplyNN(y, x, w, b, batch, units, inputs, xStride, yStride, floor);
  }
}
