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

/** How many of `steps` numbers are 1. */
function count(mask: usize, steps: i32): f32 {
  let sum = 0;
  for (let t = 0; t < steps; ++t) sum += load<i32>(mask + (<usize>t << 2));
  return <f32>sum;
}

/** y[n] = the mean of the steps of sequence n that count; see the twin. */
export function stepsMeanForward(
  y: usize, x: usize, mask: usize, batch: i32, steps: i32, columns: i32, pitch: i32,
): void {
  const tail = tailMask(columns);
  const stride = <usize>pitch << 2, last = <usize>((columns - 1) & -4) << 2;
  const end = <usize>steps << 2;
  do {
    const counted = f32x4.splat(count(mask, steps));
    const any = f32x4.ne(counted, f32x4.splat(0));
    let at: usize = 0;
    do {
      let sum = f32x4.splat(0), from = x + at;
      for (let t: usize = 0; t != end; t += 4) {
        sum = f32x4.add(sum, v128.and(v128.load(from), i32x4.splat(-load<i32>(mask + t))));
        from += stride;
      }
      const kept = at == last ? v128.and(any, tail) : any;
      v128.store(y + at, v128.and(f32x4.div(sum, counted), kept));
      at += 16;
    } while (at <= last);
    mask += end;
    x += <usize>steps * stride;
    y += stride;
  } while (--batch);
}

/** dx = dy / count at the steps that count, else 0; see the twin. */
export function stepsMeanBackward(
  dx: usize, dy: usize, mask: usize, batch: i32, steps: i32, columns: i32, pitch: i32,
): void {
  const tail = tailMask(columns);
  const stride = <usize>pitch << 2, last = <usize>((columns - 1) & -4) << 2;
  do {
    const counted = f32x4.splat(count(mask, steps));
    for (let t = steps; t; --t) {
      const kept = i32x4.splat(-load<i32>(mask));
      for (let at: usize = 0; at < last; at += 16) {
        v128.store(dx + at, v128.and(f32x4.div(v128.load(dy + at), counted), kept));
      }
      const share = f32x4.div(v128.load(dy + last), counted);
      v128.store(dx + last, v128.and(share, v128.and(kept, tail)));
      mask += 4;
      dx += stride;
    }
    dy += stride;
  } while (--batch);
}
