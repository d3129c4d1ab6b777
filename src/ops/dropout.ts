import { fround } from '../math.js';
import { firstWord } from '../random.js';
import type { Floats } from './definition.js';

/**
 * Inverted dropout (Srivastava et al. 2014): y = x ⊙ mask, with mask = scale = 1 / (1 − rate) where
 * the element's random word is at least `threshold` = rate · 2³², and 0 elsewhere.
 *
 * The word of element (r, u) has the key (seed, stream) and the counter (r · units + u, step), where r
 * counts the rows of the whole step, of which counters[7] came in parts before. So it
 * depends neither on the padding nor on the order in which rows are visited. `threshold` is the
 * unsigned word's bits as a signed integer. y may be x.
 */
export function dropoutForward(
  y: Floats,
  mask: Floats,
  x: Floats,
  counters: Int32Array,
  batch: number,
  units: number,
  pitch: number,
  seed: number,
  stream: number,
  threshold: number,
  scale: number,
): void {
  const step = counters[2]!;
  const before = counters[7]!;
  const kept = fround(scale);
  for (let r = 0; r < batch; r++) {
    for (let u = 0; u < units; u++) {
      const i = r * pitch + u;
      const word = firstWord(seed, stream, (before + r) * units + u, step);
      const m = word >>> 0 >= threshold >>> 0 ? kept : 0;
      mask[i] = m;
      y[i] = fround(x[i]! * m);
    }
  }
}

/** dx = dy ⊙ mask. dx may be dy. */
export function dropoutBackward(
  dx: Floats,
  dy: Floats,
  mask: Floats,
  batch: number,
  units: number,
  pitch: number,
): void {
  for (let r = 0; r < batch; r++) {
    for (let i = r * pitch, end = i + units; i < end; i++) dx[i] = fround(dy[i]! * mask[i]!);
  }
}
