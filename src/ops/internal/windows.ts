/**
 * How windows lie on an image of [height, width, channels]: the sizes that kernels read from a table.
 * Window (oy, ox) begins at row oy · strideY − top and column ox · strideX − left, and has a value every
 * dilationY rows and dilationX columns. What lies outside of the image is padding. A sequence is an
 * image of one row.
 */
export interface Windows {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly strideY: number;
  readonly strideX: number;
  readonly dilationY: number;
  readonly dilationX: number;
  readonly top: number;
  readonly left: number;
}

/** The sizes in a table that holds them in their order. */
export function readWindows(table: Int32Array): Windows {
  return {
    height: table[0]!,
    width: table[1]!,
    channels: table[2]!,
    outHeight: table[3]!,
    outWidth: table[4]!,
    kernelHeight: table[5]!,
    kernelWidth: table[6]!,
    strideY: table[7]!,
    strideX: table[8]!,
    dilationY: table[9]!,
    dilationX: table[10]!,
    top: table[11]!,
    left: table[12]!,
  };
}

/**
 * Where a value of a window stands in its image, counted in positions; −1 in the padding.
 *
 * @param ky the row within the window, and kx the column
 */
export function placeIn(w: Windows, oy: number, ox: number, ky: number, kx: number): number {
  const iy = oy * w.strideY - w.top + ky * w.dilationY;
  const ix = ox * w.strideX - w.left + kx * w.dilationX;
  const inside = iy >= 0 && iy < w.height && ix >= 0 && ix < w.width;
  return inside ? iy * w.width + ix : -1;
}

/**
 * The window that holds position `at` as its value `k`, along one dimension: undefined where none
 * does, since strides go past it. It may lie outside of the output.
 */
export function windowAt(
  at: number,
  k: number,
  stride: number,
  dilation: number,
  before: number,
): number | undefined {
  const start = at + before - k * dilation;
  return start % stride === 0 ? start / stride : undefined;
}
