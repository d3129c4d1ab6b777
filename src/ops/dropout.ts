import { fround, log, sinTurns } from '../math.js';
import { firstWord, secondWord } from '../random.js';
import type { Floats } from './definition.js';

/**
 * Inverted dropout (Srivastava et al. 2014): y = x ⊙ mask, with mask = scale = 1 / (1 − rate) where
 * the element's random word is at least `threshold` = rate · 2³², and 0 elsewhere.
 *
 * The word of element (r, u) has the key (seed, stream) and the counter (r · units + u, step), where r
 * counts the rows of the whole step: `positions` for each of the network's, of which counters[7] came
 * in parts before. So it depends neither on the padding nor on the order in which rows are visited.
 * `threshold` is the unsigned word's bits as a signed integer. y may be x.
 */
export function dropoutForward(
  y: Floats,
  mask: Floats,
  x: Floats,
  counters: Int32Array,
  rows: number,
  units: number,
  pitch: number,
  positions: number,
  seed: number,
  stream: number,
  threshold: number,
  scale: number,
): void {
  const step = counters[2]!;
  const before = counters[7]! * positions;
  const kept = fround(scale);
  for (let r = 0; r < rows; r++) {
    for (let u = 0; u < units; u++) {
      const i = r * pitch + u;
      const word = firstWord(seed, stream, (before + r) * units + u, step);
      const m = word >>> 0 >= threshold >>> 0 ? kept : 0;
      mask[i] = m;
      y[i] = fround(x[i]! * m);
    }
  }
}

/**
 * Dropout of whole channels (Tompson et al. 2015): y = x ⊙ mask with one number for all `positions` of a
 * channel. Its slope is that of `dropoutBackward`. The word of channel u of the network's row n has the
 * counter (n · units + u, step); the rest is as in `dropoutForward`. y may be x.
 */
export function spatialDropoutForward(
  y: Floats,
  mask: Floats,
  x: Floats,
  counters: Int32Array,
  rows: number,
  units: number,
  pitch: number,
  positions: number,
  seed: number,
  stream: number,
  threshold: number,
  scale: number,
): void {
  const step = counters[2]!;
  const kept = fround(scale);
  for (let r = 0; r < rows; r++) {
    const row = counters[7]! + Math.floor(r / positions);
    for (let u = 0; u < units; u++) {
      const i = r * pitch + u;
      const word = firstWord(seed, stream, row * units + u, step);
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
  rows: number,
  units: number,
  pitch: number,
): void {
  for (let r = 0; r < rows; r++) {
    for (let i = r * pitch, end = i + units; i < end; i++) dx[i] = fround(dy[i]! * mask[i]!);
  }
}

/**
 * Dropout that keeps mean 0 and variance 1 (Klambauer et al. 2017): y = scale·x + shift where the
 * element's random word is at least `threshold`, and `dropped` elsewhere; mask = scale, or 0. Its slope
 * is that of `dropoutBackward`. Words as in `dropoutForward`. y may be x.
 */
export function alphaDropoutForward(
  y: Floats,
  mask: Floats,
  x: Floats,
  counters: Int32Array,
  rows: number,
  units: number,
  pitch: number,
  positions: number,
  seed: number,
  stream: number,
  threshold: number,
  scale: number,
  shift: number,
  dropped: number,
): void {
  const step = counters[2]!;
  const before = counters[7]! * positions;
  const [factor, offset, other] = [fround(scale), fround(shift), fround(dropped)];
  for (let r = 0; r < rows; r++) {
    for (let u = 0; u < units; u++) {
      const i = r * pitch + u;
      const word = firstWord(seed, stream, (before + r) * units + u, step);
      const kept = word >>> 0 >= threshold >>> 0;
      mask[i] = kept ? factor : 0;
      y[i] = kept ? fround(fround(x[i]! * factor) + offset) : other;
    }
  }
}

/**
 * y = x + deviation·n, n normal with mean 0 and deviation 1: √(−2·log u)·cos(2πt) (Box and Muller
 * 1958), u in (0, 1] and t in [−½, ½) from the upper 24 bits of the element's two random words, so
 * that |n| < 5.8. The key and the counter of the words are those of `dropoutForward`. y may be x.
 * In WebAssembly the words stand in 16 floats of scratch.
 */
export function gaussianNoiseForward(
  y: Floats,
  x: Floats,
  counters: Int32Array,
  rows: number,
  units: number,
  pitch: number,
  positions: number,
  seed: number,
  stream: number,
  deviation: number,
): void {
  const step = counters[2]!;
  const before = counters[7]! * positions;
  const factor = fround(deviation);
  for (let r = 0; r < rows; r++) {
    for (let u = 0; u < units; u++) {
      const i = r * pitch + u;
      const uniform =
        ((firstWord(seed, stream, (before + r) * units + u, step) >>> 8) + 1) * 2 ** -24;
      const turn = (secondWord() >> 8) * 2 ** -24;
      const radius = fround(Math.sqrt(fround(-2 * log(uniform))));
      const normal = fround(radius * sinTurns(0.25 - Math.abs(turn)));
      y[i] = fround(x[i]! + fround(factor * normal));
    }
  }
}
