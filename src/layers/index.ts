import { known, onlyKeys, show } from '../checks.js';
import { type ActivationLayerSpec, type ActivationSpec, activation } from './activation.js';
import { type AttentionSpec, attention } from './attention.js';
import { type ParallelSpec, parallel, type ResidualSpec, residual } from './composite.js';
import {
  type Conv1dSpec,
  type Conv2dSpec,
  conv1d as conv1dDefinition,
  conv2d as conv2dDefinition,
} from './convolution.js';
import type { LayerDefinition } from './definition.js';
import { type DenseSpec, dense as denseDefinition } from './dense.js';
import {
  type AlphaDropoutSpec,
  alphaDropout,
  type DropoutSpec,
  dropout,
  type GaussianNoiseSpec,
  gaussianNoise,
  type SpatialDropoutSpec,
  spatialDropout,
} from './dropout.js';
import {
  type EmbeddingSpec,
  embedding,
  type PositionalEmbeddingSpec,
  positionalEmbedding,
} from './embedding.js';
import { type MaskingSpec, masking } from './masking.js';
import {
  type BatchNormalizationSpec,
  batchNormalization,
  type LayerNormalizationSpec,
  layerNormalization,
} from './normalization.js';
import {
  type AveragePooling1dSpec,
  type AveragePooling2dSpec,
  averagePooling1d,
  averagePooling2d,
  type GlobalAveragePoolingSpec,
  type GlobalMaxPoolingSpec,
  globalAveragePooling,
  globalMaxPooling,
  type MaxPooling1dSpec,
  type MaxPooling2dSpec,
  maxPooling1d,
  maxPooling2d,
  type UpSampling2dSpec,
  upSampling2d,
} from './pooling.js';
import {
  type GruSpec,
  gru,
  type LstmSpec,
  lstm,
  type SimpleRnnSpec,
  simpleRnn,
} from './recurrent.js';
import {
  type ActivityRegularizationSpec,
  activityRegularization,
  type RegularizerSpec,
} from './regularization.js';
import { type FlattenSpec, flatten, type ReshapeSpec, reshape } from './shapes.js';
import { type Conv2dTransposeSpec, conv2dTranspose } from './transposed.js';

export type { ActivationLayerSpec, ActivationSpec } from './activation.js';
export type { AttentionSpec } from './attention.js';
export type { ParallelSpec, ResidualSpec } from './composite.js';
export type { Conv1dSpec, Conv2dSpec } from './convolution.js';
export type { LayerOptions } from './definition.js';
export type { DenseSpec } from './dense.js';
export type {
  AlphaDropoutSpec,
  DropoutSpec,
  GaussianNoiseSpec,
  SpatialDropoutSpec,
} from './dropout.js';
export type { EmbeddingSpec, PositionalEmbeddingSpec } from './embedding.js';
export type { MaskingSpec } from './masking.js';
export type { BatchNormalizationSpec, LayerNormalizationSpec } from './normalization.js';
export type {
  AveragePooling1dSpec,
  AveragePooling2dSpec,
  GlobalAveragePoolingSpec,
  GlobalMaxPoolingSpec,
  MaxPooling1dSpec,
  MaxPooling2dSpec,
  UpSampling2dSpec,
} from './pooling.js';
export type { GruSpec, LstmSpec, SimpleRnnSpec } from './recurrent.js';
export type {
  ActivityRegularizationSpec,
  ConstraintSpec,
  RegularizerSpec,
} from './regularization.js';

export type { FlattenSpec, ReshapeSpec } from './shapes.js';
export type { Conv2dTransposeSpec } from './transposed.js';

/** A layer, as plain data. */
export type LayerSpec =
  | DenseSpec
  | Conv1dSpec
  | Conv2dSpec
  | Conv2dTransposeSpec
  | UpSampling2dSpec
  | SpatialDropoutSpec
  | MaxPooling2dSpec
  | MaxPooling1dSpec
  | AveragePooling2dSpec
  | AveragePooling1dSpec
  | GlobalMaxPoolingSpec
  | GlobalAveragePoolingSpec
  | ActivationLayerSpec
  | EmbeddingSpec
  | PositionalEmbeddingSpec
  | MaskingSpec
  | AttentionSpec
  | DropoutSpec
  | AlphaDropoutSpec
  | GaussianNoiseSpec
  | FlattenSpec
  | ReshapeSpec
  | ActivityRegularizationSpec
  | BatchNormalizationSpec
  | LayerNormalizationSpec
  | SimpleRnnSpec
  | LstmSpec
  | GruSpec
  | ResidualSpec
  | ParallelSpec;

/** A recurrent layer. */
type RecurrentSpec = SimpleRnnSpec | LstmSpec | GruSpec;

/** The kinds of layer. */
const definitions: { [K in LayerSpec['type']]: LayerDefinition<Extract<LayerSpec, { type: K }>> } =
  {
    dense: denseDefinition,
    conv1d: conv1dDefinition,
    conv2d: conv2dDefinition,
    conv2dTranspose,
    upSampling2d,
    spatialDropout,
    maxPooling2d,
    maxPooling1d,
    averagePooling2d,
    averagePooling1d,
    globalMaxPooling,
    globalAveragePooling,
    activation,
    embedding,
    positionalEmbedding,
    masking,
    attention,
    dropout,
    alphaDropout,
    gaussianNoise,
    flatten,
    reshape,
    activityRegularization,
    batchNormalization,
    layerNormalization,
    simpleRnn,
    lstm,
    gru,
    residual,
    parallel,
  };

/** The kind of a layer, after its name and the names of its options have been checked. */
export function definitionOf(spec: LayerSpec, where: string): LayerDefinition<LayerSpec> {
  if (typeof spec !== 'object' || spec === null) {
    throw new TypeError(
      `${where}: expected a layer such as layers.dense({ units: 8 }), got ${show(spec)}`,
    );
  }
  known(spec.type, definitions, `${where}: type`);
  const definition = definitions[spec.type] as LayerDefinition<LayerSpec>;
  onlyKeys(spec, ['type', 'trainable', ...definition.options], where);
  return definition;
}

/** Options of a layer without the name of its kind. */
type Options<S> = Omit<S, 'type'>;

/**
 * The layers that a network stacks, each a function from options to a spec. A spec may as well be
 * written out: `layers.dense({ units: 8 })` is `{ type: 'dense', units: 8 }`.
 */
export const layers = {
  /** A fully connected layer: y = f(x·w + b). See {@link DenseSpec}. */
  dense: (options: Options<DenseSpec>): DenseSpec => ({ type: 'dense', ...options }),
  /** Convolution of sequences [steps, channels]. See {@link Conv1dSpec}. */
  conv1d: (options: Options<Conv1dSpec>): Conv1dSpec => ({ type: 'conv1d', ...options }),
  /** Convolution of images [height, width, channels]. See {@link Conv2dSpec}. */
  conv2d: (options: Options<Conv2dSpec>): Conv2dSpec => ({ type: 'conv2d', ...options }),
  /** Transposed convolution, which makes images larger. See {@link Conv2dTransposeSpec}. */
  conv2dTranspose: (options: Options<Conv2dTransposeSpec>): Conv2dTransposeSpec => ({
    type: 'conv2dTranspose',
    ...options,
  }),
  /** Repeats each position of an image. See {@link UpSampling2dSpec}. */
  upSampling2d: (options: Options<UpSampling2dSpec> = {}): UpSampling2dSpec => ({
    type: 'upSampling2d',
    ...options,
  }),
  /** Zeroes a share of whole channels while training. See {@link SpatialDropoutSpec}. */
  spatialDropout: (options: Options<SpatialDropoutSpec>): SpatialDropoutSpec => ({
    type: 'spatialDropout',
    ...options,
  }),
  /** The largest of each window of a sequence. See {@link MaxPooling1dSpec}. */
  maxPooling1d: (options: Options<MaxPooling1dSpec> = {}): MaxPooling1dSpec => ({
    type: 'maxPooling1d',
    ...options,
  }),
  /** The largest of each window of an image. See {@link MaxPooling2dSpec}. */
  maxPooling2d: (options: Options<MaxPooling2dSpec> = {}): MaxPooling2dSpec => ({
    type: 'maxPooling2d',
    ...options,
  }),
  /** The mean of each window of a sequence. See {@link AveragePooling1dSpec}. */
  averagePooling1d: (options: Options<AveragePooling1dSpec> = {}): AveragePooling1dSpec => ({
    type: 'averagePooling1d',
    ...options,
  }),
  /** The mean of each window of an image. See {@link AveragePooling2dSpec}. */
  averagePooling2d: (options: Options<AveragePooling2dSpec> = {}): AveragePooling2dSpec => ({
    type: 'averagePooling2d',
    ...options,
  }),
  /** The largest of each channel. See {@link GlobalMaxPoolingSpec}. */
  globalMaxPooling: (): GlobalMaxPoolingSpec => ({ type: 'globalMaxPooling' }),
  /** The mean of each channel. See {@link GlobalAveragePoolingSpec}. */
  globalAveragePooling: (): GlobalAveragePoolingSpec => ({ type: 'globalAveragePooling' }),
  /** An activation by itself. See {@link ActivationLayerSpec}. */
  activation: (activation: ActivationSpec): ActivationLayerSpec => ({
    type: 'activation',
    activation,
  }),
  /** Vectors for whole numbers: y = w[x]. See {@link EmbeddingSpec}. */
  embedding: (options: Options<EmbeddingSpec>): EmbeddingSpec => ({
    type: 'embedding',
    ...options,
  }),
  /** Adds a learnt vector to each position: y[p] = x[p] + w[p]. See {@link PositionalEmbeddingSpec}. */
  positionalEmbedding: (
    options: Options<PositionalEmbeddingSpec> = {},
  ): PositionalEmbeddingSpec => ({ type: 'positionalEmbedding', ...options }),
  /** Leaves padded steps out of sequences. See {@link MaskingSpec}. */
  masking: (options: Options<MaskingSpec> = {}): MaskingSpec => ({ type: 'masking', ...options }),
  /** Self-attention with several heads, over [steps, features]. See {@link AttentionSpec}. */
  attention: (options: Options<AttentionSpec>): AttentionSpec => ({
    type: 'attention',
    ...options,
  }),
  /** Zeroes a share of its inputs while training. See {@link DropoutSpec}. */
  dropout: (options: Options<DropoutSpec>): DropoutSpec => ({ type: 'dropout', ...options }),
  /** Dropout that goes with selu. See {@link AlphaDropoutSpec}. */
  alphaDropout: (options: Options<AlphaDropoutSpec>): AlphaDropoutSpec => ({
    type: 'alphaDropout',
    ...options,
  }),
  /** Adds noise to its inputs while training. See {@link GaussianNoiseSpec}. */
  gaussianNoise: (options: Options<GaussianNoiseSpec>): GaussianNoiseSpec => ({
    type: 'gaussianNoise',
    ...options,
  }),
  /** Makes rows of any shape flat. See {@link FlattenSpec}. */
  flatten: (): FlattenSpec => ({ type: 'flatten' }),
  /** Gives rows another shape. See {@link ReshapeSpec}. */
  reshape: (options: Options<ReshapeSpec>): ReshapeSpec => ({ type: 'reshape', ...options }),
  /** A penalty on what passes through: { l1, l2 }. See {@link ActivityRegularizationSpec}. */
  activityRegularization: (options: RegularizerSpec): ActivityRegularizationSpec => ({
    type: 'activityRegularization',
    ...options,
  }),
  /** Normalizes columns over the batch. See {@link BatchNormalizationSpec}. */
  batchNormalization: (options: Options<BatchNormalizationSpec> = {}): BatchNormalizationSpec => ({
    type: 'batchNormalization',
    ...options,
  }),
  /** Normalizes each row by itself. See {@link LayerNormalizationSpec}. */
  layerNormalization: (options: Options<LayerNormalizationSpec> = {}): LayerNormalizationSpec => ({
    type: 'layerNormalization',
    ...options,
  }),
  /** A simple recurrent layer, h ← tanh(x·w + b + h·u). See {@link SimpleRnnSpec}. */
  simpleRnn: (options: Options<SimpleRnnSpec>): SimpleRnnSpec => ({
    type: 'simpleRnn',
    ...options,
  }),
  /** Long short-term memory. See {@link LstmSpec}. */
  lstm: (options: Options<LstmSpec>): LstmSpec => ({ type: 'lstm', ...options }),
  /** The gated recurrent unit. See {@link GruSpec}. */
  gru: (options: Options<GruSpec>): GruSpec => ({ type: 'gru', ...options }),
  /**
   * A recurrent layer in both directions, side by side: a `parallel` layer of it and of the same going
   * backwards, with weights of its own. What each gives is concatenated, or added up.
   */
  bidirectional: (layer: RecurrentSpec, merge?: ParallelSpec['merge']): ParallelSpec => ({
    type: 'parallel',
    branches: [[layer], [{ ...layer, goBackwards: !layer.goBackwards }]],
    ...(merge && { merge }),
  }),
  /** Adds what its layers give to its inputs: y = x + f(x). See {@link ResidualSpec}. */
  residual: (options: Options<ResidualSpec>): ResidualSpec => ({ type: 'residual', ...options }),
  /** Branches side by side, joined or added up. See {@link ParallelSpec}. */
  parallel: (options: Options<ParallelSpec>): ParallelSpec => ({ type: 'parallel', ...options }),
};

/** `dense(64)`: a fully connected layer in short, for the form with `task`. */
export function dense(units: number, options: Omit<DenseSpec, 'type' | 'units'> = {}): DenseSpec {
  return { type: 'dense', units, ...options };
}
