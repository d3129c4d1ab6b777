import type { Augmentation, AugmentedBatch, RandomSource } from './augmentation.js';
import { numberWithin, onlyKeys, show } from './checks.js';
import { ShapeError } from './errors.js';
import { cos64, exp64, log64, pow64, sin64 } from './math64.js';

/*
 * Ready-made augmentations, for the option `augment` of fit. They change rows as the user gave them,
 * before scaling, and are drawn from the network's seed by steps of our own, so that every engine gets
 * the same bits.
 */

/**
 * Adds noise: x + σ·n, with n normal, drawn anew for each number.
 *
 * @param options deviation: σ ≥ 0 in the units of x; for all columns, or one for each
 */
function noise(options: { readonly deviation: number | readonly number[] }): Augmentation {
  const where = 'augment.noise';
  onlyKeys(options, ['deviation'], where);
  const { deviation } = options;
  const list = Array.isArray(deviation) ? [...deviation] : [deviation as number];
  list.forEach((one, i) => {
    const name = Array.isArray(deviation) ? `deviation[${i}]` : 'deviation';
    numberWithin(one, `${where}: ${name}`, 0, 2 ** 127, 'open');
  });
  return ({ x, rows }, random) => {
    const columns = x.length / rows;
    if (Array.isArray(deviation) && list.length !== columns) {
      throw new ShapeError(
        `${where}: deviation: expected ${columns} numbers, one a column, got ${list.length}`,
      );
    }
    for (let i = 0; i < x.length; i++) {
      const sigma = list[Array.isArray(deviation) ? i % columns : 0]!;
      if (sigma > 0) x[i] = x[i]! + sigma * random.normal();
    }
  };
}

/** log g, for g of the gamma distribution with shape a (Marsaglia and Tsang 2000). */
function logGamma(shape: number, random: RandomSource): number {
  // Of shape a + 1, times u^(1/a): as a logarithm it does not vanish for small a.
  const d = shape + 2 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const n = random.normal();
    const v = (1 + c * n) * (1 + c * n) * (1 + c * n);
    const u = 1 - random.uniform();
    if (v > 0 && log64(u) < 0.5 * n * n + d - d * v + d * log64(v)) {
      return log64(d * v) + log64(1 - random.uniform()) / shape;
    }
  }
}

/**
 * Mixes each row with another of its batch, and so its target (Zhang et al. 2018):
 * λ·x + (1 − λ)·x′ and λ·y + (1 − λ)·y′, with one λ a batch from the beta distribution B(α, α).
 *
 * Targets are numbers or probabilities: give classes one-hot, with the loss categoricalCrossentropy.
 *
 * @param options alpha: α in [0.01, 100]; the larger, the more rows are mixed; default 0.2
 */
function mixup(options: { readonly alpha?: number } = {}): Augmentation {
  const where = 'augment.mixup';
  onlyKeys(options, ['alpha'], where);
  const alpha = numberWithin(options.alpha ?? 0.2, `${where}: alpha`, 0.01, 100);
  return ({ x, y, rows, targets }, random) => {
    if (targets === 'labels' || targets === 'signs') {
      const loss = targets === 'labels' ? 'categoricalCrossentropy' : 'binaryCrossentropy';
      throw new TypeError(
        `${where}: classes cannot be mixed: use the loss ${loss}, and targets with a probability for each class`,
      );
    }
    // λ = g₁ / (g₁ + g₂) of two gamma-distributed numbers.
    const share = 1 / (1 + exp64(logGamma(alpha, random) - logGamma(alpha, random)));
    const partner = Int32Array.from({ length: rows }, (_, r) => r);
    for (let r = rows - 1; r > 0; r--) {
      const other = random.below(r + 1);
      [partner[r], partner[other]] = [partner[other]!, partner[r]!];
    }
    for (const values of [x, y]) {
      const width = values.length / rows;
      const before = values.slice();
      for (let r = 0; r < rows; r++) {
        const from = partner[r]! * width;
        for (let c = 0; c < width; c++) {
          const at = r * width + c;
          values[at] = share * before[at]! + (1 - share) * before[from + c]!;
        }
      }
    }
  };
}

export interface ImageOptions {
  /** Moves by up to this share of the height and of the width, in [0, 1]; default 0. */
  readonly shift?: number;
  /** Turns by up to so many degrees, in [0, 180]; default 0. */
  readonly rotation?: number;
  /** Enlarges by a factor from 1/(1 + scale) to 1 + scale, scale ≥ 0; default 0. */
  readonly scale?: number;
  /** What is beyond the edges; default 0. */
  readonly fill?: number;
}

/** Height, width and channels of an image. */
function imageSizes({ inputShape }: AugmentedBatch, where: string): [number, number, number] {
  const [height, width, channels = 1] = inputShape;
  if (inputShape.length === 2 || inputShape.length === 3) return [height!, width!, channels];
  throw new ShapeError(
    `${where}: expected images, of the inputShape [height, width] or [height, width, channels], got [${inputShape.join(', ')}]; a flatten layer makes them flat for dense layers`,
  );
}

/**
 * Shifts, turns and scales each image about its centre, each by its own chance, uniformly within the
 * bounds given (the factor of scaling uniformly in its logarithm). The pixel at q comes from
 * R⁻¹·(q − centre − shift)/factor + centre, between four pixels by bilinear interpolation.
 *
 * Rows are images, of the inputShape [height, width] or [height, width, channels].
 */
function image(options: ImageOptions): Augmentation {
  return affine(options, 'augment.image');
}

/** Shifts each image by up to a share of its height and width. See `image`. */
function shift(options: { readonly by: number; readonly fill?: number }): Augmentation {
  return single(options, 'shift');
}

/** Turns each image about its centre by up to so many degrees, either way. See `image`. */
function rotation(options: { readonly by: number; readonly fill?: number }): Augmentation {
  return single(options, 'rotation');
}

/** Enlarges each image about its centre by a factor from 1/(1 + by) to 1 + by. See `image`. */
function scale(options: { readonly by: number; readonly fill?: number }): Augmentation {
  return single(options, 'scale');
}

function single(
  options: { readonly by: number; readonly fill?: number },
  name: 'shift' | 'rotation' | 'scale',
): Augmentation {
  const where = `augment.${name}`;
  onlyKeys(options, ['by', 'fill'], where);
  const { by, fill } = options;
  if (by === undefined) throw new TypeError(`${where}: by: expected a number, got ${show(by)}`);
  return affine({ [name]: by, ...(fill !== undefined && { fill }) }, where);
}

function affine(options: ImageOptions, where: string): Augmentation {
  onlyKeys(options, ['shift', 'rotation', 'scale', 'fill'], where);
  const { shift = 0, rotation = 0, scale = 0, fill = 0 } = options;
  numberWithin(shift, `${where}: shift`, 0, 1);
  numberWithin(rotation, `${where}: rotation`, 0, 180);
  numberWithin(scale, `${where}: scale`, 0, 100);
  numberWithin(fill, `${where}: fill`, -(2 ** 127), 2 ** 127);
  return (batch, random) => {
    const [height, width, channels] = imageSizes(batch, where);
    const size = height * width * channels;
    const signed = () => 2 * random.uniform() - 1;
    const before = new Float32Array(size);
    for (let r = 0; r < batch.rows; r++) {
      const down = signed() * shift * height;
      const right = signed() * shift * width;
      const angle = signed() * rotation * (Math.PI / 180);
      const factor = pow64(1 + scale, signed());
      const image = batch.x.subarray(r * size, (r + 1) * size);
      before.set(image);
      const [sine, cosine] = [sin64(angle) / factor, cos64(angle) / factor];
      const [cy, cx] = [(height - 1) / 2, (width - 1) / 2];
      for (let i = 0; i < height; i++) {
        for (let j = 0; j < width; j++) {
          const dy = i - cy - down;
          const dx = j - cx - right;
          const y = cosine * dy - sine * dx + cy;
          const x = sine * dy + cosine * dx + cx;
          const at = (i * width + j) * channels;
          interpolate(image, at, before, y, x, height, width, channels, fill);
        }
      }
    }
  };
}

/** Writes the pixel at a place between four others, each weighed by its nearness. */
function interpolate(
  out: Float32Array,
  at: number,
  image: Float32Array,
  y: number,
  x: number,
  height: number,
  width: number,
  channels: number,
  fill: number,
): void {
  const top = Math.floor(y);
  const left = Math.floor(x);
  const [below, beside] = [y - top, x - left];
  for (let c = 0; c < channels; c++) {
    const pixel = (i: number, j: number) =>
      i >= 0 && i < height && j >= 0 && j < width ? image[(i * width + j) * channels + c]! : fill;
    const upper = (1 - beside) * pixel(top, left) + beside * pixel(top, left + 1);
    const lower = (1 - beside) * pixel(top + 1, left) + beside * pixel(top + 1, left + 1);
    out[at + c] = (1 - below) * upper + below * lower;
  }
}

/** Ready-made augmentations: `fit(x, y, { augment: augment.noise({ deviation: 0.1 }) })`. */
export const augment = { noise, mixup, image, shift, rotation, scale };
