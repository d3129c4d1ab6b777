import { numberWithin, onlyKeys, show, wholeNumber } from './checks.js';
import type { InputRows, Targets } from './data.js';
import { type Callback, hooks } from './hooks.js';
import { type LearningRate, readSchedule } from './rates.js';
import type { Snapshot } from './snapshot.js';

/** How to train. */
export interface FitOptions {
  /** Passes over the data; default 1. */
  readonly epochs?: number;
  /** Rows a step; default 32. More than there are rows means all of them. */
  readonly batchSize?: number;
  /** Whether each epoch visits the rows in a new order, drawn from the seed; default true. */
  readonly shuffle?: boolean;
  /**
   * Share of the rows to hold out for validation, in [0, 1); default 0. They are drawn by the seed,
   * and for classes in the classes' proportions; with `shuffle: false` they are the last rows, as a
   * series in time wants it. (Keras takes the last rows always.)
   */
  readonly validationSplit?: number;
  /** Rows and targets to validate on, in place of a split. */
  readonly validationData?: readonly [InputRows, Targets];
  /**
   * The learning rate while this training lasts: a number, one of `schedules`, or a function
   * `(step, epoch) => rate`; default: the optimizer's. It may be asked for ahead of time.
   */
  readonly learningRate?: LearningRate;
  readonly callbacks?: readonly Callback[];
  /** Ends the training between two batches, and `fit` resolves: what was learnt is kept. */
  readonly signal?: AbortSignal;
  /**
   * A checkpoint to go on from: the network becomes that of the checkpoint, and the training ends with
   * the bits of one that was never stopped, whatever backend it was on. `epochs` then counts those
   * before it, too. Data and options must be the same again; callbacks and a schedule that remember
   * something get back what they did.
   */
  readonly resume?: Snapshot;
}

const optionKeys = [
  'epochs',
  'batchSize',
  'shuffle',
  'validationSplit',
  'validationData',
  'learningRate',
  'callbacks',
  'signal',
  'resume',
] as const;

/** Options with their defaults, checked. */
export function readOptions(options: FitOptions) {
  onlyKeys(options, optionKeys, 'fit');
  const { epochs = 1, batchSize = 32, shuffle = true, validationSplit = 0 } = options;
  const { callbacks = [], signal, resume } = options;
  wholeNumber(epochs, 'epochs', 0);
  wholeNumber(batchSize, 'batchSize');
  if (typeof shuffle !== 'boolean') {
    throw new TypeError(`shuffle: expected true or false, got ${show(shuffle)}`);
  }
  numberWithin(validationSplit, 'validationSplit', 0, 1, 'open');
  if (validationSplit > 0 && options.validationData) {
    throw new TypeError('validationSplit and validationData exclude each other: give one of them');
  }
  const { validationData } = options;
  if (validationData !== undefined && !Array.isArray(validationData)) {
    throw new TypeError(
      `validationData: expected an array of rows and their targets, got ${show(validationData)}`,
    );
  }
  const { learningRate } = options;
  const schedule =
    learningRate === undefined ? undefined : readSchedule(learningRate, 'learningRate');
  if (!Array.isArray(callbacks)) {
    throw new TypeError(`callbacks: expected an array, got ${show(callbacks)}`);
  }
  callbacks.forEach((callback, i) => {
    if (
      typeof callback !== 'object' ||
      callback === null ||
      !hooks.some((hook) => hook in callback)
    ) {
      throw new TypeError(
        `callbacks[${i}]: expected an object with ${hooks.join(', ')}, got ${show(callback)}`,
      );
    }
  });
  if (signal !== undefined && typeof signal?.aborted !== 'boolean') {
    throw new TypeError(`signal: expected an AbortSignal, got ${show(signal)}`);
  }
  return { epochs, batchSize, shuffle, validationSplit, schedule, callbacks, signal, resume };
}
