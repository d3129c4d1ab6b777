import { padRow, tailMask } from './internal/simd';

/** y = a + b; see the twin. */
export function addRows(y: usize, a: usize, b: usize, rows: i32, columns: i32, pitch: i32): void {
  const tail = tailMask(columns);
  const bytes = ((columns + 3) >> 2) << 4;
  const skipped = (pitch << 2) - bytes;
  do {
    const end = a + bytes;
    do {
      v128.store(y, f32x4.add(v128.load(a), v128.load(b)));
      a += 16;
      b += 16;
      y += 16;
    } while (a != end);
    v128.store(y - 16, v128.and(v128.load(y - 16), tail));
    a += skipped;
    b += skipped;
    y += skipped;
  } while (--rows);
}

/** y[r, yStart + c] = x[r, xStart + c]; see the twin. Parts may begin anywhere in a vector. */
export function copyColumns(
  y: usize, x: usize, rows: i32, columns: i32, yStart: i32, yPitch: i32, xStart: i32, xPitch: i32,
): void {
  const whole = <usize>(columns & -4) << 2;
  const bytes = <usize>columns << 2;
  const end = yStart + columns;
  const filled = bytes + (<usize>(-end & 3) << 2);
  y += yStart << 2;
  x += xStart << 2;
  do {
    let at: usize = 0;
    for (; at < whole; at += 16) v128.store(y + at, v128.load(x + at));
    for (; at < bytes; at += 4) store<f32>(y + at, load<f32>(x + at));
    for (; at < filled; at += 4) store<f32>(y + at, 0);
    y += yPitch << 2;
    x += xPitch << 2;
  } while (--rows);
}

/** y[r · positions + p, c] = x[r, p · columns + c]; see the twin. */
export function splitRows(
  y: usize, x: usize, rows: i32, positions: i32, columns: i32, yPitch: i32, xPitch: i32,
): void {
  const tail = tailMask(columns);
  do {
    let part = x;
    const end = x + ((positions * columns) << 2);
    do {
      padRow(y, part, columns, tail);
      part += columns << 2;
      y += yPitch << 2;
    } while (part != end);
    x += xPitch << 2;
  } while (--rows);
}

/** y[r, p · columns + c] = x[r · positions + p, c]; see the twin. Parts may begin anywhere in a vector. */
export function joinRows(
  y: usize, x: usize, rows: i32, positions: i32, columns: i32, yPitch: i32, xPitch: i32,
): void {
  const whole = <usize>(columns & -4) << 2;
  const bytes = <usize>columns << 2;
  const filled = <usize>(-(positions * columns) & 3) << 2;
  do {
    let to = y;
    let left = positions;
    do {
      let at: usize = 0;
      for (; at < whole; at += 16) v128.store(to + at, v128.load(x + at));
      for (; at < bytes; at += 4) store<f32>(to + at, load<f32>(x + at));
      to += bytes;
      x += xPitch << 2;
    } while (--left);
    for (let at: usize = 0; at < filled; at += 4) store<f32>(to + at, 0);
    y += yPitch << 2;
  } while (--rows);
}
