import { onlyKeys, show } from '../checks.js';
import type { InputRows, Label, Targets } from '../data.js';
import { ShapeError } from '../errors.js';
import type { NetworkState } from '../state.js';
import { readSampleWeight, type SampleWeight, type WeightOption } from '../weights.js';
import type { Block } from './window.js';

/** Rows, their targets and, if they differ in that, what they count: one batch of a sequence. */
export type Batch =
  | ({ readonly x: InputRows; readonly y: Targets } & WeightOption)
  | readonly [x: InputRows, y: Targets, sampleWeight?: SampleWeight];

/** Batches that come one after another, at once or in time. */
export type BatchSequence = Iterable<Batch> | AsyncIterable<Batch>;

/** Batches to train on: their sequence, or a function that gives one for each epoch. */
export type Batches = BatchSequence | (() => BatchSequence);

const isList = (value: unknown) => Array.isArray(value) || ArrayBuffer.isView(value);

/** Whether the first argument is batches, and not rows whose targets are the second. */
export function areBatches(x: unknown, y: unknown): x is Batches {
  if (typeof x === 'function') return true;
  if (typeof x !== 'object' || x === null || isList(y)) return false;
  if (ArrayBuffer.isView(x)) return false;
  if (!Array.isArray(x)) return Symbol.iterator in x || Symbol.asyncIterator in x;
  const first: unknown = x[0];
  // A row of two numbers is no batch, but two or three arrays are.
  if (Array.isArray(first)) return [2, 3].includes(first.length) && isList(first[0]);
  return typeof first === 'object' && first !== null && 'x' in first;
}

/** Refuses what cannot be iterated over. */
export function checkSequence(sequence: unknown, came = 'got'): BatchSequence {
  const given = (sequence ?? {}) as Partial<AsyncIterable<Batch> & Iterable<Batch>>;
  const iterates = given[Symbol.asyncIterator] ?? given[Symbol.iterator];
  if (typeof iterates === 'function' && typeof sequence !== 'string')
    return sequence as BatchSequence;
  throw new TypeError(
    `batches: expected an iterable or an async iterable of { x, y }, ${came} ${show(sequence)}`,
  );
}

/** Starts a sequence, which a function may give. */
export function iterate(batches: Batches): Iterator<Batch> | AsyncIterator<Batch> {
  const sequence =
    typeof batches === 'function'
      ? checkSequence(batches(), 'the function gave')
      : checkSequence(batches);
  return Symbol.asyncIterator in sequence
    ? sequence[Symbol.asyncIterator]()
    : sequence[Symbol.iterator]();
}

/** One batch of a sequence as dense arrays, checked, and the classes of its targets. */
export function readBatch(
  state: NetworkState,
  batch: unknown,
  where: string,
): { block: Block; classes: readonly Label[] | undefined } {
  if (typeof batch !== 'object' || batch === null || ArrayBuffer.isView(batch)) {
    throw new TypeError(`${where}: expected { x, y } or [x, y], got ${show(batch)}`);
  }
  if (Array.isArray(batch)) {
    if (batch.length !== 2 && batch.length !== 3) {
      throw new TypeError(`${where}: expected [x, y], got ${show(batch)}`);
    }
  } else onlyKeys(batch, ['x', 'y', 'sampleWeight'], where);
  const named = batch as Exclude<Batch, readonly unknown[]>;
  const [x, y, weights] = Array.isArray(batch)
    ? (batch as unknown as Extract<Batch, readonly unknown[]>)
    : [named.x, named.y, named.sampleWeight];
  const inputs = state.readInputs(x, `${where}: x`);
  const { targets, classes } = state.readTargets(y, state.classes, `${where}: y`);
  if (inputs.rows !== targets.rows) {
    throw new ShapeError(
      `${where}: y: expected ${inputs.rows} rows, as many as x has, got ${targets.rows}`,
    );
  }
  const given = readSampleWeight(
    weights,
    inputs.rows,
    `${where}: sampleWeight`,
    state.model.positions,
  );
  return { block: { inputs, targets, weights: given }, classes };
}
