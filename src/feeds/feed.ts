import type { Held } from '../lists.js';

/** Rows that stand in memory, from a place in the order in which lists visit them. */
export interface Part {
  readonly cursor: number;
  readonly rows: number;
}

/** Brings the rows of a training into the network's memory: all at once, or part by part. */
export interface Feed {
  /** Rows a step; fewer where a part has no more. */
  readonly batchSize: number;
  /** Rows that an epoch trains on; undefined where nobody knows before its end. */
  readonly rows: number | undefined;
  /** Rows to validate on. */
  readonly validating: number;
  /** How many epochs may be begun together. */
  readonly orders: number;
  /** The rows in memory; put there anew where another training had its own in their place. */
  ready(): Held;
  /**
   * Begins `count` epochs.
   *
   * @param epoch of all epochs that the network has been trained for: each has an order of its own
   * @param done how many of the rows have been trained on before
   */
  begin(epoch: number, done: number, count: number): void;
  /** The next rows to train on; undefined where there are no more. */
  next(): Part | undefined | PromiseLike<Part | undefined>;
  /** Rows to validate on, those before `done` left out. */
  validate(done: number): Part;
  /** Ends the training: no more rows are wanted. */
  end(): undefined | PromiseLike<unknown>;
}
