import { laneMask } from './internal/simd';
import { Windows } from './internal/windows';

/* See src/ops/pooling.ts for the formulas, the layout and the order of every sum. */

const MAX_FORWARD = 0;
const MAX_BACKWARD = 1;
const AVERAGE_FORWARD = 2;
const AVERAGE_BACKWARD = 3;
const SPREAD = 4;
const SUM = 5;

/**
 * Goes through the windows of all images in order, and through the channels of each by fours. `out` is
 * the array with a row for each window, `places` that of the places, and x that with the windows' values.
 */
// @ts-ignore: decorator
@inline
function pool(
  what: i32, out: usize, places: usize, x: usize, shape: Windows, batch: i32, pitch: i32,
): void {
  const stride = <usize>pitch << 2;
  const height = shape.height, width = shape.width, channels = shape.channels;
  const image = <usize>(height * width) * stride;
  for (let n = 0; n < batch; ++n) {
    for (let oy = 0; oy < shape.outHeight; ++oy) {
      const iy = oy * shape.strideY - shape.top;
      const top = max(0, -iy), bottom = min(shape.kernelHeight, height - iy);
      for (let ox = 0; ox < shape.outWidth; ++ox) {
        const ix = ox * shape.strideX - shape.left;
        const left = max(0, -ix), right = min(shape.kernelWidth, width - ix);
        const count = f32x4.splat(<f32>((bottom - top) * (right - left)));
        const first = x + <usize>((iy + top) * width + ix + left) * stride;
        for (let c = 0; c < channels; c += 4) {
          const at = <usize>c << 2, mask = laneMask(channels - c);
          let value = f32x4.splat(0), place = value;
          if (what == MAX_FORWARD) {
            value = v128.load(first + at);
            place = f32x4.splat(<f32>(top * shape.kernelWidth + left));
          } else if (what == MAX_BACKWARD) {
            value = v128.load(out + at);
            place = v128.load(places + at);
          } else if (what == SPREAD) {
            value = v128.and(v128.load(out + at), mask);
          } else if (what == AVERAGE_BACKWARD) {
            value = f32x4.div(v128.load(out + at), count);
          }
          let row = first + at;
          for (let ky = top; ky < bottom; ++ky) {
            let from = row;
            for (let kx = left; kx < right; ++kx) {
              const other = v128.load(from);
              const here = f32x4.splat(<f32>(ky * shape.kernelWidth + kx));
              if (what == MAX_FORWARD) {
                const takes = v128.or(f32x4.gt(other, value), f32x4.ne(other, other));
                value = v128.bitselect(other, value, takes);
                place = v128.bitselect(here, place, takes);
              } else if (what == MAX_BACKWARD) {
                const share = v128.and(value, v128.and(f32x4.eq(place, here), mask));
                v128.store(from, f32x4.add(other, share));
              } else if (what == AVERAGE_FORWARD || what == SUM) {
                value = f32x4.add(value, other);
              } else if (what == SPREAD) {
                v128.store(from, value);
              } else {
                v128.store(from, f32x4.add(other, v128.and(value, mask)));
              }
              from += stride;
            }
            row += <usize>width * stride;
          }
          if (what == MAX_FORWARD) {
            v128.store(out + at, v128.and(value, mask));
            v128.store(places + at, v128.and(place, mask));
          } else if (what == AVERAGE_FORWARD) {
            v128.store(out + at, v128.and(f32x4.div(value, count), mask));
          } else if (what == SUM) {
            v128.store(out + at, v128.and(value, mask));
          }
        }
        out += stride;
        places += stride;
      }
    }
    x += image;
  }
}

/** Zeros in all of dx. */
function clear(dx: usize, shape: Windows, batch: i32, pitch: i32): void {
  memory.fill(dx, 0, <usize>(batch * shape.height * shape.width * pitch) << 2);
}

export function maxPoolingForward(
  y: usize, places: usize, x: usize, windows: usize, batch: i32, pitch: i32,
): void {
  pool(MAX_FORWARD, y, places, x, changetype<Windows>(windows), batch, pitch);
}

export function maxPoolingBackward(
  dx: usize, dy: usize, places: usize, windows: usize, batch: i32, pitch: i32,
): void {
  const shape = changetype<Windows>(windows);
  clear(dx, shape, batch, pitch);
  pool(MAX_BACKWARD, dy, places, dx, shape, batch, pitch);
}

export function averagePoolingForward(
  y: usize, x: usize, windows: usize, batch: i32, pitch: i32,
): void {
  pool(AVERAGE_FORWARD, y, 0, x, changetype<Windows>(windows), batch, pitch);
}

export function averagePoolingBackward(
  dx: usize, dy: usize, windows: usize, batch: i32, pitch: i32,
): void {
  const shape = changetype<Windows>(windows);
  clear(dx, shape, batch, pitch);
  pool(AVERAGE_BACKWARD, dy, 0, dx, shape, batch, pitch);
}

export function upSamplingForward(
  y: usize, x: usize, windows: usize, batch: i32, pitch: i32,
): void {
  pool(SPREAD, x, 0, y, changetype<Windows>(windows), batch, pitch);
}

export function upSamplingBackward(
  dx: usize, dy: usize, windows: usize, batch: i32, pitch: i32,
): void {
  pool(SUM, dx, 0, dy, changetype<Windows>(windows), batch, pitch);
}
