import type { Program } from '../backends/backend.js';
import { counter, type Held } from '../lists.js';
import type { Plan } from '../plan.js';
import type { Tensor } from '../tensor.js';
import type { Feed, Part } from './feed.js';

/** What a feed of rows that are all in memory is made of. */
export interface HeldRows {
  readonly batchSize: number;
  readonly shuffle: boolean;
  /** Rows to train on, in the order in which they were given, and rows to validate on. */
  readonly training: Int32Array;
  readonly validating: Int32Array;
  readonly orders: number;
  /** Makes room, and puts the rows there. */
  put(): Held;
}

/** All rows in memory: an epoch is an order in which to visit them. */
export class HeldFeed implements Feed {
  readonly batchSize: number;
  readonly rows: number;
  readonly validating: number;
  readonly orders: number;
  readonly #plan: Plan;
  readonly #rows: HeldRows;
  #held: Held | undefined;
  #shuffling: Program | undefined;
  #part: Part | undefined;

  constructor(plan: Plan, rows: HeldRows) {
    this.#plan = plan;
    this.#rows = rows;
    this.batchSize = rows.batchSize;
    this.rows = rows.training.length;
    this.validating = rows.validating.length;
    this.orders = rows.orders;
  }

  ready(): Held {
    const { training, validating, orders, put } = this.#rows;
    if (this.#held && this.#plan.held === this.#held) return this.#held;
    this.#held = put();
    this.#shuffling = this.#plan.shuffling();
    const view = (tensor: Tensor) => this.#plan.backend.view(tensor) as Int32Array;
    view(this.#held.training).set(training);
    // The order of visits: rows to validate on, then those of epochs, one behind the other.
    const indices = view(this.#held.indices);
    indices.set(validating);
    for (let i = 0; i < orders; i++) indices.set(training, validating.length + i * training.length);
    return this.#held;
  }

  begin(epoch: number, done: number, count: number): void {
    const { training, validating, shuffle } = this.#rows;
    const start = validating.length;
    const size = training.length;
    this.#part = { cursor: start + done, rows: count * size - done };
    if (!shuffle) return;
    this.ready();
    const counters = this.#plan.backend.view(this.#plan.counters);
    counters[counter.cursor] = start;
    counters[counter.shuffled] = epoch;
    this.#shuffling!.run(count);
  }

  next(): Part | undefined {
    const part = this.#part;
    this.#part = undefined;
    return part;
  }

  validate(done: number): Part {
    return { cursor: done, rows: this.validating - done };
  }

  end(): undefined {}
}
