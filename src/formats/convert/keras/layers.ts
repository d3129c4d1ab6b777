import type { ActivationSpec, LayerSpec } from '../../../layers/index.js';
import { emptyTable } from '../../../snapshot.js';
import { sizeOf } from '../../../tensor.js';
import { layerOn, type Rows, shareOfBatch } from '../../graph.js';
import {
  biasOf,
  type KerasContext,
  type KerasLayer,
  lastAxis,
  lastOf,
  optionsOf,
  readActivation,
} from './context.js';
import { images } from './images.js';
import { sequences } from './sequences.js';

const dense: KerasLayer = (context) => {
  const { config, x, weight } = context;
  const units = config.get('units').size();
  const spec: LayerSpec = { type: 'dense', units, ...optionsOf(context) };
  const w = weight('kernel', [lastOf(context), units]);
  return layerOn(x, spec, [...x.shape.slice(0, -1), units], { w, ...biasOf(context, units) });
};

const activationLayer = ({ x }: KerasContext, activation: ActivationSpec): Rows =>
  layerOn(x, { type: 'activation', activation });

const relu: KerasLayer = (context) => {
  const { config, fail } = context;
  const slope = config.get('negative_slope').numberOr(0);
  if (config.get('max_value').exists) fail('max_value: there is no relu with a largest value here');
  if (config.get('threshold').numberOr(0) !== 0) fail('threshold: expected 0');
  return activationLayer(context, slope === 0 ? 'relu' : { type: 'leakyRelu', slope });
};

/** The slope, which newer versions name otherwise. */
const leakyRelu: KerasLayer = (context) => {
  const { config } = context;
  const old = config.get('alpha');
  const field = old.exists ? old : config.get('negative_slope');
  return activationLayer(context, { type: 'leakyRelu', slope: field.numberOr(0.3) });
};

const softmax: KerasLayer = (context) => {
  lastAxis(context);
  return activationLayer(context, 'softmax');
};

/** γ and β where a layer has them, and what of its options they both have. */
function scaleAndShift(context: KerasContext) {
  const { config, weight } = context;
  const columns = lastOf(context);
  lastAxis(context);
  const [scale, shift] = [config.get('scale').flagOr(true), config.get('center').flagOr(true)];
  const epsilon = config.get('epsilon').numberOr(1e-3);
  return {
    columns,
    options: { epsilon, ...(!scale && { scale }), ...(!shift && { shift }) },
    weights: {
      ...(scale && { scale: weight('gamma', [columns]) }),
      ...(shift && { shift: weight('beta', [columns]) }),
    },
  };
}

const batchNormalization: KerasLayer = (context) => {
  const { config, x, weight } = context;
  const { columns, options, weights } = scaleAndShift(context);
  const momentum = shareOfBatch(config.get('momentum').numberOr(0.99));
  return layerOn(x, { type: 'batchNormalization', ...options, momentum }, x.shape, {
    ...weights,
    mean: weight('moving_mean', [columns]),
    variance: weight('moving_variance', [columns]),
  });
};

const layerNormalization: KerasLayer = (context) => {
  const { options, weights } = scaleAndShift(context);
  return layerOn(context.x, { type: 'layerNormalization', ...options }, context.x.shape, weights);
};

/** The shape may leave one size open, which follows from the others. */
const reshape: KerasLayer = ({ config, x, fail }) => {
  const given = config.get('target_shape').items();
  const sizes = given.map((size) =>
    size.exists && size.number() !== -1 ? size.size() : undefined,
  );
  const known = sizes.reduce<number>((product, size) => product * (size ?? 1), 1);
  const shape = sizes.map((size) => size ?? sizeOf(x.shape) / known);
  if (shape.length === 0 || sizeOf(shape) !== sizeOf(x.shape) || !shape.every(Number.isInteger)) {
    fail(`target_shape: the shape [${x.shape.join(', ')}] does not fit`);
  }
  return layerOn(x, { type: 'reshape', shape }, shape);
};

const rateOf = ({ config }: KerasContext) => config.get('rate').number();

/** The kinds of layer that can be read, by their class names. */
export const kerasLayers: Readonly<Record<string, KerasLayer>> = Object.assign(
  emptyTable<KerasLayer>(),
  {
    ...images,
    ...sequences,
    Dense: dense,
    Activation: (context) => activationLayer(context, readActivation(context)),
    ReLU: relu,
    LeakyReLU: leakyRelu,
    ELU: (context) =>
      activationLayer(context, { type: 'elu', alpha: context.config.get('alpha').numberOr(1) }),
    Softmax: softmax,
    Dropout: (context) => layerOn(context.x, { type: 'dropout', rate: rateOf(context) }),
    AlphaDropout: (context) => layerOn(context.x, { type: 'alphaDropout', rate: rateOf(context) }),
    GaussianNoise: ({ config, x }) =>
      layerOn(x, { type: 'gaussianNoise', stddev: config.get('stddev').number() }),
    // There is no such layer here; in prediction it does nothing.
    GaussianDropout: ({ x }) => x,
    BatchNormalization: batchNormalization,
    LayerNormalization: layerNormalization,
    Reshape: reshape,
    Flatten: ({ x }) =>
      x.shape.length === 1 ? x : layerOn(x, { type: 'flatten' }, [sizeOf(x.shape)]),
  } satisfies Record<string, KerasLayer>,
);
