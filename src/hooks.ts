import type { Checkpoint } from './checkpoint.js';
import type { Network, Weights } from './network.js';
import type { Logs } from './scoring.js';

/** Why a training ended. */
export type StopReason = 'completed' | 'earlyStopping' | 'aborted' | 'timeLimit' | 'stopped';

/** What a callback is told. */
export interface CallbackContext {
  readonly model: Network;
  /** From 0. */
  readonly epoch: number;
  /** How many epochs the training is to have. */
  readonly epochs: number;
  /** From 0 within the epoch; the number of batches in hooks around epochs. */
  readonly batch: number;
  /** What is known so far: the loss, metrics, and behind an epoch those of validation. */
  readonly logs: Logs;
  /**
   * The learning rate of the last step; in `onEpochBegin`, of the step to come. In hooks around the
   * training it is the optimizer's own.
   */
  readonly learningRate: number;
  /**
   * Ends the training after this batch or epoch; what was learnt is kept.
   *
   * @param reason what `fit` gives as its `stopReason`; default 'stopped'
   */
  stop(reason?: 'stopped' | 'earlyStopping' | 'timeLimit'): void;
  /** As that of the model, which is refused while a training runs. */
  setWeights(weights: Readonly<Weights>): void;
  /**
   * All that it takes to go on from here: `fit(x, y, { resume: checkpoint })`. It is a copy.
   *
   * @throws Error once the hook has ended, and in hooks around the training, where there is nothing
   *   to go on with
   */
  checkpoint(): Checkpoint;
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
  /**
   * What it has learnt so far, for a training that is to go on later: plain JSON, and typed arrays
   * of numbers among it. A copy, which it does not change any more.
   */
  state?(): unknown;
  /** Takes such a state before a training begins, which then goes on from there. */
  restore?(state: unknown): void;
}

export const hooks = [
  'onTrainBegin',
  'onEpochBegin',
  'onBatchEnd',
  'onEpochEnd',
  'onTrainEnd',
] as const;
