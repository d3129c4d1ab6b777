import { fround } from '../math.js';
import type { Floats } from './definition.js';
import { softmaxBackward, softmaxForward } from './softmax.js';

/*
 * Scaled dot-product self-attention with several heads, between the projections of an attention layer.
 *
 * Layout: x, dx [batch · steps][xPitch] hold the queries q, keys k and values v of each step, 3 · heads ·
 * size columns, in each of the three the heads one behind another. y, dy [batch · steps][yPitch] hold
 * heads · size columns, and p [batch · heads · steps][pPitch] the weights that each step gives to all
 * `steps` of its sequence. mask [batch][maskPitch] says with 1 and 0 which of these count; a maskPitch of 0
 * makes its first number that of all. ds [batch · steps][pPitch] is room to work in. Nothing may alias. Sums begin
 * at +0 and run in the order stated; what is left out has weight 0, and stays a term of sums.
 * Floats behind the columns become 0 up to the next multiple of four in WebAssembly.
 */

/** Whether step i takes nothing from step j: from one behind it, or one that does not count but itself. */
const isLeftOut = (i: number, j: number, causal: number, counts: number) =>
  (causal === 1 && j > i) || (counts === 0 && j !== i);

/**
 * Per sequence and head: s[i, j] = scale · Σ_c q[i, c] · k[j, c], but −∞ for j > i where `causal` is 1, and
 * for j ≠ i where mask[j] is 0; p = softmax(s), row by row; y[i, c] = Σ_j p[i, j] · v[j, c]. So no row of
 * s is −∞ throughout.
 *
 * Order: columns 0, 1, 2 … and then the scale; the softmax as `softmaxForward` has it; steps j 0, 1, 2 …
 */
export function attentionForward(
  y: Floats,
  p: Floats,
  x: Floats,
  mask: Int32Array,
  batch: number,
  steps: number,
  heads: number,
  size: number,
  yPitch: number,
  pPitch: number,
  xPitch: number,
  maskPitch: number,
  causal: number,
  scale: number,
): void {
  const factor = fround(scale);
  const units = heads * size;
  for (let b = 0; b < batch; b++) {
    const row = b * steps;
    for (let h = 0; h < heads; h++) {
      const q = row * xPitch + h * size;
      const [k, v] = [q + units, q + 2 * units];
      const weights = p.subarray((b * heads + h) * steps * pPitch);
      for (let i = 0; i < steps; i++) {
        for (let j = 0; j < steps; j++) {
          let s = 0;
          for (let c = 0; c < size; c++) {
            s = fround(s + fround(x[q + i * xPitch + c]! * x[k + j * xPitch + c]!));
          }
          const counts = mask[maskPitch === 0 ? 0 : b * maskPitch + j]!;
          const leftOut = isLeftOut(i, j, causal, counts);
          weights[i * pPitch + j] = leftOut ? Number.NEGATIVE_INFINITY : fround(factor * s);
        }
      }
      softmaxForward(weights, weights, steps, steps, pPitch);
      const to = row * yPitch + h * size;
      for (let i = 0; i < steps; i++) {
        for (let c = 0; c < size; c++) {
          let s = 0;
          for (let j = 0; j < steps; j++) {
            s = fround(s + fround(weights[i * pPitch + j]! * x[v + j * xPitch + c]!));
          }
          y[to + i * yPitch + c] = s;
        }
      }
    }
  }
}

/**
 * Per sequence and head: dp[i, j] = Σ_c dy[i, c] · v[j, c]; ds = scale · the gradient of the softmax;
 * dq[i, c] = Σ_j ds[i, j] · k[j, c]; dk[j, c] = Σ_i ds[i, j] · q[i, c]; dv[j, c] = Σ_i p[i, j] · dy[i, c].
 *
 * Order: columns, or steps, 0, 1, 2 …; the gradient of the softmax as `softmaxBackward` has it, then the
 * scale.
 */
export function attentionBackward(
  dx: Floats,
  ds: Floats,
  dy: Floats,
  x: Floats,
  p: Floats,
  batch: number,
  steps: number,
  heads: number,
  size: number,
  yPitch: number,
  pPitch: number,
  xPitch: number,
  scale: number,
): void {
  const factor = fround(scale);
  const units = heads * size;
  for (let b = 0; b < batch; b++) {
    const row = b * steps;
    const slopes = ds.subarray(row * pPitch);
    for (let h = 0; h < heads; h++) {
      const q = row * xPitch + h * size;
      const [k, v] = [q + units, q + 2 * units];
      const from = row * yPitch + h * size;
      const weights = p.subarray((b * heads + h) * steps * pPitch);
      for (let i = 0; i < steps; i++) {
        for (let j = 0; j < steps; j++) {
          let s = 0;
          for (let c = 0; c < size; c++) {
            s = fround(s + fround(dy[from + i * yPitch + c]! * x[v + j * xPitch + c]!));
          }
          slopes[i * pPitch + j] = s;
        }
      }
      softmaxBackward(slopes, slopes, weights, steps, steps, pPitch);
      for (let i = 0; i < steps; i++) {
        for (let j = 0; j < steps; j++) {
          slopes[i * pPitch + j] = fround(factor * slopes[i * pPitch + j]!);
        }
      }
      for (let t = 0; t < steps; t++) {
        for (let c = 0; c < size; c++) {
          let dq = 0;
          let dk = 0;
          let dv = 0;
          for (let i = 0; i < steps; i++) {
            dq = fround(dq + fround(slopes[t * pPitch + i]! * x[k + i * xPitch + c]!));
            dk = fround(dk + fround(slopes[i * pPitch + t]! * x[q + i * xPitch + c]!));
            dv = fround(dv + fround(weights[i * pPitch + t]! * dy[from + i * yPitch + c]!));
          }
          dx[q + t * xPitch + c] = dq;
          dx[k + t * xPitch + c] = dk;
          dx[v + t * xPitch + c] = dv;
        }
      }
    }
  }
}
