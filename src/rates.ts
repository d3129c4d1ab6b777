import { numberWithin, show } from './checks.js';
import type { Logs } from './scoring.js';
import type { Plain } from './snapshot.js';

/** The learning rate of a step; `step` and `epoch` count from 0 over the whole training. */
export type RateFunction = (step: number, epoch: number) => number;

/** What a schedule is told of a training as that begins. */
export interface TrainingSpan {
  /** The optimizer's own learning rate. */
  readonly learningRate: number;
  /** How many epochs are planned, how many steps in all, and in one epoch. */
  readonly epochs: number;
  readonly steps: number;
  readonly stepsPerEpoch: number;
}

/** A rule for the learning rate: one of `schedules`, or an object of one's own. */
export interface Schedule {
  /** Whether the rate changes with every step, or with every epoch only. */
  readonly per: 'step' | 'epoch';
  /** Its name among `schedules` and its options, which make the same elsewhere. */
  readonly origin?: { readonly name: string; readonly options: object };
  /**
   * Called as a training begins.
   *
   * @returns the rate of each step, or of each epoch, asked at one of its steps. It may be asked ahead
   *   of time, and more than once for the same step.
   */
  begin(span: TrainingSpan): RateFunction;
  /**
   * Told the logs at the end of each epoch, before the next one's rate is asked for. Short epochs are
   * not run together then.
   */
  observe?(logs: Logs): void;
  /** What it has learnt so far, as plain JSON, and back: for a training that is to go on later. */
  state?(): unknown;
  restore?(state: unknown): void;
}

/** The option `learningRate` of `fit`: a rate, a schedule, or a function of step and epoch. */
export type LearningRate = number | Schedule | RateFunction;

/** The first rate that is too large for a float32. */
const tooLarge = 2 ** 127;

/** A learning rate: 0 stands still, and below it a training would climb. */
export function readRate(value: unknown, where: string): number {
  return numberWithin(value, where, 0, tooLarge, 'open');
}

/** The option `learningRate`, whatever its form, as a schedule. */
export function readSchedule(given: unknown, where: string): Schedule {
  if (typeof given === 'number') {
    const rate = readRate(given, where);
    return { per: 'epoch', begin: () => () => rate };
  }
  if (typeof given === 'function') return { per: 'step', begin: () => given as RateFunction };
  const schedule = given as Partial<Schedule> | null | undefined;
  if (
    typeof schedule?.begin === 'function' &&
    (schedule.per === 'step' || schedule.per === 'epoch')
  ) {
    return schedule as Schedule;
  }
  throw new TypeError(
    `${where}: expected a number, a schedule such as schedules.cosine(), or a function of step and epoch, got ${show(given)}`,
  );
}

/** What a training over an unknown number of steps tells a schedule. */
function unknownSpan(span: { learningRate: number; epochs: number }): TrainingSpan {
  const refuse = (): never => {
    throw new TypeError(
      'learningRate: this schedule needs to know how many steps there are: give fit `stepsPerEpoch`, the number of batches of an epoch',
    );
  };
  return {
    ...span,
    get steps() {
      return refuse();
    },
    get stepsPerEpoch() {
      return refuse();
    },
  };
}

/** The learning rates of one training. */
export class Rates {
  /** Whether they change within epochs. */
  readonly perStep: boolean;
  /** Whether they depend on how the training goes. */
  readonly observing: boolean;
  readonly #schedule: Schedule;
  /** Infinity where nobody knows. */
  readonly #stepsPerEpoch: number;
  #rate: RateFunction | undefined;
  readonly #span: TrainingSpan;

  constructor(schedule: Schedule, span: Omit<TrainingSpan, 'steps'>) {
    this.#schedule = schedule;
    this.perStep = schedule.per === 'step';
    this.observing = schedule.observe !== undefined;
    const { stepsPerEpoch } = span;
    this.#stepsPerEpoch = stepsPerEpoch;
    const known = stepsPerEpoch < Number.POSITIVE_INFINITY;
    this.#span = known ? { ...span, steps: span.epochs * stepsPerEpoch } : unknownSpan(span);
  }

  /** The rate of a step in an epoch; of the epoch, where it changes with epochs only. */
  at(step: number, epoch: number): number {
    this.#rate ??= this.#schedule.begin(this.#span);
    const first = epoch * this.#stepsPerEpoch;
    const asked = this.perStep || !Number.isFinite(first) ? step : first;
    const rate = this.#rate(asked, epoch);
    if (rate >= 0 && rate < tooLarge && typeof rate === 'number') return rate;
    return readRate(rate, `learningRate: step ${asked}, epoch ${epoch}`);
  }

  /** Writes the rates of `count` steps from `step` on, of `epoch`, into a ring, from place `at` on. */
  fill(ring: Float64Array, at: number, step: number, epoch: number, count: number): void {
    const each = this.#stepsPerEpoch;
    const before = Math.floor(step / each);
    let rate = 0;
    for (let i = 0; i < count; i++) {
      const changes = this.perStep || i === 0 || (step + i) % each === 0;
      if (changes) rate = this.at(step + i, epoch + Math.floor((step + i) / each) - before);
      ring[(at + i) & (ring.length - 1)] = rate;
    }
  }

  /** What the schedule remembers; null where that is nothing. */
  state(): Plain {
    return (this.#schedule.state?.() ?? null) as Plain;
  }

  /** What an epoch has brought. */
  observe(logs: Logs): void {
    this.#schedule.observe?.(logs);
  }
}
