import type { WasmBuild } from '../backends/backend.js';
import type { Checkpoint } from '../checkpoint.js';
import type { InputRows, Targets } from '../data.js';
import {
  type Divergence,
  DivergenceError,
  FormatError,
  MemoryError,
  ShapeError,
  ThreadError,
} from '../errors.js';
import type { FitOptions } from '../fit-options.js';
import type { CallbackContext, hooks, StopReason } from '../hooks.js';
import type { LearningRate, Schedule } from '../rates.js';
import { schedules } from '../schedules.js';
import type { Snapshot } from '../snapshot.js';
import type { FitResult } from '../training.js';

/*
 * What the two sides of a training in a worker tell each other: plain data, which may be posted.
 */

export type Hook = (typeof hooks)[number];

/** A rate, or one of `schedules` by its name and options. */
export type RateSpec = number | { readonly name: string; readonly options: object };

/** Options that are plain data. */
type PlainOptions = Omit<
  FitOptions,
  'worker' | 'callbacks' | 'signal' | 'learningRate' | 'augment'
>;

/** A training to be done. */
export interface Order {
  readonly type: 'train';
  readonly snapshot: Snapshot;
  /** Plain JavaScript, or a build of the module, on so many threads. */
  readonly backend:
    | 'js'
    | { readonly name: WasmBuild; readonly module: WebAssembly.Module; readonly threads: number };
  readonly x: InputRows;
  readonly y: Targets;
  readonly options: PlainOptions;
  readonly learningRate: RateSpec | undefined;
  /** Whether it is to end before it has begun. */
  readonly aborted: boolean;
  /** Hooks that somebody wants to be told of; undefined where there are no callbacks at all. */
  readonly hooks: readonly Hook[] | undefined;
}

export type ToThread =
  | Order
  | { readonly type: 'abort' }
  /** Callbacks have been told; what they want. */
  | {
      readonly type: 'told';
      readonly stop: StopReason | undefined;
      readonly weights: Readonly<Record<string, ArrayLike<number>>> | undefined;
      readonly failed: boolean;
    };

/** A hook's turn: what a callback is told, and all of the network. */
export interface HookEvent {
  readonly type: 'hook';
  readonly hook: Hook;
  readonly context: Pick<CallbackContext, 'epoch' | 'epochs' | 'batch' | 'logs' | 'learningRate'>;
  readonly snapshot: Snapshot;
  /** Where the training stands, in hooks within it. */
  readonly checkpoint: Checkpoint | undefined;
}

export type FromThread =
  | HookEvent
  | { readonly type: 'ready' }
  | { readonly type: 'warning'; readonly message: string }
  | { readonly type: 'done'; readonly result: FitResult; readonly snapshot: Snapshot }
  | {
      readonly type: 'failed';
      readonly error: PlainError;
      readonly snapshot: Snapshot | undefined;
    };

/** An error as data: structured clones forget the class. */
export interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly divergence?: Divergence;
}

export function plainError(error: unknown): PlainError {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  if (!(error instanceof DivergenceError)) return { name, message };
  const { epoch, batch, layer, inputRange, restored } = error;
  return { name, message, divergence: { epoch, batch, layer, inputRange, restored } };
}

const errors = {
  ...{ TypeError, RangeError, ShapeError, MemoryError, FormatError, ThreadError, Error },
};

export function errorOf({ name, message, divergence }: PlainError): Error {
  if (divergence) return new DivergenceError(message, divergence);
  const known = Object.hasOwn(errors, name) ? errors[name as keyof typeof errors] : Error;
  return new known(message);
}

/** The option `learningRate` as data. */
export function rateSpec(given: LearningRate | undefined): RateSpec | undefined {
  if (given === undefined || typeof given === 'number') return given;
  const { origin } = given as Schedule;
  if (origin) {
    const { before, ...options } = origin.options as { before?: LearningRate };
    if (before === undefined) return { name: origin.name, options };
    return { name: origin.name, options: { ...options, before: rateSpec(before) } };
  }
  throw new TypeError(
    'worker: learningRate: a function cannot be posted to a worker: give a number or one of schedules, or train without a worker',
  );
}

/** The same schedule again. */
export function rateOf(spec: RateSpec | undefined): LearningRate | undefined {
  if (typeof spec !== 'object') return spec;
  const { before, ...options } = spec.options as { before?: RateSpec };
  const inner = before === undefined ? {} : { before: rateOf(before) };
  const make = schedules[spec.name as 'cosine'] as (options: object) => Schedule;
  return make({ ...options, ...inner });
}
