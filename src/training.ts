import type { Program } from './backends/backend.js';
import { divergence } from './divergence.js';
import { allFinite } from './finite.js';
import type { CallbackContext, hooks, StopReason } from './hooks.js';
import type { Network, Weights } from './network.js';
import { counter, type Held, type List, mostRates } from './plan.js';
import type { Prepared } from './prepare.js';
import { Rates } from './rates.js';
import type { Logs, Scores } from './scoring.js';
import type { NetworkState } from './state.js';
import { type Pause, sliceWork, Turns } from './turns.js';

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

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';

/** The parts of the memory that a training reads and writes, for as long as it does not move. */
interface Views {
  readonly floats: Float32Array;
  readonly state: Float32Array;
  readonly trainable: Float32Array;
  readonly sums: Float64Array;
  readonly hyper: Float64Array;
  readonly rates: Float64Array;
  readonly counters: Int32Array;
}

/** The lists of one training: whole batches, and the rest of an epoch; what opens and closes epochs. */
interface Lists {
  readonly held: Held;
  readonly whole: List;
  readonly short: List;
  readonly shuffling: Program;
  readonly checking: Program;
}

/**
 * The training loop. It yields what must be awaited, and the result of each epoch; its driver awaits
 * nothing else, so that small networks do not pay for promises. For the same reason several short
 * epochs are run at once where nobody is to be told of each.
 */
export class Training {
  readonly history: History = { loss: [] };
  stopReason: StopReason = 'completed';
  readonly #state: NetworkState;
  readonly #model: Network;
  readonly #prepared: Prepared;
  readonly #snapshot: Float32Array;
  #lists: Lists | undefined;
  #views: Views | undefined;
  #grouped: boolean;
  readonly #setWeights: (weights: Readonly<Weights>) => void;
  readonly #turns = new Turns();
  readonly #stepsPerEpoch: number;
  /** The schedule's learning rates; without a schedule, the optimizer's own is never touched. */
  readonly #rates: Rates | undefined;
  /** Whether steps take their rates from a table, because they differ within a run of a list. */
  readonly #tabled: boolean;
  #logs: Logs = {};
  #epoch = 0;
  #batch = 0;
  #stop: StopReason | undefined;

  /**
   * @param alone whether nobody wants the result of each epoch as it ends
   * @param setWeights replaces weights between two batches, for callbacks
   */
  constructor(
    state: NetworkState,
    model: Network,
    prepared: Prepared,
    alone: boolean,
    setWeights: (weights: Readonly<Weights>) => void,
  ) {
    this.#state = state;
    this.#model = model;
    this.#prepared = prepared;
    this.#setWeights = setWeights;
    this.#snapshot = new Float32Array(state.plan.state.columns);
    const { callbacks, validating, schedule, epochs, training, batchSize } = prepared;
    const stepsPerEpoch = Math.ceil(training.length / batchSize);
    this.#stepsPerEpoch = stepsPerEpoch;
    const learningRate = this.#ownRate;
    this.#rates = schedule && new Rates(schedule, { learningRate, epochs, stepsPerEpoch });
    const told = callbacks.some((c) => c.onEpochBegin ?? c.onBatchEnd ?? c.onEpochEnd);
    const plain = validating.length === 0 && state.model.metrics.length === 0;
    this.#grouped = alone && !told && plain && !this.#rates?.observing;
    this.#tabled = this.#rates !== undefined && (this.#rates.perStep || this.#grouped);
  }

  *run(): Generator<Pause | EpochResult, FitResult, void> {
    this.#take(this.#look());
    try {
      yield* this.#call('onTrainBegin');
      yield* this.#epochs();
      yield* this.#call('onTrainEnd');
      return { history: this.history, stopReason: this.stopReason };
    } finally {
      // However it ends, also by an error of a callback: what is left can be used.
      const views = this.#look();
      if (!allFinite(views.trainable)) this.#restore(views);
      if (this.#rates) views.hyper[0] = this.#ownRate;
    }
  }

  *#epochs(): Generator<Pause | EpochResult, void, void> {
    const { epochs, callbacks, validating } = this.#prepared;
    while (this.#epoch < epochs && !this.#over()) {
      const lists = this.#ready();
      const group = this.#grouped ? this.#epochsAtOnce(lists) : 1;
      if (group > 1 && this.#runEpochs(lists, group)) {
        if (this.#turns.due(this.#epochWork(lists) * group)) yield this.#turns.take();
        continue;
      }
      this.#logs = {};
      this.#batch = 0;
      if (this.#rates) this.#look().hyper[0] = this.#rates.at(this.#epoch * this.#stepsPerEpoch);
      if (callbacks.length > 0) yield* this.#call('onEpochBegin');
      if (this.#over()) break;
      yield* this.#trainEpoch(this.#ready());
      if (this.stopReason !== 'completed') break;
      if (validating.length > 0) yield* this.#validate(this.#ready());
      for (const name in this.#logs) (this.history[name] ??= []).push(this.#logs[name]!);
      this.#rates?.observe(this.#logs);
      if (callbacks.length > 0) yield* this.#call('onEpochEnd');
      // Between two epochs the network is its owner's.
      if (this.#rates) this.#look().hyper[0] = this.#ownRate;
      yield { epoch: this.#epoch, logs: this.#logs };
      this.#epoch++;
    }
  }

  /** The rows in memory, and the lists that run on them; anew where another training had them. */
  #ready(): Lists {
    const { plan, model } = this.#state;
    if (this.#lists && plan.held === this.#lists.held) return this.#lists;
    const { batchSize, training, hold } = this.#prepared;
    const held = hold();
    const request = {
      batch: batchSize,
      rows: 'held',
      training: true,
      outputs: model.metrics.length > 0,
      loss: true,
      gradients: 'parameters',
      update: true,
      scheduled: this.#tabled,
    } as const;
    const whole = plan.list(request);
    const rest = training.length % batchSize;
    const short = rest > 0 ? plan.list({ ...request, batch: rest }) : whole;
    this.#views = undefined;
    const [shuffling, checking] = [plan.shuffling(), plan.checking()];
    this.#lists = { held, whole, short, shuffling, checking };
    return this.#lists;
  }

  /** Views of the memory as it is now: it moves when something needs more of it. */
  #look(): Views {
    const { plan } = this.#state;
    const { backend } = plan;
    const { floats } = backend;
    if (this.#views?.floats === floats) return this.#views;
    const { held } = this.#ready();
    this.#views = {
      floats: backend.floats,
      state: backend.view(plan.state) as Float32Array,
      trainable: backend.view(plan.trainable) as Float32Array,
      sums: backend.view(plan.sums) as Float64Array,
      hyper: backend.view(plan.hyper) as Float64Array,
      rates: backend.view(held.rates) as Float64Array,
      counters: backend.view(plan.counters) as Int32Array,
    };
    return this.#views;
  }

  /** Writes the orders in which the next epochs visit the training rows. */
  #shuffle({ counters }: Views, { shuffling }: Lists, epochs: number): void {
    const { shuffle, validating } = this.#prepared;
    if (!shuffle) return;
    counters[counter.cursor] = validating.length;
    counters[counter.shuffled] = this.#state.epochs;
    shuffling.run(epochs);
  }

  /** As many epochs as one run may take: work is bounded, and so is the room for their orders. */
  #epochsAtOnce(lists: Lists): number {
    const { epochs, orders } = this.#prepared;
    const byRates = this.#tabled ? Math.floor(mostRates / this.#stepsPerEpoch) : orders;
    const byWork = Math.floor(sliceWork / this.#epochWork(lists));
    return Math.min(epochs - this.#epoch, orders, byRates, byWork);
  }

  #epochWork({ whole }: Lists): number {
    const { batchSize, training } = this.#prepared;
    return (whole.work * training.length) / batchSize;
  }

  /** The learning rate of the optimizer, which a schedule takes the place of. */
  get #ownRate(): number {
    return this.#state.model.optimizer.options.learningRate!;
  }

  /** Writes the rates of the steps that come next, from the `step`-th of this training on. */
  #writeRates({ rates, counters }: Views, step: number, count: number): void {
    if (this.#tabled) this.#rates?.fill(rates, counters[counter.step]!, step, count);
  }

  /**
   * Several epochs in one run. Where the numbers stop being finite in one of them, all is put back,
   * the result is false, and going epoch by epoch will find the place.
   */
  #runEpochs(lists: Lists, count: number): boolean {
    const { whole, short, checking } = lists;
    const { batchSize, training, validating } = this.#prepared;
    const size = training.length;
    const views = this.#look();
    this.#take(views);
    const { sums, counters } = views;
    this.#shuffle(views, lists, count);
    for (let i = 0; i < count; i++) sums[i] = 0;
    this.#writeRates(views, this.#epoch * this.#stepsPerEpoch, count * this.#stepsPerEpoch);
    counters[counter.cursor] = validating.length;
    counters[counter.epoch] = 0;
    counters[counter.left] = counters[counter.rows] = size;
    const steps = Math.floor(size / batchSize);
    let finite = true;
    if (short === whole) finite = whole.program.run(count * steps) === count * steps;
    else {
      for (let i = 0; i < count && finite; i++) {
        finite = whole.program.run(steps) === steps && short.program.run(1) === 1;
      }
    }
    if (!finite || checking.run(1) === 0) {
      this.#restore(views);
      this.#grouped = false;
      return false;
    }
    for (let i = 0; i < count; i++) this.history.loss.push(sums[i]! / size);
    this.#state.epochs += count;
    this.#epoch += count;
    return true;
  }

  /** One pass over the training rows. */
  *#trainEpoch(lists: Lists): Generator<Pause, void, void> {
    const { batchSize, training, validating, callbacks } = this.#prepared;
    const state = this.#state;
    const size = training.length;
    const scores = state.model.metrics.length > 0 ? state.scores() : undefined;
    const single = callbacks.some((callback) => callback.onBatchEnd);
    const views = this.#look();
    this.#take(views);
    this.#shuffle(views, lists, 1);
    state.epochs++;
    let sum = 0;
    let done = 0;
    while (done < size) {
      const batch = Math.min(batchSize, size - done);
      const list = batch === batchSize ? lists.whole : lists.short;
      const left = batch === batchSize ? Math.floor((size - done) / batch) : 1;
      const steps = single ? 1 : Math.min(left, this.#stepsAtOnce(list, batch, lists.held));
      const cursor = validating.length + done;
      this.#writeRates(this.#look(), this.#epoch * this.#stepsPerEpoch + this.#batch, steps);
      const result = this.#runList(list, cursor, sum, steps);
      sum = result.sum;
      if (scores) this.#score(scores, lists.held, cursor, result.steps * batch);
      this.#batch += result.steps;
      if (result.steps < steps) this.#diverged(list, 'loss');
      done += steps * batch;
      if (single) {
        this.#logs = { loss: sum / done };
        scores?.report(this.#logs);
        yield* this.#call('onBatchEnd');
      }
      if (this.#turns.due(list.work * steps)) yield this.#turns.take();
      if (done < size && this.#over()) break;
    }
    if (lists.checking.run(1) === 0) this.#diverged(lists.short, 'parameters');
    this.#logs = { loss: sum / done };
    scores?.report(this.#logs);
  }

  /** The loss and the metrics over the rows held out. */
  *#validate({ held }: Lists): Generator<Pause, void, void> {
    const { validating, batchSize } = this.#prepared;
    const { plan, model } = this.#state;
    const scored = model.metrics.length > 0;
    const scores = this.#state.scores();
    const end = validating.length;
    let sum = 0;
    for (let cursor = 0; cursor < end; ) {
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
      const most = Math.floor((end - cursor) / batch);
      const steps = Math.min(most, this.#stepsAtOnce(list, batch, held));
      const result = this.#runList(list, cursor, sum, steps);
      sum = result.sum;
      // A list that stops at a loss which is not finite has done all else of that step.
      const done = Math.min(steps, result.steps + 1);
      if (scored) this.#score(scores, held, cursor, done * batch);
      cursor += done * batch;
      if (this.#turns.due(list.work * steps)) yield this.#turns.take();
    }
    this.#logs.val_loss = sum / end;
    scores.report(this.#logs, 'val_');
  }

  /** Runs a list on held rows from `cursor` on; a callback may have used the cells in between. */
  #runList(list: List, cursor: number, sum: number, steps: number): { sum: number; steps: number } {
    const { counters, sums } = this.#look();
    counters[counter.cursor] = cursor;
    counters[counter.appended] = 0;
    counters[counter.epoch] = 0;
    // All within one epoch, however many rows.
    counters[counter.left] = counters[counter.rows] = 0;
    sums[0] = sum;
    const done = list.program.run(steps);
    return { sum: sums[0]!, steps: done };
  }

  /** As many steps as one run may take: work is bounded, and so is the room for outputs. */
  #stepsAtOnce(list: List, batch: number, held: Held): number {
    const bySlice = Math.floor(sliceWork / list.work);
    const byWork = this.#tabled ? Math.min(bySlice, mostRates) : bySlice;
    const { rows } = held.outputs;
    return Math.max(1, rows > 0 ? Math.min(byWork, Math.floor(rows / batch)) : byWork);
  }

  /** Adds the outputs that the last run appended to the scores. */
  #score(scores: Scores, held: Held, cursor: number, count: number): void {
    const { plan, model } = this.#state;
    const view = (tensor: Held['outputs']) => plan.backend.view(tensor);
    const outputs = view(held.outputs).subarray(0, count * model.outputs) as Float32Array;
    const rows = view(held.indices).subarray(cursor, cursor + count) as Int32Array;
    scores.add(outputs, count, view(held.targets) as Float32Array, 'scaled', rows);
  }

  *#call(hook: (typeof hooks)[number]): Generator<Pause, void, void> {
    const around = hook === 'onTrainBegin' || hook === 'onTrainEnd';
    for (const callback of this.#prepared.callbacks) {
      if (!callback[hook]) continue;
      const context: CallbackContext = {
        model: this.#model,
        epoch: this.#epoch,
        epochs: this.#prepared.epochs,
        batch: hook === 'onBatchEnd' ? this.#batch - 1 : this.#batch,
        logs: this.#logs,
        learningRate: around ? this.#ownRate : this.#look().hyper[0]!,
        stop: (reason = 'stopped') => {
          this.#stop ??= reason;
        },
        setWeights: this.#setWeights,
      };
      const result = callback[hook](context);
      if (isThenable(result)) yield { until: result };
    }
  }

  /** Whether somebody wants the training to end; `stopReason` then says who. */
  #over(): boolean {
    if (this.#prepared.signal?.aborted) this.stopReason = 'aborted';
    else if (this.#stop) this.stopReason = this.#stop;
    return this.stopReason !== 'completed';
  }

  /** Keeps the state as it is at the start of an epoch. */
  #take({ state }: Views): void {
    this.#snapshot.set(state);
  }

  #restore({ state }: Views): void {
    state.set(this.#snapshot);
  }

  /** Ends the training with an error that says what happened; `run` puts parameters back. */
  #diverged(list: List, what: 'loss' | 'parameters'): never {
    const restored = !allFinite(this.#look().trainable);
    const batch = what === 'loss' ? this.#batch : undefined;
    throw divergence(this.#state.plan, list, { epoch: this.#epoch, batch, restored, what });
  }
}
