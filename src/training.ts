import type { Callback, CallbackContext } from './callbacks.js';
import { hooks } from './callbacks.js';
import { numberWithin, onlyKeys, show, wholeNumber } from './checks.js';
import { type DenseRows, type Rows, stratifiedSplit, type Targets } from './data.js';
import { allFinite, divergence } from './divergence.js';
import { ShapeError } from './errors.js';
import { largest } from './metrics.js';
import type { Network } from './network.js';
import { counter, type Held, type List } from './plan.js';
import { Random, streams } from './random.js';
import type { Logs, Scores } from './scoring.js';
import type { NetworkState } from './state.js';

/** How to train. */
export interface FitOptions {
  /** Passes over the data; default 1. */
  readonly epochs?: number;
  /** Rows a step; default 32. More than there are rows means all of them. */
  readonly batchSize?: number;
  /** Whether each epoch visits the rows in a new order, drawn from the seed; default true. */
  readonly shuffle?: boolean;
  /**
   * Share of the rows to hold out for validation, in [0, 1); default 0. They are drawn by the seed,
   * and for classes in the classes' proportions; with `shuffle: false` they are the last rows, as a
   * series in time wants it. (Keras takes the last rows always.)
   */
  readonly validationSplit?: number;
  /** Rows and targets to validate on, in place of a split. */
  readonly validationData?: readonly [Rows, Targets];
  readonly callbacks?: readonly Callback[];
  /** Ends the training between two batches, and `fit` resolves: what was learnt is kept. */
  readonly signal?: AbortSignal;
}

/** Why a training ended. */
export type StopReason = 'completed' | 'aborted' | 'stopped';

/** What was reported of each whole epoch, in order: `loss`, metrics, and `val_` before those of validation. */
export type History = { loss: number[] } & { [name: string]: number[] };

export interface FitResult {
  readonly history: History;
  readonly stopReason: StopReason;
}

/** One epoch of `epochs()`. */
export interface EpochResult {
  readonly epoch: number;
  readonly logs: Logs;
}

const optionKeys = [
  'epochs',
  'batchSize',
  'shuffle',
  'validationSplit',
  'validationData',
  'callbacks',
  'signal',
] as const;

/** Work between two looks at the clock, and in one run of a list, in floating point operations. */
const sliceWork = 2e7;
/** After this many milliseconds the event loop gets a turn. */
const turnTime = 50;
/** And after this much work where the clock stands still, as it does in some edge runtimes. */
const turnWork = 2e8;
/** Floats of outputs that one run of a list may append for the metrics. */
const mostAppended = 2 ** 16;

/** Options with their defaults, checked. */
function readOptions(options: FitOptions) {
  onlyKeys(options, optionKeys, 'fit');
  const { epochs = 1, batchSize = 32, shuffle = true, validationSplit = 0 } = options;
  const { callbacks = [], signal } = options;
  wholeNumber(epochs, 'epochs', 0);
  wholeNumber(batchSize, 'batchSize');
  if (typeof shuffle !== 'boolean') {
    throw new TypeError(`shuffle: expected true or false, got ${show(shuffle)}`);
  }
  numberWithin(validationSplit, 'validationSplit', 0, 1, 'open');
  if (validationSplit > 0 && options.validationData) {
    throw new TypeError('validationSplit and validationData exclude each other: give one of them');
  }
  if (!Array.isArray(callbacks)) {
    throw new TypeError(`callbacks: expected an array, got ${show(callbacks)}`);
  }
  callbacks.forEach((callback, i) => {
    if (
      typeof callback !== 'object' ||
      callback === null ||
      !hooks.some((hook) => hook in callback)
    ) {
      throw new TypeError(
        `callbacks[${i}]: expected an object with ${hooks.join(', ')}, got ${show(callback)}`,
      );
    }
  });
  if (signal !== undefined && typeof signal?.aborted !== 'boolean') {
    throw new TypeError(`signal: expected an AbortSignal, got ${show(signal)}`);
  }
  return { epochs, batchSize, shuffle, validationSplit, callbacks, signal };
}

/** Which rows of `count` are held out, as the options say. */
function split(state: NetworkState, targets: DenseRows, share: number, shuffle: boolean) {
  const { rows, values } = targets;
  const { model } = state;
  const all = Int32Array.from({ length: rows }, (_, r) => r);
  if (share === 0) return { training: all, held: new Int32Array(0) };
  const width = model.targetColumns;
  const classes =
    model.loss?.targets === 'values' || width > 1
      ? Float32Array.from(all, (r) =>
          model.loss?.targets === 'values' ? 0 : largest(values, r * width, width),
        )
      : values;
  const cut = rows - Math.round(rows * share);
  const parts = shuffle
    ? stratifiedSplit(classes, share, new Random(model.seed, streams.split))
    : { training: all.slice(0, cut), held: all.slice(cut) };
  if (parts.held.length === 0 || parts.training.length === 0) {
    throw new RangeError(
      `validationSplit: ${share} of ${rows} rows leaves ${parts.held.length} to validate and ${parts.training.length} to train on`,
    );
  }
  return parts;
}

/** A training that has been checked and laid out in memory. */
interface Prepared extends ReturnType<typeof readOptions> {
  /** Puts all rows into the network's memory, in place of those of any other training. */
  readonly hold: () => Held;
  /** Rows to train on, in the order in which they were given. */
  readonly training: Int32Array;
  /** The rows behind them in the plan's indices that validate. */
  readonly validating: number;
}

/** Checks all arguments, and puts rows and targets into the network's memory. */
export function prepare(
  state: NetworkState,
  x: Rows,
  y: Targets,
  options: FitOptions = {},
): Prepared {
  const read = readOptions(options);
  const { model, plan } = state;
  const inputs = state.readInputs(x, 'x');
  const { targets, classes } = state.readTargets(y);
  matchRows(inputs, targets, 'x', 'y');
  const { training, held } = split(state, targets, read.validationSplit, read.shuffle);
  let extra: { inputs: DenseRows; targets: DenseRows } | undefined;
  if (options.validationData) {
    const [vx, vy] = options.validationData;
    extra = {
      inputs: state.readInputs(vx, 'validationData[0]'),
      targets: state.readTargets(vy, classes).targets,
    };
    matchRows(extra.inputs, extra.targets, 'validationData[0]', 'validationData[1]');
  }
  const count = inputs.rows;
  const more = extra?.inputs.rows ?? 0;
  const batch = Math.min(read.batchSize, training.length);
  const appended = Math.max(batch, Math.floor(mostAppended / model.outputs));
  const room = model.metrics.length > 0 ? appended : 0;
  const validating = extra ? Int32Array.from({ length: more }, (_, r) => count + r) : held;
  const hold = () => {
    const place = plan.hold(count + more, room);
    const { floats } = plan.backend;
    const put = (part: { inputs: DenseRows; targets: DenseRows }, row: number) => {
      state.writeInputs(part.inputs.values, floats, place.x.offset + row * model.inputs);
      const at = place.targets.offset + row * model.targetColumns;
      state.writeTargets(part.targets.values, floats, at);
    };
    put({ inputs, targets }, 0);
    if (extra) put(extra, count);
    const indices = plan.backend.view(place.indices) as Int32Array;
    indices.set(training);
    indices.set(validating, training.length);
    return place;
  };
  // Room first: where there is none, nothing has changed yet.
  plan.hold(count + more, room);
  state.classes = classes;
  state.fitScalers(inputs, targets, training);
  return { ...read, batchSize: batch, hold, training, validating: validating.length };
}

/** Refuses inputs and targets of different row counts. */
export function matchRows(x: DenseRows, y: DenseRows, xName: string, yName: string): void {
  if (x.rows === y.rows) return;
  throw new ShapeError(`${yName}: expected ${x.rows} rows, as many as ${xName} has, got ${y.rows}`);
}

/** Something to wait for before a training goes on. */
export interface Pause {
  readonly until: PromiseLike<unknown>;
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';

/** Lets timers, events and rendering have their turn. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else if (typeof MessageChannel === 'function') {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(0);
    } else setTimeout(resolve, 0);
  });
}

/**
 * The training loop. It yields what must be awaited, and the result of each epoch; its driver awaits
 * nothing else, so that small networks do not pay for promises.
 */
export class Training {
  readonly history: History = { loss: [] };
  stopReason: StopReason = 'completed';
  readonly #state: NetworkState;
  readonly #model: Network;
  readonly #prepared: Prepared;
  readonly #snapshot: Float32Array;
  #held: Held | undefined;
  #logs: Logs = {};
  #epoch = 0;
  #batch = 0;
  #stop = false;
  #lastTurn = performance.now();
  #workSinceTurn = 0;
  #workSinceLook = 0;

  constructor(state: NetworkState, model: Network, prepared: Prepared) {
    this.#state = state;
    this.#model = model;
    this.#prepared = prepared;
    this.#snapshot = new Float32Array(state.plan.state.columns);
  }

  *run(): Generator<Pause | EpochResult, FitResult, void> {
    this.#take();
    try {
      return yield* this.#epochs();
    } finally {
      // However it ends, also by an error of a callback: what is left can be used.
      if (!this.#finite()) this.#stateRange().set(this.#snapshot);
    }
  }

  *#epochs(): Generator<Pause | EpochResult, FitResult, void> {
    yield* this.#call('onTrainBegin');
    for (; this.#epoch < this.#prepared.epochs && !this.#over(); this.#epoch++) {
      this.#logs = {};
      this.#batch = 0;
      yield* this.#call('onEpochBegin');
      this.#take();
      const { plan } = this.#state;
      if (!this.#held || plan.held !== this.#held) this.#held = this.#prepared.hold();
      yield* this.#trainEpoch(this.#held);
      if (this.stopReason !== 'completed') break;
      if (this.#prepared.validating > 0) yield* this.#validate(this.#held);
      for (const [name, value] of Object.entries(this.#logs))
        (this.history[name] ??= []).push(value);
      yield* this.#call('onEpochEnd');
      yield { epoch: this.#epoch, logs: this.#logs };
    }
    yield* this.#call('onTrainEnd');
    return { history: this.history, stopReason: this.stopReason };
  }

  /** One pass over the training rows. */
  *#trainEpoch(held: Held): Generator<Pause, void, void> {
    const { plan, model } = this.#state;
    const { batchSize, shuffle, training, callbacks } = this.#prepared;
    const size = training.length;
    const scored = model.metrics.length > 0;
    const request = {
      batch: batchSize,
      rows: 'held',
      training: true,
      outputs: scored,
      loss: true,
      gradients: 'parameters',
      update: true,
    } as const;
    const whole = plan.list(request);
    const rest = size % batchSize;
    const short = rest > 0 ? plan.list({ ...request, batch: rest }) : whole;
    if (shuffle) {
      const indices = (plan.backend.view(held.indices) as Int32Array).subarray(0, size);
      indices.set(training);
      new Random(model.seed, streams.shuffle, this.#state.epochs).shuffle(indices);
    }
    this.#state.epochs++;
    const scores = scored ? this.#state.scores() : undefined;
    const single = callbacks.some((callback) => callback.onBatchEnd);
    let sum = 0;
    let cursor = 0;
    while (cursor < size) {
      const batch = Math.min(batchSize, size - cursor);
      const list = batch === batchSize ? whole : short;
      const left = batch === batchSize ? Math.floor((size - cursor) / batch) : 1;
      const steps = single ? 1 : Math.min(left, this.#stepsAtOnce(list, batch, held));
      const result = this.#runList(list, cursor, sum, steps);
      sum = result.sum;
      if (scores) this.#score(scores, held, cursor, result.steps * batch);
      this.#batch += result.steps;
      if (result.steps < steps) this.#diverged(list, 'loss');
      cursor += steps * batch;
      if (single) {
        this.#logs = { loss: sum / cursor };
        scores?.report(this.#logs);
        yield* this.#call('onBatchEnd');
      }
      if (this.#turnIsDue(list.work * steps)) yield this.#turn();
      if (cursor < size && this.#over()) {
        if (!this.#finite()) this.#diverged(list, 'parameters');
        return;
      }
    }
    if (!this.#finite()) this.#diverged(short, 'parameters');
    this.#logs = { loss: sum / size };
    scores?.report(this.#logs);
  }

  /** The loss and the metrics over the rows held out. */
  *#validate(held: Held): Generator<Pause, void, void> {
    const { validating, batchSize, training } = this.#prepared;
    const { plan, model } = this.#state;
    const scored = model.metrics.length > 0;
    const first = training.length;
    const end = first + validating;
    const scores = this.#state.scores();
    let sum = 0;
    for (let cursor = first; cursor < end; ) {
      const batch = Math.min(batchSize, end - cursor);
      const list = plan.list({
        batch,
        rows: 'held',
        training: false,
        outputs: scored,
        loss: true,
        gradients: 'none',
        update: false,
      });
      const steps = Math.min(
        Math.floor((end - cursor) / batch),
        this.#stepsAtOnce(list, batch, held),
      );
      const result = this.#runList(list, cursor, sum, steps);
      sum = result.sum;
      // A list that stops at a loss which is not finite has done all else of that step.
      const done = Math.min(steps, result.steps + 1);
      if (scored) this.#score(scores, held, cursor, done * batch);
      cursor += done * batch;
      if (this.#turnIsDue(list.work * steps)) yield this.#turn();
    }
    this.#logs.val_loss = sum / validating;
    scores.report(this.#logs, 'val_');
  }

  /** Runs a list on held rows from `cursor` on; a callback may have used the cells in between. */
  #runList(list: List, cursor: number, sum: number, steps: number): { sum: number; steps: number } {
    const { plan } = this.#state;
    const { backend } = plan;
    const counters = backend.view(plan.counters);
    const cell = backend.view(plan.sum);
    counters[counter.cursor] = cursor;
    counters[counter.appended] = 0;
    cell[0] = sum;
    const done = list.program.run(steps);
    return { sum: cell[0]!, steps: done };
  }

  /** As many steps as one run may take: work is bounded, and so is the room for outputs. */
  #stepsAtOnce(list: List, batch: number, held: Held): number {
    const byWork = Math.floor(sliceWork / list.work);
    const { rows } = held.outputs;
    return Math.max(1, rows > 0 ? Math.min(byWork, Math.floor(rows / batch)) : byWork);
  }

  /** Adds the outputs that the last run appended to the scores. */
  #score(scores: Scores, held: Held, cursor: number, count: number): void {
    const { plan, model } = this.#state;
    const view = (tensor: Held['outputs']) => plan.backend.view(tensor);
    const outputs = view(held.outputs).subarray(0, count * model.outputs) as Float32Array;
    const rows = view(held.indices).subarray(cursor, cursor + count) as Int32Array;
    scores.add(outputs, count, view(held.targets) as Float32Array, rows);
  }

  /** Whether the event loop should have a turn. The clock is looked at only now and then. */
  #turnIsDue(work: number): boolean {
    this.#workSinceTurn += work;
    this.#workSinceLook += work;
    if (this.#workSinceLook < sliceWork / 4) return false;
    this.#workSinceLook = 0;
    const elapsed = performance.now() - this.#lastTurn;
    return elapsed >= turnTime || (elapsed === 0 && this.#workSinceTurn >= turnWork);
  }

  #turn(): Pause {
    const done = () => {
      this.#lastTurn = performance.now();
      this.#workSinceTurn = 0;
    };
    return { until: nextTurn().then(done) };
  }

  *#call(hook: (typeof hooks)[number]): Generator<Pause, void, void> {
    for (const callback of this.#prepared.callbacks) {
      if (!callback[hook]) continue;
      const context: CallbackContext = {
        model: this.#model,
        epoch: this.#epoch,
        batch: hook === 'onBatchEnd' ? this.#batch - 1 : this.#batch,
        logs: this.#logs,
        stop: () => {
          this.#stop = true;
        },
      };
      const result = callback[hook](context);
      if (isThenable(result)) yield { until: result };
    }
  }

  /** Whether somebody wants the training to end; `stopReason` then says who. */
  #over(): boolean {
    if (this.#prepared.signal?.aborted) this.stopReason = 'aborted';
    else if (this.#stop) this.stopReason = 'stopped';
    return this.stopReason !== 'completed';
  }

  #stateRange(): Float32Array {
    return this.#state.plan.backend.view(this.#state.plan.state) as Float32Array;
  }

  /** Keeps the state of the epoch's start. */
  #take(): void {
    this.#snapshot.set(this.#stateRange());
  }

  #finite(): boolean {
    const { plan } = this.#state;
    return allFinite(plan.backend.view(plan.trainable) as Float32Array);
  }

  /** Ends the training with an error that says what happened; `run` puts parameters back. */
  #diverged(list: List, what: 'loss' | 'parameters'): never {
    const restored = !this.#finite();
    const moment = { epoch: this.#epoch, restored, what };
    const error = divergence(
      this.#state.plan,
      list,
      what === 'loss' ? { ...moment, batch: this.#batch } : moment,
    );
    throw error;
  }
}
