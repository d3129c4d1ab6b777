import type { Network } from './network.js';
import type { Logs } from './scoring.js';

/** What a callback is told. */
export interface CallbackContext {
  readonly model: Network;
  /** From 0. */
  readonly epoch: number;
  /** From 0 within the epoch; the number of batches in hooks around epochs. */
  readonly batch: number;
  /** What is known so far: the loss, metrics, and behind an epoch those of validation. */
  readonly logs: Logs;
  /** Ends the training after this batch or epoch; what was learnt is kept. */
  stop(): void;
}

/**
 * Hooks into a training. One that returns a promise is awaited. One that throws ends the training
 * with that error, between two batches: the network stays whole.
 *
 * `onBatchEnd` costs speed on small networks, because batches are then run one at a time.
 */
export interface Callback {
  onTrainBegin?(context: CallbackContext): unknown;
  onEpochBegin?(context: CallbackContext): unknown;
  onBatchEnd?(context: CallbackContext): unknown;
  onEpochEnd?(context: CallbackContext): unknown;
  onTrainEnd?(context: CallbackContext): unknown;
}

export const hooks = [
  'onTrainBegin',
  'onEpochBegin',
  'onBatchEnd',
  'onEpochEnd',
  'onTrainEnd',
] as const;
