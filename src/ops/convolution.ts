import { fround } from '../math.js';
import type { Floats } from './definition.js';
import { placeIn, readWindows, type Windows, windowAt } from './internal/windows.js';

/*
 * Convolution over images of [height, width, channels], and its gradients. `windows` is the table of
 * sizes that internal/windows.ts describes. `groups` are equal parts of channels and filters, in their
 * order: filters see the C = channels / groups channels of their own group.
 *
 * Layout: a position of an image in x and dx holds `channels` floats; the next one is `pixelPitch`
 * further on, the next image `imagePitch`. So x may be flat or by position; dx is by position. y and dz
 * are by position, [batch · outHeight · outWidth][pitch] with `filters` columns. w and dw are
 * [kernelHeight · kernelWidth · C][pitch of y] with `filters` columns. Padding of rows as in dense.ts.
 *
 * Padding of images is zeros that take part: they make a NaN of weights that are not finite. In
 * WebAssembly a panel of windows at a time stands in scratch, one a row, and the matrix products of
 * dense layers do the rest.
 */

/**
 * y[o, j] = max(b[j] + Σ x[o + (ky, kx), c] · w[(ky, kx, c), j], floor)
 *
 * Order: b, then ky, kx and c, the last one fastest. `floor` is as in `denseForward`.
 */
export function convolutionForward(
  y: Floats,
  x: Floats,
  w: Floats,
  b: Floats,
  windows: Int32Array,
  batch: number,
  filters: number,
  groups: number,
  imagePitch: number,
  pixelPitch: number,
  yPitch: number,
  floor: number,
): void {
  const shape = readWindows(windows);
  const { outHeight, outWidth, kernelHeight, kernelWidth } = shape;
  const channels = shape.channels / groups;
  const each = filters / groups;
  const bound = fround(floor);
  let to = 0;
  for (let n = 0; n < batch; n++) {
    for (let oy = 0; oy < outHeight; oy++) {
      for (let ox = 0; ox < outWidth; ox++, to += yPitch) {
        for (let j = 0; j < filters; j++) y[to + j] = b[j]!;
        let p = 0;
        for (let ky = 0; ky < kernelHeight; ky++) {
          for (let kx = 0; kx < kernelWidth; kx++) {
            const place = placeIn(shape, oy, ox, ky, kx);
            const from = n * imagePitch + place * pixelPitch;
            for (let c = 0; c < channels; c++, p += yPitch) {
              for (let g = 0, j = 0; g < groups; g++) {
                const value = place < 0 ? 0 : x[from + g * channels + c]!;
                for (const end = j + each; j < end; j++) {
                  y[to + j] = fround(y[to + j]! + fround(value * w[p + j]!));
                }
              }
            }
          }
        }
        for (let j = 0; j < filters; j++) if (y[to + j]! < bound) y[to + j] = bound;
      }
    }
  }
}

/**
 * dx[i, c] = x[i, c] ≤ floor ? 0 : Σ dz[o, j] · w[(ky, kx, c), j] over the windows o that hold position i
 * as their value (ky, kx)
 *
 * Order: windows by row and column, and in each the filters of the channel's group, added to +0.
 * Windows that would hold i if the output went on count with zeros. `floor` is as in
 * `denseBackwardInput`.
 */
export function convolutionBackwardInput(
  dx: Floats,
  dz: Floats,
  w: Floats,
  x: Floats,
  windows: Int32Array,
  batch: number,
  filters: number,
  groups: number,
  imagePitch: number,
  pixelPitch: number,
  zPitch: number,
  floor: number,
): void {
  const shape = readWindows(windows);
  const bound = fround(floor);
  const sizes = [batch, filters, groups, imagePitch, pixelPitch, zPitch] as const;
  transpose(dx, dz, w, undefined, shape, ...sizes, (at) => {
    if (x[at]! <= bound) dx[at] = 0;
  });
}

/**
 * y[i, c] = max(b[c] + Σ x[o, j] · w[(ky, kx, c), j], floor) over the windows o that hold position i as their
 * value (ky, kx): the transpose of a convolution of y, as `convolutionBackwardInput` is, taken forward. So
 * `windows` lie on y, x has the filters of that convolution and is by position, and y has its channels.
 *
 * Order: b, then windows by row and column, and in each j. Windows that would hold i if x went on count
 * with zeros. `floor` is as in `denseForward`.
 */
export function convolutionTransposedForward(
  y: Floats,
  x: Floats,
  w: Floats,
  b: Floats,
  windows: Int32Array,
  batch: number,
  filters: number,
  imagePitch: number,
  pixelPitch: number,
  xPitch: number,
  floor: number,
): void {
  const shape = readWindows(windows);
  const bound = fround(floor);
  const sizes = [batch, filters, 1, imagePitch, pixelPitch, xPitch] as const;
  transpose(y, x, w, b, shape, ...sizes, (at) => {
    if (y[at]! < bound) y[at] = bound;
  });
}

/**
 * The transpose of a convolution: to[i, c] = b[c] + Σ z[o, j] · w[(ky, kx, c), j], without b from +0, in
 * the order that is told above. `finish` is called for each number when its sum is complete.
 */
function transpose(
  to: Floats,
  z: Floats,
  w: Floats,
  b: Floats | undefined,
  shape: Windows,
  batch: number,
  filters: number,
  groups: number,
  imagePitch: number,
  pixelPitch: number,
  zPitch: number,
  finish: (at: number) => void,
): void {
  const { height, width, outHeight, outWidth, kernelHeight, kernelWidth } = shape;
  const channels = shape.channels / groups;
  const each = filters / groups;
  for (let n = 0; n < batch; n++) {
    for (let iy = 0; iy < height; iy++) {
      for (let ix = 0; ix < width; ix++) {
        const at = n * imagePitch + (iy * width + ix) * pixelPitch;
        for (let c = 0; c < shape.channels; c++) to[at + c] = b ? b[c]! : 0;
        for (let ky = kernelHeight - 1; ky >= 0; ky--) {
          const oy = windowAt(iy, ky, shape.strideY, shape.dilationY, shape.top);
          if (oy === undefined) continue;
          for (let kx = kernelWidth - 1; kx >= 0; kx--) {
            const ox = windowAt(ix, kx, shape.strideX, shape.dilationX, shape.left);
            if (ox === undefined) continue;
            const inside = oy >= 0 && oy < outHeight && ox >= 0 && ox < outWidth;
            const from = ((n * outHeight + oy) * outWidth + ox) * zPitch;
            const row = (ky * kernelWidth + kx) * channels;
            for (let j = 0; j < filters; j++) {
              const value = inside ? z[from + j]! : 0;
              const first = at + Math.floor(j / each) * channels;
              for (let c = 0; c < channels; c++) {
                const product = fround(value * w[(row + c) * zPitch + j]!);
                to[first + c] = fround(to[first + c]! + product);
              }
            }
          }
        }
        for (let i = at; i < at + shape.channels; i++) finish(i);
      }
    }
  }
}

/**
 * dw[(ky, kx, c), j] = Σ x[o + (ky, kx), c] · dz[o, j]
 *
 * Order: images, and the windows o of each by row and column, added to +0.
 */
export function convolutionBackwardWeights(
  dw: Floats,
  x: Floats,
  dz: Floats,
  windows: Int32Array,
  batch: number,
  filters: number,
  groups: number,
  imagePitch: number,
  pixelPitch: number,
  zPitch: number,
): void {
  const { kernelHeight, kernelWidth, channels } = readWindows(windows);
  const rows = (kernelHeight * kernelWidth * channels) / groups;
  for (let i = 0; i < rows; i++) dw.fill(0, i * zPitch, i * zPitch + filters);
  convolutionBackwardWeightsOnto(
    dw,
    x,
    dz,
    windows,
    batch,
    filters,
    groups,
    imagePitch,
    pixelPitch,
    zPitch,
  );
}

/**
 * dw[(ky, kx, c), j] ← dw[(ky, kx, c), j] + Σ x[o + (ky, kx), c] · dz[o, j]
 *
 * Order: as `convolutionBackwardWeights`, added to dw, so that a batch taken in parts gives the bits of
 * the whole.
 */
export function convolutionBackwardWeightsOnto(
  dw: Floats,
  x: Floats,
  dz: Floats,
  windows: Int32Array,
  batch: number,
  filters: number,
  groups: number,
  imagePitch: number,
  pixelPitch: number,
  zPitch: number,
): void {
  const shape = readWindows(windows);
  const { outHeight, outWidth, kernelHeight, kernelWidth } = shape;
  const channels = shape.channels / groups;
  const each = filters / groups;
  let from = 0;
  for (let n = 0; n < batch; n++) {
    for (let oy = 0; oy < outHeight; oy++) {
      for (let ox = 0; ox < outWidth; ox++, from += zPitch) {
        let p = 0;
        for (let ky = 0; ky < kernelHeight; ky++) {
          for (let kx = 0; kx < kernelWidth; kx++) {
            const place = placeIn(shape, oy, ox, ky, kx);
            const at = n * imagePitch + place * pixelPitch;
            for (let c = 0; c < channels; c++, p += zPitch) {
              for (let g = 0, j = 0; g < groups; g++) {
                const value = place < 0 ? 0 : x[at + g * channels + c]!;
                for (const end = j + each; j < end; j++) {
                  dw[p + j] = fround(dw[p + j]! + fround(value * dz[from + j]!));
                }
              }
            }
          }
        }
      }
    }
  }
}
