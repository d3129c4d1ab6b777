import { wholeNumber } from '../checks.js';
import { ShapeError } from '../errors.js';
import type { Windows } from '../ops/internal/windows.js';
import { pitchOf, type Shape, sizeOf } from '../tensor.js';
import type { LayerDefinition } from './definition.js';
import { readRegularizer } from './regularization.js';
import {
  activationOf,
  checkWeighted,
  type WeightedOptions,
  weightedOptions,
  weightsAndBiases,
  withActivation,
} from './weighted.js';
import {
  checkRank,
  checkWindows,
  outputOf,
  type Padding,
  type Pair,
  panelRows,
  pitchesOf,
  tableOf,
  windowsOf,
} from './windows.js';

/**
 * Convolution of images: y[o, j] = f(b[j] + Σ x[o·stride + k·dilation − padding, c] · w[k, c, j]) over the
 * positions k of the kernel and the channels c. From [height, width, channels] to [height, width,
 * filters], w being [kernelHeight, kernelWidth, channels / groups, filters]. As everywhere, it is
 * cross-correlation: kernels are not turned over.
 */
export interface Conv2dSpec extends WeightedOptions {
  readonly type: 'conv2d';
  /** Number of channels of the outputs, at least 1. */
  readonly filters: number;
  /** The size of the kernel: 3, or [rows, columns]. */
  readonly kernelSize: Pair;
  /** How far the kernel moves; default 1. */
  readonly strides?: Pair;
  /** What is around the image: 'valid' (default), 'same', or a number of zeros on every side. */
  readonly padding?: Padding;
  /** How far apart the values are that a kernel sees; default 1, next to one another. */
  readonly dilation?: Pair;
  /**
   * Parts that channels and filters are divided into, each part of the filters seeing one part of the
   * channels; default 1. As many as there are channels: a depthwise convolution.
   */
  readonly groups?: number;
}

/** The same of sequences: from [steps, channels] to [steps, filters], w being [kernelSize, channels / groups, filters]. */
export interface Conv1dSpec extends WeightedOptions {
  readonly type: 'conv1d';
  /** Number of channels of the outputs, at least 1. */
  readonly filters: number;
  /** How many steps the kernel covers. */
  readonly kernelSize: number;
  /** How far the kernel moves; default 1. */
  readonly strides?: number;
  /** What is around the sequence: 'valid' (default), 'same', or a number of zeros at both ends. */
  readonly padding?: 'valid' | 'same' | number;
  /** How far apart the steps are that a kernel sees; default 1. */
  readonly dilation?: number;
  /** Parts that channels and filters are divided into; default 1. See {@link Conv2dSpec}. */
  readonly groups?: number;
}

type ConvolutionSpec = Conv2dSpec | Conv1dSpec;

const windowSpec = ({ kernelSize, strides, padding, dilation }: ConvolutionSpec) => ({
  ...{ kernel: kernelSize, strides, padding, dilation },
});

/** The windows of a convolution, on rows of this shape. */
export const convolutionWindows = (spec: ConvolutionSpec, input: Shape): Windows =>
  windowsOf(windowSpec(spec), input);

function checkGroups({ groups = 1, filters }: ConvolutionSpec, input: Shape, where: string) {
  wholeNumber(groups, `${where}: groups`);
  const channels = input.at(-1)!;
  for (const [name, count] of Object.entries({ channels, filters })) {
    if (count % groups === 0) continue;
    throw new ShapeError(`${where}: groups: ${count} ${name} do not part into ${groups}`);
  }
}

function convolution<Spec extends ConvolutionSpec>(flat: boolean): LayerDefinition<Spec> {
  return {
    options: [
      ...['filters', 'kernelSize', 'strides', 'padding', 'dilation', 'groups'],
      ...weightedOptions,
    ],

    check(spec, input, where) {
      checkRank(input, flat, where);
      wholeNumber(spec.filters, `${where}: filters`);
      checkWindows(windowSpec(spec), flat, 'kernelSize', where);
      checkGroups(spec, input, where);
      checkWeighted(spec, where);
    },

    output: (spec, input, _inner, where) => outputOf(windowSpec(spec), input, spec.filters, where),

    parameters(spec, input) {
      const { kernelHeight, kernelWidth, channels } = convolutionWindows(spec, input);
      const kernel = flat ? [kernelWidth] : [kernelHeight, kernelWidth];
      const area = sizeOf(kernel);
      const { filters, groups = 1 } = spec;
      const shape = [...kernel, channels / groups, filters];
      return weightsAndBiases(spec, shape, (area * channels) / groups, (area * filters) / groups);
    },

    constants: (spec, input) => ({ windows: tableOf(convolutionWindows(spec, input)) }),
    activation: (spec) => activationOf(spec).type,
    withDefaults: withActivation,

    lower(spec, build, given, { w, b, windows }, { input }) {
      const shape = convolutionWindows(spec, input);
      const { batch } = build;
      const { filters, groups = 1 } = spec;
      const chosen = activationOf(spec);
      const floor = build.lowerBound(chosen);
      // Its gradient is written by position, but inputs that need none may stand as they are.
      const x = build.needsGradient(given) ? build.regroup(given, shape.channels) : given;
      const rows = batch * shape.outHeight * shape.outWidth;
      const z = build.value(filters, build.needsGradient(x, w!, b), rows);
      const products = 2 * rows * w!.rows * (filters / groups);
      const sizes = [batch, filters, groups, ...pitchesOf(x, input), z.pitch] as const;
      build.scratch(packedFloats(shape, filters, groups));
      build.count(products);
      build.emit(
        'convolutionForward',
        ...([z, x, w!, b ?? build.zeros(filters), windows!] as const),
        ...([...sizes, floor ?? Number.NEGATIVE_INFINITY] as const),
      );
      build.onBackward(z, (dz) => {
        build.contribute(x, (dx, takeMask) => {
          build.count(products);
          build.emit('convolutionBackwardInput', dx, dz, w!, x, windows!, ...sizes, takeMask());
        });
        if (build.needsGradient(w)) build.count(products);
        build.accumulate('convolutionBackwardWeights', w!, [x, dz, windows!], [...sizes]);
        if (b) build.accumulate('denseBackwardBias', b, [dz], [rows, filters, dz.pitch]);
      });
      const y = floor === undefined ? build.activate(z, chosen) : build.bounded(z, chosen);
      return build.penalize(y, readRegularizer(spec.activityRegularizer, 'activityRegularizer'));
    },
  };
}

export const conv2d = convolution<Conv2dSpec>(false);
export const conv1d = convolution<Conv1dSpec>(true);

/** The most floats that a kernel packs into scratch: as assembly/convolution.ts says. */
export function packedFloats(
  windows: Pick<Windows, 'kernelHeight' | 'kernelWidth' | 'channels'>,
  filters: number,
  groups: number,
): number {
  const { kernelHeight, kernelWidth } = windows;
  const up8 = (floats: number) => Math.ceil(floats / 8) * 8;
  const channels = windows.channels / groups;
  const each = filters / groups;
  const area = kernelHeight * kernelWidth;
  const [values, terms] = [area * channels, area * each];
  const panel = (size: number) => panelRows(size) * pitchOf(size);
  const rows = panelRows(values);
  const own = groups > 1 ? (up8(values) + rows + 1) * up8(each) : 0;
  const weights = rows * (Math.min(up8(values), 256) + 8) + panel(values) + own;
  const inputs = 32 + panel(terms) + (terms + panelRows(terms) + 1) * up8(channels);
  const direct = groups > 1 ? 16384 + 64 + (terms + 1) * up8(windows.channels) + values + terms : 0;
  return Math.max(weights, inputs, direct);
}
