import { hint, show } from '../../checks.js';
import type { ActivationSpec, LayerSpec } from '../../layers/index.js';
import { emptyTable, type SnapshotTensor } from '../../snapshot.js';
import { type Shape, sizeOf } from '../../tensor.js';
import { layerOn, type Rows, shareOfBatch } from '../graph.js';
import type { Field } from './document.js';

/** What a layer of Keras is read from. */
export interface KerasContext {
  readonly config: Field;
  readonly x: Rows;
  fail(what: string): never;
  /** Takes the layer's weights of this name and shape. */
  weight(key: string, shape: Shape): SnapshotTensor;
}

type KerasLayer = (context: KerasContext) => Rows;

/** Activations by the names of Keras, which TensorFlow.js writes in either way. */
const activations: Readonly<Record<string, ActivationSpec>> = Object.assign(
  emptyTable<ActivationSpec>(),
  {
    linear: 'linear',
    relu: 'relu',
    elu: 'elu',
    selu: 'selu',
    gelu: 'gelu',
    gelu_new: 'geluTanh',
    swish: 'silu',
    silu: 'silu',
    softplus: 'softplus',
    softsign: 'softsign',
    sigmoid: 'sigmoid',
    tanh: 'tanh',
    softmax: 'softmax',
  } as const,
);

function readActivation({ config, fail }: KerasContext): ActivationSpec {
  const name = config.get('activation').textOr('linear');
  const activation = activations[name];
  if (activation) return activation;
  if (/^hard_?sigmoid$/i.test(name)) {
    fail(`the activation ${show(name)} is 0.2x + 0.5 in TensorFlow.js, and x/6 + 0.5 here`);
  }
  return fail(`there is no activation ${show(name)} here; ${hint(name, Object.keys(activations))}`);
}

/** Rows of one dimension, as layers with weights take them. */
function columnsOf({ x, fail }: KerasContext): number {
  if (x.shape.length === 1) return x.shape[0]!;
  return fail(`expected rows of one dimension, got the shape [${x.shape.join(', ')}]`);
}

const dense: KerasLayer = (context) => {
  const { config, x, weight } = context;
  const inputs = columnsOf(context);
  const units = config.get('units').size();
  const activation = readActivation(context);
  const useBias = config.get('use_bias').flagOr(true);
  const spec: LayerSpec = {
    type: 'dense',
    units,
    ...(activation !== 'linear' && { activation }),
    ...(!useBias && { useBias }),
  };
  const w = weight('kernel', [inputs, units]);
  return layerOn(x, spec, [units], { w, ...(useBias && { b: weight('bias', [units]) }) });
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
  columnsOf(context);
  const axis = context.config.get('axis').numberOr(-1);
  if (axis !== -1 && axis !== 1) context.fail(`axis: expected −1, got ${axis}`);
  return activationLayer(context, 'softmax');
};

/** γ and β where a layer has them, and what of its options they both have. */
function scaleAndShift(context: KerasContext) {
  const { config, weight, fail } = context;
  const columns = columnsOf(context);
  const axis = config.get('axis');
  const along = axis.isList ? axis.numbers() : [axis.numberOr(-1)];
  if (along.length !== 1 || (along[0] !== -1 && along[0] !== 1)) {
    fail(`axis: expected −1, got ${along.slice(0, 8).join(', ')}`);
  }
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

const rateOf = ({ config }: KerasContext) => config.get('rate').number();

/** The kinds of layer that can be read, by their class names. */
export const kerasLayers: Readonly<Record<string, KerasLayer>> = Object.assign(
  emptyTable<KerasLayer>(),
  {
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
    Flatten: ({ x }) =>
      x.shape.length === 1 ? x : layerOn(x, { type: 'flatten' }, [sizeOf(x.shape)]),
  } satisfies Record<string, KerasLayer>,
);
