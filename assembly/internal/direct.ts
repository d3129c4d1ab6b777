import { scratch } from './scratch';
import { laneMask, multiplyAdd } from './simd';
import { fill, Windows } from './windows';

/**
 * Convolutions of many small groups, where no matrix is large enough for a product: every column of
 * the output is multiplied with its own values. Columns are parted into groups of `each`, that see the
 * `planes` values of their group at every position; sums take positions by row and column, and the planes
 * of each.
 *
 * A band of the padded image stands in scratch, for some of the columns: at every position as many
 * vectors as there are planes, in which each column finds its own value. So a tap of the kernel is a
 * distance within the band, whatever the padding.
 *
 * Pointers, strides and steps are in bytes. Scratch, in floats, behind `used` bytes:
 *   BAND + taps rounded up to a multiple of 16, where a window has `taps` values that a column sees
 */

/** Floats of the largest band. */
const BAND = 16384;
/** The most columns that a band is for. */
const COLUMNS = 32;

/** How the outputs are cut: so many rows, positions and columns at a time. */
let bandRows: i32 = 0;
let bandPositions: i32 = 0;
let bandColumns: i32 = 0;

function across(shape: Windows, positions: i32): i32 {
  return (positions - 1) * shape.strideX + (shape.kernelWidth - 1) * shape.dilationX + 1;
}

function down(shape: Windows, rows: i32): i32 {
  return (rows - 1) * shape.strideY + (shape.kernelHeight - 1) * shape.dilationY + 1;
}

/** Whether bands are small enough; cuts the outputs accordingly. */
export function fitsBand(shape: Windows, planes: i32, columns: i32): bool {
  const width = shape.outWidth, height = shape.outHeight;
  let positions = width, rows = min(4, height), each = min((columns + 7) & -8, COLUMNS);
  while (each > 8 && down(shape, rows) * across(shape, positions) * planes * each > BAND) {
    each = ((each >> 1) + 7) & -8;
  }
  // Parts of a row come one by one, since sums take whole rows in order.
  while (positions > 16 && down(shape, 1) * across(shape, positions) * planes * each > BAND) {
    positions = ((positions >> 1) + 3) & -4;
  }
  rows = positions < width ? 1 : height;
  while (rows > 1 && down(shape, rows) * across(shape, positions) * planes * each > BAND) {
    rows = (rows + 1) >> 1;
  }
  bandRows = rows;
  bandPositions = positions;
  bandColumns = each;
  return down(shape, rows) * across(shape, positions) * planes * each <= BAND;
}

/** The distances of a window's values from its first, in bytes, in their order; how many they are. */
function writeTaps(to: usize, shape: Windows, planes: i32, width: i32): i32 {
  const pixel = planes * bandColumns;
  let taps = 0;
  for (let ky = 0; ky < shape.kernelHeight; ++ky) {
    for (let kx = 0; kx < shape.kernelWidth; ++kx) {
      const at = (ky * shape.dilationY * width + kx * shape.dilationX) * pixel;
      for (let p = 0; p < planes; ++p) {
        store<i32>(to + (<usize>taps << 2), (at + p * bandColumns) << 2);
        ++taps;
      }
    }
  }
  return taps;
}

/** The values of one position: of `columns` columns from number `column` on. */
// @ts-ignore: decorator
@inline
function packPosition(
  to: usize, from: usize, column: i32, columns: i32, planes: i32, each: i32,
): void {
  const stride = <usize>bandColumns << 2;
  if (planes == 1 && each == 1) {
    from += <usize>column << 2;
    const end = to + stride;
    do {
      v128.store(to, v128.load(from));
      v128.store(to, v128.load(from, 16), 16);
      to += 32;
      from += 32;
    } while (to != end);
    return;
  }
  const step = <usize>planes << 2, size = <usize>columns << 2;
  from += <usize>(column / each) * step;
  for (let p = 0; p < planes; ++p) {
    let passed = each - column % each, value = from;
    for (let at: usize = 0; at != size; at += 4) {
      store<f32>(to + at, load<f32>(value));
      if (--passed) continue;
      passed = each;
      value += step;
    }
    to += stride;
    from += 4;
  }
}

/** Writes the band that the windows of some rows and positions of an image see. */
function packBand(
  to: usize, image: usize, shape: Windows, row: i32, rows: i32, position: i32, positions: i32,
  column: i32, columns: i32, planes: i32, each: i32, pixelStride: usize,
): void {
  const pixel = <usize>(planes * bandColumns) << 2;
  const width = across(shape, positions);
  let iy = row * shape.strideY - shape.top;
  for (let h = down(shape, rows); h; --h, ++iy) {
    const end = to + <usize>width * pixel;
    let ix = position * shape.strideX - shape.left;
    const before = <u32>iy < <u32>shape.height ? min(width, max(0, -ix)) : width;
    to = fill(to, to + <usize>before * pixel);
    ix += before;
    let from = image + <usize>(iy * shape.width + ix) * pixelStride;
    while (to != end && ix < shape.width) {
      packPosition(to, from, column, columns, planes, each);
      from += pixelStride;
      to += pixel;
      ++ix;
    }
    to = fill(to, end);
  }
}

/** `stride` where there is one more before `end`, otherwise 0, which repeats the last. */
// @ts-ignore: decorator
@inline
function strideTo(at: i32, end: i32, stride: usize): usize {
  return at < end ? stride : 0;
}

// @ts-ignore: decorator
@inline
function finish(
  c: usize, gate: usize, sum: v128, floor: v128, gateFloor: v128, mask: v128,
): void {
  const bounded = f32x4.pmax(sum, floor);
  const kept = v128.andnot(bounded, f32x4.le(v128.load(c + gate), gateFloor));
  v128.store(c, v128.and(kept, mask));
}

/** Four columns of four positions. */
// @ts-ignore: decorator
@inline
function tile(
  c0: usize, c1: usize, c2: usize, c3: usize, a0: usize, a1: usize, a2: usize, a3: usize,
  tap: usize, lastTap: usize, w: usize, wStride: usize, start: usize, gate: usize, floor: v128,
  gateFloor: v128, mask: v128,
): void {
  let s0 = v128.load(start), s1 = s0, s2 = s0, s3 = s0;
  do {
    const at = <usize>load<u32>(tap);
    const y = v128.load(w);
    s0 = multiplyAdd(v128.load(a0 + at), y, s0);
    s1 = multiplyAdd(v128.load(a1 + at), y, s1);
    s2 = multiplyAdd(v128.load(a2 + at), y, s2);
    s3 = multiplyAdd(v128.load(a3 + at), y, s3);
    w += wStride;
    tap += 4;
  } while (tap != lastTap);
  finish(c0, gate, s0, floor, gateFloor, mask);
  finish(c1, gate, s1, floor, gateFloor, mask);
  finish(c2, gate, s2, floor, gateFloor, mask);
  finish(c3, gate, s3, floor, gateFloor, mask);
}

/** `tile` along a row of positions. */
// @ts-ignore: decorator
@inline
function rowOfTiles(
  c: usize, cStep: usize, a: usize, aStep: usize, positions: i32, columns: i32, taps: usize,
  lastTap: usize, w: usize, wStride: usize, start: usize, gate: usize, floor: f32, gateFloor: f32,
): void {
  const mask = laneMask(columns), bound = f32x4.splat(floor), gateBound = f32x4.splat(gateFloor);
  let i = 0;
  do {
    const c1 = c + strideTo(i + 1, positions, cStep), a1 = a + strideTo(i + 1, positions, aStep);
    const c2 = c1 + strideTo(i + 2, positions, cStep), a2 = a1 + strideTo(i + 2, positions, aStep);
    const c3 = c2 + strideTo(i + 3, positions, cStep), a3 = a2 + strideTo(i + 3, positions, aStep);
    tile(
      c, c1, c2, c3, a, a1, a2, a3, taps, lastTap, w, wStride, start, gate, bound, gateBound, mask,
    );
    c += cStep << 2;
    a += aStep << 2;
    i += 4;
  } while (i < positions);
}

/**
 * c = max(start + Σ x · w, floor), and 0 where the floats `gate` bytes after c are at most `gateFloor`:
 * `columns` columns of every window. w has a row for each value that a column sees.
 */
export function convolveDirect(
  used: usize, c: usize, x: usize, w: usize, wStride: usize, start: usize, gate: usize, shape: Windows,
  planes: i32, each: i32, columns: i32, batch: i32, imageStride: usize, pixelStride: usize,
  cImage: usize, cRow: usize, cStep: usize, floor: f32, gateFloor: f32,
): void {
  const taps = scratch + used;
  const width = across(shape, bandPositions);
  const count = writeTaps(taps, shape, planes, width);
  const lastTap = taps + (<usize>count << 2);
  const band = taps + (<usize>((count + 15) & -16) << 2);
  const pixel = <usize>(planes * bandColumns) << 2;
  const step = <usize>shape.strideX * pixel, rowStep = <usize>(shape.strideY * width) * pixel;
  for (let column = 0; column < columns; column += bandColumns) {
    const some = min(bandColumns, columns - column), first = <usize>column << 2;
    for (let n = 0; n < batch; ++n) {
      const image = x + <usize>n * imageStride;
      for (let oy = 0; oy < shape.outHeight; oy += bandRows) {
        const rows = min(bandRows, shape.outHeight - oy);
        for (let ox = 0; ox < shape.outWidth; ox += bandPositions) {
          const positions = min(bandPositions, shape.outWidth - ox);
          packBand(
            band, image, shape, oy, rows, ox, bandPositions, column, some, planes, each, pixelStride,
          );
          let to = c + first + <usize>n * cImage + <usize>oy * cRow + <usize>ox * cStep;
          let from = band;
          for (let r = 0; r < rows; ++r) {
            let at: usize = 0;
            for (let left = some; left > 0; left -= 4) {
              rowOfTiles(
                to + at, cStep, from + at, step, positions, left, taps, lastTap, w + first + at,
                wStride, start + first + at, gate, floor, gateFloor,
              );
              at += 16;
            }
            to += cRow;
            from += rowStep;
          }
        }
      }
    }
  }
}

/** Four columns of five values of a window, over all windows of a band, onto c. */
function gradientTile(
  c: usize, cStride: usize, values: i32, tap: usize, a: usize, aStep: usize, aSkip: usize, b: usize,
  bStride: usize, bRow: usize, rows: i32, columns: i32,
): void {
  const next1: usize = strideTo(1, values, 4), next2 = next1 + strideTo(2, values, 4);
  const next3 = next2 + strideTo(3, values, 4), next4 = next3 + strideTo(4, values, 4);
  const c1 = c + strideTo(1, values, cStride), c2 = c1 + strideTo(2, values, cStride);
  const c3 = c2 + strideTo(3, values, cStride), c4 = c3 + strideTo(4, values, cStride);
  let a0 = a + <usize>load<u32>(tap), a1 = a + <usize>load<u32>(tap + next1);
  let a2 = a + <usize>load<u32>(tap + next2), a3 = a + <usize>load<u32>(tap + next3);
  let a4 = a + <usize>load<u32>(tap + next4);
  let s0 = v128.load(c), s1 = v128.load(c1), s2 = v128.load(c2), s3 = v128.load(c3);
  let s4 = v128.load(c4);
  do {
    const end = b + bRow;
    do {
      const y = v128.load(b);
      s0 = multiplyAdd(v128.load(a0), y, s0);
      s1 = multiplyAdd(v128.load(a1), y, s1);
      s2 = multiplyAdd(v128.load(a2), y, s2);
      s3 = multiplyAdd(v128.load(a3), y, s3);
      s4 = multiplyAdd(v128.load(a4), y, s4);
      a0 += aStep;
      a1 += aStep;
      a2 += aStep;
      a3 += aStep;
      a4 += aStep;
      b += bStride;
    } while (b != end);
    a0 += aSkip;
    a1 += aSkip;
    a2 += aSkip;
    a3 += aSkip;
    a4 += aSkip;
  } while (--rows);
  const mask = laneMask(columns);
  v128.store(c, v128.and(s0, mask));
  v128.store(c1, v128.and(s1, mask));
  v128.store(c2, v128.and(s2, mask));
  v128.store(c3, v128.and(s3, mask));
  v128.store(c4, v128.and(s4, mask));
}

/** dw ← dw + Σ x · dz, with a row for each value that a column sees. */
export function gradientDirect(
  dw: usize, x: usize, dz: usize, shape: Windows, planes: i32, each: i32, columns: i32, batch: i32,
  imageStride: usize, pixelStride: usize, zStride: usize,
): void {
  const taps = scratch;
  const width = across(shape, bandPositions);
  const count = writeTaps(taps, shape, planes, width);
  const band = taps + (<usize>((count + 15) & -16) << 2);
  const pixel = <usize>(planes * bandColumns) << 2;
  const step = <usize>shape.strideX * pixel, rowStep = <usize>(shape.strideY * width) * pixel;
  for (let column = 0; column < columns; column += bandColumns) {
    const some = min(bandColumns, columns - column);
    for (let n = 0; n < batch; ++n) {
      const image = x + <usize>n * imageStride;
      for (let oy = 0; oy < shape.outHeight; oy += bandRows) {
        const rows = min(bandRows, shape.outHeight - oy);
        for (let ox = 0; ox < shape.outWidth; ox += bandPositions) {
          const positions = min(bandPositions, shape.outWidth - ox);
          packBand(
            band, image, shape, oy, rows, ox, bandPositions, column, some, planes, each, pixelStride,
          );
          const row = (n * shape.outHeight + oy) * shape.outWidth + ox;
          const from = dz + (<usize>column << 2) + <usize>row * zStride;
          const bRow = <usize>positions * zStride, aSkip = rowStep - <usize>positions * step;
          for (let k = 0; k < count; k += 5) {
            const to = dw + (<usize>column << 2) + <usize>k * zStride;
            let at: usize = 0;
            for (let left = some; left > 0; left -= 4) {
              gradientTile(
                to + at, zStride, count - k, taps + (<usize>k << 2), band + at, step, aSkip, from + at,
                zStride, bRow, rows, left,
              );
              at += 16;
            }
          }
        }
      }
    }
  }
}
