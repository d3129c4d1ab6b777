import { wholeNumber } from '../checks.js';
import { ShapeError } from '../errors.js';
import type { Windows } from '../ops/internal/windows.js';
import type { Shape } from '../tensor.js';
import { packedFloats } from './convolution.js';
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
  outputAlong,
  type Padding,
  type Pair,
  pitchesOf,
  tableOf,
  windowsOf,
} from './windows.js';

/**
 * Transposed convolution of images, which makes them larger: y[o·stride + k − padding, j] is the sum of
 * x[o, c] · w[k, j, c] over all o, k and c that meet there, plus b[j], under f (Zeiler et al. 2010). It
 * is the gradient of a convolution's inputs, taken forward. From [height, width, channels] to [height,
 * width, filters], w being [kernelHeight, kernelWidth, filters, channels].
 */
export interface Conv2dTransposeSpec extends Omit<WeightedOptions, 'weightConstraint'> {
  readonly type: 'conv2dTranspose';
  /** Number of channels of the outputs, at least 1. */
  readonly filters: number;
  /** The size of the kernel: 3, or [rows, columns]. */
  readonly kernelSize: Pair;
  /** How many times as large the image becomes, apart from its edges; default 1. */
  readonly strides?: Pair;
  /**
   * What is cut off around the outputs: 'valid' (default): nothing, which gives (size − 1)·stride +
   * kernelSize; 'same': as much as leaves size·stride, of an odd number the one more behind; or a number
   * on every side.
   */
  readonly padding?: Padding;
}

const windowSpec = ({ kernelSize, strides, padding }: Conv2dTransposeSpec) => ({
  ...{ kernel: kernelSize, strides, padding },
});

function outputShape(spec: Conv2dTransposeSpec, input: Shape): Shape {
  const sizes = ([0, 1] as const).map((axis) => outputAlong(windowSpec(spec), input[axis]!, axis));
  return [...sizes, spec.filters];
}

/** The windows of the convolution that it is the transpose of: over its outputs. */
export const transposedWindows = (spec: Conv2dTransposeSpec, input: Shape): Windows =>
  windowsOf(windowSpec(spec), outputShape(spec, input));

export const conv2dTranspose: LayerDefinition<Conv2dTransposeSpec> = {
  options: [
    ...['filters', 'kernelSize', 'strides', 'padding'],
    ...weightedOptions.filter((name) => name !== 'weightConstraint'),
  ],

  check(spec, input, where) {
    checkRank(input, false, where);
    wholeNumber(spec.filters, `${where}: filters`);
    checkWindows(windowSpec(spec), false, 'kernelSize', where);
    checkWeighted(spec, where);
  },

  output(spec, input, _inner, where) {
    const output = outputShape(spec, input);
    if (output.every((size) => size > 0)) return output;
    throw new ShapeError(
      `${where}: padding: nothing is left of rows of shape [${input.join(', ')}]: make it smaller`,
    );
  },

  parameters(spec, input) {
    const { kernelHeight, kernelWidth, strideY, strideX } = transposedWindows(spec, input);
    const { filters } = spec;
    const area = kernelHeight * kernelWidth;
    const channels = input.at(-1)!;
    const shape = [kernelHeight, kernelWidth, filters, channels];
    const fanIn = Math.max(1, (area * channels) / (strideY * strideX));
    return weightsAndBiases(spec, shape, fanIn, area * filters, filters);
  },

  constants: (spec, input) => ({ windows: tableOf(transposedWindows(spec, input)) }),
  activation: (spec) => activationOf(spec).type,
  withDefaults: withActivation,

  lower(spec, build, given, { w, b, windows }, { input }) {
    const shape = transposedWindows(spec, input);
    const { batch } = build;
    const { filters } = spec;
    const channels = input.at(-1)!;
    const chosen = activationOf(spec);
    const floor = build.lowerBound(chosen);
    const x = build.regroup(given, channels);
    const rows = batch * shape.height * shape.width;
    const z = build.value(filters, build.needsGradient(x, w!, b), rows);
    const pitches = pitchesOf(z, [shape.height, shape.width, filters]);
    const products = 2 * x.rows * w!.rows * channels;
    build.scratch(packedFloats(shape, channels, 1));
    build.count(products);
    build.emit(
      'convolutionTransposedForward',
      ...([z, x, w!, b ?? build.zeros(filters), windows!, batch, channels] as const),
      ...([...pitches, x.pitch, floor ?? Number.NEGATIVE_INFINITY] as const),
    );
    build.onBackward(z, (dz) => {
      const sizes = [batch, channels, 1, ...pitches, x.pitch] as const;
      build.contribute(x, (dx) => {
        build.count(products);
        const read = [dz, w!, build.zeros(channels), windows!] as const;
        build.emit('convolutionForward', dx, ...read, ...sizes, Number.NEGATIVE_INFINITY);
      });
      if (build.needsGradient(w)) build.count(products);
      build.accumulate('convolutionBackwardWeights', w!, [dz, x, windows!], [...sizes]);
      if (b) build.accumulate('denseBackwardBias', b, [dz], [rows, filters, dz.pitch]);
    });
    const y = floor === undefined ? build.activate(z, chosen) : build.bounded(z, chosen);
    return build.penalize(y, readRegularizer(spec.activityRegularizer, 'activityRegularizer'));
  },
};
