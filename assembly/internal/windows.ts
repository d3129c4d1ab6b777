/**
 * Windows on images, one a row of a matrix, so that the matrix products of dense layers convolve. See
 * src/ops/internal/windows.ts for what the sizes mean. Pointers and strides are in bytes.
 */

/** The table of sizes, as it stands in memory. */
@unmanaged @final
export class Windows {
  height: i32;
  width: i32;
  channels: i32;
  outHeight: i32;
  outWidth: i32;
  kernelHeight: i32;
  kernelWidth: i32;
  strideY: i32;
  strideX: i32;
  dilationY: i32;
  dilationX: i32;
  top: i32;
  left: i32;
}

/** Floats of the largest panel, unless 32 windows are more. */
const PANEL = 16384;

/** The stride of rows of `columns` floats: an odd multiple of 64 bytes from 64 floats on. */
export function strideOf(columns: i32): usize {
  if (columns < 64) return <usize>((columns + 7) & -8) << 2;
  return <usize>((((columns + 15) >> 4) | 1) << 4) << 2;
}

/** How many windows of `size` floats stand in a panel at a time. */
export function panelRows(size: i32): i32 {
  return max(32, min(128, (PANEL / <i32>(strideOf(size) >> 2)) & -8));
}

/** Zeros up to `end`. */
// @ts-ignore: decorator
@inline
export function fill(to: usize, end: usize): usize {
  while (to + 16 <= end) {
    v128.store(to, f32x4.splat(0));
    to += 16;
  }
  while (to != end) {
    store<f32>(to, 0);
    to += 4;
  }
  return to;
}

/** Floats up to `end`. */
// @ts-ignore: decorator
@inline
function copy(to: usize, from: usize, end: usize): usize {
  while (to + 16 <= end) {
    v128.store(to, v128.load(from));
    to += 16;
    from += 16;
  }
  while (to != end) {
    store<f32>(to, load<f32>(from));
    to += 4;
    from += 4;
  }
  return to;
}

/**
 * Writes `count` windows from number `first` on, one a row: `channels` of each position, which begin
 * at x, in the order of rows and columns, and zeros for the padding.
 */
export function packWindows(
  to: usize, toStride: usize, x: usize, shape: Windows, channels: i32, first: i32, count: i32,
  imageStride: usize, pixelStride: usize,
): void {
  const height = shape.height, width = shape.width;
  const outHeight = shape.outHeight, outWidth = shape.outWidth;
  const kernelHeight = shape.kernelHeight, kernelWidth = shape.kernelWidth;
  const size = <usize>channels << 2;
  const whole = pixelStride == size && shape.dilationX == 1;
  let ox = first % outWidth, oy = first / outWidth % outHeight;
  let image = x + <usize>(first / outWidth / outHeight) * imageStride;
  do {
    let at = to;
    const left = ox * shape.strideX - shape.left;
    let iy = oy * shape.strideY - shape.top;
    for (let ky = 0; ky < kernelHeight; ++ky) {
      const end = at + <usize>kernelWidth * size;
      const row = image + <usize>(iy * width) * pixelStride;
      if (<u32>iy >= <u32>height) {
        at = fill(at, end);
      } else if (whole) {
        // The positions of a row of the window stand next to each other.
        const from = min(kernelWidth, max(0, -left)), until = max(from, min(kernelWidth, width - left));
        at = fill(at, at + <usize>from * size);
        at = copy(at, row + <usize>(left + from) * size, at + <usize>(until - from) * size);
        at = fill(at, end);
      } else {
        let ix = left;
        for (let kx = 0; kx < kernelWidth; ++kx) {
          if (<u32>ix >= <u32>width) at = fill(at, at + size);
          else at = copy(at, row + <usize>ix * pixelStride, at + size);
          ix += shape.dilationX;
        }
      }
      iy += shape.dilationY;
    }
    to += toStride;
    if (++ox == outWidth) {
      ox = 0;
      if (++oy == outHeight) {
        oy = 0;
        image += imageStride;
      }
    }
  } while (--count);
}
