import { gated } from './gemm';
import { joinLanesOfFour, laneMask, multiplyAdd, splatAt, tailMask } from './simd';

/**
 * The products of gemm.ts for a single row of the batch, each in the same order of additions, so
 * that a row alone gives the bits it gives in company. They read every weight once: what counts is
 * to walk through them steadily. And the transpose of few columns, which is another such walk.
 */

/** A row of NN on `vectors` · 4 columns, of which the first `columns` are not masked. */
// @ts-ignore: decorator
@inline
function tileRow(
  vectors: i32, c: usize, a: usize, aEnd: usize, b: usize, bStride: usize, start: usize,
  columns: i32, floor: v128,
): void {
  let s0 = v128.load(start), s1 = s0, s2 = s0, s3 = s0;
  if (vectors > 1) s1 = v128.load(start, 16);
  if (vectors > 2) {
    s2 = v128.load(start, 32);
    s3 = v128.load(start, 48);
  }
  do {
    const x = splatAt(a);
    s0 = multiplyAdd(x, v128.load(b), s0);
    if (vectors > 1) s1 = multiplyAdd(x, v128.load(b, 16), s1);
    if (vectors > 2) {
      s2 = multiplyAdd(x, v128.load(b, 32), s2);
      s3 = multiplyAdd(x, v128.load(b, 48), s3);
    }
    b += bStride;
    a += 4;
  } while (a != aEnd);
  v128.store(c, v128.and(f32x4.pmax(s0, floor), laneMask(columns)));
  if (vectors > 1) v128.store(c, v128.and(f32x4.pmax(s1, floor), laneMask(columns - 4)), 16);
  if (vectors > 2) {
    v128.store(c, v128.and(f32x4.pmax(s2, floor), laneMask(columns - 8)), 32);
    v128.store(c, v128.and(f32x4.pmax(s3, floor), laneMask(columns - 12)), 48);
  }
}

/** c = max(start + a · b, floor): sixteen columns at a time, which is a whole line of b. */
// @ts-ignore: decorator
@inline
export function multiplyRowNN(
  c: usize, a: usize, b: usize, start: usize, n: i32, k: i32, bStride: usize, floor: f32,
): void {
  const aEnd = a + (<usize>k << 2);
  const bound = f32x4.splat(floor);
  while (n > 8) {
    tileRow(4, c, a, aEnd, b, bStride, start, n, bound);
    c += 64;
    b += 64;
    start += 64;
    n -= 16;
  }
  if (n > 4) tileRow(2, c, a, aEnd, b, bStride, start, n, bound);
  else if (n > 0) tileRow(1, c, a, aEnd, b, bStride, start, n, bound);
}

/** c = a · bᵀ in four lanes, gated, four rows of b at a time. */
// @ts-ignore: decorator
@inline
export function multiplyRowNT(
  c: usize, a: usize, b: usize, gate: usize, n: i32, k: i32, bStride: usize, floor: f32,
): void {
  const bound = f32x4.splat(floor);
  const size = <usize>((k + 3) & -4) << 2;
  const aEnd = a + size;
  do {
    let at = a, b0 = b, b1 = b0 + bStride, b2 = b1 + bStride, b3 = b2 + bStride;
    let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
    do {
      const x = v128.load(at);
      s0 = multiplyAdd(x, v128.load(b0), s0);
      s1 = multiplyAdd(x, v128.load(b1), s1);
      s2 = multiplyAdd(x, v128.load(b2), s2);
      s3 = multiplyAdd(x, v128.load(b3), s3);
      at += 16;
      b0 += 16;
      b1 += 16;
      b2 += 16;
      b3 += 16;
    } while (at != aEnd);
    const sum = gated(joinLanesOfFour(s0, s1, s2, s3), c + gate, bound);
    v128.store(c, v128.and(sum, laneMask(n)));
    b += bStride << 2;
    c += 16;
    n -= 4;
  } while (n > 0);
}

/** c = a · bᵀ in the order of k, gated: blocks of 4 × 4 of b are turned in registers. */
// @ts-ignore: decorator
@inline
export function multiplyRowInOrderNT(
  c: usize, a: usize, b: usize, gate: usize, n: i32, k: i32, bStride: usize, floor: f32,
): void {
  const bound = f32x4.splat(floor);
  const aEnd = a + (<usize>((k + 3) & -4) << 2);
  do {
    let sum = f32x4.splat(0);
    let at = a, block = b;
    do {
      const r0 = v128.load(block), r1 = v128.load(block + bStride);
      const r2 = v128.load(block + 2 * bStride), r3 = v128.load(block + 3 * bStride);
      const p = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5), q = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
      const s = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7), t = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
      sum = multiplyAdd(splatAt(at), v128.shuffle<f32>(p, q, 0, 1, 4, 5), sum);
      sum = multiplyAdd(splatAt(at + 4), v128.shuffle<f32>(p, q, 2, 3, 6, 7), sum);
      sum = multiplyAdd(splatAt(at + 8), v128.shuffle<f32>(s, t, 0, 1, 4, 5), sum);
      sum = multiplyAdd(splatAt(at + 12), v128.shuffle<f32>(s, t, 2, 3, 6, 7), sum);
      at += 16;
      block += 16;
    } while (at != aEnd);
    v128.store(c, v128.and(gated(sum, c + gate, bound), laneMask(n)));
    b += bStride << 2;
    c += 16;
    n -= 4;
  } while (n > 0);
}

/** bᵀ for `multiplyGatedNN`: n rows of `rows` floats, both rounded up to 4, which b has as well. */
export function transpose(
  to: usize, b: usize, rows: i32, n: i32, bStride: usize, toStride: usize,
): void {
  do {
    let from = b, into = to, columns = n;
    do {
      const r0 = v128.load(from), r1 = v128.load(from + bStride);
      const r2 = v128.load(from + 2 * bStride), r3 = v128.load(from + 3 * bStride);
      const p = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5), q = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
      const s = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7), t = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
      v128.store(into, v128.shuffle<f32>(p, q, 0, 1, 4, 5));
      v128.store(into + toStride, v128.shuffle<f32>(p, q, 2, 3, 6, 7));
      v128.store(into + 2 * toStride, v128.shuffle<f32>(s, t, 0, 1, 4, 5));
      v128.store(into + 3 * toStride, v128.shuffle<f32>(s, t, 2, 3, 6, 7));
      from += 16;
      into += toStride << 2;
      columns -= 4;
    } while (columns > 0);
    b += bStride << 2;
    to += 16;
    rows -= 4;
  } while (rows > 0);
}

/** One vector of a row of c: the sum of one product from +0, or a step down it. */
// @ts-ignore: decorator
@inline
function outer(
  descend: bool, masked: bool, c: usize, x: v128, y: v128, mask: v128, rate: v128,
): void {
  const sum = multiplyAdd(x, y, f32x4.splat(0));
  const value = descend ? f32x4.sub(v128.load(c), f32x4.mul(rate, sum)) : sum;
  v128.store(c, masked ? v128.and(value, mask) : value);
}

// @ts-ignore: decorator
@inline
function outerProduct(
  descend: bool, c: usize, a: usize, b: usize, m: i32, n: i32, cStride: usize, rate: v128,
): void {
  const tail = tailMask(n);
  const size = <usize>((n - 1) & -4) << 2;
  while (m >= 4) {
    const x0 = splatAt(a), x1 = splatAt(a + 4), x2 = splatAt(a + 8), x3 = splatAt(a + 12);
    const c1 = c + cStride, c2 = c1 + cStride, c3 = c2 + cStride;
    let at: usize = 0;
    while (at != size) {
      const y = v128.load(b + at);
      outer(descend, false, c + at, x0, y, tail, rate);
      outer(descend, false, c1 + at, x1, y, tail, rate);
      outer(descend, false, c2 + at, x2, y, tail, rate);
      outer(descend, false, c3 + at, x3, y, tail, rate);
      at += 16;
    }
    const y = v128.load(b + at);
    outer(descend, true, c + at, x0, y, tail, rate);
    outer(descend, true, c1 + at, x1, y, tail, rate);
    outer(descend, true, c2 + at, x2, y, tail, rate);
    outer(descend, true, c3 + at, x3, y, tail, rate);
    a += 16;
    c += cStride << 2;
    m -= 4;
  }
  while (m > 0) {
    const x = splatAt(a);
    let at: usize = 0;
    while (at != size) {
      outer(descend, false, c + at, x, v128.load(b + at), tail, rate);
      at += 16;
    }
    outer(descend, true, c + at, x, v128.load(b + at), tail, rate);
    a += 4;
    c += cStride;
    m -= 1;
  }
}

/** c = aᵀ · b, four rows of c at a time. */
// @ts-ignore: decorator
@inline
export function multiplyRowTN(
  c: usize, a: usize, b: usize, m: i32, n: i32, cStride: usize,
): void {
  outerProduct(false, c, a, b, m, n, cStride, f32x4.splat(0));
}

/** c ← c − rate · aᵀ · b, four rows of c at a time. */
// @ts-ignore: decorator
@inline
export function descendRowTN(
  c: usize, a: usize, b: usize, m: i32, n: i32, cStride: usize, rate: f32,
): void {
  outerProduct(true, c, a, b, m, n, cStride, f32x4.splat(rate));
}

/** The same down one vector of columns after the other, and the row `last` ← last − rate · b. */
// @ts-ignore: decorator
@inline
export function descendColumnsTN(
  c: usize, last: usize, a: usize, b: usize, m: i32, n: i32, cStride: usize, rate: f32,
): void {
  const rates = f32x4.splat(rate);
  const end = a + (<usize>m << 2);
  do {
    const mask = n > 4 ? i32x4.splat(-1) : tailMask(n);
    const y = v128.load(b);
    let row = c, at = a;
    do {
      outer(true, true, row, splatAt(at), y, mask, rates);
      row += cStride;
      at += 4;
    } while (at != end);
    outer(true, true, last, f32x4.splat(1), y, mask, rates);
    c += 16;
    last += 16;
    b += 16;
    n -= 4;
  } while (n > 0);
}
