import type { LayerSpec } from '../../../layers/index.js';
import { type PoolingSpec, poolingWindows } from '../../../layers/pooling.js';
import { int } from '../graph.js';
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
