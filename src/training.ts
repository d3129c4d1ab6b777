import type { Checkpoint, TrainingState } from './checkpoint.js';
import { divergence } from './divergence.js';
import { ThreadError } from './errors.js';
import type { Part } from './feeds/feed.js';
import { allFinite } from './finite.js';
import type { CallbackContext, hooks, StopReason } from './hooks.js';
import { counter, type List, mostRates } from './lists.js';
import type { Network, Weights } from './network.js';
import type { Prepared } from './prepare.js';
import { Rates } from './rates.js';
import { Runs, type Views } from './runs.js';
import type { Logs, Scores } from './scoring.js';
import { States } from './sequences.js';
import type { Plain } from './snapshot.js';
import type { NetworkState } from './state.js';
import { isThenable, type Pause, sliceWork, Turns } from './turns.js';
import { watch } from './watch.js';

/** What was reported of each whole epoch, in order: `loss`, metrics, and `val_` before those of validation. */
export type History = { loss: number[] } & { [name: string]: number[] };

export interface FitResult {
  /** With a resumed training, of all epochs since its beginning. */
  readonly history: History;
  readonly stopReason: StopReason;
  /** Where it was stopped before its end, except by early stopping: what it takes to go on. */
  readonly checkpoint?: Checkpoint;
}

/** One epoch of `epochs()`. */
export interface EpochResult {
  readonly epoch: number;
  readonly logs: Logs;
}

/** What a training asks of the network's face. */
export interface Face {
  readonly network: Network;
  /** Replaces weights between two batches, for callbacks. */
  setWeights(weights: Readonly<Weights>): void;
}

/** How far an epoch has come. */
interface Progress {
  /** Which of the network's shuffles it goes by. */
  shuffle: number | null;
  batch: number;
  /** Rows trained on, and the sum of their losses. */
  done: number;
  sum: number;
  readonly scores: Scores;
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
  readonly #face: Face;
  readonly #prepared: Prepared;
  readonly #runs: Runs;
  readonly #snapshot: Float32Array;
  #grouped: boolean;
  readonly #turns = new Turns();
  readonly #stepsPerEpoch: number;
  /** The schedule's learning rates; without a schedule, the optimizer's own is never touched. */
  readonly #rates: Rates | undefined;
  /** Whether steps take their rates from a table, because they differ within a run of a list. */
  readonly #tabled: boolean;
  #logs: Logs = {};
  #epoch = 0;
  /** Steps in all of its epochs. */
  #steps = 0;
  #progress: Progress;
  /** The hook that is next, or under way, and for how many callbacks it has been called. */
  #hook: TrainingState['hook'] = 'onEpochBegin';
  #called = 0;
  #stop: StopReason | undefined;
  /** Whether a callback is being told of an epoch or a batch. */
  #telling = false;
  readonly #stopping: CallbackContext['stop'] = (reason = 'stopped') => {
    this.#stop ??= reason;
  };
  readonly #checkpointing: CallbackContext['checkpoint'] = () => {
    if (this.#telling) return this.#checkpoint();
    throw new Error(
      'checkpoint: expected to be called while onEpochBegin, onBatchEnd or onEpochEnd runs',
    );
  };
  /** Whether the network is its owner's, between two epochs. */
  #between = false;

  /** @param alone whether nobody wants the result of each epoch as it ends */
  constructor(state: NetworkState, face: Face, prepared: Prepared, alone: boolean) {
    this.#state = state;
    this.#face = face;
    this.#prepared = prepared;
    this.#snapshot = new Float32Array(state.plan.state.columns);
    const { callbacks, schedule, epochs, feed, resume, stepsPerEpoch } = prepared;
    this.#stepsPerEpoch = stepsPerEpoch;
    const learningRate = this.#ownRate;
    this.#rates = schedule && new Rates(schedule, { learningRate, epochs, stepsPerEpoch });
    const told = callbacks.some((c) => c.onEpochBegin ?? c.onBatchEnd ?? c.onEpochEnd);
    const plain = feed.validating === 0 && state.model.metrics.length === 0;
    const known = feed.rows !== undefined && feed.orders > 1;
    const apart = !state.model.stateful;
    this.#grouped = alone && !told && plain && known && apart && !this.#rates?.observing;
    this.#tabled = this.#rates !== undefined && (this.#rates.perStep || this.#grouped);
    this.#runs = new Runs(state, feed, this.#tabled, prepared.microBatchSize);
    this.#progress = this.#fresh();
    // A schedule that cannot do without the number of steps says so before anything changes.
    if (stepsPerEpoch === Number.POSITIVE_INFINITY) this.#rates?.at(0, 0);
    if (resume) this.#resume(resume);
  }

  *run(): Generator<Pause | EpochResult, FitResult, void> {
    this.#take(this.#runs.look());
    try {
      yield* this.#call('onTrainBegin', 0);
      if (this.#prepared.resume) this.#resumeRate(this.#prepared.resume.training);
      yield* this.#epochs();
      const { history, stopReason } = this;
      const ended = stopReason === 'completed' || stopReason === 'earlyStopping';
      const result = ended ? { history, stopReason } : this.#stopped();
      yield* this.#call('onTrainEnd', 0);
      return result;
    } catch (error) {
      // A step that one thread has taken and another has not is none.
      if (error instanceof ThreadError) this.#restore(this.#runs.look().state);
      throw error;
    } finally {
      // However it ends, also by an error of a callback: what is left can be used.
      const { plan } = this.#state;
      if (!this.#between) {
        const learnt = plan.backend.view(plan.learnt) as Float32Array;
        if (!allFinite(learnt)) this.#restore(plan.backend.view(plan.state) as Float32Array);
        if (this.#rates) plan.backend.view(plan.hyper)[0] = this.#ownRate;
      }
      const end = this.#prepared.feed.end();
      if (isThenable(end)) yield { until: end };
    }
  }

  *#epochs(): Generator<Pause | EpochResult, void, void> {
    const { epochs, callbacks, feed } = this.#prepared;
    while (this.#epoch < epochs && !this.#over()) {
      if (this.#hook === 'onEpochBegin') {
        const group = this.#grouped ? this.#epochsAtOnce() : 1;
        if (group > 1 && this.#runEpochs(group)) {
          const work = this.#epochWork(this.#runs.training(feed.batchSize)) * group;
          if (this.#turns.due(work)) yield this.#turns.take();
          continue;
        }
        this.#logs = {};
        this.#progress = this.#fresh();
        // Rows begin anew, and so do the sequences that they are of.
        this.#state.plan.resetStates();
        if (this.#rates) {
          this.#runs.look().hyper[0] = this.#rates.at(this.#steps, this.#epoch);
        }
        yield* this.#call('onEpochBegin', this.#called);
        this.#hook = 'onBatchEnd';
        this.#called = callbacks.length;
        if (this.#over()) break;
      }
      if (this.#hook === 'onBatchEnd') {
        yield* this.#trainEpoch();
        if (this.stopReason !== 'completed') break;
        if (feed.validating > 0) yield* this.#validate();
        for (const name in this.#logs) (this.history[name] ??= []).push(this.#logs[name]!);
        watch(this.#state, this.history.loss);
        this.#rates?.observe(this.#logs);
        this.#hook = 'onEpochEnd';
        this.#called = 0;
      }
      yield* this.#call('onEpochEnd', this.#called);
      // Between two epochs the network is its owner's.
      if (this.#rates) this.#runs.look().hyper[0] = this.#ownRate;
      this.#between = true;
      yield { epoch: this.#epoch, logs: this.#logs };
      this.#between = false;
      this.#epoch++;
      this.#hook = 'onEpochBegin';
      this.#called = 0;
    }
  }

  #fresh(): Progress {
    return { shuffle: null, batch: 0, done: 0, sum: 0, scores: this.#state.scores() };
  }

  /** As many epochs as one run may take: work is bounded, and so is the room for their orders. */
  #epochsAtOnce(): number {
    const { epochs, feed } = this.#prepared;
    if (this.#called > 0) return 1;
    const byRates = this.#tabled ? Math.floor(mostRates / this.#stepsPerEpoch) : feed.orders;
    const whole = this.#runs.training(feed.batchSize);
    const byWork = Math.floor(sliceWork / this.#epochWork(whole));
    return Math.min(epochs - this.#epoch, feed.orders, byRates, byWork);
  }

  #epochWork(whole: List): number {
    const { batchSize, rows } = this.#prepared.feed;
    return (whole.work * rows!) / batchSize;
  }

  /** The learning rate of the optimizer, which a schedule takes the place of. */
  get #ownRate(): number {
    return this.#state.model.optimizer.options.learningRate!;
  }

  /** Writes the rates of the steps that come next. */
  #writeRates({ rates, counters }: Views, count: number): void {
    if (!this.#tabled) return;
    this.#rates!.fill(rates, counters[counter.step]!, this.#steps, this.#epoch, count);
  }

  /**
   * Several epochs in one run. Where the numbers stop being finite in one of them, all is put back,
   * the result is false, and going epoch by epoch will find the place.
   */
  #runEpochs(count: number): boolean {
    const state = this.#state;
    const { feed } = this.#prepared;
    const { batchSize } = feed;
    const size = feed.rows!;
    const rest = size % batchSize;
    const whole = this.#runs.training(batchSize);
    const short = rest > 0 ? this.#runs.training(rest) : whole;
    feed.begin(state.epochs, 0, count);
    const { cursor } = feed.next() as Part;
    const views = this.#runs.look();
    this.#take(views);
    const { sums, counters } = views;
    sums.fill(0, 0, count);
    this.#writeRates(views, count * this.#stepsPerEpoch);
    counters[counter.cursor] = cursor;
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
    if (!finite || !this.#runs.finite()) {
      this.#restore(views.state);
      this.#grouped = false;
      return false;
    }
    const { loss } = this.history;
    for (let i = 0; i < count; i++) loss.push(sums[i]! / size);
    state.epochs += count;
    this.#epoch += count;
    watch(state, this.history.loss);
    this.#steps += count * this.#stepsPerEpoch;
    return true;
  }

  /** One pass over the training rows, from where it stands. */
  *#trainEpoch(): Generator<Pause, void, void> {
    const { feed, callbacks } = this.#prepared;
    const { model } = this.#state;
    const runs = this.#runs;
    const progress = this.#progress;
    const { scores } = progress;
    const scored = model.metrics.length > 0;
    const single = callbacks.some((callback) => callback.onBatchEnd);
    // Of a batch whose callbacks have not all been told yet.
    if (this.#called < callbacks.length) yield* this.#call('onBatchEnd', this.#called);
    this.#take(runs.look());
    progress.shuffle ??= this.#state.epochs++;
    feed.begin(progress.shuffle, progress.done, 1);
    let list: List | undefined;
    while (progress.done === feed.rows || !this.#over()) {
      const part = yield* this.#next();
      // An iterable that ends, or is waited for no longer because of an abort.
      if (!part && feed.rows === undefined) this.#over();
      if (!part) break;
      let { cursor, rows } = part;
      while (rows > 0 && !this.#over()) {
        const batch = Math.min(feed.batchSize, rows);
        list = runs.training(batch);
        const left = Math.floor(rows / batch);
        const steps = single ? 1 : Math.min(left, runs.stepsAtOnce(list, batch));
        this.#writeRates(runs.look(), steps);
        const run = runs.run(list, cursor, progress.sum, steps);
        progress.sum = run.sum;
        if (scored) runs.score(scores, cursor, run.steps * batch);
        progress.batch += run.steps;
        this.#steps += run.steps;
        if (run.steps < steps) this.#diverged(list, 'loss');
        progress.done += steps * batch;
        cursor += steps * batch;
        rows -= steps * batch;
        if (single) {
          this.#report();
          yield* this.#call('onBatchEnd', 0);
        }
        if (this.#turns.due(list.work * steps)) yield this.#turns.take();
      }
    }
    if (list && !runs.finite()) this.#diverged(list, 'parameters');
    this.#report();
  }

  /** What is known of the epoch so far. */
  #report(): void {
    const { sum, done, scores } = this.#progress;
    if (done === 0) return;
    this.#logs = { loss: sum / done };
    scores.report(this.#logs);
  }

  /** The next rows to train on, awaited where they have to be. */
  *#next(): Generator<Pause, Part | undefined, void> {
    const next = this.#prepared.feed.next();
    if (!isThenable(next)) return next;
    let part: Part | undefined;
    yield {
      until: next.then((came) => {
        part = came;
      }),
    };
    return part;
  }

  /** The loss and the metrics over the rows held out. */
  *#validate(): Generator<Pause, void, void> {
    const { feed, microBatchSize: most = Number.POSITIVE_INFINITY } = this.#prepared;
    const runs = this.#runs;
    const scored = this.#state.model.metrics.length > 0;
    const scores = this.#state.scores();
    const states = new States(this.#state.plan);
    let sum = 0;
    for (let done = 0; done < feed.validating; ) {
      let { cursor, rows } = feed.validate(done);
      done += rows;
      while (rows > 0) {
        const whole = this.#state.model.stateful?.sequences ?? feed.batchSize;
        const batch = Math.min(whole, most, rows);
        const list = runs.validation(batch);
        const steps = Math.min(Math.floor(rows / batch), runs.stepsAtOnce(list, batch));
        const from = sum;
        const run = states.during(() => runs.run(list, cursor, from, steps));
        sum = run.sum;
        // A list that stops at a loss which is not finite has done all else of that step.
        const ran = Math.min(steps, run.steps + 1) * batch;
        if (scored) runs.score(scores, cursor, ran);
        cursor += ran;
        rows -= ran;
        if (this.#turns.due(list.work * steps)) yield this.#turns.take();
      }
    }
    this.#logs.val_loss = sum / feed.validating;
    scores.report(this.#logs, 'val_');
  }

  /** Calls a hook of all callbacks but the first `from`. */
  *#call(hook: (typeof hooks)[number], from: number): Generator<Pause, void, void> {
    const { callbacks, epochs } = this.#prepared;
    const around = hook === 'onTrainBegin' || hook === 'onTrainEnd';
    if (!around) this.#hook = hook;
    for (let i = from; i < callbacks.length; i++) {
      const callback = callbacks[i]!;
      if (!callback[hook]) continue;
      if (!around) this.#called = i + 1;
      const { batch } = this.#progress;
      const context: CallbackContext = {
        model: this.#face.network,
        epoch: this.#epoch,
        epochs,
        batch: hook === 'onBatchEnd' ? batch - 1 : batch,
        logs: this.#logs,
        learningRate: around ? this.#ownRate : this.#runs.look().hyper[0]!,
        stop: this.#stopping,
        setWeights: this.#face.setWeights,
        checkpoint: this.#checkpointing,
      };
      this.#telling = !around;
      const result = callback[hook](context);
      if (isThenable(result)) yield { until: result };
      this.#telling = false;
    }
    if (!around) this.#called = callbacks.length;
  }

  /** Whether somebody wants the training to end; `stopReason` then says who. */
  #over(): boolean {
    if (this.#prepared.signal?.aborted) this.stopReason = 'aborted';
    else if (this.#stop) this.stopReason = this.#stop;
    return this.stopReason !== 'completed';
  }

  /** Goes to where a training was stopped; the network is there already. */
  #resume({ history, training }: Checkpoint): void {
    for (const [name, values] of Object.entries(history)) this.history[name] = [...values];
    const { epoch, steps, hook, called, shuffle, batch, done, sum } = training;
    this.#epoch = epoch;
    this.#steps = steps;
    this.#hook = hook;
    this.#called = called;
    this.#progress = { shuffle, batch, done, sum, scores: this.#state.scores() };
    this.#progress.scores.restore(training.metrics);
    if (hook === 'onBatchEnd') this.#report();
    if (hook === 'onEpochEnd') {
      for (const name in this.history) this.#logs[name] = this.history[name]!.at(-1)!;
    }
  }

  /** The learning rate as it was; the schedule is asked too, since it may remember what it said. */
  #resumeRate({ hook, epoch, steps, learningRate }: TrainingState): void {
    if (!this.#rates || hook === 'onEpochBegin') return;
    this.#rates.at(Math.max(0, steps - 1), epoch);
    this.#runs.look().hyper[0] = learningRate;
  }

  #checkpoint(): Checkpoint {
    const { callbacks, course } = this.#prepared;
    // Between two epochs, that of the last one is of no use.
    const progress = this.#hook === 'onEpochBegin' ? this.#fresh() : this.#progress;
    const { shuffle, batch, done, sum, scores } = progress;
    const snapshot = this.#face.network.snapshot({ optimizer: true });
    return {
      ...snapshot,
      optimizer: snapshot.optimizer!,
      history: structuredClone(this.history),
      training: {
        course: course(),
        epoch: this.#epoch,
        steps: this.#steps,
        hook: this.#hook,
        called: this.#called,
        ...{ shuffle, batch, done, sum },
        metrics: scores.state(),
        learningRate: this.#runs.look().hyper[0]!,
        schedule: this.#rates?.state() ?? null,
        callbacks: callbacks.map((callback) => (callback.state?.() ?? null) as Plain),
      },
    };
  }

  #stopped(): FitResult {
    const { history, stopReason } = this;
    return { history, stopReason, checkpoint: this.#checkpoint() };
  }

  /** Keeps the state as it is at the start of an epoch. */
  #take({ state }: Views): void {
    this.#snapshot.set(state);
  }

  #restore(state: Float32Array): void {
    state.set(this.#snapshot);
  }

  /** Ends the training with an error that says what happened; `run` puts parameters back. */
  #diverged(list: List, what: 'loss' | 'parameters'): never {
    const restored = !this.#runs.finite();
    const batch = what === 'loss' ? this.#progress.batch : undefined;
    throw divergence(this.#state.plan, this.#runs.ranLast(list), {
      epoch: this.#epoch,
      batch,
      restored,
      what,
    });
  }
}
