import { multiplyGatedNN, multiplyTN } from './internal/gemm';
import { transpose } from './internal/gemv';
import { scratch } from './internal/scratch';
import { softmaxBackward, softmaxForward } from './softmax';

/*
 * See src/ops/attention.ts for formulas, layout and the order of sums. Each head's matrices are copied
 * out of the rows that all heads share, [steps rounded up to 4][size rounded up to 8], since products
 * work on whole vectors: what these hold of the next head ends in columns that are not stored.
 *
 * Scratch, in floats (up8 rounds up to a multiple of 8): room of steps · (min(up8(steps), 256) + 8) that
 * products use themselves, and of five matrices of up8(steps) · up8(size).
 */

/** Copies a head's `size` columns of `steps` rows, and what follows them up to whole vectors. */
// @ts-ignore: decorator
@inline
function takeHead(to: usize, from: usize, steps: i32, stride: usize, toStride: usize): void {
  do {
    let at: usize = 0;
    do {
      v128.store(to + at, v128.load(from + at));
      at += 16;
    } while (at != toStride);
    to += toStride;
    from += stride;
  } while (--steps);
}

/** Copies them back among those of the other heads, which stay. */
// @ts-ignore: decorator
@inline
function putHead(to: usize, from: usize, steps: i32, size: i32, stride: usize, fromStride: usize): void {
  const whole = <usize>(size & -4) << 2;
  const bytes = <usize>size << 2;
  do {
    let at: usize = 0;
    for (; at < whole; at += 16) v128.store(to + at, v128.load(from + at));
    for (; at < bytes; at += 4) store<f32>(to + at, load<f32>(from + at));
    to += stride;
    from += fromStride;
  } while (--steps);
}

/** Zeros behind `columns` columns of rows, up to the next multiple of four. */
function clearTails(to: usize, rows: i32, columns: i32, stride: usize): void {
  if ((columns & 3) == 0) return;
  to += <usize>(columns & -4) << 2;
  do {
    v128.store(to, f32x4.splat(0));
    to += stride;
  } while (--rows);
}

/** s ← scale · s */
function scaled(s: usize, steps: i32, stride: usize, scale: f32): void {
  const factor = f32x4.splat(scale);
  for (let i = 0; i < steps; ++i) {
    let j = 0, at = s;
    do {
      v128.store(at, f32x4.mul(v128.load(at), factor));
      at += 16;
      j += 4;
    } while (j < steps);
    s += stride;
  }
}

/** s ← −∞ where step i takes nothing from step j: see `isLeftOut` in the twin. */
function leaveOut(
  s: usize, mask: usize, steps: i32, stride: usize, causal: bool, masked: bool,
): void {
  const lowest = f32x4.splat(-Infinity);
  const ifCausal = i32x4.splat(-i32(causal)), ifMasked = i32x4.splat(-i32(masked));
  for (let i = 0; i < steps; ++i) {
    const own = i32x4.splat(i);
    let j = 0, at = s, counts = mask;
    do {
      const places = i32x4.add(i32x4.splat(j), i32x4(0, 1, 2, 3));
      const behind = v128.and(i32x4.gt_s(places, own), ifCausal);
      const others = v128.andnot(ifMasked, i32x4.eq(places, own));
      const padding = v128.and(i32x4.eq(v128.load(counts), i32x4.splat(0)), others);
      v128.store(at, v128.bitselect(lowest, v128.load(at), v128.or(padding, behind)));
      at += 16;
      counts += 16;
      j += 4;
    } while (j < steps);
    s += stride;
  }
}

export function attentionForward(
  y: usize, p: usize, x: usize, mask: usize, batch: i32, steps: i32, heads: i32, size: i32,
  yPitch: i32, pPitch: i32, xPitch: i32, maskPitch: i32, causal: i32, scale: f32,
): void {
  const yStride = <usize>yPitch << 2, pStride = <usize>pPitch << 2, xStride = <usize>xPitch << 2;
  const headStride = <usize>((size + 7) & -8) << 2, turnedStride = <usize>((steps + 7) & -8) << 2;
  const matrix = <usize>((steps + 7) & -8) * headStride;
  const head = scratch, turned = head + matrix;
  const units = <usize>(heads * size) << 2, width = <usize>size << 2;
  clearTails(y, batch * steps, heads * size, yStride);
  do {
    let q = x, to = y, left = heads;
    do {
      takeHead(head, q + units, steps, xStride, headStride);
      transpose(turned, head, steps, size, headStride, turnedStride);
      multiplyGatedNN(p, q, turned, 0, steps, steps, size, xStride, turnedStride, pStride, NaN);
      scaled(p, steps, pStride, scale);
      if (causal | maskPitch) leaveOut(p, mask, steps, pStride, causal == 1, maskPitch != 0);
      softmaxForward(p, p, steps, steps, pPitch);
      takeHead(head, q + 2 * units, steps, xStride, headStride);
      multiplyGatedNN(turned, p, head, 0, steps, size, steps, pStride, headStride, headStride, NaN);
      putHead(to, turned, steps, size, yStride, headStride);
      q += width;
      to += width;
      p += <usize>steps * pStride;
    } while (--left);
    x += <usize>steps * xStride;
    y += <usize>steps * yStride;
    mask += <usize>maskPitch << 2;
  } while (--batch);
}

export function attentionBackward(
  dx: usize, ds: usize, dy: usize, x: usize, p: usize, batch: i32, steps: i32, heads: i32,
  size: i32, yPitch: i32, pPitch: i32, xPitch: i32, scale: f32,
): void {
  const yStride = <usize>yPitch << 2, pStride = <usize>pPitch << 2, xStride = <usize>xPitch << 2;
  const headStride = <usize>((size + 7) & -8) << 2, turnedStride = <usize>((steps + 7) & -8) << 2;
  const matrix = <usize>((steps + 7) & -8) * headStride;
  // Products of transposed matrices pack panels at the beginning of scratch.
  const panels = <usize>steps * <usize>(min((steps + 7) & -8, 256) + 8) << 2;
  const head = scratch + ((panels + 31) & -32), turned = head + matrix, slope = turned + matrix;
  const units = <usize>(heads * size) << 2, width = <usize>size << 2;
  clearTails(dx, batch * steps, 3 * heads * size, xStride);
  do {
    let q = x, dq = dx, from = dy, left = heads;
    do {
      takeHead(slope, from, steps, yStride, headStride);
      takeHead(head, q + 2 * units, steps, xStride, headStride);
      transpose(turned, head, steps, size, headStride, turnedStride);
      multiplyGatedNN(ds, slope, turned, 0, steps, steps, size, headStride, turnedStride, pStride, NaN);
      softmaxBackward(ds, ds, p, steps, steps, pPitch);
      scaled(ds, steps, pStride, scale);

      multiplyTN(turned, p, slope, steps, steps, size, pStride, headStride);
      putHead(dq + 2 * units, turned, steps, size, xStride, headStride);

      takeHead(head, q + units, steps, xStride, headStride);
      multiplyGatedNN(turned, ds, head, 0, steps, size, steps, pStride, headStride, headStride, NaN);
      putHead(dq, turned, steps, size, xStride, headStride);

      takeHead(head, q, steps, xStride, headStride);
      multiplyTN(turned, ds, head, steps, steps, size, pStride, headStride);
      putHead(dq + units, turned, steps, size, xStride, headStride);
      q += width;
      dq += width;
      from += width;
      p += <usize>steps * pStride;
    } while (--left);
    x += <usize>steps * xStride;
    dx += <usize>steps * xStride;
    dy += <usize>steps * yStride;
    ds += <usize>steps * pStride;
  } while (--batch);
}
