import { flag, numberWithin, onlyKeys, show, wholeNumber } from './checks.js';
import { ShapeError } from './errors.js';
import type { Callback } from './hooks.js';
import type { Model } from './layers/model.js';
import type { Schedule } from './rates.js';
import { checkSnapshot, type OptimizerState, type Plain, type Snapshot } from './snapshot.js';

/** What a training is made of and cannot be changed on the way: it would not be the same one. */
export type Course = {
  readonly batchSize: number;
  readonly shuffle: boolean;
  readonly validationSplit: number;
  /**
   * How many rows there are, and a digest of their bits and of their targets'; with batches from an
   * iterable, of those that the epoch has had so far, and 0 as the batch size.
   */
  readonly rows: number;
  readonly digest: string;
  /** The same of `validationData`; empty without. */
  readonly validationDigest: string;
};

/** Where a training stands, as plain data. */
export type TrainingState = {
  readonly course: Course;
  /** Whole epochs behind it. */
  readonly epoch: number;
  /** The hook that is next, or under way, and for how many of the callbacks it has been called. */
  readonly hook: 'onEpochBegin' | 'onBatchEnd' | 'onEpochEnd';
  readonly called: number;
  /** Which of the network's shuffles this epoch goes by; null before it has begun. */
  readonly shuffle: number | null;
  /** Steps behind it, in all epochs since the training's beginning. */
  readonly steps: number;
  /** Of this epoch: batches and rows behind it, and the sum of their losses. */
  readonly batch: number;
  readonly done: number;
  readonly sum: number;
  /** What each metric has gathered in this epoch. */
  readonly metrics: readonly Float64Array[];
  /** Of the last step. */
  readonly learningRate: number;
  /** What the schedule and each callback remember; null for those that remember nothing. */
  readonly schedule: Plain;
  readonly callbacks: readonly Plain[];
};

/**
 * A network and a training stopped in its course, as plain data: `fit(x, y, { resume: checkpoint })`
 * goes on as if there had been no stop.
 */
export interface Checkpoint extends Snapshot {
  readonly optimizer: OptimizerState;
  readonly history: Readonly<Record<string, readonly number[]>>;
  readonly training: TrainingState;
}

const hookNames = ['onEpochBegin', 'onBatchEnd', 'onEpochEnd'];

/** Whether two pieces of JSON say the same; keys that are undefined are none. */
function same(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) {
    return Object.is(a, b);
  }
  const [x, y] = [a, b] as Record<string, unknown>[];
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((key) =>
    same(x![key], y![key]),
  );
}

/** Checks a checkpoint against the network that is to go on from it. */
export function readCheckpoint(given: Snapshot, model: Model): Checkpoint {
  const where = 'resume';
  if (typeof given !== 'object' || given === null || !('training' in given)) {
    throw new TypeError(
      `${where}: expected a checkpoint, as a callback's checkpoint() or a stopped fit() gives it, got ${show(given)}`,
    );
  }
  const other = checkSnapshot(given);
  if (!given.optimizer || !given.history) {
    throw new TypeError(`${where}: the checkpoint has no optimizer or no history: save it whole`);
  }
  const [own, theirs] = [model.spec, other.spec] as unknown as Record<string, unknown>[];
  const keys = Object.keys({ ...own, ...theirs }).filter((key) => key !== 'classes');
  const key = keys.find((name) => !same(own![name], theirs![name]));
  if (key) {
    throw new RangeError(
      `${where}: the checkpoint is of a network with another ${key}: ${JSON.stringify(theirs![key])}; load(checkpoint) makes one like it`,
    );
  }
  const names = ['loss', ...model.metrics.map(({ name }) => name)];
  const known = [...names, ...names.map((name) => `val_${name}`)];
  onlyKeys(given.history, known, `${where}: history`);
  const training = readTraining(given.training, model, `${where}: training`);
  const epochs = training.epoch + Number(training.hook === 'onEpochEnd');
  for (const [name, values] of Object.entries(given.history)) {
    if (Array.isArray(values) && values.length === epochs) continue;
    throw new ShapeError(
      `${where}: history: ${name}: expected ${epochs} numbers, got ${show(values)}`,
    );
  }
  return { ...given, training } as Checkpoint;
}

function readTraining(given: unknown, model: Model, where: string): TrainingState {
  const whole = ['epoch', 'called', 'steps', 'batch', 'done'] as const;
  const keys = [...whole, 'course', 'hook', 'shuffle', 'sum', 'metrics', 'learningRate'];
  onlyKeys(given, [...keys, 'schedule', 'callbacks'], where);
  const state = given as TrainingState;
  for (const key of whole) wholeNumber(state[key], `${where}: ${key}`, 0);
  if (!hookNames.includes(state.hook)) {
    throw new RangeError(
      `${where}: hook: expected one of ${hookNames.join(', ')}, got ${show(state.hook)}`,
    );
  }
  if (state.shuffle !== null) wholeNumber(state.shuffle, `${where}: shuffle`, 0);
  for (const key of ['sum', 'learningRate'] as const) {
    numberWithin(state[key], `${where}: ${key}`, -Number.MAX_VALUE, Number.MAX_VALUE);
  }
  const { metrics, callbacks, course } = state;
  const gathered = Array.isArray(metrics) && metrics.every((sums) => sums instanceof Float64Array);
  if (!gathered || metrics.length !== model.metrics.length) {
    throw new ShapeError(
      `${where}: metrics: expected ${model.metrics.length} of Float64Array, got ${show(metrics)}`,
    );
  }
  if (!Array.isArray(callbacks)) {
    throw new TypeError(`${where}: callbacks: expected an array, got ${show(callbacks)}`);
  }
  const named = ['batchSize', 'shuffle', 'validationSplit', 'rows', 'digest', 'validationDigest'];
  onlyKeys(course, named, `${where}: course`);
  flag(course.shuffle, `${where}: course: shuffle`);
  wholeNumber(course.rows, `${where}: course: rows`, 0);
  wholeNumber(course.batchSize, `${where}: course: batchSize`, 0);
  const { rows, batchSize } = course;
  if (state.done > rows || (state.done < rows && state.done % batchSize !== 0)) {
    throw new RangeError(
      `${where}: done: expected whole batches of ${batchSize} of ${rows} rows, got ${state.done}`,
    );
  }
  return state;
}

/** Refuses to go on with other data, or otherwise, than a training has begun. */
export function checkCourse({ training }: Checkpoint, course: Course): void {
  const then = training.course;
  if ((then.batchSize === 0) !== (course.batchSize === 0)) {
    const what = then.batchSize === 0 ? 'batches from an iterable' : 'rows in arrays';
    throw new TypeError(`resume: the checkpoint's training is on ${what}: give the same`);
  }
  // Of an iterable nobody knows what will come.
  const streamed = course.batchSize === 0;
  for (const key of ['batchSize', 'shuffle', 'validationSplit', 'rows'] as const) {
    if (then[key] === course[key] || (streamed && key === 'rows')) continue;
    throw new RangeError(`resume: ${key}: the checkpoint's is ${then[key]}, got ${course[key]}`);
  }
  for (const [key, what] of [
    ['digest', 'x and y'],
    ['validationDigest', 'validationData'],
  ] as const) {
    if (then[key] === course[key] || (streamed && key === 'digest')) continue;
    throw new RangeError(
      `resume: ${what}: other data than the checkpoint's training has; give the same rows and targets in the same order`,
    );
  }
}

/** Gives the schedule and the callbacks what they remembered. */
export function restoreMemories(
  { training }: Checkpoint,
  schedule: Schedule | undefined,
  callbacks: readonly Callback[],
): void {
  const owners = [schedule, ...callbacks];
  const memories = [training.schedule, ...training.callbacks];
  const nameOf = (i: number) => (i === 0 ? 'learningRate' : `callbacks[${i - 1}]`);
  if (owners.length !== memories.length) {
    throw new RangeError(
      `resume: callbacks: the checkpoint's training has ${memories.length - 1}, got ${callbacks.length}: give the same ones in the same order`,
    );
  }
  memories.forEach((memory, i) => {
    if (memory === null || owners[i]?.restore) return;
    throw new TypeError(
      `resume: ${nameOf(i)}: the checkpoint has what it remembers, but it has no restore(): give the same one again`,
    );
  });
  memories.forEach((memory, i) => {
    if (memory !== null) owners[i]!.restore!(memory);
  });
}
