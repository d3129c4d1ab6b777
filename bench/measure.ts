import Benchmark from 'benchmark';

/*
 * The stopwatch: benchmark.js counts and times calls, this file puts the sides of a comparison next
 * to each other in time. Each round gives every side one short slice, so that what else happens on
 * the machine falls on all of them alike, and medians and ratios are taken over the rounds.
 */

/** The process's CPU time, in the form of `process.hrtime`. */
function cpuTime(since?: readonly [number, number]): [number, number] {
  const { user, system } = process.cpuUsage();
  const total = user + system - (since ? since[0] * 1e6 + since[1] / 1e3 : 0);
  return [Math.floor(total / 1e6), (total % 1e6) * 1e3];
}

/** The smallest step of a clock, in seconds. */
function resolution(clock: (since?: [number, number]) => [number, number]): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 10; i++) {
    const start = clock();
    let [seconds, nanoseconds] = clock(start);
    while (seconds + nanoseconds === 0) [seconds, nanoseconds] = clock(start);
    least = Math.min(least, seconds + nanoseconds / 1e9);
  }
  return least;
}

// CPU time leaves out what other programs take. Some systems count it in steps of milliseconds,
// which is too coarse for slices: there the wall clock serves.
const usesCpuTime = resolution(cpuTime) < 5e-5;

/** What times are measured with, for headers. */
export const clockName = usesCpuTime ? 'process CPU time' : 'wall clock';

const Clocked = usesCpuTime
  ? (Benchmark.runInContext({
      process: Object.assign(Object.create(process), { hrtime: cpuTime }),
    }) as typeof Benchmark)
  : Benchmark;

/** One side of a comparison. */
export interface Side {
  /** What is timed; a promise is waited for. */
  readonly call: () => unknown;
  readonly waits?: boolean;
  /** How many units one call does: times are per unit. Default 1. */
  readonly units?: number;
  /** Puts back what calls change, outside of the time. */
  readonly before?: () => void;
}

/** How long to measure. */
export interface Effort {
  readonly quick: boolean;
  readonly rounds: number;
  /** Seconds of one side in one round, at least one call. */
  readonly slice: number;
  /** Seconds after which a side is left out of further rounds. */
  readonly most: number;
}

export const full: Effort = { quick: false, rounds: 15, slice: 0.01, most: 1.5 };
export const quick: Effort = { quick: true, rounds: 5, slice: 0.004, most: 0.25 };

/** Seconds a unit. */
export interface Timing {
  readonly median: number;
  /** The shortest: what the machine does where nothing else runs, if that ever was the case. */
  readonly best: number;
  /** Half the distance between the quartiles, as a share of the median. */
  readonly spread: number;
  /** One a round; NaN in rounds that the side was left out of. */
  readonly samples: readonly number[];
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  if (sorted.length === 0) return Number.NaN;
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)]!;
  return low + (sorted[Math.ceil(at)]! - low) * (at % 1);
}

export const median = (values: readonly number[]) => quantile(values, 0.5);

export function timing(samples: readonly number[]): Timing {
  const middle = median(samples);
  const spread = (quantile(samples, 0.75) - quantile(samples, 0.25)) / 2 / middle;
  return { median: middle, best: quantile(samples, 0), spread, samples };
}

/** How many times as long `a` takes as `b`: the median over the rounds of their ratios. */
export function ratio(a: Timing, b: Timing): number {
  const pairs = a.samples.map((sample, i) => sample / b.samples[i]!);
  const middle = median(pairs);
  return Number.isNaN(middle) ? a.median / b.median : middle;
}

/** How much longer `a` takes than `b`, in seconds a unit. */
export function difference(a: Timing, b: Timing): number {
  return median(a.samples.map((sample, i) => sample - b.samples[i]!));
}

/** Seconds a call, over at least `slice` seconds; benchmark.js finds out how many calls that is. */
function sample(
  side: Side,
  slice: number,
  calls: number,
): Promise<{ time: number; calls: number }> {
  return new Promise((resolve, reject) => {
    // It must stay a plain call: with `setup` or `teardown` benchmark.js takes the function's text
    // and loses what it closes over.
    const fn = side.waits
      ? (deferred: { resolve(): void }) => {
          Promise.resolve(side.call()).then(() => deferred.resolve(), reject);
        }
      : side.call;
    const bench = new Clocked(
      'side',
      fn as () => void,
      {
        async: false,
        defer: side.waits ?? false,
        initCount: calls,
        maxTime: 0,
        minSamples: 1,
        minTime: slice,
        onComplete: () => resolve({ time: bench.stats.sample[0]!, calls: bench.count }),
        onError: () => reject((bench as unknown as { error: unknown }).error),
      } as Benchmark.Options,
    );
    side.before?.();
    bench.run();
  });
}

type Timings<Sides> = {
  [Name in keyof Sides]: undefined extends Sides[Name] ? Timing | undefined : Timing;
};

/**
 * Times all sides in turn, round after round; those that are undefined are left out.
 *
 * @param between is called once a round, for what is measured in another way
 */
export async function interleave<Sides extends { readonly [name: string]: Side | undefined }>(
  sides: Sides,
  effort: Effort,
  between?: () => void,
): Promise<Timings<Sides>> {
  const given = Object.entries(sides).filter((entry): entry is [string, Side] => !!entry[1]);
  const list = given.map(([name, side]) => ({
    name,
    side,
    calls: 1,
    spent: 0,
    samples: [] as number[],
  }));
  // The first two rounds let the engine compile, and find out how many calls fill a slice.
  for (let round = -2; round < effort.rounds; round++) {
    for (const entry of list) {
      const { side, spent, samples } = entry;
      if (round > 0 && spent > effort.most) {
        samples.push(Number.NaN);
        continue;
      }
      const { time, calls } = await sample(side, effort.slice, entry.calls);
      entry.calls = Math.max(1, Math.ceil((1.1 * effort.slice) / time));
      if (round < 0) continue;
      samples.push(time / (side.units ?? 1));
      entry.spent += time * calls;
    }
    if (round >= 0) between?.();
  }
  return Object.fromEntries(
    list.map(({ name, samples }) => [name, timing(samples)]),
  ) as Timings<Sides>;
}

/** Seconds that one call takes, for what is too slow to be repeated. */
export function once(call: () => void): number {
  const clock = usesCpuTime ? cpuTime : process.hrtime;
  const start = clock();
  call();
  const [seconds, nanoseconds] = clock(start);
  return seconds + nanoseconds / 1e9;
}

/** Refuses to time sides that do not compute the same. */
export function expectSameBits(what: string, actual: Float32Array, expected: Float32Array): void {
  const bits = (floats: Float32Array) =>
    new Int32Array(floats.buffer, floats.byteOffset, floats.length);
  const [a, b] = [bits(actual), bits(expected)];
  const at = a.length === b.length ? a.findIndex((word, i) => word !== b[i]) : 0;
  if (at < 0) return;
  throw new Error(
    `${what}: element ${at} is ${actual[at]} in one and ${expected[at]} in the other`,
  );
}

/**
 * The same of a build whose sums round in another way: by the length of the difference, since Adam's
 * first step makes a whole one of the last bit of a gradient near 0.
 */
export function expectNear(what: string, actual: Float32Array, expected: Float32Array): void {
  const length = (floats: Float32Array) => Math.sqrt(floats.reduce((sum, x) => sum + x * x, 0));
  const off = length(actual.map((value, i) => value - expected[i]!));
  if (off <= 1e-4 * length(expected)) return;
  throw new Error(`${what}: a length of ${off} off, of ${length(expected)}`);
}
