import { ShapeError } from '../errors.js';
import type { ListBuilder } from '../lowering.js';
import type { Windows } from '../ops/internal/windows.js';
import type { Shape, Tensor } from '../tensor.js';
import type { LayerDefinition, LayerOptions } from './definition.js';
import {
  checkRank,
  checkWindows,
  outputOf,
  type Padding,
  type Pair,
  tableOf,
  windowsOf,
} from './windows.js';

/** What all pooling of images takes. */
interface Pooling2dOptions extends LayerOptions {
  /** The size of a window: a number, or [rows, columns]; default 2. */
  readonly poolSize?: Pair;
  /** How far windows move; default: their size, so that they lie side by side. */
  readonly strides?: Pair;
  /** How far windows reach beyond the image: 'valid' (default: not), 'same', or a number of positions. */
  readonly padding?: Padding;
}

/** What all pooling of sequences takes. */
interface Pooling1dOptions extends LayerOptions {
  /** The steps of a window; default 2. */
  readonly poolSize?: number;
  /** How far windows move; default: their size, so that they lie side by side. */
  readonly strides?: number;
  /** How far windows reach beyond the sequence: 'valid' (default: not), 'same', or a number of steps. */
  readonly padding?: 'valid' | 'same' | number;
}

/**
 * The largest value of each window, channel by channel: from [height, width, channels] to fewer
 * positions. The gradient goes to the first position that has it. What is outside does not count.
 */
export interface MaxPooling2dSpec extends Pooling2dOptions {
  readonly type: 'maxPooling2d';
}

/** The same of sequences [steps, channels]. */
export interface MaxPooling1dSpec extends Pooling1dOptions {
  readonly type: 'maxPooling1d';
}

/**
 * The mean of each window, channel by channel: from [height, width, channels] to fewer positions. What
 * is outside of the image is not counted (PyTorch: `count_include_pad=False`).
 */
export interface AveragePooling2dSpec extends Pooling2dOptions {
  readonly type: 'averagePooling2d';
}

/** The same of sequences [steps, channels]. */
export interface AveragePooling1dSpec extends Pooling1dOptions {
  readonly type: 'averagePooling1d';
}

/** The largest value of each channel: from [height, width, channels] or [steps, channels] to [channels]. */
export interface GlobalMaxPoolingSpec extends LayerOptions {
  readonly type: 'globalMaxPooling';
}

/**
 * The mean of each channel: from [height, width, channels] or [steps, channels] to [channels]. Behind a
 * mask (`masking`, or an `embedding` with `maskZero`) that of the steps that count; 0 where none does.
 */
export interface GlobalAveragePoolingSpec extends LayerOptions {
  readonly type: 'globalAveragePooling';
}

/** Repeats each position: from [height, width, channels] to [height·rows, width·columns, channels]. */
export interface UpSampling2dSpec extends LayerOptions {
  readonly type: 'upSampling2d';
  /** How many times as large: a number, or [rows, columns]; default 2. */
  readonly size?: Pair;
}

/** Pooling over windows. */
export type PoolingSpec =
  | MaxPooling2dSpec
  | MaxPooling1dSpec
  | AveragePooling2dSpec
  | AveragePooling1dSpec;

type Lower = (build: ListBuilder, x: Tensor, windows: Tensor, shape: Windows) => Tensor;

/** Room for outputs, of whose windows `values` have to be looked at. */
function outputs(build: ListBuilder, x: Tensor, shape: Windows): Tensor {
  const rows = build.batch * shape.outHeight * shape.outWidth;
  build.count(rows * shape.kernelHeight * shape.kernelWidth * x.columns);
  return build.value(x.columns, build.needsGradient(x), rows);
}

const lowerMax: Lower = (build, x, windows, shape) => {
  const y = outputs(build, x, shape);
  const places = build.valueLike(y, false);
  const sizes = [build.batch, x.pitch] as const;
  build.emit('maxPoolingForward', y, places, x, windows, ...sizes);
  build.onBackward(y, (dy) => {
    build.contribute(x, (dx) => {
      build.emit('maxPoolingBackward', dx, dy, places, windows, ...sizes);
    });
  });
  return y;
};

const lowerAverage: Lower = (build, x, windows, shape) => {
  const y = outputs(build, x, shape);
  const sizes = [build.batch, x.pitch] as const;
  build.emit('averagePoolingForward', y, x, windows, ...sizes);
  build.onBackward(y, (dy) => {
    build.contribute(x, (dx) => {
      build.emit('averagePoolingBackward', dx, dy, windows, ...sizes);
    });
  });
  return y;
};

const windowSpec = ({ poolSize = 2, strides = poolSize, padding }: PoolingSpec) => ({
  ...{ kernel: poolSize, strides, padding },
});

/** The windows of a pooling layer, on rows of this shape. */
export const poolingWindows = (spec: PoolingSpec, input: Shape): Windows =>
  windowsOf(windowSpec(spec), input);

function pooling<Spec extends PoolingSpec>(flat: boolean, lower: Lower): LayerDefinition<Spec> {
  return {
    options: ['poolSize', 'strides', 'padding'],

    check(spec, input, where) {
      checkRank(input, flat, where);
      checkWindows(windowSpec(spec), flat, 'poolSize', where);
      const { top, left, kernelHeight, kernelWidth } = poolingWindows(spec, input);
      if (top < kernelHeight && left < kernelWidth) return;
      throw new ShapeError(
        `${where}: padding: expected less than poolSize, so that every window holds a value`,
      );
    },

    output: (spec, input, _inner, where) => outputOf(windowSpec(spec), input, input.at(-1)!, where),

    constants: (spec, input) => ({ windows: tableOf(poolingWindows(spec, input)) }),

    lower(spec, build, given, { windows }, { input }) {
      const x = build.regroup(given, input.at(-1)!);
      return lower(build, x, windows!, poolingWindows(spec, input));
    },
  };
}

/** The mean of the steps that a mask counts. */
function lowerStepsMean(build: ListBuilder, x: Tensor, mask: Tensor): Tensor {
  const y = build.value(x.columns, build.needsGradient(x), build.batch);
  const sizes = [build.batch, x.rows / build.batch, x.columns, x.pitch] as const;
  build.emit('stepsMeanForward', y, x, mask, ...sizes);
  build.count(x.rows * x.columns);
  build.onBackward(y, (dy) => {
    build.contribute(x, (dx) => {
      build.emit('stepsMeanBackward', dx, dy, mask, ...sizes);
      build.count(x.rows * x.columns);
    });
  });
  return y;
}

/** One window over all of the image or the sequence. */
function whole(input: Shape): Windows {
  const kernel = input.length === 2 ? input[0]! : ([input[0]!, input[1]!] as const);
  return windowsOf({ kernel }, input);
}

function globalPooling<Spec>(
  lower: Lower,
  lowerMasked?: (build: ListBuilder, x: Tensor, mask: Tensor) => Tensor,
): LayerDefinition<Spec> {
  return {
    options: [],
    masks: () => lowerMasked && 'ends',

    check(_spec, input, where) {
      if (input.length !== 2) checkRank(input, false, where);
    },

    output: (_spec, input) => input.slice(-1),
    constants: (_spec, input) => ({ windows: tableOf(whole(input)) }),

    lower(_spec, build, given, { windows }, { input, mask }) {
      const x = build.regroup(given, input.at(-1)!);
      if (mask && lowerMasked) return lowerMasked(build, x, mask);
      return lower(build, x, windows!, whole(input));
    },
  };
}

export const maxPooling2d = pooling<MaxPooling2dSpec>(false, lowerMax);
export const maxPooling1d = pooling<MaxPooling1dSpec>(true, lowerMax);
export const averagePooling2d = pooling<AveragePooling2dSpec>(false, lowerAverage);
export const averagePooling1d = pooling<AveragePooling1dSpec>(true, lowerAverage);
export const globalMaxPooling = globalPooling<GlobalMaxPoolingSpec>(lowerMax);
export const globalAveragePooling = globalPooling<GlobalAveragePoolingSpec>(
  lowerAverage,
  lowerStepsMean,
);

/** Windows side by side on the outputs, one for each position of the inputs. */
function repeats({ size = 2 }: UpSampling2dSpec, [height, width, channels]: Shape): Windows {
  const [rows, columns] = typeof size === 'number' ? [size, size] : size;
  const image = [height! * rows, width! * columns, channels!];
  return windowsOf({ kernel: size, strides: size }, image);
}

export const upSampling2d: LayerDefinition<UpSampling2dSpec> = {
  options: ['size'],

  check({ size = 2 }, input, where) {
    checkRank(input, false, where);
    checkWindows({ kernel: size }, false, 'size', where);
  },

  output(spec, input) {
    const { height, width, channels } = repeats(spec, input);
    return [height, width, channels];
  },

  constants: (spec, input) => ({ windows: tableOf(repeats(spec, input)) }),

  lower(spec, build, given, { windows }, { input }) {
    const { height, width, channels } = repeats(spec, input);
    const x = build.regroup(given, channels);
    const rows = build.batch * height * width;
    const y = build.value(channels, build.needsGradient(x), rows);
    const sizes = [build.batch, x.pitch] as const;
    build.emit('upSamplingForward', y, x, windows!, ...sizes);
    build.count(rows * channels);
    build.onBackward(y, (dy) => {
      build.contribute(x, (dx) => {
        build.emit('upSamplingBackward', dx, dy, windows!, ...sizes);
        build.count(rows * channels);
      });
    });
    return y;
  },
};
