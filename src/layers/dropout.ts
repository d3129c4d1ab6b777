import { largestFloat, numberWithin } from '../checks.js';
import type { ListBuilder } from '../lowering.js';
import type { Shape, Tensor } from '../tensor.js';
import type { LayerDefinition, LayerOptions } from './definition.js';

/**
 * Dropout (Srivastava et al. 2014), inverted: in training each input is 0 with probability `rate`
 * and otherwise divided by 1 − rate; in prediction nothing happens. The masks follow from the
 * network's seed, the layer's place and the step.
 */
export interface DropoutSpec extends LayerOptions {
  readonly type: 'dropout';
  /** Share of inputs dropped, in [0, 1). */
  readonly rate: number;
}

function checkRate({ rate }: { readonly rate: number }, _input: Shape, where: string): void {
  numberWithin(rate, `${where}: rate`, 0, 1, 'open');
}

export const dropout: LayerDefinition<DropoutSpec> = {
  options: ['rate'],
  check: checkRate,
  masks: () => 'keeps',
  output: (_spec, input) => input,
  lower({ rate }, build, x) {
    if (!build.training || rate === 0) return x;
    const { counters } = build;
    const { mask, y } = masked(build, x);
    const { seed, stream } = build.randomKey();
    const key = [seed, stream, thresholdOf(rate)] as const;
    const sizes = elementsOf(build, x);
    build.emit('dropoutForward', y, mask, x, counters, ...sizes, ...key, 1 / (1 - rate));
    return y;
  },
};

/**
 * Dropout of whole channels (Tompson et al. 2015): in training each channel, the last dimension, is 0 at
 * all positions of a row with probability `rate`, and otherwise divided by 1 − rate. Neighbours in an
 * image tell of one another, so that dropping single ones would drop little.
 */
export interface SpatialDropoutSpec extends LayerOptions {
  readonly type: 'spatialDropout';
  /** Share of channels dropped, in [0, 1). */
  readonly rate: number;
}

export const spatialDropout: LayerDefinition<SpatialDropoutSpec> = {
  options: ['rate'],
  check: checkRate,
  masks: () => 'keeps',
  output: (_spec, input) => input,
  lower({ rate }, build, given, _tensors, { input }) {
    if (!build.training || rate === 0) return given;
    const { counters } = build;
    const x = build.regroup(given, input.at(-1)!);
    const { mask, y } = masked(build, x);
    const { seed, stream } = build.randomKey();
    const key = [seed, stream, thresholdOf(rate)] as const;
    const sizes = elementsOf(build, x);
    build.emit('spatialDropoutForward', y, mask, x, counters, ...sizes, ...key, 1 / (1 - rate));
    return y;
  },
};

/** Where each element is, and how many rows count as one of the network's. */
const elementsOf = ({ batch }: ListBuilder, { rows, columns, pitch }: Tensor) =>
  [rows, columns, pitch, rows / batch] as const;

/** The word must reach rate · 2³²; as a signed integer, because that is what a record holds. */
const thresholdOf = (rate: number) => Math.min(Math.round(rate * 2 ** 32), 2 ** 32 - 1) | 0;

/** Room for outputs and the mask that their slope is. */
function masked(build: ListBuilder, x: Tensor): { mask: Tensor; y: Tensor } {
  const mask = build.valueLike(x, false);
  const y = build.valueLike(x, build.needsGradient(x));
  build.onBackward(y, (dy) => {
    build.contribute(x, (dx) => {
      build.emit('dropoutBackward', dx, dy, mask, x.rows, x.columns, x.pitch);
    });
  });
  return { mask, y };
}

/**
 * Alpha dropout (Klambauer et al. 2017), which goes with selu: in training each input is
 * α′ = −1.7581 with probability `rate`, what selu tends to below, and all are then shifted and scaled,
 * y = a·x + b, so that inputs of mean 0 and variance 1 keep both: a = (q·(1 + rate·α′²))^−½ with
 * q = 1 − rate, and b = −a·rate·α′. In prediction nothing happens.
 */
export interface AlphaDropoutSpec extends LayerOptions {
  readonly type: 'alphaDropout';
  /** Share of inputs dropped, in [0, 1). */
  readonly rate: number;
}

/** α′ = −λ·α of selu. */
const saturation = -1.0507009873554805 * 1.6732632423543772;

export const alphaDropout: LayerDefinition<AlphaDropoutSpec> = {
  options: ['rate'],
  check: checkRate,
  masks: () => 'keeps',
  output: (_spec, input) => input,
  lower({ rate }, build, x) {
    if (!build.training || rate === 0) return x;
    const { counters } = build;
    const { mask, y } = masked(build, x);
    const { seed, stream } = build.randomKey();
    const scale = 1 / Math.sqrt((1 - rate) * (1 + rate * saturation * saturation));
    const shift = -scale * rate * saturation;
    const line = [scale, shift, scale * saturation + shift] as const;
    const key = [seed, stream, thresholdOf(rate)] as const;
    const sizes = elementsOf(build, x);
    build.emit('alphaDropoutForward', y, mask, x, counters, ...sizes, ...key, ...line);
    return y;
  },
};

/**
 * Noise while training: y = x + n with n normal, of mean 0 and deviation `stddev`, drawn anew for each
 * element and step from the network's seed. In prediction nothing happens.
 */
export interface GaussianNoiseSpec extends LayerOptions {
  readonly type: 'gaussianNoise';
  /** The deviation of the noise, at least 0. */
  readonly stddev: number;
}

export const gaussianNoise: LayerDefinition<GaussianNoiseSpec> = {
  options: ['stddev'],
  check(spec, _input, where) {
    numberWithin(spec.stddev, `${where}: stddev`, 0, largestFloat);
  },
  masks: () => 'keeps',
  output: (_spec, input) => input,
  lower({ stddev }, build, x) {
    if (!build.training || stddev === 0) return x;
    const { counters } = build;
    const y = build.valueLike(x, build.needsGradient(x));
    const { seed, stream } = build.randomKey();
    build.scratch(32);
    const sizes = elementsOf(build, x);
    build.emit('gaussianNoiseForward', y, x, counters, ...sizes, seed, stream, stddev);
    build.onBackward(y, (dy) => build.passOn(dy, [x]));
    return y;
  },
};
