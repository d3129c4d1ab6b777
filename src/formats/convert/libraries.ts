import type { LayerSpec } from '../../layers/index.js';
import type { ModelLayer } from '../../layers/tree.js';
import { type Shape, sizeOf } from '../../tensor.js';
import { turned as inOrder } from '../channels.js';

/* How other libraries call what layers learn, and how it lies there. */

/** A library's form of something that a layer learns. */
export interface Counterpart {
  /** Its name, behind that of the layer; of several, their sum. */
  readonly names: readonly string[];
  /** Another name that it may have in the place of the only one. */
  readonly also?: string;
  /** Whether its last two dimensions, inputs and outputs, stand the other way round and come first. */
  readonly turned?: true;
  /** Which block of columns there is the first here, the second …, where gates have another order. */
  readonly gates?: readonly number[];
  /** Which of two rows it is there. */
  readonly row?: 0 | 1;
  /** The shape of the same numbers there, where it is another. */
  readonly shape?: (here: Shape, layer: ModelLayer) => Shape;
}

/** What layers of a kind are called, where that is not by their places, and what they learn. */
export interface LayerConvention {
  readonly stem?: string;
  readonly weights: Readonly<Record<string, Counterpart>>;
}

export interface Library {
  /** Who reads, for messages. */
  readonly reader: string;
  /** What stands between a layer's name and that of its tensor. */
  readonly separator: string;
  readonly conventions: Readonly<Partial<Record<LayerSpec['type'], LayerConvention>>>;
  /** What stands behind a tensor's own name. */
  readonly ending: (layer: ModelLayer) => string;
  /** Tensors that count and are no weights. */
  readonly ignored: RegExp;
  /** Whether images and the steps of convolutions have their channels before all else. */
  readonly channelsFirst: boolean;
}

const as = (...names: string[]): Counterpart => ({ names });
const turned = (...names: string[]): Counterpart => ({ names, turned: true });

const recurrent = {
  w: turned('weight_ih'),
  u: turned('weight_hh'),
  // Two biases that are added anyway.
  b: as('bias_ih', 'bias_hh'),
};
const linear = { weights: { w: turned('weight'), b: as('bias') } };
const normalization = { scale: as('weight'), shift: as('bias') };

export const pytorch: Library = {
  reader: 'fromPyTorch',
  separator: '.',
  conventions: {
    dense: linear,
    conv1d: linear,
    conv2d: linear,
    conv2dTranspose: linear,
    batchNormalization: {
      weights: { ...normalization, mean: as('running_mean'), variance: as('running_var') },
    },
    layerNormalization: { weights: normalization },
    embedding: { weights: { w: as('weight') } },
    positionalEmbedding: { weights: { w: as('weight') } },
    attention: {
      weights: {
        ...{ w: turned('in_proj_weight'), b: as('in_proj_bias') },
        ...{ wOut: turned('out_proj.weight'), bOut: as('out_proj.bias') },
      },
    },
    simpleRnn: { weights: recurrent },
    lstm: { weights: recurrent },
    gru: { weights: { ...recurrent, b: as('bias_ih'), b2: as('bias_hh') } },
  },
  // The first of several layers, forward or back.
  ending({ spec }) {
    if (spec.type !== 'simpleRnn' && spec.type !== 'lstm' && spec.type !== 'gru') return '';
    return spec.goBackwards ? '_l0_reverse' : '_l0';
  },
  ignored: /\.num_batches_tracked$/,
  channelsFirst: true,
};

const kernels = { w: as('kernel'), b: as('bias') };
const cell = { ...kernels, u: as('recurrent_kernel') };
/** The gates of a GRU: Keras has z, r, n, and both biases in one matrix. */
export const kerasGates = [1, 0, 2];
const gates = kerasGates;
const both = (here: Shape): Shape => [2, ...here];

/** The kernel of a convolution, or that of a depthwise one, whose filters stand behind their channels. */
const depthwise = ({ spec, input }: ModelLayer) =>
  spec.type === 'conv2d' && spec.groups !== undefined && spec.groups === input.at(-1);

export const keras: Library = {
  reader: 'fromKeras',
  separator: '/',
  conventions: {
    dense: { stem: 'dense', weights: kernels },
    conv1d: { stem: 'conv1d', weights: kernels },
    conv2d: {
      stem: 'conv2d',
      weights: {
        w: {
          names: ['kernel'],
          also: 'depthwise_kernel',
          shape(here, layer) {
            if (!depthwise(layer)) return here;
            const channels = layer.input.at(-1)!;
            return [here[0]!, here[1]!, channels, here[3]! / channels];
          },
        },
        b: as('bias'),
      },
    },
    conv2dTranspose: { stem: 'conv2d_transpose', weights: kernels },
    batchNormalization: {
      stem: 'batch_normalization',
      weights: {
        ...{ scale: as('gamma'), shift: as('beta') },
        ...{ mean: as('moving_mean'), variance: as('moving_variance') },
      },
    },
    layerNormalization: {
      stem: 'layer_normalization',
      weights: { scale: as('gamma'), shift: as('beta') },
    },
    embedding: { stem: 'embedding', weights: { w: as('embeddings') } },
    simpleRnn: { stem: 'simple_rnn', weights: cell },
    lstm: { stem: 'lstm', weights: cell },
    gru: {
      stem: 'gru',
      weights: {
        w: { names: ['kernel'], gates },
        u: { names: ['recurrent_kernel'], gates },
        b: { names: ['bias'], gates, row: 0, shape: both },
        b2: { names: ['bias'], gates, row: 1, shape: both },
      },
    },
  },
  ending: () => '',
  ignored: /^$/,
  channelsFirst: false,
};

/** Numbers of another library as they lie here. */
export function arranged(
  values: Float32Array,
  shape: Shape,
  { turned, gates, row }: Pick<Counterpart, 'turned' | 'gates' | 'row'>,
): Float32Array {
  const size = sizeOf(shape);
  const own = row === undefined ? values : values.subarray(row * size, (row + 1) * size);
  const [columns] = shape.slice(-1) as [number];
  if (gates) {
    const units = columns / gates.length;
    return Float32Array.from(own, (_, i) => {
      const column = i % columns;
      const gate = gates[Math.floor(column / units)]!;
      return own[i - column + gate * units + (column % units)]!;
    });
  }
  return turned ? inOrder(own, shape) : own;
}
