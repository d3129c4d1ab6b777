import { hint, show } from './checks.js';
import { type DenseRows, flattened, type Label } from './data.js';
import { ShapeError } from './errors.js';
import type { Model } from './layers/model.js';
import { decisionOf, largest } from './metrics/definition.js';

/**
 * How much each row counts, in order: numbers ≥ 0. Where outputs have several positions, one for each row,
 * or one for each of its positions, in one list or a list a row.
 */
export type SampleWeight = ArrayLike<number> | readonly ArrayLike<number>[];

/**
 * How much the rows of each class count: a number ≥ 0 for each class in the order of the outputs, or
 * by name, where classes that are not named weigh 1. `'balanced'` makes all classes that occur count
 * the same: n / (k·nₖ) for nₖ of n training rows in one of k classes.
 */
export type ClassWeight = 'balanced' | readonly number[] | Readonly<Record<string, number>>;

function checkWeight(value: unknown, where: string): void {
  if (typeof value !== 'number') {
    throw new TypeError(`${where}: expected a number of at least 0, got ${show(value)}`);
  }
  if (!(value >= 0 && Number.isFinite(Math.fround(value)))) {
    throw new RangeError(`${where}: expected a number of at least 0, got ${value}`);
  }
}

/** Weights of all positions of rows as a dense array; undefined where none are given. */
export function readSampleWeight(
  given: unknown,
  rows: number,
  where: string,
  positions: number,
): Float32Array | undefined {
  if (given === undefined) return undefined;
  const isList = Array.isArray(given) || (ArrayBuffer.isView(given) && 'length' in given);
  if (!isList) {
    throw new TypeError(`${where}: expected an array of a number for each row, got ${show(given)}`);
  }
  const list =
    positions > 1 ? flattened(given as ArrayLike<unknown>) : (given as ArrayLike<unknown>);
  const all = rows * positions;
  const each = list.length === rows ? positions : 1;
  if (list.length * each !== all) {
    const or = positions > 1 ? `, or ${all}, one for each position,` : ',';
    throw new ShapeError(
      `${where}: expected ${rows} numbers, one for each row${or} got ${list.length}`,
    );
  }
  const weights = new Float32Array(all);
  let sum = 0;
  for (let i = 0; i < list.length; i++) {
    const row = Math.floor((i * each) / positions);
    const at = each < positions ? `, position ${i % positions}` : '';
    checkWeight(list[i], `${where}: row ${row}${at}`);
    weights.fill(list[i] as number, i * each, (i + 1) * each);
    sum += weights[i * each]!;
  }
  if (sum === 0) throw new RangeError(`${where}: expected one above 0 at least, all are 0`);
  return weights;
}

/** The class of a row of targets, where rows have one: else all are 0. */
export function classOfRow(model: Model, values: Float32Array, row: number) {
  const { loss, targetColumns, positions } = model;
  if (loss?.targets === 'values' || positions > 1) return 0;
  if (loss?.targets === 'labels') return values[row]!;
  const at = row * targetColumns;
  return targetColumns === 1 ? Number(values[at]! > 0.5) : largest(values, at, targetColumns);
}

/** Refuses weights of classes where they can be told to be wrong without the rows. */
export function checkClassWeight(given: unknown, model: Model): void {
  const { loss, outputs, positions } = model;
  if (given === undefined || !loss) return;
  if (positions > 1) {
    throw new TypeError(
      `classWeight: rows have ${positions} positions, each with a class of its own: use sampleWeight`,
    );
  }
  const { decision } = decisionOf(loss, outputs);
  if (loss.targets === 'values' || (outputs > 1 && decision === 'threshold')) {
    const why =
      loss.targets === 'values' ? 'are numbers' : 'say yes or no several times, without one class';
    throw new TypeError(`classWeight: the targets of ${loss.type} ${why}: use sampleWeight`);
  }
  if (given === 'balanced') return;
  if (typeof given !== 'object' || given === null) {
    throw new TypeError(
      `classWeight: expected 'balanced', or a number for each class, got ${show(given)}`,
    );
  }
  for (const [name, weight] of Object.entries(given)) checkWeight(weight, `classWeight: ${name}`);
}

/**
 * What the rows of each class count.
 *
 * @param count how many rows of each class there are; undefined where nobody knows
 */
function factorsOf(
  given: ClassWeight,
  classes: readonly Label[] | undefined,
  outputs: number,
  count: (() => readonly number[]) | undefined,
): readonly number[] {
  const size = outputs === 1 ? 2 : outputs;
  if (given === 'balanced') {
    if (!count) {
      throw new TypeError(
        "classWeight: 'balanced' needs to know all rows, and an iterable goes by: give numbers",
      );
    }
    const counts = count();
    const rows = counts.reduce((sum, n) => sum + n, 0);
    const occurring = counts.filter((n) => n > 0).length;
    return counts.map((n) => (n > 0 ? rows / (occurring * n) : 1));
  }
  if (Array.isArray(given)) {
    if (given.length === size) return given;
    throw new ShapeError(
      `classWeight: expected ${size} numbers, one for each class, got ${given.length}`,
    );
  }
  const names = (classes ?? Array.from({ length: size }, (_, i) => i)).map(String);
  for (const name of Object.keys(given)) {
    if (names.includes(name)) continue;
    throw new RangeError(
      `classWeight: ${show(name)} is none of the ${size} classes; ${hint(name, names)}`,
    );
  }
  return names.map((name) => (Object.hasOwn(given, name) ? given[name as never] : 1));
}

/**
 * What each row counts: its own weight times that of its class; undefined where nothing is given.
 *
 * @param training the rows whose classes count, and are counted; undefined for all of an iterable's
 */
export function weighRows(
  model: Model,
  { values, rows }: DenseRows,
  sampleWeight: Float32Array | undefined,
  classWeight: ClassWeight | undefined,
  classes: readonly Label[] | undefined,
  training: Int32Array | undefined,
): Float32Array | undefined {
  if (classWeight === undefined) return sampleWeight;
  const { outputs } = model;
  const listed = training ?? Int32Array.from({ length: rows }, (_, r) => r);
  const count = () => {
    const counts = new Array<number>(outputs === 1 ? 2 : outputs).fill(0);
    for (const r of listed) counts[classOfRow(model, values, r)]!++;
    return counts;
  };
  const factors = factorsOf(classWeight, classes, outputs, training && count);
  const weights = sampleWeight?.slice() ?? new Float32Array(rows).fill(1);
  for (const r of listed) weights[r]! *= factors[classOfRow(model, values, r)]!;
  return weights;
}

/** The option of calls that take one batch. */
export interface WeightOption {
  /** How much each row counts in the loss, or each of its positions; default: all the same, 1. */
  readonly sampleWeight?: SampleWeight;
}
