import { numberWithin, onlyKeys, show, wholeNumber } from './checks.js';
import { type InputRows, type Label, stratifiedSplit, type Targets } from './data.js';
import { ShapeError } from './errors.js';
import type { FitOptions } from './fit-options.js';
import { distinct, indicesOf, readLabels, readList } from './metrics/read.js';
import type { Network } from './network.js';
import { Random, streams } from './random.js';
import type { Logs } from './scoring.js';
import { table } from './table.js';

/** Which rows are trained on and which are not, both in ascending order. */
export interface Fold {
  readonly train: Int32Array;
  readonly test: Int32Array;
}

/** Some rows, and their targets. */
export interface Part<X, Y> {
  readonly x: X;
  readonly y: Y;
  /** Which of the rows given these are. */
  readonly rows: Int32Array;
}

type List = readonly unknown[] | ArrayLike<number>;

/**
 * Some rows of a list of rows or labels, or of a flat typed array, in the order of `rows`.
 *
 * @param count how many rows a flat typed array has; default: one a number
 * @throws RangeError for rows that are not there, ShapeError where no whole number of rows is there
 */
export function takeRows<T extends List>(data: T, rows: ArrayLike<number>, count?: number): T {
  const list = readList(data, 'data');
  const total = Array.isArray(data) ? list.length : (count ?? list.length);
  const width = list.length / total;
  if (!Number.isInteger(width)) {
    throw new ShapeError(`data: expected numbers for ${total} rows, got ${list.length}`);
  }
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    if (Number.isInteger(row) && row >= 0 && row < total) continue;
    throw new RangeError(`rows: expected rows from 0 to ${total - 1}, got ${show(row)}`);
  }
  if (Array.isArray(data)) return Array.from(rows, (row) => list[row]) as unknown as T;
  const source = data as unknown as Float32Array;
  const made = new (source.constructor as Float32ArrayConstructor)(rows.length * width);
  for (let i = 0; i < rows.length; i++) {
    made.set(source.subarray(rows[i]! * width, (rows[i]! + 1) * width), i * width);
  }
  return made as unknown as T;
}

/** How many rows x and y have. A flat array does not say, but the other one may. */
function countRows(x: unknown, y: unknown): number {
  const [xs, ys] = [readList(x, 'x'), readList(y, 'y')];
  const rows = Array.isArray(x) ? xs.length : ys.length;
  if (rows === 0) throw new RangeError('x: expected at least one row, got none');
  for (const [list, name] of [
    [xs, 'x'],
    [ys, 'y'],
  ] as const) {
    const fits = Array.isArray(name === 'x' ? x : y)
      ? list.length === rows
      : list.length % rows === 0;
    if (fits) continue;
    const other = name === 'x' ? 'y' : 'x';
    throw new ShapeError(
      `${name}: expected ${rows} rows, as many as ${other} has, got ${list.length}`,
    );
  }
  return rows;
}

/** The class of each row as a number. */
function classesOf(y: unknown, rows: number): Int32Array {
  const labels = readLabels(y, 'y');
  if (labels.length !== rows) {
    throw new ShapeError(`y: stratify needs one label a row, ${rows}, got ${labels.length}`);
  }
  return indicesOf(labels, distinct(labels), 'y');
}

function readSeed(seed: unknown): number {
  return wholeNumber(seed, 'seed', 0);
}

export interface SplitOptions {
  /** Share of the rows for the test, in (0, 1); default 0.25. */
  readonly testShare?: number;
  /** Whether both parts hold the classes of y in the same proportions; default false. */
  readonly stratify?: boolean;
  /** Whether rows are drawn; otherwise the last ones are the test. Default true. */
  readonly shuffle?: boolean;
  /** Default 0. */
  readonly seed?: number;
}

/**
 * Parts rows and targets in two, drawn by the seed. Both parts keep the order of the rows.
 *
 * @param x a list of rows, or one flat typed array
 * @param y a list of targets or labels, or a typed array; where both are typed, one number a row
 * @throws RangeError where a part would be empty; ShapeError for x and y of different row counts
 */
export function trainTestSplit<X extends List, Y extends List>(
  x: X,
  y: Y,
  options: SplitOptions = {},
): { train: Part<X, Y>; test: Part<X, Y> } {
  onlyKeys(options, ['testShare', 'stratify', 'shuffle', 'seed'], 'trainTestSplit');
  const { testShare = 0.25, stratify = false, shuffle = true, seed = 0 } = options;
  numberWithin(testShare, 'testShare', 0, 1, 'open');
  if (stratify && !shuffle) {
    throw new RangeError('stratify: rows are drawn for it: leave `shuffle` out');
  }
  const count = countRows(x, y);
  const labels = stratify ? classesOf(y, count) : new Int32Array(count);
  const all = Int32Array.from({ length: count }, (_, r) => r);
  const cut = count - Math.round(count * testShare);
  const { training, held } = shuffle
    ? stratifiedSplit(labels, testShare, new Random(readSeed(seed), streams.split))
    : { training: all.slice(0, cut), held: all.slice(cut) };
  if (training.length === 0 || held.length === 0) {
    throw new RangeError(
      `testShare: ${testShare} of ${count} rows leaves ${held.length} to test on and ${training.length} to train on`,
    );
  }
  const part = (rows: Int32Array) => ({
    x: takeRows(x, rows, count),
    y: takeRows(y, rows, count),
    rows,
  });
  return { train: part(training), test: part(held) };
}

export interface FoldOptions {
  /** How many folds, at least 2; default 5. */
  readonly folds?: number;
  /** Whether rows are drawn; default true. */
  readonly shuffle?: boolean;
  /** Default 0. */
  readonly seed?: number;
}

function readFoldOptions({ folds = 5, shuffle = true, seed = 0 }: FoldOptions, rows: number) {
  wholeNumber(folds, 'folds', 2);
  if (folds > rows) throw new RangeError(`folds: ${folds} is more than the ${rows} rows`);
  return { folds, shuffle, random: new Random(readSeed(seed), streams.split) };
}

/** Folds from the fold in which each row is tested. */
function foldsFrom(places: Int32Array, folds: number): Fold[] {
  const all = Int32Array.from(places, (_, r) => r);
  return Array.from({ length: folds }, (_, fold) => ({
    train: all.filter((r) => places[r] !== fold),
    test: all.filter((r) => places[r] === fold),
  }));
}

/**
 * Parts `rows` rows in folds whose sizes differ by one at most; each row is in the test of one fold.
 * Without shuffling folds are runs of rows.
 */
export function kFold(rows: number, options: FoldOptions = {}): Fold[] {
  onlyKeys(options, ['folds', 'shuffle', 'seed'], 'kFold');
  wholeNumber(rows, 'rows');
  const { folds, shuffle, random } = readFoldOptions(options, rows);
  const order = Int32Array.from({ length: rows }, (_, r) => r);
  if (shuffle) random.shuffle(order);
  const places = new Int32Array(rows);
  order.forEach((row, i) => {
    // The first folds are the larger ones.
    const long = Math.floor(rows / folds) + 1;
    const longs = rows % folds;
    const within = i - longs * long;
    places[row] = within < 0 ? Math.floor(i / long) : longs + Math.floor(within / (long - 1));
  });
  return foldsFrom(places, folds);
}

/**
 * Folds whose sizes differ by one at most, and so does how often each holds any class.
 *
 * @param labels the class of each row
 */
export function stratifiedKFold(labels: ArrayLike<Label>, options: FoldOptions = {}): Fold[] {
  onlyKeys(options, ['folds', 'shuffle', 'seed'], 'stratifiedKFold');
  const classes = classesOf(labels, readList(labels, 'labels').length);
  const { folds, shuffle, random } = readFoldOptions(options, classes.length);
  const groups: number[][] = [];
  classes.forEach((c, r) => {
    (groups[c] ??= []).push(r);
  });
  const places = new Int32Array(classes.length);
  let dealt = 0;
  for (const group of groups) {
    const order = Int32Array.from(group);
    if (shuffle) random.shuffle(order);
    // Each class is dealt from where the one before ended, so that the rests spread over all folds.
    for (const row of order) places[row] = dealt++ % folds;
  }
  return foldsFrom(places, folds);
}

export interface CrossValidateOptions extends Omit<FoldOptions, 'folds'> {
  /** How many folds, default 5, or the folds themselves. */
  readonly folds?: number | readonly Fold[];
  /** Whether every fold holds the classes of y in their proportions; default false. */
  readonly stratify?: boolean;
  /** How each network is trained. */
  readonly fit?: FitOptions;
  /** Ends the training of a fold, and what is left out then is not in the result. */
  readonly signal?: AbortSignal;
  /** Told of each fold as it ends. */
  readonly onFold?: (fold: number, scores: Logs) => void;
}

/** What networks scored on rows that they were not trained on. */
export interface CrossValidation {
  /** Loss and metrics of each fold. */
  readonly folds: readonly Logs[];
  /** Their means, and their deviations, Σ(v − mean)² divided by folds − 1 under the root. */
  readonly mean: Logs;
  readonly deviation: Logs;
  readonly stopReason: 'completed' | 'aborted';
  /** All of it as a table to print. */
  readonly text: string;
}

/** Four digits that count. */
export const short = (value: number): string => String(Number(value.toPrecision(4)));

function summarizeFolds(folds: readonly Logs[], aborted: boolean): CrossValidation {
  const names = Object.keys(folds[0] ?? {});
  const mean: Logs = {};
  const deviation: Logs = {};
  for (const name of names) {
    const values = folds.map((logs) => logs[name]!);
    const middle = values.reduce((sum, value) => sum + value, 0) / values.length;
    const squares = values.reduce((sum, value) => sum + (value - middle) * (value - middle), 0);
    mean[name] = middle;
    deviation[name] = Math.sqrt(squares / (values.length - 1));
  }
  const line = (title: string, logs: Logs) => [title, ...names.map((name) => short(logs[name]!))];
  const text = table([
    ['fold', ...names],
    ...folds.map((logs, i) => line(String(i), logs)),
    line('mean', mean),
    line('deviation', deviation),
  ]);
  return { folds, mean, deviation, stopReason: aborted ? 'aborted' : 'completed', text };
}

/**
 * Trains a new network for each fold on all other rows, and scores it on the fold. Scalers are
 * fitted on what is trained on, as everywhere.
 *
 * @param makeModel makes a network that has not been trained, given the number of the fold
 * @param x a list of rows, or one flat typed array
 * @param y targets, one number or one entry of a list a row
 * @returns also after an abort: the folds that were whole by then
 * @throws what `fit` and `evaluate` throw; TypeError where `makeModel` gives a network again
 */
export async function crossValidate<X extends InputRows & List, Y extends Targets & List>(
  makeModel: (fold: number) => Network | Promise<Network>,
  x: X,
  y: Y,
  options: CrossValidateOptions = {},
): Promise<CrossValidation> {
  const { folds = 5, stratify = false, fit = {}, signal, onFold, ...rest } = options;
  onlyKeys(rest, ['shuffle', 'seed'], 'crossValidate');
  const count = countRows(x, y);
  const parts = Array.isArray(folds)
    ? (folds as readonly Fold[])
    : stratify
      ? stratifiedKFold(y as ArrayLike<Label>, { ...rest, folds: folds as number })
      : kFold(count, { ...rest, folds: folds as number });
  if (signal && fit.signal) throw new TypeError('signal: give it to crossValidate or in `fit`');
  const stop = signal ?? fit.signal;
  const scores: Logs[] = [];
  const seen = new Set<Network>();
  for (const [i, { train, test }] of parts.entries()) {
    if (stop?.aborted) return summarizeFolds(scores, true);
    const model = await makeModel(i);
    if (seen.has(model)) {
      throw new TypeError('makeModel: expected a new network for each fold, got one again');
    }
    seen.add(model);
    const { sampleWeight } = fit;
    const given = {
      ...fit,
      ...(stop && { signal: stop }),
      ...(sampleWeight && { sampleWeight: takeRows(sampleWeight as number[], train, count) }),
    };
    const { stopReason } = await model.fit(
      takeRows(x, train, count),
      takeRows(y, train, count),
      given,
    );
    if (stopReason === 'aborted') return summarizeFolds(scores, true);
    const logs = model.evaluate(takeRows(x, test, count), takeRows(y, test, count));
    scores.push(logs);
    onFold?.(i, logs);
  }
  return summarizeFolds(scores, false);
}
