export type { BackendFactory, BackendName } from './backends/backend.js';
export type { Callback, CallbackContext } from './callbacks.js';
export type { Label, Rows, Targets } from './data.js';
export { DivergenceError, MemoryError, ShapeError } from './errors.js';
export type { FitOptions } from './fit-options.js';
export type { InitializerSpec } from './initializers.js';
export {
  type ActivationLayerSpec,
  type ActivationSpec,
  type DenseSpec,
  type DropoutSpec,
  dense,
  type FlattenSpec,
  type LayerSpec,
  layers,
} from './layers/index.js';
export type { LossSpec, NetworkSpec, OptimizerSpec } from './layers/model.js';
export type { Task } from './layers/task.js';
export type { MetricName } from './metrics.js';
export {
  type Gradients,
  type Network,
  type NetworkOptions,
  sequential,
  type Weights,
} from './network.js';
export { type Preprocess, type ScalerSpec, type Scaling, standardScaler } from './scalers.js';
export type { Logs } from './scoring.js';
export type { Shape } from './tensor.js';
export type { EpochResult, FitResult, History, StopReason } from './training.js';
