import { type Augmentation, readAugmentations } from './augmentation.js';
import { numberWithin, onlyKeys, show, wholeNumber } from './checks.js';
import type { InputRows, Targets } from './data.js';
import { type Callback, hooks } from './hooks.js';
import type { Network } from './network.js';
import { type LearningRate, readSchedule } from './rates.js';
import type { Snapshot } from './snapshot.js';
import type { NetworkState } from './state.js';
import type { FitResult } from './training.js';
import type { ClassWeight, SampleWeight } from './weights.js';

/** How to train. */
export interface FitOptions {
  /** Passes over the data; default 1. */
  readonly epochs?: number;
  /** Rows a step; default 32. More than there are rows means all of them. */
  readonly batchSize?: number;
  /**
   * The most rows that go through the network at a time. A larger batch goes in parts whose gradients
   * add up before its one step, so that memory holds the values of so many rows only; the bits are
   * those of the batch in one. Default: all rows of the batch.
   */
  readonly microBatchSize?: number;
  /** Whether each epoch visits the rows in a new order, drawn from the seed; default true. */
  readonly shuffle?: boolean;
  /**
   * Share of the rows to hold out for validation, in [0, 1); default 0. They are drawn by the seed,
   * and for classes in the classes' proportions; with `shuffle: false` they are the last rows, as a
   * series in time wants it. (Keras takes the last rows always.)
   */
  readonly validationSplit?: number;
  /** Rows and targets to validate on, in place of a split, and what each row counts. */
  readonly validationData?: readonly [x: InputRows, y: Targets, sampleWeight?: SampleWeight];
  /**
   * What each row counts, or each position of its outputs: its loss and its gradient are multiplied by
   * it, while the mean is still over the number of rows, and positions, as in Keras. Rows held out count in val_loss by theirs; metrics count all rows
   * the same. Default: 1 each.
   */
  readonly sampleWeight?: SampleWeight;
  /**
   * What the rows of each class count, times their `sampleWeight`, in training alone: 'balanced', an
   * array in the order of the classes, or an object by their names, { rare: 10 }. Default: 1 each.
   */
  readonly classWeight?: ClassWeight;
  /**
   * The learning rate while this training lasts: a number, one of `schedules`, or a function
   * `(step, epoch) => rate`; default: the optimizer's. It may be asked for ahead of time.
   */
  readonly learningRate?: LearningRate;
  /**
   * Changes the rows of each batch before the network is trained on them: one of `augment`, a function
   * of a batch and a random source, or several one after another. It gets rows as they were given,
   * before scaling, and what it draws follows from seed, epoch and batch.
   */
  readonly augment?: Augmentation | readonly Augmentation[];
  /**
   * The most bytes of rows and targets that are kept in the network's memory; more is put there part
   * by part, with the same bits. Default 2²⁸ = 256 MiB.
   */
  readonly memoryBudget?: number;
  readonly callbacks?: readonly Callback[];
  /** Ends the training between two batches, and `fit` resolves: what was learnt is kept. */
  readonly signal?: AbortSignal;
  /**
   * Trains in a worker, `import { worker } from 'chainrule/worker'`, to the same bits, so that this
   * thread stays free. Callbacks run here, with the network as it is in the worker then; functions
   * that the worker would need (`augment`, a `learningRate` of one's own) are refused.
   */
  readonly worker?: TrainingWorker;
  /**
   * A checkpoint to go on from: the network becomes that of the checkpoint, and the training ends with
   * the bits of one that was never stopped, whatever backend it was on. `epochs` then counts those
   * before it, too. Data and options must be the same again; callbacks and a schedule that remember
   * something get back what they did.
   */
  readonly resume?: Snapshot;
}

/** Somebody who trains elsewhere: `worker` from 'chainrule/worker'. */
export interface TrainingWorker {
  /** @internal */
  train(training: WorkerTraining): Promise<FitResult>;
}

/** A training that is to be done elsewhere, and what it is the training of. */
export interface WorkerTraining {
  readonly network: Network;
  readonly state: NetworkState;
  readonly x: InputRows;
  readonly y: Targets;
  readonly options: FitOptions;
  /** Replaces weights of the network, which is locked. */
  setWeights(weights: Readonly<Record<string, ArrayLike<number>>>): void;
}

/** How to train on batches from an iterable, which says itself what they are and in which order. */
export interface BatchFitOptions
  extends Omit<
    FitOptions,
    'batchSize' | 'shuffle' | 'validationSplit' | 'memoryBudget' | 'sampleWeight'
  > {
  /**
   * How many batches make an epoch; default: all that there are. Schedules that count steps, or the
   * steps of an epoch, need to know. What goes by only once, such as a generator without an end, goes
   * on in the next epoch.
   */
  readonly stepsPerEpoch?: number;
}

const optionKeys = [
  'epochs',
  'batchSize',
  'microBatchSize',
  'shuffle',
  'validationSplit',
  'validationData',
  'sampleWeight',
  'classWeight',
  'learningRate',
  'augment',
  'memoryBudget',
  'callbacks',
  'signal',
  'worker',
  'resume',
] as const;

/** Options for batches from an iterable with their defaults, checked. */
export function readBatchOptions(options: BatchFitOptions) {
  onlyKeys(options, [...optionKeys, 'stepsPerEpoch'], 'fit');
  const { stepsPerEpoch, ...rest } = options;
  const own = ['batchSize', 'shuffle', 'validationSplit', 'memoryBudget', 'sampleWeight'] as const;
  for (const key of own) {
    if ((rest as FitOptions)[key] === undefined) continue;
    const remedies: Partial<Record<typeof key, string>> = {
      validationSplit: ': give validationData',
      sampleWeight: ': give it with each, { x, y, sampleWeight }',
    };
    const remedy = remedies[key] ?? '';
    throw new TypeError(`${key}: an iterable gives its batches as they are to be${remedy}`);
  }
  if (stepsPerEpoch !== undefined) wholeNumber(stepsPerEpoch, 'stepsPerEpoch');
  return { ...readOptions(rest), stepsPerEpoch };
}

/** Options with their defaults, checked. */
export function readOptions(options: FitOptions) {
  onlyKeys(options, optionKeys, 'fit');
  const { epochs = 1, batchSize = 32, shuffle = true, validationSplit = 0 } = options;
  const { callbacks = [], signal, resume } = options;
  wholeNumber(epochs, 'epochs', 0);
  wholeNumber(batchSize, 'batchSize');
  const { microBatchSize } = options;
  if (microBatchSize !== undefined) wholeNumber(microBatchSize, 'microBatchSize');
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
  const { learningRate, memoryBudget = 2 ** 28 } = options;
  readAugmentations(options.augment);
  numberWithin(memoryBudget, 'memoryBudget', 0, 2 ** 32);
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
  const { worker } = options;
  if (worker !== undefined && typeof worker?.train !== 'function') {
    throw new TypeError(`worker: expected the worker of 'chainrule/worker', got ${show(worker)}`);
  }
  return {
    ...{ epochs, batchSize, shuffle, validationSplit, schedule, callbacks, signal, resume },
    ...{ memoryBudget, microBatchSize },
  };
}
