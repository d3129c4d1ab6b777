import {
  type Conv1dSpec,
  type Conv2dSpec,
  convolutionWindows,
} from '../../../layers/convolution.js';
import { type Conv2dTransposeSpec, transposedWindows } from '../../../layers/transposed.js';
import { activationOf } from '../../../layers/weighted.js';
import type { ActivationDefinition } from '../../../ops/definition.js';
import { activations } from '../../../ops/index.js';
import { int, ints } from '../graph.js';
import { writeActivation } from './activation.js';
import { channelsFirst, channelsLast, windowAttributes } from './channels.js';
import type { ExportContext, ExportLayer } from './definition.js';

/** Rows of filters as columns: [filters, …] from [kernel, channels, filters]. */
function filtersFirst(w: Float32Array, area: number, channels: number, filters: number) {
  const turned = new Float32Array(w.length);
  let to = 0;
  for (let j = 0; j < filters; j++) {
    for (let c = 0; c < channels; c++) {
      for (let k = 0; k < area; k++) turned[to++] = w[(k * channels + c) * filters + j]!;
    }
  }
  return turned;
}

export const exportConvolution: ExportLayer<Conv1dSpec | Conv2dSpec> = (x, context) => {
  const { layer, build, weights, numbers } = context;
  const { spec, input, parameters } = layer;
  const { groups = 1, filters } = spec;
  const rank = input.length;
  const kernel = parameters.w!.shape.slice(0, rank - 1);
  const channels = input.at(-1)! / groups;
  const area = kernel.reduce((product, size) => product * size, 1);
  const turned = filtersFirst(numbers('w'), area, channels, filters);
  const w = build.floats('w', turned, [filters, channels, ...kernel]);
  const inputs = [channelsFirst(x, rank, build), w, ...(parameters.b ? [weights('b')] : [])];
  const attributes = windowAttributes(convolutionWindows(spec, input), rank);
  const z = build.node('Conv', inputs, { ...attributes, group: int(groups) });
  return writeActivated(z, context);
};

/** An activation behind a value with its channels first, and the value with channels last. */
function writeActivated<Spec extends Conv1dSpec | Conv2dSpec | Conv2dTransposeSpec>(
  z: string,
  { layer, build }: ExportContext<Spec>,
): string {
  const rank = layer.input.length;
  const activation = activationOf(layer.spec);
  const { mixes }: ActivationDefinition = activations[activation.type];
  const write = (value: string) => writeActivation(value, build, activation, layer.where);
  // What works number by number does so on either side, and here two layers can join.
  return mixes ? write(channelsLast(z, rank, build)) : channelsLast(write(z), rank, build);
}

export const exportTransposed: ExportLayer<Conv2dTransposeSpec> = (x, context) => {
  const { layer, build, weights, numbers } = context;
  const { input, output, parameters, spec } = layer;
  const [height, width, filters, channels] = parameters.w!.shape as [
    number,
    number,
    number,
    number,
  ];
  const turned = filtersFirst(numbers('w'), height * width, filters, channels);
  const w = build.floats('w', turned, [channels, filters, height, width]);
  const inputs = [channelsFirst(x, 3, build), w, ...(parameters.b ? [weights('b')] : [])];
  const { strideY, strideX, top, left } = transposedWindows(spec, input);
  // What is cut off in all, or, where that is below 0, added behind.
  const cut = (axis: 0 | 1, stride: number, kernel: number) =>
    (input[axis]! - 1) * stride + kernel - output[axis]!;
  const [down, across] = [cut(0, strideY, height), cut(1, strideX, width)];
  const z = build.node('ConvTranspose', inputs, {
    kernel_shape: ints([height, width]),
    strides: ints([strideY, strideX]),
    pads: ints([top, left, Math.max(down - top, 0), Math.max(across - left, 0)]),
    output_padding: ints([Math.max(-down, 0), Math.max(-across, 0)]),
  });
  return writeActivated(z, context);
};
