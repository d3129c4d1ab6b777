import { tailMask } from './internal/simd';

/** mask[r] = whether a column of x[r] is not `value`; see the twin. */
export function maskRows(
  mask: usize, x: usize, rows: i32, columns: i32, pitch: i32, value: f32,
): void {
  const left = f32x4.splat(value);
  const tail = tailMask(columns);
  const last = <usize>((columns - 1) & -4) << 2;
  do {
    let other = v128.and(f32x4.ne(v128.load(x + last), left), tail);
    for (let at: usize = 0; at < last; at += 16) {
      other = v128.or(other, f32x4.ne(v128.load(x + at), left));
    }
    store<i32>(mask, i32(v128.any_true(other)));
    mask += 4;
    x += <usize>pitch << 2;
  } while (--rows);
}

/** y[r] = x[r] where mask[r] is 1, else 0; see the twin. */
export function keepRows(
  y: usize, x: usize, mask: usize, rows: i32, columns: i32, pitch: i32,
): void {
  const tail = tailMask(columns);
  const last = <usize>((columns - 1) & -4) << 2;
  do {
    const kept = i32x4.splat(-load<i32>(mask));
    for (let at: usize = 0; at < last; at += 16) {
      v128.store(y + at, v128.and(v128.load(x + at), kept));
    }
    v128.store(y + last, v128.and(v128.load(x + last), v128.and(kept, tail)));
    mask += 4;
    x += <usize>pitch << 2;
    y += <usize>pitch << 2;
  } while (--rows);
}
