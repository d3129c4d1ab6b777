import { flag, numberWithin, onlyKeys, show, wholeNumber } from './checks.js';
import { cos64, pow64 } from './math64.js';
import { improves, type Mode, monitored, readMode } from './monitor.js';
import { type LearningRate, readRate, readSchedule, type Schedule } from './rates.js';

/*
 * Learning rates that change as a training goes on. In all formulas η is the schedule's
 * `learningRate` (default: the optimizer's own) and t counts steps or epochs from 0, as `per` says,
 * anew in each training. Everything is computed in float64 by steps of our own, so that every engine
 * gets the same rates.
 */

interface Rate {
  /** η ≥ 0, where the schedule starts from; default: the optimizer's. */
  readonly learningRate?: number;
}

interface Timed extends Rate {
  /** What t counts; default 'epoch'. */
  readonly per?: 'step' | 'epoch';
}

interface Bounded extends Timed {
  /** T ≥ 1, in what t counts; default: the whole training. Afterwards the last rate stays. */
  readonly length?: number;
  /** η_min ≥ 0, where it ends; default 0. */
  readonly minimum?: number;
}

export interface StepOptions extends Timed {
  /** S ≥ 1, how often the rate drops; or `at`. */
  readonly every?: number;
  /** The values of t at which the rate drops, ascending. */
  readonly at?: readonly number[];
  /** γ > 0; default 0.1. */
  readonly factor?: number;
}

export interface ExponentialOptions extends Timed {
  /** γ > 0. */
  readonly factor: number;
}

export interface PolynomialOptions extends Bounded {
  /** p > 0; default 1, a straight line. */
  readonly power?: number;
}

export interface CosineOptions extends Bounded {}

export interface CosineRestartsOptions extends Timed {
  /** T₀ ≥ 1, the length of the first cycle. */
  readonly length: number;
  /** How many times longer each cycle is than the one before, a whole number; default 1. */
  readonly growth?: number;
  /** η_min ≥ 0; default 0. */
  readonly minimum?: number;
}

export interface WarmUpOptions {
  /** W ≥ 1, in what `per` says. */
  readonly length: number;
  /** Share of the rate to start from, in [0, 1]; default ⅓. */
  readonly start?: number;
  /** 'linear' rises to the full rate; 'constant' stays at the share until the end of the warm-up. */
  readonly shape?: 'linear' | 'constant';
  /** What W counts; default: what `before` does, 'step' for a function. */
  readonly per?: 'step' | 'epoch';
  /** What follows; default: the optimizer's own rate. */
  readonly before?: LearningRate;
}

export interface OneCycleOptions {
  /** η, the peak; default: the optimizer's rate. */
  readonly learningRate?: number;
  /** What t counts; default 'step'. */
  readonly per?: 'step' | 'epoch';
  /** T ≥ 1; default: the whole training. */
  readonly length?: number;
  /** Share of the training in which the rate rises, in [0, 1]; default 0.3. */
  readonly rise?: number;
  readonly shape?: 'cosine' | 'linear';
  /** The first rate is η / divisor; default 25. */
  readonly divisor?: number;
  /** The last rate is the first / finalDivisor; default 10⁴. */
  readonly finalDivisor?: number;
  /** Whether the fall to the first rate mirrors the rise, with the rest for the last; default false. */
  readonly threePhases?: boolean;
}

export interface ReduceOnPlateauOptions extends Rate {
  /** The log to watch; default 'val_loss'. */
  readonly monitor?: string;
  /** Whether less or more of it is better; default: what goes with the monitored name. */
  readonly mode?: Mode;
  /** γ in (0, 1); default 0.1. */
  readonly factor?: number;
  /** Epochs without improvement that are put up with; default 10. */
  readonly patience?: number;
  /** How much better counts as better; default 10⁻⁴. */
  readonly threshold?: number;
  /** Whether the threshold is a share of the best value, the default, or a difference. */
  readonly thresholdMode?: 'relative' | 'absolute';
  /** Epochs after a reduction in which nothing is counted; default 0. */
  readonly cooldown?: number;
  /** η_min ≥ 0; default 0. */
  readonly minimum?: number;
  /** Reductions by no more than this are left out; default 10⁻⁸. */
  readonly epsilon?: number;
}

/** What has to be positive is at least the smallest float32 above 0. */
const positive = (value: unknown, where: string) =>
  numberWithin(value, where, 2 ** -149, 2 ** 127, 'open');

/** Refuses what is not one of the values; the first is the default. */
function oneOf<T>(value: unknown, allowed: readonly [T, ...T[]], where: string): T {
  if (value === undefined) return allowed[0];
  if (allowed.includes(value as T)) return value as T;
  throw new RangeError(`${where}: expected ${allowed.map(show).join(' or ')}, got ${show(value)}`);
}

const units = ['epoch', 'step'] as const;

/**
 * A schedule whose rate follows from t alone.
 *
 * @param formula given η and the length of the whole training in what t counts
 */
function closedForm(
  where: string,
  options: Timed,
  formula: (rate: number, whole: number) => (t: number) => number,
  unit = oneOf(options.per, units, `${where}: per`),
): Schedule {
  const { learningRate } = options;
  if (learningRate !== undefined) readRate(learningRate, `${where}: learningRate`);
  return {
    per: unit,
    origin: { name: where.slice('schedules.'.length), options },
    begin(span) {
      // Only what is needed is asked for: there may be no telling the steps of an epoch.
      const whole = Math.max(1, unit === 'step' ? span.steps : span.epochs);
      const rate = formula(learningRate ?? span.learningRate, whole);
      return unit === 'step' ? rate : (_, epoch) => rate(epoch);
    },
  };
}

function readLength(length: unknown, where: string): number | undefined {
  return length === undefined ? undefined : wholeNumber(length, `${where}: length`);
}

/** (1 + cos(π·share)) / 2: from 1 at 0 down to 0 at 1. */
const halfCosine = (share: number) => (1 + cos64(Math.PI * share)) / 2;

/** The same rate throughout: η. */
export function constant(options: Rate = {}): Schedule {
  onlyKeys(options, ['learningRate'], 'schedules.constant');
  return closedForm('schedules.constant', options, (rate) => () => rate);
}

/**
 * Drops by a factor now and then: η·γ^⌊t/S⌋, or η·γⁿ behind the n-th of the values `at`.
 *
 * @throws TypeError unless exactly one of `every` and `at` is given
 */
export function step(options: StepOptions): Schedule {
  const where = 'schedules.step';
  onlyKeys(options, ['learningRate', 'per', 'every', 'at', 'factor'], where);
  const { every, at, factor = 0.1 } = options;
  positive(factor, `${where}: factor`);
  if ((every === undefined) === (at === undefined)) {
    throw new TypeError(`${where}: give either every, such as 30, or at, such as [30, 80]`);
  }
  if (every !== undefined) {
    wholeNumber(every, `${where}: every`);
    return closedForm(where, options, (rate) => (t) => rate * pow64(factor, Math.floor(t / every)));
  }
  if (!Array.isArray(at)) throw new TypeError(`${where}: at: expected an array, got ${show(at)}`);
  const drops: readonly number[] = [...at];
  drops.forEach((t, i) => {
    wholeNumber(t, `${where}: at[${i}]`);
    if (i > 0 && t <= drops[i - 1]!) {
      throw new RangeError(
        `${where}: at: expected ascending values, got ${t} after ${drops[i - 1]}`,
      );
    }
  });
  return closedForm(where, options, (rate) => (t) => {
    let passed = 0;
    while (passed < drops.length && drops[passed]! <= t) passed++;
    return rate * pow64(factor, passed);
  });
}

/** Decays by the same factor each time: η·γᵗ. */
export function exponential(options: ExponentialOptions): Schedule {
  const where = 'schedules.exponential';
  onlyKeys(options, ['learningRate', 'per', 'factor'], where);
  const factor = positive(options.factor, `${where}: factor`);
  return closedForm(where, options, (rate) => (t) => rate * pow64(factor, t));
}

/** Falls along a power to the minimum: η_min + (η − η_min)·(1 − min(t, T)/T)ᵖ. */
export function polynomial(options: PolynomialOptions = {}): Schedule {
  const where = 'schedules.polynomial';
  onlyKeys(options, ['learningRate', 'per', 'length', 'minimum', 'power'], where);
  const { power = 1, minimum = 0 } = options;
  positive(power, `${where}: power`);
  readRate(minimum, `${where}: minimum`);
  const length = readLength(options.length, where);
  return closedForm(where, options, (rate, whole) => {
    const end = length ?? whole;
    return (t) => minimum + (rate - minimum) * pow64(1 - Math.min(t, end) / end, power);
  });
}

/**
 * Falls along half a cosine to the minimum: η_min + (η − η_min)·(1 + cos(π·min(t, T)/T))/2
 * (Loshchilov and Hutter 2017, without restarts).
 */
export function cosine(options: CosineOptions = {}): Schedule {
  const where = 'schedules.cosine';
  onlyKeys(options, ['learningRate', 'per', 'length', 'minimum'], where);
  const minimum = readRate(options.minimum ?? 0, `${where}: minimum`);
  const length = readLength(options.length, where);
  return closedForm(where, options, (rate, whole) => {
    const end = length ?? whole;
    return (t) => minimum + (rate - minimum) * halfCosine(Math.min(t, end) / end);
  });
}

/**
 * Falls along half a cosine, and starts again: η_min + (η − η_min)·(1 + cos(π·u/Tᵢ))/2, where u
 * counts from the start of cycle i, and Tᵢ₊₁ = growth·Tᵢ (Loshchilov and Hutter 2017).
 */
export function cosineRestarts(options: CosineRestartsOptions): Schedule {
  const where = 'schedules.cosineRestarts';
  onlyKeys(options, ['learningRate', 'per', 'length', 'growth', 'minimum'], where);
  const { growth = 1, minimum = 0 } = options;
  const first = wholeNumber(options.length, `${where}: length`);
  wholeNumber(growth, `${where}: growth`);
  readRate(minimum, `${where}: minimum`);
  return closedForm(where, options, (rate) => (t) => {
    let length = first;
    let since = growth === 1 ? t % first : t;
    while (since >= length) {
      since -= length;
      length *= growth;
    }
    return minimum + (rate - minimum) * halfCosine(since / length);
  });
}

/**
 * Rises to the first rate of another schedule, which then begins: r·(s + (1 − s)·t/W) while t < W,
 * where r is that rate and s = `start`; with the shape 'constant' it is r·s. What follows counts from
 * the end of the warm-up, and, unless told its length, spans the rest of the training.
 */
export function warmUp(options: WarmUpOptions): Schedule {
  const where = 'schedules.warmUp';
  onlyKeys(options, ['length', 'start', 'shape', 'per', 'before'], where);
  const { start = 1 / 3 } = options;
  const length = wholeNumber(options.length, `${where}: length`);
  numberWithin(start, `${where}: start`, 0, 1);
  const shape = oneOf(options.shape, ['linear', 'constant'], `${where}: shape`);
  const before =
    options.before === undefined ? constant() : readSchedule(options.before, `${where}: before`);
  const own = options.per === undefined ? before.per : oneOf(options.per, units, `${where}: per`);
  let cold = true;
  const schedule: Schedule = {
    per: own === 'step' ? 'step' : before.per,
    origin: { name: 'warmUp', options },
    begin(span) {
      const { stepsPerEpoch } = span;
      const shift = own === 'step' ? length : length * stepsPerEpoch;
      const steps = Math.max(1, span.steps - shift);
      const rest = { ...span, steps, epochs: Math.ceil(steps / stepsPerEpoch) };
      const rate = before.begin(rest);
      const peak = rate(0, 0);
      return (step, epoch) => {
        cold = step < shift;
        if (!cold) return rate(step - shift, Math.floor((step - shift) / stepsPerEpoch));
        if (shape === 'constant') return peak * start;
        const t = own === 'step' ? step : epoch;
        return peak * (start + ((1 - start) * t) / length);
      };
    },
  };
  if (before.observe) {
    schedule.observe = (logs) => {
      if (!cold) before.observe!(logs);
    };
  }
  if (before.state && before.restore) {
    schedule.state = () => before.state!();
    schedule.restore = (state) => before.restore!(state);
  }
  return schedule;
}

/**
 * One rise and one fall (Smith and Topin 2018, in the form that PyTorch gives it): from η/divisor to η
 * at t = rise·T − 1, then down to η/(divisor·finalDivisor) at t = T − 1. Between two rates a and b at
 * share u of the way: b + (a − b)·(1 + cos πu)/2, or a + (b − a)·u. Momentum stays as it is.
 */
export function oneCycle(options: OneCycleOptions = {}): Schedule {
  const where = 'schedules.oneCycle';
  const keys = ['learningRate', 'per', 'length', 'rise', 'shape', 'divisor', 'finalDivisor'];
  onlyKeys(options, [...keys, 'threePhases'], where);
  const { rise = 0.3, divisor = 25, finalDivisor = 1e4 } = options;
  const length = readLength(options.length, where);
  numberWithin(rise, `${where}: rise`, 0, 1);
  positive(divisor, `${where}: divisor`);
  positive(finalDivisor, `${where}: finalDivisor`);
  const shape = oneOf(options.shape, ['cosine', 'linear'], `${where}: shape`);
  const three = flag(options.threePhases ?? false, `${where}: threePhases`);
  const unit = oneOf<'step' | 'epoch'>(options.per, ['step', 'epoch'], `${where}: per`);
  const form = (peak: number, whole: number) => {
    const total = length ?? whole;
    const first = peak / divisor;
    const last = first / finalDivisor;
    const rises = { end: rise * total - 1, from: first, to: peak };
    const phases = three
      ? [
          rises,
          { end: 2 * rise * total - 2, from: peak, to: first },
          { end: total - 1, from: first, to: last },
        ]
      : [rises, { end: total - 1, from: peak, to: last }];
    return (t: number) => {
      if (t > total - 1) return last;
      let i = 0;
      while (i < phases.length - 1 && t > phases[i]!.end) i++;
      const { end, from, to } = phases[i]!;
      const begun = i === 0 ? 0 : phases[i - 1]!.end;
      const share = end > begun ? (t - begun) / (end - begun) : 1;
      return shape === 'cosine' ? to + (from - to) * halfCosine(share) : (to - from) * share + from;
    };
  };
  return closedForm(where, options, form, unit);
}

/**
 * Multiplies the rate by γ once a log has not improved for more than `patience` epochs:
 * η ← max(γ·η, η_min). A value is better when it is below best·(1 − threshold), or above
 * best·(1 + threshold) where more is better; with 'absolute' thresholds, below best − threshold and
 * so on. It remembers, so one object serves one training at a time.
 */
export function reduceOnPlateau(
  options: ReduceOnPlateauOptions = {},
): Schedule & Required<Pick<Schedule, 'observe' | 'state' | 'restore'>> {
  const where = 'schedules.reduceOnPlateau';
  const numbers = ['factor', 'patience', 'threshold', 'cooldown', 'minimum', 'epsilon'];
  onlyKeys(options, ['learningRate', 'monitor', 'mode', 'thresholdMode', ...numbers], where);
  const { monitor = 'val_loss', factor = 0.1, patience = 10, threshold = 1e-4 } = options;
  const { learningRate, cooldown = 0, minimum = 0, epsilon = 1e-8 } = options;
  const mode = readMode(options.mode, monitor, where);
  if (learningRate !== undefined) readRate(learningRate, `${where}: learningRate`);
  numberWithin(factor, `${where}: factor`, 2 ** -149, 1, 'open');
  wholeNumber(patience, `${where}: patience`, 0);
  wholeNumber(cooldown, `${where}: cooldown`, 0);
  numberWithin(threshold, `${where}: threshold`, 0, Number.MAX_VALUE);
  readRate(minimum, `${where}: minimum`);
  readRate(epsilon, `${where}: epsilon`);
  const by = oneOf(options.thresholdMode, ['relative', 'absolute'], `${where}: thresholdMode`);
  let rate = 0;
  let best: number | undefined;
  let bad = 0;
  let cooling = 0;
  let restored = false;
  return {
    per: 'epoch',
    origin: { name: 'reduceOnPlateau', options },
    begin({ learningRate: own }) {
      if (!restored) {
        rate = learningRate ?? own;
        best = undefined;
        bad = cooling = 0;
      }
      restored = false;
      return () => rate;
    },
    observe(logs) {
      const value = monitored(logs, monitor, where);
      if (improves(value, best, mode, threshold, by === 'relative')) {
        best = value;
        bad = 0;
      } else bad++;
      if (cooling > 0) {
        cooling--;
        bad = 0;
      }
      if (bad <= patience) return;
      const lower = Math.max(rate * factor, minimum);
      if (rate - lower > epsilon) rate = lower;
      cooling = cooldown;
      bad = 0;
    },
    state: () => ({ rate, best: best ?? null, bad, cooling }),
    restore(state) {
      const names = ['rate', 'best', 'bad', 'cooling'];
      onlyKeys(state, names, `${where}: state`);
      const given = state as Record<string, unknown>;
      rate = readRate(given.rate, `${where}: state: rate`);
      bad = wholeNumber(given.bad, `${where}: state: bad`, 0);
      cooling = wholeNumber(given.cooling, `${where}: state: cooling`, 0);
      best =
        given.best === null
          ? undefined
          : numberWithin(given.best, `${where}: state: best`, -Number.MAX_VALUE, Number.MAX_VALUE);
      restored = true;
    },
  };
}

/** The schedules that the library has, for the `learningRate` of `fit`. */
export const schedules = {
  constant,
  step,
  exponential,
  polynomial,
  cosine,
  cosineRestarts,
  warmUp,
  oneCycle,
  reduceOnPlateau,
};
