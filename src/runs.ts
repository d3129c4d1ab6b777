import type { Program } from './backends/backend.js';
import type { Feed } from './feeds/feed.js';
import { counter, type Held, type List, mostRates, type Request } from './lists.js';
import type { Scores } from './scoring.js';
import type { NetworkState } from './state.js';
import { sliceWork } from './turns.js';

/** The parts of the memory that a training reads and writes, for as long as it does not move. */
export interface Views {
  readonly floats: Float32Array;
  readonly state: Float32Array;
  readonly sums: Float64Array;
  readonly hyper: Float64Array;
  readonly rates: Float64Array;
  readonly counters: Int32Array;
}

/** How a run of a list went. */
export interface Run {
  /** Losses added up, with those before it. */
  readonly sum: number;
  /** Steps made: fewer than asked where a loss is not finite. */
  readonly steps: number;
}

/** Runs the lists of one training on the rows that its feed brings. */
export class Runs {
  readonly #state: NetworkState;
  readonly #feed: Feed;
  /** Whether steps take their learning rates from a table. */
  readonly #tabled: boolean;
  #held: Held | undefined;
  #views: Views | undefined;
  /** The list of the last batch size that was asked for, and that of whole batches. */
  #list: List | undefined;
  #size = 0;
  #whole: List | undefined;
  /** Rows that go through the network at a time. */
  readonly #most: number;
  /** The list that ran last, where a step has several. */
  #part: List | undefined;
  #checking: Program | undefined;

  /** @param most rows that go through the network at a time; a step of more has several parts */
  constructor(state: NetworkState, feed: Feed, tabled: boolean, most = Number.POSITIVE_INFINITY) {
    this.#most = most;
    this.#state = state;
    this.#feed = feed;
    this.#tabled = tabled;
  }

  /** The list that trains on a batch of so many rows. */
  training(batch: number): List {
    this.#ready();
    if (batch === this.#feed.batchSize) return (this.#whole ??= this.#make(batch));
    if (batch !== this.#size || !this.#list) {
      this.#list = this.#make(batch);
      this.#size = batch;
    }
    return this.#list;
  }

  /** The list that validates a batch of so many rows. */
  validation(batch: number): List {
    this.#ready();
    const { plan, model } = this.#state;
    return plan.list({
      batch,
      rows: 'held',
      training: false,
      outputs: model.metrics.length > 0,
      loss: true,
      gradients: 'none',
      update: false,
    });
  }

  #make(batch: number): List {
    return batch > this.#most ? this.#makeInParts(batch) : this.#makePart(batch, true);
  }

  /** A step in parts, whose gradients add up: as one list, which says what one of its parts says. */
  #makeInParts(batch: number): List {
    const { plan } = this.#state;
    const most = this.#most;
    const before = Math.ceil(batch / most) - 1;
    const first = this.#makePart(most, false, { of: batch, opens: true });
    const between = before > 1 ? this.#makePart(most, false, { of: batch, opens: false }) : first;
    const rest = batch - before * most;
    const last = this.#makePart(rest, true, { of: batch, opens: false });
    const ran = (list: List, times: number) => {
      this.#part = list;
      return list.program.run(times) === times;
    };
    const run = (steps: number) => {
      for (let step = 0; step < steps; step++) {
        const whole = ran(first, 1) && (before === 1 || ran(between, before - 1)) && ran(last, 1);
        if (whole) continue;
        plan.backend.view(plan.counters)[counter.part] = 0;
        return step;
      }
      return steps;
    };
    const work = first.work + (before - 1) * between.work + last.work;
    return { ...last, work, program: { run } };
  }

  /** The list that ran last for a step: its values are still in memory. */
  ranLast(list: List): List {
    return this.#part ?? list;
  }

  #makePart(batch: number, update: boolean, part?: Request['part']): List {
    const { plan, model } = this.#state;
    return plan.list({
      batch,
      rows: 'held',
      training: true,
      outputs: model.metrics.length > 0,
      loss: true,
      gradients: 'parameters',
      update,
      scheduled: this.#tabled,
      ...(part && { part }),
    });
  }

  /** The rows in memory; lists are made anew where they have been put there anew. */
  #ready(): Held {
    const held = this.#feed.ready();
    if (held !== this.#held) {
      this.#held = held;
      this.#views = this.#list = this.#whole = this.#checking = undefined;
    }
    return held;
  }

  /** Views of the memory as it is now: it moves when something needs more of it. */
  look(): Views {
    const { plan } = this.#state;
    const { backend } = plan;
    const held = this.#ready();
    if (this.#views?.floats === backend.floats) return this.#views;
    this.#views = {
      floats: backend.floats,
      state: backend.view(plan.state) as Float32Array,
      sums: backend.view(plan.sums) as Float64Array,
      hyper: backend.view(plan.hyper) as Float64Array,
      rates: backend.view(held.rates) as Float64Array,
      counters: backend.view(plan.counters) as Int32Array,
    };
    return this.#views;
  }

  /** Whether all parameters are finite. */
  finite(): boolean {
    this.#ready();
    this.#checking ??= this.#state.plan.checking();
    return this.#checking.run(1) === 1;
  }

  /** Runs a list on rows from `cursor` on; a callback may have used the cells in between. */
  run(list: List, cursor: number, sum: number, steps: number): Run {
    const { counters, sums } = this.look();
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
  stepsAtOnce(list: List, batch: number): number {
    const bySlice = Math.floor(sliceWork / list.work);
    const byWork = this.#tabled ? Math.min(bySlice, mostRates) : bySlice;
    const { rows } = this.#ready().outputs;
    return Math.max(1, rows > 0 ? Math.min(byWork, Math.floor(rows / batch)) : byWork);
  }

  /** Adds the outputs that the last run appended to the scores. */
  score(scores: Scores, cursor: number, count: number): void {
    const { plan, model } = this.#state;
    const held = this.#ready();
    const view = (tensor: Held['outputs']) => plan.backend.view(tensor);
    const outputs = view(held.outputs).subarray(0, count * model.outputs) as Float32Array;
    const rows = view(held.indices).subarray(cursor, cursor + count) as Int32Array;
    scores.add(outputs, count, view(held.targets) as Float32Array, 'scaled', rows);
  }
}
