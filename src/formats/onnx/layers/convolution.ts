import {
  type Conv1dSpec,
  type Conv2dSpec,
  convolutionWindows,
} from '../../../layers/convolution.js';
import { activationOf } from '../../../layers/weighted.js';
import type { ActivationDefinition } from '../../../ops/definition.js';
import { activations } from '../../../ops/index.js';
import { int } from '../graph.js';
import { writeActivation } from './activation.js';
import { channelsFirst, channelsLast, windowAttributes } from './channels.js';
import type { ExportLayer } from './definition.js';

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
  const { spec, where, input, parameters } = layer;
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
  const activation = activationOf(spec);
  const { mixes }: ActivationDefinition = activations[activation.type];
  // What works number by number does so on either side, and here two layers can join.
  if (mixes) return writeActivation(channelsLast(z, rank, build), build, activation, where);
  return channelsLast(writeActivation(z, build, activation, where), rank, build);
};
