/** Softmax and its gradient. src/ops/softmax.ts states formulas, order, aliasing and padding. */
import { addInOrder, exponentials, maxima, splatLane } from './internal/fourRows';
import { tailMask } from './internal/simd';

const ONE: usize = memory.data<f32>([1]);

export function softmaxForward(y: usize, z: usize, rows: i32, columns: i32, pitch: i32): void {
  const row = pitch << 2;
  const last = ((columns - 1) >> 2) << 4;
  for (let left = rows; left > 0; left -= 4) {
    const row1 = left > 1 ? row : 0;
    const row2 = row1 + (left > 2 ? row : 0);
    const row3 = row2 + (left > 3 ? row : 0);
    const max = maxima(z, z + row1, z + row2, z + row3, columns);
    const sum = exponentials(
      y, y + row1, y + row2, y + row3, z, z + row1, z + row2, z + row3, columns, max,
    );
    const inverse = f32x4.div(v128.load32_splat(ONE), sum);
    let at = y;
    const end = y + last;
    do {
      const a = f32x4.mul(v128.load(at), splatLane(inverse, 0));
      const b = f32x4.mul(v128.load(at + row1), splatLane(inverse, 1));
      const c = f32x4.mul(v128.load(at + row2), splatLane(inverse, 2));
      const d = f32x4.mul(v128.load(at + row3), splatLane(inverse, 3));
      v128.store(at, a);
      v128.store(at + row1, b);
      v128.store(at + row2, c);
      v128.store(at + row3, d);
      at += 16;
    } while (at <= end);
    // A NaN in the inverse has reached the padding.
    const tail = tailMask(columns);
    v128.store(end, v128.and(v128.load(end), tail));
    v128.store(end + row1, v128.and(v128.load(end + row1), tail));
    v128.store(end + row2, v128.and(v128.load(end + row2), tail));
    v128.store(end + row3, v128.and(v128.load(end + row3), tail));
    y += row << 2;
    z += row << 2;
  }
}

export function softmaxBackward(
  dz: usize, dy: usize, y: usize, rows: i32, columns: i32, pitch: i32,
): void {
  const row = pitch << 2;
  const last = ((columns - 1) >> 2) << 4;
  const tail = tailMask(columns);
  for (let left = rows; left > 0; left -= 4) {
    const row1 = left > 1 ? row : 0;
    const row2 = row1 + (left > 2 ? row : 0);
    const row3 = row2 + (left > 3 ? row : 0);
    let dot = f32x4.splat(0);
    let at = 0;
    do {
      const d = dy + at;
      const p = y + at;
      dot = addInOrder(
        dot,
        f32x4.mul(v128.load(d), v128.load(p)),
        f32x4.mul(v128.load(d + row1), v128.load(p + row1)),
        f32x4.mul(v128.load(d + row2), v128.load(p + row2)),
        f32x4.mul(v128.load(d + row3), v128.load(p + row3)),
      );
      at += 16;
    } while (at <= last);
    at = 0;
    do {
      let a = slope(dy + at, y + at, splatLane(dot, 0));
      let b = slope(dy + at + row1, y + at + row1, splatLane(dot, 1));
      let c = slope(dy + at + row2, y + at + row2, splatLane(dot, 2));
      let d = slope(dy + at + row3, y + at + row3, splatLane(dot, 3));
      if (at == last) {
        a = v128.and(a, tail);
        b = v128.and(b, tail);
        c = v128.and(c, tail);
        d = v128.and(d, tail);
      }
      v128.store(dz + at, a);
      v128.store(dz + at + row1, b);
      v128.store(dz + at + row2, c);
      v128.store(dz + at + row3, d);
      at += 16;
    } while (at <= last);
    dz += row << 2;
    dy += row << 2;
    y += row << 2;
  }
}

/** y · (dy − dot) */
// @ts-ignore: decorator
@inline
function slope(dy: usize, y: usize, dot: v128): v128 {
  return f32x4.mul(v128.load(y), f32x4.sub(v128.load(dy), dot));
}
