import { scratch } from './scratch';
import { laneMask, multiplyAdd, splatAt, stepped } from './simd';

/**
 * NN and TN of gemm.ts where most of a is 0, as pixels are: the zeros are left out. Adding ±0 changes
 * no sum that is not −0, and no sum here is: a chain that starts at anything else never comes to −0.
 * So the bits are those of gemm.ts, as long as all of b is finite, which `leavesOut` makes sure of.
 *
 * A row of c is made from a list of what is left: pairs of where the row of b stands and the number
 * that it is multiplied with.
 *
 * Scratch, in floats: 34 + 64 · (inputs + 4) for NN, 34 + 8 · (rows + 1) for TN.
 */

/** Rows of c whose lists stand side by side, so that a panel of b is read by all of them. */
const BLOCK_ROWS = 32;
/** Vectors of a panel: as many sums, and as many loads, fit into the registers. */
const WIDE = 6;

/** The largest share of x that may differ from 0. */
const MOST: f32 = 0.35;

/**
 * Whether to leave zeros out of a product of x: there must be enough of them, by the look of some
 * rows, enough units to gain on each, and nothing but finite numbers in b, all of it.
 */
export function leavesOut(
  x: usize, batch: i32, inputs: i32, units: i32, xStride: usize, b: usize, rows: i32, bStride: usize,
): bool {
  if (batch < 8 || inputs < 32 || units < 24) return false;
  const size = <usize>((inputs + 3) & -4) << 2;
  const step = <usize>(batch >> 2) * xStride;
  const zero = f32x4.splat(0);
  let count = zero;
  for (let row = 0; row < 4; ++row) {
    for (let at: usize = 0; at != size; at += 16) {
      // True is −1.
      count = i32x4.sub(count, f32x4.ne(v128.load(x + at), zero));
    }
    x += step;
  }
  count = i32x4.add(count, v128.shuffle<i32>(count, count, 2, 3, 0, 1));
  const others = i32x4.extract_lane(count, 0) + i32x4.extract_lane(count, 1);
  return others <= 4 * <i32>(MOST * <f32>inputs) && finite(b, <usize>rows * bStride);
}

/** Whether all of `size` bytes of floats, in whole lines of 32, are finite. */
function finite(from: usize, size: usize): bool {
  const end = from + size;
  let bad0 = i32x4.splat(0), bad1 = bad0;
  do {
    const a = v128.load(from), b = v128.load(from, 16);
    bad0 = v128.or(bad0, f32x4.sub(a, a));
    bad1 = v128.or(bad1, f32x4.sub(b, b));
    from += 32;
  } while (from != end);
  return !v128.any_true(v128.or(bad0, bad1));
}

/** Whether one of n floats is −0. */
export function hasNegativeZero(from: usize, n: i32): bool {
  let found = i32x4.splat(0);
  for (let end = from + (<usize>n << 2); from < end; from += 16) {
    found = v128.or(found, i32x4.eq(v128.load(from), i32x4.splat(i32.MIN_VALUE)));
  }
  return v128.any_true(found);
}

/** One row of c on `vectors` · 4 columns; with `masked`, all but the first `columns` stay zero. */
// @ts-ignore: decorator
@inline
function tile(
  vectors: i32, forward: bool, masked: bool, c: usize, list: usize, end: usize, b: usize,
  start: usize, columns: i32, descend: bool, scalar: v128,
): void {
  let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0;
  if (forward) {
    s0 = v128.load(start);
    s1 = v128.load(start, 16);
    if (vectors > 2) {
      s2 = v128.load(start, 32);
      s3 = v128.load(start, 48);
      s4 = v128.load(start, 64);
      s5 = v128.load(start, 80);
    }
  }
  while (list != end) {
    const row = b + <usize>load<u32>(list);
    const x = splatAt(list + 4);
    s0 = multiplyAdd(x, v128.load(row), s0);
    s1 = multiplyAdd(x, v128.load(row, 16), s1);
    if (vectors > 2) {
      s2 = multiplyAdd(x, v128.load(row, 32), s2);
      s3 = multiplyAdd(x, v128.load(row, 48), s3);
      s4 = multiplyAdd(x, v128.load(row, 64), s4);
      s5 = multiplyAdd(x, v128.load(row, 80), s5);
    }
    list += 8;
  }
  if (forward) {
    s0 = f32x4.pmax(s0, scalar);
    s1 = f32x4.pmax(s1, scalar);
    if (vectors > 2) {
      s2 = f32x4.pmax(s2, scalar);
      s3 = f32x4.pmax(s3, scalar);
      s4 = f32x4.pmax(s4, scalar);
      s5 = f32x4.pmax(s5, scalar);
    }
  } else if (descend) {
    s0 = stepped(c, s0, scalar);
    s1 = stepped(c + 16, s1, scalar);
    if (vectors > 2) {
      s2 = stepped(c + 32, s2, scalar);
      s3 = stepped(c + 48, s3, scalar);
      s4 = stepped(c + 64, s4, scalar);
      s5 = stepped(c + 80, s5, scalar);
    }
  }
  v128.store(c, masked ? v128.and(s0, laneMask(columns)) : s0);
  v128.store(c, masked ? v128.and(s1, laneMask(columns - 4)) : s1, 16);
  if (vectors > 2) {
    v128.store(c, s2, 32);
    v128.store(c, s3, 48);
    v128.store(c, s4, 64);
    v128.store(c, s5, 80);
  }
}

/** `tile` down the rows whose lists have been made. */
// @ts-ignore: decorator
@inline
function panel(
  vectors: i32, forward: bool, masked: bool, c: usize, cStride: usize, rows: i32, size: usize,
  b: usize, start: usize, columns: i32, descend: bool, scalar: v128,
): void {
  let end = scratch, list = scratch + 4 * BLOCK_ROWS;
  const last = end + (<usize>rows << 2);
  do {
    const listEnd = load<usize>(end);
    // A step by 0 changes nothing.
    if (forward || !descend || list != listEnd) {
      tile(vectors, forward, masked, c, list, listEnd, b, start, columns, descend, scalar);
    }
    list += size;
    end += 4;
    c += cStride;
  } while (end != last);
}

/**
 * Rows of c from their lists, each of which has `size` bytes of room: `forward` sums from `start` on,
 * bounded by `scalar`; else sums from +0, or c − `scalar` · those to `descend`.
 */
// @ts-ignore: decorator
@inline
function sweep(
  forward: bool, c: usize, cStride: usize, rows: i32, size: usize, b: usize, start: usize,
  columns: i32, descend: bool, scalar: v128,
): void {
  while (columns >= 4 * WIDE) {
    panel(WIDE, forward, false, c, cStride, rows, size, b, start, columns, descend, scalar);
    c += 16 * WIDE;
    b += 16 * WIDE;
    start += 16 * WIDE;
    columns -= 4 * WIDE;
  }
  while (columns > 0) {
    panel(2, forward, true, c, cStride, rows, size, b, start, columns, descend, scalar);
    c += 32;
    b += 32;
    start += 32;
    columns -= 8;
  }
}

/** c = max(start + a · b, floor), where a is mostly 0, b finite, and start without a −0. */
export function sparseNN(
  c: usize, a: usize, b: usize, start: usize, m: i32, n: i32, k: i32,
  aStride: usize, bStride: usize, floor: f32,
): void {
  const bound = f32x4.splat(floor);
  const size = <usize>((k + 4) & -4) << 3;
  const aSize = <usize>((k + 3) & -4) << 2;
  const four = i32x4.splat(<i32>bStride << 2);
  const firstRows = i32x4.mul(i32x4.splat(<i32>bStride), i32x4(0, 1, 2, 3));
  do {
    const rows = min(m, BLOCK_ROWS);
    let end = scratch, list = scratch + 4 * BLOCK_ROWS;
    for (let r = rows; r > 0; --r) {
      let at = list, row = firstRows;
      for (let x = a, xEnd = a + aSize; x != xEnd; x += 16) {
        const v = v128.load(x);
        const some = i32x4.bitmask(f32x4.ne(v, f32x4.splat(0)));
        if (some) {
          // All four are written, one over the other where one is not to stay.
          const low = v128.shuffle<i32>(row, v, 0, 4, 1, 5);
          const high = v128.shuffle<i32>(row, v, 2, 6, 3, 7);
          v128.store64_lane(at, low, 0);
          at += (some << 3) & 8;
          v128.store64_lane(at, low, 1);
          at += (some << 2) & 8;
          v128.store64_lane(at, high, 0);
          at += (some << 1) & 8;
          v128.store64_lane(at, high, 1);
          at += some & 8;
        }
        row = i32x4.add(row, four);
      }
      store<usize>(end, at);
      end += 4;
      list += size;
      a += aStride;
    }
    sweep(true, c, bStride, rows, size, b, start, n, false, bound);
    c += <usize>rows * bStride;
    m -= rows;
  } while (m > 0);
}

/**
 * c[i, j] = Σ_r a[r, i] · b[r, j], where a is mostly 0 and b finite; or c[i, j] − rate · that to
 * `descend`, where the rate is above 0 and finite as well.
 */
export function sparseTN(
  c: usize, a: usize, b: usize, m: i32, inputs: i32, units: i32, aStride: usize, bStride: usize,
  descend: bool, rate: f32,
): void {
  const step = f32x4.splat(rate);
  const size = <usize>(m + 1) << 3;
  const list0 = scratch + 4 * BLOCK_ROWS, list1 = list0 + size;
  const list2 = list1 + size, list3 = list2 + size;
  const last = <i32>bStride * m;
  do {
    let at0 = list0, at1 = list1, at2 = list2, at3 = list3;
    let x = a, row = 0;
    do {
      const v = v128.load(x);
      const some = i32x4.bitmask(f32x4.ne(v, f32x4.splat(0)));
      if (some) {
        const rows = i32x4.splat(row);
        const low = v128.shuffle<i32>(rows, v, 0, 4, 1, 5);
        const high = v128.shuffle<i32>(rows, v, 2, 6, 3, 7);
        v128.store64_lane(at0, low, 0);
        at0 += (some << 3) & 8;
        v128.store64_lane(at1, low, 1);
        at1 += (some << 2) & 8;
        v128.store64_lane(at2, high, 0);
        at2 += (some << 1) & 8;
        v128.store64_lane(at3, high, 1);
        at3 += some & 8;
      }
      x += aStride;
      row += <i32>bStride;
    } while (row != last);
    const ends = scratch;
    store<usize>(ends, at0);
    store<usize>(ends, at1, 4);
    store<usize>(ends, at2, 8);
    store<usize>(ends, at3, 12);
    const rows = min(inputs, 4);
    sweep(false, c, bStride, rows, size, b, 0, units, descend, step);
    a += 16;
    c += bStride << 2;
    inputs -= 4;
  } while (inputs > 0);
}
