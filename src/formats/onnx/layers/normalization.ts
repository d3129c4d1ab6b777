import type {
  BatchNormalizationSpec,
  LayerNormalizationSpec,
} from '../../../layers/normalization.js';
import { defaultEpsilon, defaultMomentum } from '../../../layers/normalization.js';
import { float } from '../graph.js';
import { channelsFirst, channelsLast } from './channels.js';
import type { ExportContext, ExportLayer } from './definition.js';

type Normalization = BatchNormalizationSpec | LayerNormalizationSpec;

/** Scale and shift, which the operators always take. */
function scaleAndShift({ layer, build, weights }: ExportContext<Normalization>): [string, string] {
  const columns = layer.input.at(-1)!;
  const all = (name: string, value: number) =>
    build.floats(name, new Float32Array(columns).fill(value), [columns]);
  const { scale, shift } = layer.parameters;
  return [scale ? weights('scale') : all('scale', 1), shift ? weights('shift') : all('shift', 0)];
}

export const exportBatchNormalization: ExportLayer<BatchNormalizationSpec> = (x, context) => {
  const { layer, build, weights } = context;
  const rank = layer.input.length;
  const given = channelsFirst(x, rank, build);
  const inputs = [given, ...scaleAndShift(context), weights('mean'), weights('variance')];
  const { epsilon = defaultEpsilon, momentum = defaultMomentum } = layer.spec;
  const attributes = { epsilon: float(epsilon), momentum: float(1 - momentum) };
  const y = build.node('BatchNormalization', inputs, attributes);
  return channelsLast(y, rank, build);
};

export const exportLayerNormalization: ExportLayer<LayerNormalizationSpec> = (x, context) => {
  const epsilon = float(context.layer.spec.epsilon ?? defaultEpsilon);
  return context.build.node('LayerNormalization', [x, ...scaleAndShift(context)], { epsilon });
};
