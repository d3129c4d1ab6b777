import type { Augmenting } from '../augmentation.js';
import type { Held } from '../lists.js';
import { Random, streams } from '../random.js';
import type { NetworkState } from '../state.js';
import type { Feed, Part } from './feed.js';
import { type Block, pickRows, Window } from './window.js';

/** Floats of rows that are put into memory at once, where not all of them are. */
const windowFloats = 2 ** 20;

/** What a feed of rows that come into memory chunk by chunk is made of. */
export interface ChunkedRows {
  readonly batchSize: number;
  readonly shuffle: boolean;
  readonly scheduled: boolean;
  readonly data: Block;
  /** Rows to train on, in the order in which they were given. */
  readonly training: Int32Array;
  /** Rows to validate on, and what they are rows of. */
  readonly validating: Int32Array;
  readonly validationData: Block;
  /** What is done to the rows of each batch, if anything. */
  readonly augmenting: Augmenting | undefined;
}

/**
 * Rows that are not all in memory, or not as they are: a few batches at a time are picked out in the
 * order of the epoch. The order, and so every bit, is that of rows which are all in memory.
 */
export class ChunkFeed implements Feed {
  readonly batchSize: number;
  readonly rows: number;
  readonly validating: number;
  readonly orders = 1;
  readonly #state: NetworkState;
  readonly #rows: ChunkedRows;
  readonly #window: Window;
  /** Rows of a chunk, in whole batches. */
  readonly #size: number;
  readonly #order: Int32Array;
  #epoch = 0;
  #done = 0;

  constructor(state: NetworkState, rows: ChunkedRows) {
    const { model } = state;
    this.#state = state;
    this.#rows = rows;
    this.batchSize = rows.batchSize;
    this.rows = rows.training.length;
    this.validating = rows.validating.length;
    const floats = rows.batchSize * (model.inputs + model.targetColumns);
    this.#size = rows.batchSize * Math.max(1, Math.floor(windowFloats / floats));
    this.#window = new Window(state, this.#size, rows.scheduled);
    this.#order = rows.training.slice();
  }

  ready(): Held {
    return this.#window.ready();
  }

  begin(epoch: number, done: number): void {
    const { training, shuffle } = this.#rows;
    this.#epoch = epoch;
    this.#done = done;
    if (!shuffle) return;
    this.#order.set(training);
    new Random(this.#state.model.seed, streams.shuffle, epoch).shuffle(this.#order);
  }

  next(): Part | undefined {
    const { data, augmenting } = this.#rows;
    const from = this.#done;
    const to = Math.min(from + this.#size, this.rows);
    if (from >= to) return undefined;
    this.#done = to;
    const block = this.#pick(data, this.#order.subarray(from, to));
    if (augmenting) {
      for (let at = from; at < to; at += this.batchSize) {
        const rows = Math.min(this.batchSize, to - at);
        augmenting.apply(block, at - from, rows, this.#epoch, at / this.batchSize);
      }
    }
    return this.#window.put(block);
  }

  validate(done: number): Part {
    const { validating, validationData } = this.#rows;
    const rows = validating.subarray(done, Math.min(done + this.#size, validating.length));
    return this.#window.put(this.#pick(validationData, rows));
  }

  end(): undefined {}

  #pick(block: Block, rows: Int32Array): Block {
    const { columns, targetColumns } = this.#state.model;
    return pickRows(block, rows, columns, targetColumns);
  }
}
