import { scratch } from './scratch';
import { joinLanesOfFour, laneMask, multiplyAdd, splatAt } from './simd';

/**
 * The three matrix products of a dense layer, as micro-kernels and the loops around them.
 *
 *   NN  c[m, n] = start + a[m, k] · b[k, n]      forward, and dX of a layer with few units
 *   NT  c[m, n] = a[m, k] · b[n, k]ᵀ             dX
 *   TN  c[m, n] = a[k, m]ᵀ · b[k, n]             dW (here k counts the rows of the batch)
 *
 * NN and TN are outer products: every element of c is one chain of additions in the order of k. NT
 * takes dot products in four lanes. Neither tile nor block nor the number of rows changes the order,
 * so all of them may be tuned freely.
 *
 * Every tile has eight vector accumulators and six loads in its inner loop, and k is not unrolled:
 * engines keep 15 vector registers and may hoist all loads of a loop above its arithmetic, so that
 * anything larger spills. Rows past the last one are met by repeating the last, or by not storing;
 * columns past the last by masking what is stored, because a NaN times the zeros of the padding is
 * NaN.
 *
 * Tiles are inlined, and flags among their parameters are constants where they are called. Two calls
 * that differ only in a flag must not be the two arms of one `if`: the optimizer would merge them
 * again, into one loop that tests the flag.
 *
 * Pointers, strides and steps are in bytes, m, n and k in floats; all sizes are at least 1.
 *
 * Scratch, in floats (up8 rounds up to a multiple of 8):
 *   dX, units ≤ 12 and inputs ≥ 8 and batch ≥ 2:    12 · up8(inputs)
 *   dW, batch ≥ 16 and inputs, units ≥ 32:          batch · (min(up8(inputs), 256) + 8)
 */

/** Depth of a block of NN: a panel of this many rows of eight columns leaves half of L1 free. */
const BLOCK_K = 320;
/** Rows of a block of NN and NT, so that what is read again for every panel stays in L2. */
const BLOCK_M = 128;
/** Columns of a that TN packs at a time. */
const BLOCK_STRIPS = 256;

/** `stride` where there is a row `row` before `end`, otherwise 0, which repeats the row before. */
// @ts-ignore: decorator
@inline
function strideTo(row: i32, end: i32, stride: usize): usize {
  return stride & <usize>((row - end) >> 31);
}

/** `sum`, and 0 where the float of the gate is at most `floor`. */
// @ts-ignore: decorator
@inline
export function gated(sum: v128, gate: usize, floor: v128): v128 {
  return v128.andnot(sum, f32x4.le(v128.load(gate), floor));
}

/**
 * NN on 4 rows × 8 columns (`wide`) or × 4, of which the first `columns` are stored unmasked. Plain,
 * the sums start at the vector `start`, or go on from c where that is 0, and are bounded by `floor`
 * from below (sum < floor ? floor : sum). With `gating` they start at +0 and are gated by the floats
 * `gate` bytes after c.
 */
// @ts-ignore: decorator
@inline
function tileNN(
  wide: bool, gating: bool,
  c0: usize, c1: usize, c2: usize, c3: usize,
  a0: usize, a1: usize, a2: usize, a3: usize, aEnd: usize,
  b: usize, bStride: usize, start: usize, gate: usize, floor: v128, mask0: v128, mask1: v128,
): void {
  let s00 = f32x4.splat(0), s01 = s00, s10 = s00, s11 = s00;
  let s20 = s00, s21 = s00, s30 = s00, s31 = s00;
  if (!gating) {
    if (start) {
      s00 = s10 = s20 = s30 = v128.load(start);
      if (wide) s01 = s11 = s21 = s31 = v128.load(start, 16);
    } else {
      s00 = v128.load(c0);
      s10 = v128.load(c1);
      s20 = v128.load(c2);
      s30 = v128.load(c3);
      if (wide) {
        s01 = v128.load(c0, 16);
        s11 = v128.load(c1, 16);
        s21 = v128.load(c2, 16);
        s31 = v128.load(c3, 16);
      }
    }
  }
  do {
    const b0 = v128.load(b);
    const b1 = wide ? v128.load(b, 16) : b0;
    let x = splatAt(a0);
    s00 = multiplyAdd(x, b0, s00);
    if (wide) s01 = multiplyAdd(x, b1, s01);
    x = splatAt(a1);
    s10 = multiplyAdd(x, b0, s10);
    if (wide) s11 = multiplyAdd(x, b1, s11);
    x = splatAt(a2);
    s20 = multiplyAdd(x, b0, s20);
    if (wide) s21 = multiplyAdd(x, b1, s21);
    x = splatAt(a3);
    s30 = multiplyAdd(x, b0, s30);
    if (wide) s31 = multiplyAdd(x, b1, s31);
    b += bStride;
    a0 += 4;
    a1 += 4;
    a2 += 4;
    a3 += 4;
  } while (a0 != aEnd);
  storeNN(wide, gating, c0, s00, s01, gate, floor, mask0, mask1);
  storeNN(wide, gating, c1, s10, s11, gate, floor, mask0, mask1);
  storeNN(wide, gating, c2, s20, s21, gate, floor, mask0, mask1);
  storeNN(wide, gating, c3, s30, s31, gate, floor, mask0, mask1);
}

// @ts-ignore: decorator
@inline
function storeNN(
  wide: bool, gating: bool, c: usize, s0: v128, s1: v128, gate: usize, floor: v128,
  mask0: v128, mask1: v128,
): void {
  s0 = gating ? gated(s0, c + gate, floor) : f32x4.pmax(s0, floor);
  v128.store(c, v128.and(s0, mask0));
  if (wide) {
    s1 = gating ? gated(s1, c + gate + 16, floor) : f32x4.pmax(s1, floor);
    v128.store(c, v128.and(s1, mask1), 16);
  }
}

/** `tileNN` down m rows. */
// @ts-ignore: decorator
@inline
function panelNN(
  wide: bool, gating: bool, c: usize, a: usize, b: usize, start: usize, gate: usize, m: i32,
  columns: i32, k: i32, aStride: usize, bStride: usize, cStride: usize, floor: v128,
): void {
  const mask0 = laneMask(columns), mask1 = laneMask(columns - 4);
  let row = 0;
  do {
    const c1 = c + strideTo(row + 1, m, cStride), a1 = a + strideTo(row + 1, m, aStride);
    const c2 = c1 + strideTo(row + 2, m, cStride), a2 = a1 + strideTo(row + 2, m, aStride);
    const c3 = c2 + strideTo(row + 3, m, cStride), a3 = a2 + strideTo(row + 3, m, aStride);
    tileNN(
      wide, gating, c, c1, c2, c3, a, a1, a2, a3, a + (<usize>k << 2), b, bStride, start, gate,
      floor, mask0, mask1,
    );
    c += cStride << 2;
    a += aStride << 2;
    row += 4;
  } while (row < m);
}

/** c = max(start + a · b, floor), the rows of b as long as those of c. */
export function multiplyNN(
  c: usize, a: usize, b: usize, start: usize, m: i32, n: i32, k: i32,
  aStride: usize, bStride: usize, floor: f32,
): void {
  let row = 0;
  do {
    const rows = min(m - row, BLOCK_M);
    let depth = 0;
    do {
      const size = min(k - depth, BLOCK_K);
      const bound = f32x4.splat(depth + size == k ? floor : -Infinity);
      const aBlock = a + (<usize>depth << 2);
      const startStep: usize = depth ? 0 : 32;
      let from: usize = depth ? 0 : start;
      let bPanel = b + <usize>depth * bStride;
      let cPanel = c;
      let columns = n;
      while (columns > 4) {
        panelNN(
          true, false, cPanel, aBlock, bPanel, from, 0, rows, columns, size,
          aStride, bStride, bStride, bound,
        );
        cPanel += 32;
        bPanel += 32;
        from += startStep;
        columns -= 8;
      }
      if (columns > 0) {
        panelNN(
          false, false, cPanel, aBlock, bPanel, from, 0, rows, columns, size,
          aStride, bStride, bStride, bound,
        );
      }
      depth += size;
    } while (depth != k);
    a += <usize>rows * aStride;
    c += <usize>rows * bStride;
    row += rows;
  } while (row != m);
}

/** c = a · b for small k, gated. */
export function multiplyGatedNN(
  c: usize, a: usize, b: usize, gate: usize, m: i32, n: i32, k: i32,
  aStride: usize, bStride: usize, cStride: usize, floor: f32,
): void {
  const bound = f32x4.splat(floor);
  do {
    panelNN(true, true, c, a, b, 0, gate, m, n, k, aStride, bStride, cStride, bound);
    c += 32;
    b += 32;
    n -= 8;
  } while (n > 0);
}

/**
 * NT on 2 rows of a × 4 rows of b: four lanes over k, joined as (l0 + l2) + (l1 + l3), gated. The
 * zeros of the padding are multiplied too: a sum that starts at +0 is never −0, so they change
 * nothing.
 */
// @ts-ignore: decorator
@inline
function tileNT(
  c0: usize, c1: usize, a0: usize, a1: usize, aEnd: usize, b0: usize, bStride: usize,
  gate: usize, floor: v128, mask: v128,
): void {
  let b1 = b0 + bStride, b2 = b1 + bStride, b3 = b2 + bStride;
  let s00 = f32x4.splat(0), s01 = s00, s02 = s00, s03 = s00;
  let s10 = s00, s11 = s00, s12 = s00, s13 = s00;
  do {
    const x0 = v128.load(a0);
    const x1 = v128.load(a1);
    let y = v128.load(b0);
    s00 = multiplyAdd(x0, y, s00);
    s10 = multiplyAdd(x1, y, s10);
    y = v128.load(b1);
    s01 = multiplyAdd(x0, y, s01);
    s11 = multiplyAdd(x1, y, s11);
    y = v128.load(b2);
    s02 = multiplyAdd(x0, y, s02);
    s12 = multiplyAdd(x1, y, s12);
    y = v128.load(b3);
    s03 = multiplyAdd(x0, y, s03);
    s13 = multiplyAdd(x1, y, s13);
    a0 += 16;
    a1 += 16;
    b0 += 16;
    b1 += 16;
    b2 += 16;
    b3 += 16;
  } while (a0 != aEnd);
  s00 = gated(joinLanesOfFour(s00, s01, s02, s03), c0 + gate, floor);
  s10 = gated(joinLanesOfFour(s10, s11, s12, s13), c1 + gate, floor);
  v128.store(c0, v128.and(s00, mask));
  v128.store(c1, v128.and(s10, mask));
}

/** c = a · bᵀ in four lanes, gated; b has rows up to a multiple of 4. */
export function multiplyNT(
  c: usize, a: usize, b: usize, gate: usize, m: i32, n: i32, k: i32,
  aStride: usize, bStride: usize, cStride: usize, floor: f32,
): void {
  const bound = f32x4.splat(floor);
  const depth = <usize>((k + 3) & -4) << 2;
  let row = 0;
  do {
    const rows = min(m - row, BLOCK_M);
    let cPanel = c, bPanel = b, columns = n;
    do {
      const mask = laneMask(columns);
      let c0 = cPanel, a0 = a, r = 0;
      do {
        const c1 = c0 + strideTo(r + 1, rows, cStride), a1 = a0 + strideTo(r + 1, rows, aStride);
        tileNT(c0, c1, a0, a1, a0 + depth, bPanel, bStride, gate, bound, mask);
        c0 += cStride << 1;
        a0 += aStride << 1;
        r += 2;
      } while (r < rows);
      cPanel += 16;
      bPanel += bStride << 2;
      columns -= 4;
    } while (columns > 0);
    a += <usize>rows * aStride;
    c += <usize>rows * cStride;
    row += rows;
  } while (row != m);
}

/**
 * TN on 4 columns of a × 8 (`wide`) or 4 columns of b, over all rows in order, from +0 or, to go `onto`
 * it, from c: c = sum, or c − rate · sum to `descend`. Only the first `rows` rows of c are written, but
 * c has four.
 */
// @ts-ignore: decorator
@inline
function tileTN(
  wide: bool, descend: bool, onto: bool, c: usize, cStride: usize, rows: i32, a: usize, aStride: usize,
  aEnd: usize, b: usize, bStride: usize, mask0: v128, mask1: v128, rate: v128,
): void {
  let s00 = f32x4.splat(0), s01 = s00, s10 = s00, s11 = s00;
  let s20 = s00, s21 = s00, s30 = s00, s31 = s00;
  if (onto) {
    s00 = v128.load(c);
    s10 = v128.load(c + cStride);
    s20 = v128.load(c + 2 * cStride);
    s30 = v128.load(c + 3 * cStride);
    if (wide) {
      s01 = v128.load(c, 16);
      s11 = v128.load(c + cStride, 16);
      s21 = v128.load(c + 2 * cStride, 16);
      s31 = v128.load(c + 3 * cStride, 16);
    }
  }
  do {
    const b0 = v128.load(b);
    const b1 = wide ? v128.load(b, 16) : b0;
    let x = v128.load32_splat(a);
    s00 = multiplyAdd(x, b0, s00);
    if (wide) s01 = multiplyAdd(x, b1, s01);
    x = v128.load32_splat(a, 4);
    s10 = multiplyAdd(x, b0, s10);
    if (wide) s11 = multiplyAdd(x, b1, s11);
    x = v128.load32_splat(a, 8);
    s20 = multiplyAdd(x, b0, s20);
    if (wide) s21 = multiplyAdd(x, b1, s21);
    x = v128.load32_splat(a, 12);
    s30 = multiplyAdd(x, b0, s30);
    if (wide) s31 = multiplyAdd(x, b1, s31);
    a += aStride;
    b += bStride;
  } while (a != aEnd);
  storeTN(wide, descend, c, s00, s01, mask0, mask1, rate);
  if (rows > 1) storeTN(wide, descend, c + cStride, s10, s11, mask0, mask1, rate);
  if (rows > 2) storeTN(wide, descend, c + 2 * cStride, s20, s21, mask0, mask1, rate);
  if (rows > 3) storeTN(wide, descend, c + 3 * cStride, s30, s31, mask0, mask1, rate);
}

// @ts-ignore: decorator
@inline
function storeTN(
  wide: bool, descend: bool, c: usize, s0: v128, s1: v128, mask0: v128, mask1: v128, rate: v128,
): void {
  if (descend) s0 = f32x4.sub(v128.load(c), f32x4.mul(rate, s0));
  v128.store(c, v128.and(s0, mask0));
  if (wide) {
    if (descend) s1 = f32x4.sub(v128.load(c, 16), f32x4.mul(rate, s1));
    v128.store(c, v128.and(s1, mask1), 16);
  }
}

/** `tileTN` down `rows` rows of c; from one tile to the next a moves by `aNext`. */
// @ts-ignore: decorator
@inline
function panelTN(
  wide: bool, descend: bool, onto: bool, c: usize, cStride: usize, rows: i32, columns: i32,
  a: usize, aStride: usize, aSize: usize, aNext: usize, b: usize, bStride: usize, rate: v128,
): void {
  const mask0 = laneMask(columns), mask1 = laneMask(columns - 4);
  do {
    tileTN(
      wide, descend, onto, c, cStride, rows, a, aStride, a + aSize, b, bStride, mask0, mask1, rate,
    );
    a += aNext;
    c += cStride << 2;
    rows -= 4;
  } while (rows > 0);
}

/** Copies m rows of 4 columns (8 with `wide`), `stride` apart, one behind the other. */
// @ts-ignore: decorator
@inline
function pack(wide: bool, to: usize, from: usize, m: i32, stride: usize): usize {
  const end = to + (<usize>m << (wide ? 5 : 4));
  do {
    v128.store(to, v128.load(from));
    if (wide) v128.store(to, v128.load(from, 16), 16);
    to += wide ? 32 : 16;
    from += stride;
  } while (to != end);
  return end;
}

/** TN that copies the columns that a tile walks down, of a and b, into rows without gaps. */
// @ts-ignore: decorator
@inline
function packedTN(
  descend: bool, onto: bool, c: usize, a: usize, b: usize, m: i32, inputs: i32, units: i32,
  aStride: usize, bStride: usize, rate: v128,
): void {
  const panel = scratch;
  const strips = panel + (<usize>m << 5);
  const size = <usize>m << 4;
  do {
    const rows = min(inputs, BLOCK_STRIPS);
    let strip = strips, from = a, i = rows;
    do {
      pack(false, strip, from, m, aStride);
      strip += size;
      from += 16;
      i -= 4;
    } while (i > 0);
    let cPanel = c, bPanel = b, columns = units;
    do {
      pack(true, panel, bPanel, m, bStride);
      panelTN(
        true, descend, onto, cPanel, bStride, rows, columns, strips, 16, size, size, panel, 32, rate,
      );
      cPanel += 32;
      bPanel += 32;
      columns -= 8;
    } while (columns > 0);
    a += <usize>rows << 2;
    c += <usize>rows * bStride;
    inputs -= rows;
  } while (inputs > 0);
}

/** TN where packing does not pay. */
// @ts-ignore: decorator
@inline
function directTN(
  descend: bool, onto: bool, c: usize, a: usize, b: usize, m: i32, inputs: i32, units: i32,
  aStride: usize, bStride: usize, rate: v128,
): void {
  const size = <usize>m * aStride;
  while (units > 4) {
    panelTN(
      true, descend, onto, c, bStride, inputs, units, a, aStride, size, 16, b, bStride, rate,
    );
    c += 32;
    b += 32;
    units -= 8;
  }
  if (units > 0) {
    panelTN(
      false, descend, onto, c, bStride, inputs, units, a, aStride, size, 16, b, bStride, rate,
    );
  }
}

// @ts-ignore: decorator
@inline
function productTN(
  descend: bool, onto: bool, c: usize, a: usize, b: usize, m: i32, inputs: i32, units: i32,
  aStride: usize, bStride: usize, rate: v128,
): void {
  if (m >= 16 && inputs >= 32 && units >= 32) {
    packedTN(descend, onto, c, a, b, m, inputs, units, aStride, bStride, rate);
  } else {
    directTN(descend, onto, c, a, b, m, inputs, units, aStride, bStride, rate);
  }
}

/** c[i, j] = Σ_r a[r, i] · b[r, j] over m rows. */
export function multiplyTN(
  c: usize, a: usize, b: usize, m: i32, inputs: i32, units: i32, aStride: usize, bStride: usize,
): void {
  productTN(false, false, c, a, b, m, inputs, units, aStride, bStride, f32x4.splat(0));
}

/** c[i, j] ← c[i, j] + Σ_r a[r, i] · b[r, j] over m rows, in the order of one sum. */
export function multiplyOntoTN(
  c: usize, a: usize, b: usize, m: i32, inputs: i32, units: i32, aStride: usize, bStride: usize,
): void {
  productTN(false, true, c, a, b, m, inputs, units, aStride, bStride, f32x4.splat(0));
}

/** c[i, j] ← c[i, j] − rate · Σ_r a[r, i] · b[r, j] over m rows. */
export function descendTN(
  c: usize, a: usize, b: usize, m: i32, inputs: i32, units: i32, aStride: usize, bStride: usize,
  rate: f32,
): void {
  productTN(true, false, c, a, b, m, inputs, units, aStride, bStride, f32x4.splat(rate));
}
