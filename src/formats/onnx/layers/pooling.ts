import type { LayerSpec } from '../../../layers/index.js';
import {
  type PoolingSpec,
  poolingWindows,
  type UpSampling2dSpec,
} from '../../../layers/pooling.js';
import { int, text } from '../graph.js';
import { channelsFirst, channelsLast, windowAttributes } from './channels.js';
import type { ExportLayer } from './definition.js';

/** What is outside of the image does not count in either operator, unless they are told so. */
export const exportPooling =
  (operator: 'MaxPool' | 'AveragePool'): ExportLayer<PoolingSpec> =>
  (x, { layer, build }) => {
    const rank = layer.input.length;
    const attributes = windowAttributes(poolingWindows(layer.spec, layer.input), rank);
    const y = build.node(operator, [channelsFirst(x, rank, build)], attributes);
    return channelsLast(y, rank, build);
  };

export const exportGlobalPooling =
  (operator: 'GlobalMaxPool' | 'GlobalAveragePool'): ExportLayer<LayerSpec> =>
  (x, { layer, build }) => {
    const y = build.node(operator, [channelsFirst(x, layer.input.length, build)]);
    return build.node('Flatten', [y], { axis: int(1) });
  };

export const exportUpSampling: ExportLayer<UpSampling2dSpec> = (x, { layer, build }) => {
  const { input, output } = layer;
  const scales = [1, 1, output[0]! / input[0]!, output[1]! / input[1]!];
  const given = [
    channelsFirst(x, 3, build),
    '',
    build.floats('scales', Float32Array.from(scales), [4]),
  ];
  const y = build.node('Resize', given, {
    mode: text('nearest'),
    coordinate_transformation_mode: text('asymmetric'),
    nearest_mode: text('floor'),
  });
  return channelsLast(y, 3, build);
};
