import { stepped, tailMask } from './internal/simd';
import { addRows } from './merge';

/*
 * See src/ops/embedding.ts for the formulas, the layout and the order of sums. Whole vectors of a row
 * are copied and added, and what would reach the padding is masked away.
 */

const NOTHING: usize = memory.data<f32>([f32.NaN]);

/** The row of w that the number at x stands for, −1 for none. */
// @ts-ignore: decorator
@inline
function rowAt(x: usize, vocabulary: i32): i32 {
  const index = load<f32>(x);
  return index >= 0 && index < <f32>vocabulary ? <i32>index : -1;
}

export function embeddingForward(
  y: usize, x: usize, w: usize, rows: i32, positions: i32, units: i32, vocabulary: i32,
  xPitch: i32, pitch: i32,
): void {
  const stride = <usize>pitch << 2;
  const last = <usize>((units - 1) >> 2) << 4;
  const tail = tailMask(units);
  do {
    let at = x;
    const end = x + (<usize>positions << 2);
    do {
      const row = rowAt(at, vocabulary);
      if (row < 0) {
        const nothing = v128.load32_splat(NOTHING);
        for (let c: usize = 0; c < last; c += 16) v128.store(y + c, nothing);
        v128.store(y + last, v128.and(nothing, tail));
      } else {
        const from = w + <usize>row * stride;
        for (let c: usize = 0; c < last; c += 16) v128.store(y + c, v128.load(from + c));
        v128.store(y + last, v128.and(v128.load(from + last), tail));
      }
      y += stride;
      at += 4;
    } while (at != end);
    x += <usize>xPitch << 2;
  } while (--rows);
}

export function embeddingBackward(
  dw: usize, dy: usize, x: usize, rows: i32, positions: i32, units: i32, vocabulary: i32,
  xPitch: i32, pitch: i32,
): void {
  memory.fill(dw, 0, <usize>vocabulary * (<usize>pitch << 2));
  embeddingBackwardOnto(dw, dy, x, rows, positions, units, vocabulary, xPitch, pitch);
}

export function embeddingBackwardOnto(
  dw: usize, dy: usize, x: usize, rows: i32, positions: i32, units: i32, vocabulary: i32,
  xPitch: i32, pitch: i32,
): void {
  const stride = <usize>pitch << 2;
  const last = <usize>((units - 1) >> 2) << 4;
  const tail = tailMask(units);
  do {
    let at = x;
    const end = x + (<usize>positions << 2);
    do {
      const row = rowAt(at, vocabulary);
      if (row >= 0) {
        const to = dw + <usize>row * stride;
        for (let c: usize = 0; c < last; c += 16) {
          v128.store(to + c, f32x4.add(v128.load(to + c), v128.load(dy + c)));
        }
        const sum = f32x4.add(v128.load(to + last), v128.load(dy + last));
        v128.store(to + last, v128.and(sum, tail));
      }
      dy += stride;
      at += 4;
    } while (at != end);
    x += <usize>xPitch << 2;
  } while (--rows);
}

export function embeddingBackwardSgd(
  w: usize, dw: usize, dy: usize, x: usize, hyper: usize, rows: i32, positions: i32, units: i32,
  vocabulary: i32, xPitch: i32, pitch: i32,
): void {
  zeroRows(dw, x, rows, positions, units, vocabulary, xPitch, pitch);
  embeddingBackwardOnto(dw, dy, x, rows, positions, units, vocabulary, xPitch, pitch);
  const rate = f32x4.splat(<f32>load<f64>(hyper));
  const stride = <usize>pitch << 2;
  const bytes = <usize>((units + 3) >> 2) << 4;
  const tail = tailMask(units);
  do {
    let at = x;
    const end = x + (<usize>positions << 2);
    do {
      const row = rowAt(at, vocabulary);
      if (row >= 0) {
        let to = w + <usize>row * stride;
        let sum = dw + <usize>row * stride;
        const rowEnd = to + bytes;
        do {
          v128.store(to, stepped(to, v128.load(sum), rate));
          v128.store(sum, f32x4.splat(0));
          to += 16;
          sum += 16;
        } while (to != rowEnd);
        v128.store(to - 16, v128.and(v128.load(to - 16), tail));
      }
      at += 4;
    } while (at != end);
    x += <usize>xPitch << 2;
  } while (--rows);
}

/** dw = 0 in the rows that occur in x. */
function zeroRows(
  dw: usize, x: usize, rows: i32, positions: i32, units: i32, vocabulary: i32, xPitch: i32,
  pitch: i32,
): void {
  const bytes = <usize>((units + 3) >> 2) << 4;
  do {
    let at = x;
    const end = x + (<usize>positions << 2);
    do {
      const row = rowAt(at, vocabulary);
      if (row >= 0) memory.fill(dw + <usize>row * (<usize>pitch << 2), 0, bytes);
      at += 4;
    } while (at != end);
    x += <usize>xPitch << 2;
  } while (--rows);
}

export function positionsForward(
  y: usize, x: usize, w: usize, rows: i32, positions: i32, units: i32, pitch: i32,
): void {
  const size = <usize>(positions * pitch) << 2;
  do {
    addRows(y, x, w, positions, units, pitch);
    y += size;
    x += size;
  } while (--rows);
}

export function positionsBackward(
  dw: usize, dy: usize, rows: i32, positions: i32, units: i32, pitch: i32,
): void {
  memory.fill(dw, 0, <usize>(positions * pitch) << 2);
  positionsBackwardOnto(dw, dy, rows, positions, units, pitch);
}

export function positionsBackwardOnto(
  dw: usize, dy: usize, rows: i32, positions: i32, units: i32, pitch: i32,
): void {
  do {
    addRows(dw, dw, dy, positions, units, pitch);
    dy += <usize>(positions * pitch) << 2;
  } while (--rows);
}
