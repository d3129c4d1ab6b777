import { fround } from '../math.js';
import type { Floats } from './definition.js';
import { placeIn, readWindows, type Windows } from './internal/windows.js';

/*
 * Pooling over windows of images, channel by channel. All arrays are by position, with `channels` columns
 * of one pitch: x and dx [batch · height · width], y, dy and places [batch · outHeight · outWidth]. What is
 * outside of an image does not count, and every window holds some of it. Padding of rows as in dense.ts.
 */

/**
 * y[o, c] = max x[o + (ky, kx), c]; places[o, c] = ky · kernelWidth + kx of the first that is it
 *
 * A NaN is larger than all else; the last one counts.
 */
export function maxPoolingForward(
  y: Floats,
  places: Floats,
  x: Floats,
  windows: Int32Array,
  batch: number,
  pitch: number,
): void {
  const shape = readWindows(windows);
  eachValue(shape, batch, (n, oy, ox, to) => {
    for (let i = to * pitch, c = 0; c < shape.channels; i++, c++) {
      let [best, place] = [Number.NEGATIVE_INFINITY, -1];
      for (let k = 0; k < shape.kernelHeight * shape.kernelWidth; k++) {
        const from = rowOfValue(shape, n, oy, ox, k);
        if (from < 0) continue;
        const value = x[from * pitch + c]!;
        if (place < 0 || value > best || Number.isNaN(value)) [best, place] = [value, k];
      }
      y[i] = best;
      places[i] = place;
    }
  });
}

/**
 * dx[i, c] = Σ dy[o, c] over the windows o whose largest value is that of position i
 *
 * Order: windows by row and column, added to +0.
 */
export function maxPoolingBackward(
  dx: Floats,
  dy: Floats,
  places: Floats,
  windows: Int32Array,
  batch: number,
  pitch: number,
): void {
  const shape = readWindows(windows);
  clear(dx, shape, batch, pitch);
  eachValue(shape, batch, (n, oy, ox, from) => {
    for (let i = from * pitch, c = 0; c < shape.channels; i++, c++) {
      const to = rowOfValue(shape, n, oy, ox, places[i]!) * pitch + c;
      dx[to] = fround(dx[to]! + dy[i]!);
    }
  });
}

/**
 * y[o, c] = (Σ x[o + (ky, kx), c]) / count, count being how many of the window's values are in the image
 *
 * Order: rows and columns of the window, added to +0.
 */
export function averagePoolingForward(
  y: Floats,
  x: Floats,
  windows: Int32Array,
  batch: number,
  pitch: number,
): void {
  const shape = readWindows(windows);
  eachValue(shape, batch, (n, oy, ox, to) => {
    const inside = rowsOfWindow(shape, n, oy, ox);
    for (let i = to * pitch, c = 0; c < shape.channels; i++, c++) {
      let sum = 0;
      for (const from of inside) sum = fround(sum + x[from * pitch + c]!);
      y[i] = fround(sum / inside.length);
    }
  });
}

/**
 * dx[i, c] = Σ dy[o, c] / count over the windows o that hold position i
 *
 * Order: windows by row and column, each divided by itself, added to +0.
 */
export function averagePoolingBackward(
  dx: Floats,
  dy: Floats,
  windows: Int32Array,
  batch: number,
  pitch: number,
): void {
  const shape = readWindows(windows);
  clear(dx, shape, batch, pitch);
  eachValue(shape, batch, (n, oy, ox, from) => {
    const inside = rowsOfWindow(shape, n, oy, ox);
    for (let i = from * pitch, c = 0; c < shape.channels; i++, c++) {
      const share = fround(dy[i]! / inside.length);
      for (const at of inside) {
        const to = at * pitch + c;
        dx[to] = fround(dx[to]! + share);
      }
    }
  });
}

/**
 * y[i, c] = x[o, c] for the positions i of window o: windows lie side by side on y, and x has their values.
 */
export function upSamplingForward(
  y: Floats,
  x: Floats,
  windows: Int32Array,
  batch: number,
  pitch: number,
): void {
  const shape = readWindows(windows);
  eachValue(shape, batch, (n, oy, ox, from) => {
    for (const to of rowsOfWindow(shape, n, oy, ox)) {
      for (let c = 0; c < shape.channels; c++) y[to * pitch + c] = x[from * pitch + c]!;
    }
  });
}

/**
 * dx[o, c] = Σ dy[i, c] over the positions i of window o
 *
 * Order: rows and columns of the window, added to +0.
 */
export function upSamplingBackward(
  dx: Floats,
  dy: Floats,
  windows: Int32Array,
  batch: number,
  pitch: number,
): void {
  const shape = readWindows(windows);
  eachValue(shape, batch, (n, oy, ox, to) => {
    const rows = rowsOfWindow(shape, n, oy, ox);
    for (let i = to * pitch, c = 0; c < shape.channels; i++, c++) {
      let sum = 0;
      for (const row of rows) sum = fround(sum + dy[row * pitch + c]!);
      dx[i] = sum;
    }
  });
}

/** Visits the windows of all images, and says which row of the outputs is theirs. */
function eachValue(
  { outHeight, outWidth }: Windows,
  batch: number,
  visit: (n: number, oy: number, ox: number, row: number) => void,
): void {
  let row = 0;
  for (let n = 0; n < batch; n++) {
    for (let oy = 0; oy < outHeight; oy++) {
      for (let ox = 0; ox < outWidth; ox++) visit(n, oy, ox, row++);
    }
  }
}

/** The row of the inputs that holds value number `k` of a window; −1 outside of the image. */
function rowOfValue(shape: Windows, n: number, oy: number, ox: number, k: number): number {
  const place = placeIn(shape, oy, ox, Math.floor(k / shape.kernelWidth), k % shape.kernelWidth);
  return place < 0 ? place : n * shape.height * shape.width + place;
}

/** The rows of the inputs that a window holds. */
function rowsOfWindow(shape: Windows, n: number, oy: number, ox: number): number[] {
  const all = Array.from({ length: shape.kernelHeight * shape.kernelWidth }, (_, k) =>
    rowOfValue(shape, n, oy, ox, k),
  );
  return all.filter((row) => row >= 0);
}

function clear(dx: Floats, { height, width, channels }: Windows, batch: number, pitch: number) {
  for (let r = 0; r < batch * height * width; r++) dx.fill(0, r * pitch, r * pitch + channels);
}
