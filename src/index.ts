export { augment, type ImageOptions } from './augment.js';
export type { Augmentation, AugmentedBatch, RandomSource } from './augmentation.js';
export type { BackendFactory, BackendName } from './backends/backend.js';
// Objects rather than `export *`: bundlers leave out an object that nobody uses, but not a namespace.
export { callbacks, type EarlyStopping, type EarlyStoppingOptions } from './callbacks.js';
export { type OneHotSpec, oneHot } from './categories.js';
export type { Checkpoint, TrainingState } from './checkpoint.js';
export type { InputRows, Label, Rows, Targets } from './data.js';
export {
  type ClassData,
  type Dataset,
  type DatasetOptions,
  datasets,
  type ValueData,
} from './datasets.js';
export { DivergenceError, FormatError, MemoryError, ShapeError } from './errors.js';
export type { Batch, Batches, BatchSequence } from './feeds/batches.js';
export type { BatchFitOptions, FitOptions } from './fit-options.js';
export { readSpec } from './formats/model-file.js';
export {
  type CheckedElement,
  type CheckGradientsOptions,
  checkGradients,
  type GradientCheck,
  type LayerGradientCheck,
} from './gradient-check.js';
export type { Callback, CallbackContext, StopReason } from './hooks.js';
export type { InitializerSpec } from './initializers.js';
export {
  type ActivationLayerSpec,
  type ActivationSpec,
  type ActivityRegularizationSpec,
  type AlphaDropoutSpec,
  type AttentionSpec,
  type AveragePooling1dSpec,
  type AveragePooling2dSpec,
  type BatchNormalizationSpec,
  type ConstraintSpec,
  type Conv1dSpec,
  type Conv2dSpec,
  type Conv2dTransposeSpec,
  type DenseSpec,
  type DropoutSpec,
  dense,
  type EmbeddingSpec,
  type FlattenSpec,
  type GaussianNoiseSpec,
  type GlobalAveragePoolingSpec,
  type GlobalMaxPoolingSpec,
  type GruSpec,
  type LayerNormalizationSpec,
  type LayerSpec,
  type LstmSpec,
  layers,
  type MaskingSpec,
  type MaxPooling1dSpec,
  type MaxPooling2dSpec,
  type ParallelSpec,
  type PositionalEmbeddingSpec,
  type RegularizerSpec,
  type ReshapeSpec,
  type ResidualSpec,
  type SimpleRnnSpec,
  type SpatialDropoutSpec,
  type UpSampling2dSpec,
} from './layers/index.js';
export type { ClippingSpec, LossSpec, NetworkSpec, OptimizerSpec } from './layers/model.js';
export type { Task } from './layers/task.js';
export { load, readSnapshot } from './load.js';
export type { ActivationStatistics, LayerStatistics, ParameterStatistics } from './measure.js';
export {
  type AverageOptions,
  type Labels,
  metrics,
  type ScoreOptions,
} from './metrics/functions.js';
export {
  type ClassificationReport,
  type ClassScores,
  type ConfusionMatrix,
  classificationReport,
  confusionMatrix,
} from './metrics/report.js';
export type { MetricName, MetricSpec } from './metrics.js';
export {
  type Gradients,
  type Network,
  type NetworkOptions,
  sequential,
  type Weights,
} from './network.js';
export {
  type FindLearningRateOptions,
  findLearningRate,
  type LearningRateCurve,
} from './rate-finder.js';
export type { LearningRate, RateFunction, Schedule, TrainingSpan } from './rates.js';
export { type SaveOptions, save } from './save.js';
export {
  type Encoding,
  minMaxScaler,
  type Preprocess,
  robustScaler,
  type ScalerSpec,
  type Scaling,
  standardScaler,
} from './scalers.js';
export {
  type CosineOptions,
  type CosineRestartsOptions,
  type ExponentialOptions,
  type OneCycleOptions,
  type PolynomialOptions,
  type ReduceOnPlateauOptions,
  type StepOptions,
  schedules,
  type WarmUpOptions,
} from './schedules.js';
export type { Logs } from './scoring.js';
export {
  type Chosen,
  type Range,
  type SearchContext,
  type SearchOptions,
  type SearchResult,
  type SearchSpace,
  search,
  type Trial,
} from './search.js';
export type { OptimizerState, Plain, Snapshot, SnapshotTensor } from './snapshot.js';
export {
  type CrossValidateOptions,
  type CrossValidation,
  crossValidate,
  type Fold,
  type FoldOptions,
  kFold,
  type Part,
  type SplitOptions,
  stratifiedKFold,
  takeRows,
  trainTestSplit,
} from './split.js';
export { layerStatistics, type NetworkStatistics } from './statistics.js';
export type { Shape } from './tensor.js';
export type { EpochResult, FitResult, History } from './training.js';
export type { ClassWeight, SampleWeight, WeightOption } from './weights.js';
