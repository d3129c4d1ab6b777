/*
 * Consoles show what a class is called, and the published files shorten names. So those that users see
 * are said as `static name`.
 */

/** Shapes that do not fit together: a row of the wrong width, weights of another layer. */
export class ShapeError extends RangeError {
  static override readonly name = 'ShapeError';
  override readonly name = 'ShapeError';
}

/** More memory than a network can have, or than the machine gives. Nothing was changed. */
export class MemoryError extends RangeError {
  static override readonly name = 'MemoryError';
  override readonly name = 'MemoryError';
}

/** A thread of several has been lost, and with it the work that was under way. */
export class ThreadError extends Error {
  static override readonly name = 'ThreadError';
  override readonly name = 'ThreadError';
}

/** Bytes or text that are not what they should be: a file cut short, damaged, or of another kind. */
export class FormatError extends Error {
  static override readonly name = 'FormatError';
  override readonly name = 'FormatError';
  /** Where in the file, in bytes from its start; undefined where the message says it otherwise. */
  readonly offset: number | undefined;

  constructor(message: string, offset?: number, options?: ErrorOptions) {
    super(message, options);
    this.offset = offset;
  }
}

/** Where and why a training left the finite numbers. */
export interface Divergence {
  /** Epoch in which it happened, from 0; undefined outside `fit` and `epochs`. */
  readonly epoch?: number | undefined;
  /** Batch within that epoch, from 0. */
  readonly batch?: number | undefined;
  /** The first layer whose values or parameters are not finite, as in `layers.1`. */
  readonly layer: string;
  /** Smallest and largest value of the inputs that the network saw in that batch. */
  readonly inputRange: readonly [number, number];
  /** Whether the parameters were put back to those of the epoch's start. */
  readonly restored: boolean;
}

/** The loss or the parameters stopped being finite numbers. */
export class DivergenceError extends Error implements Divergence {
  static override readonly name = 'DivergenceError';
  override readonly name = 'DivergenceError';
  readonly epoch: number | undefined;
  readonly batch: number | undefined;
  readonly layer: string;
  readonly inputRange: readonly [number, number];
  readonly restored: boolean;

  constructor(message: string, divergence: Divergence) {
    super(message);
    this.epoch = divergence.epoch;
    this.batch = divergence.batch;
    this.layer = divergence.layer;
    this.inputRange = divergence.inputRange;
    this.restored = divergence.restored;
  }
}
