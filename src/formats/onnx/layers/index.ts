import type { LayerSpec } from '../../../layers/index.js';
import { int } from '../graph.js';
import { exportActivation } from './activation.js';
import { exportAttention } from './attention.js';
import { exportConvolution, exportTransposed } from './convolution.js';
import type { ExportLayer } from './definition.js';
import { exportDense } from './dense.js';
import { exportEmbedding } from './embedding.js';
import { exportBatchNormalization, exportLayerNormalization } from './normalization.js';
import { exportGlobalPooling, exportPooling, exportUpSampling } from './pooling.js';
import { exportGru, exportLstm, exportSimpleRnn } from './recurrent.js';

/** Layers that do something in training only. */
const nothing: ExportLayer<LayerSpec> = (x) => x;

/** A layer that a mask makes another one, of which there is none in ONNX. */
const unmasked =
  <Spec extends LayerSpec>(write: ExportLayer<Spec>): ExportLayer<Spec> =>
  (x, context) => {
    const { masked, where } = context.layer;
    if (masked === undefined) return write(x, context);
    throw new TypeError(
      `toOnnx: ${where} passes over what a mask leaves out, wherever it is, which has no ONNX form`,
    );
  };

/** How each kind of layer is written. One that is missing here has no ONNX form. */
export const exports: {
  readonly [K in LayerSpec['type']]?: ExportLayer<Extract<LayerSpec, { type: K }>>;
} = {
  dense: exportDense,
  conv1d: exportConvolution,
  conv2d: exportConvolution,
  conv2dTranspose: exportTransposed,
  upSampling2d: exportUpSampling,
  maxPooling1d: exportPooling('MaxPool'),
  maxPooling2d: exportPooling('MaxPool'),
  averagePooling1d: exportPooling('AveragePool'),
  averagePooling2d: exportPooling('AveragePool'),
  globalMaxPooling: exportGlobalPooling('GlobalMaxPool'),
  globalAveragePooling: unmasked(exportGlobalPooling('GlobalAveragePool')),
  activation: exportActivation,
  embedding: exportEmbedding,
  positionalEmbedding: (x, { build, weights }) => build.node('Add', [x, weights('w')]),
  attention: unmasked(exportAttention),
  dropout: nothing,
  spatialDropout: nothing,
  alphaDropout: nothing,
  gaussianNoise: nothing,
  activityRegularization: nothing,
  flatten: (x, { layer, build }) =>
    layer.input.length === 1 ? x : build.node('Flatten', [x], { axis: int(1) }),
  reshape: (x, { layer, build }) => {
    const dims = [0, ...layer.output];
    return build.node('Reshape', [x, build.ints('shape', dims, [dims.length])]);
  },
  batchNormalization: exportBatchNormalization,
  layerNormalization: exportLayerNormalization,
  simpleRnn: unmasked(exportSimpleRnn),
  lstm: unmasked(exportLstm),
  gru: unmasked(exportGru),
  residual: (x, { build, through }) => {
    const f = through('layers', x);
    return build.node('Add', [through('shortcut', x), f]);
  },
  parallel(x, { layer, build, through }) {
    const parts = Object.keys(layer.stacks).map((stack) => through(stack, x));
    if (layer.spec.merge === 'add') return parts.reduce((sum, p) => build.node('Add', [sum, p]));
    return build.node('Concat', parts, { axis: int(layer.output.length) });
  },
};
