import type { Op, Program } from './backends/backend.js';
import type { ModelLayer } from './layers/tree.js';
import type { Tensor } from './tensor.js';

/** What a list is to do. */
export interface Request {
  /** Rows a step. */
  readonly batch: number;
  /** Where rows come from: the data that the plan holds, by its indices, or the host. */
  readonly rows: 'held' | 'given';
  /** Whether layers behave as in training: dropout and its like. */
  readonly training: boolean;
  /** Whether the outputs are wanted, behind the last activation. */
  readonly outputs: boolean;
  /** Whether targets are there, and losses summed. */
  readonly loss: boolean;
  /** Whether the host says what each row counts; rows held have that with them. */
  readonly weighted?: boolean;
  /** How far to go back: not at all, to the parameters, or to the inputs as well. */
  readonly gradients: 'none' | 'parameters' | 'inputs';
  /** Whether the optimizer steps. */
  readonly update: boolean;
  /** Which part of a step the batch is, where it is not all of it; the last one updates. */
  readonly part?: { readonly of: number; readonly opens: boolean };
  /** Whether each step takes its learning rate from those that are held. */
  readonly scheduled?: boolean;
  /** Whether each layer's values are still there at the end, because somebody looks at them. */
  readonly keep?: boolean;
}

/** A list with its tensors. */
export interface Lowered {
  readonly ops: readonly Op[];
  readonly scratch: Tensor;
  /** Where the host writes given rows, their targets and what they count, dense. */
  readonly rows: Tensor;
  readonly targets: Tensor;
  readonly weights: Tensor | undefined;
  /** Where the host reads the outputs, dense. */
  readonly outputs: Tensor;
  /** The padded inputs, their gradient where it was asked for, and each layer's values. */
  readonly x: Tensor;
  readonly dx: Tensor | undefined;
  readonly values: ReadonlyMap<ModelLayer, Tensor>;
  /** Buffers that the list learns, and where their next values stand. */
  readonly buffers: ReadonlyMap<Tensor, Tensor>;
  /** Floating point operations a step, roughly. */
  readonly work: number;
}

/** A list ready to run. */
export type List = Omit<Lowered, 'ops' | 'scratch'> & { readonly program: Program };

/** Rows that lists gather from, and what a run of a list appends. */
export interface Held {
  readonly x: Tensor;
  readonly targets: Tensor;
  /** What each row counts in the loss; undefined where all count the same. */
  readonly weights: Tensor | undefined;
  /** The training rows, in the order in which they were given. */
  readonly training: Tensor;
  /** Rows in the order in which lists visit them. */
  readonly indices: Tensor;
  readonly outputs: Tensor;
  /** Learning rates of the steps to come, that of step t at t mod `mostRates`; or no room. */
  readonly rates: Tensor;
}

/**
 * Indices into the counters: the next position among the indices, rows appended, the step, the epoch
 * within a run, rows left of it, rows of an epoch, the epoch that is shuffled next, the rows of a step
 * that have come in parts.
 */
export const counter = {
  ...{ cursor: 0, appended: 1, step: 2 },
  ...{ epoch: 3, left: 4, rows: 5, shuffled: 6, part: 7 },
} as const;

/** Epochs that one run of a list can tell apart. */
export const mostEpochs = 256;

/** Steps of one run of a list that can have a learning rate each: a power of two. */
export const mostRates = 1024;
