import { firstWords } from './internal/random';
import { tailMask } from './internal/simd';

/** y = x ⊙ mask, mask = scale where the element's word is at least `threshold`; see the twin. */
export function dropoutForward(
  y: usize,
  mask: usize,
  x: usize,
  counters: usize,
  batch: i32,
  units: i32,
  pitch: i32,
  seed: i32,
  stream: i32,
  threshold: i32,
  scale: f32,
): void {
  const step = load<i32>(counters, 8);
  const kept = f32x4.splat(scale);
  const least = i32x4.splat(threshold);
  const tail = tailMask(units);
  const vectors = (units + 3) >> 2;
  const skipped = ((pitch >> 2) - vectors) << 4;
  let element = load<i32>(counters, 28) * units;
  do {
    let counter = i32x4.add(i32x4.splat(element), i32x4(0, 1, 2, 3));
    const end = x + (vectors << 4);
    do {
      const word = firstWords(seed, stream, counter, step);
      let m = v128.and(i32x4.ge_u(word, least), kept);
      let product = f32x4.mul(v128.load(x), m);
      if (x + 16 == end) {
        m = v128.and(m, tail);
        product = v128.and(product, tail);
      }
      v128.store(mask, m);
      v128.store(y, product);
      counter = i32x4.add(counter, i32x4.splat(4));
      x += 16;
      y += 16;
      mask += 16;
    } while (x != end);
    x += skipped;
    y += skipped;
    mask += skipped;
    element += units;
  } while (--batch);
}

/** dx = dy ⊙ mask; see the twin. */
export function dropoutBackward(
  dx: usize,
  dy: usize,
  mask: usize,
  batch: i32,
  units: i32,
  pitch: i32,
): void {
  const tail = tailMask(units);
  const vectors = (units + 3) >> 2;
  const skipped = ((pitch >> 2) - vectors) << 4;
  do {
    const end = dy + (vectors << 4);
    do {
      let product = f32x4.mul(v128.load(dy), v128.load(mask));
      if (dy + 16 == end) product = v128.and(product, tail);
      v128.store(dx, product);
      dx += 16;
      dy += 16;
      mask += 16;
    } while (dy != end);
    dx += skipped;
    dy += skipped;
    mask += skipped;
  } while (--batch);
}
