import { numberWithin, onlyKeys, wholeNumber } from './checks.js';
import { cos64, sin64 } from './math64.js';
import { Random, streams } from './random.js';

/*
 * Data to try networks on, made by a seed and the same on every engine: numbers are computed in
 * float64 with our own elementary functions, and rounded once.
 */

/** Rows made, ready for `fit(x, y)`. */
export interface Dataset<Y extends Float32Array | Int32Array> {
  /** Row after row. */
  readonly x: Float32Array;
  /** A class index a row, or `outputs` numbers a row. */
  readonly y: Y;
  readonly rows: number;
  /** The shape of one row, as a network's `inputShape`. */
  readonly inputShape: readonly [number];
  /** How many classes there are, or how many numbers a row of y has. */
  readonly outputs: number;
}

export type ClassData = Dataset<Int32Array>;
export type ValueData = Dataset<Float32Array>;

/** What all generators take. */
export interface DatasetOptions {
  /** How many rows; default 200. */
  readonly rows?: number;
  /** Deviation of the normal noise that is added; each generator has its own default. */
  readonly noise?: number;
  /** Default 0. */
  readonly seed?: number;
}

type Defaults = Readonly<Record<string, number>>;

/** Options with their defaults, checked: counts are whole, all else is from 0 on. */
function read<D extends Defaults>(
  options: object,
  defaults: D,
  where: string,
  counts: { readonly [K in keyof D]?: number } = {},
): Record<keyof D | 'rows' | 'seed', number> {
  const all = { rows: 200, seed: 0, ...defaults } as Record<string, number>;
  const least = { rows: 1, seed: 0, ...counts } as Record<string, number | undefined>;
  onlyKeys(options, Object.keys(all), where);
  const given = options as Record<string, number | undefined>;
  const chosen: Record<string, number> = {};
  for (const name of Object.keys(all)) {
    const value = given[name] ?? all[name];
    const whole = least[name];
    chosen[name] =
      whole === undefined
        ? numberWithin(value, `${where}: ${name}`, 0, 1e6)
        : wholeNumber(value, `${where}: ${name}`, whole);
  }
  return chosen as Record<keyof D | 'rows' | 'seed', number>;
}

/** Streams differ, so that two generators of one seed share nothing. */
const names = ['xor', 'circles', 'moons', 'spirals', 'blobs', 'regression', 'friedman', 'sine'];
const randomFor = (name: string, seed: number) =>
  new Random(seed, streams.datasets + names.indexOf(name));

/** Rows in two columns; classes take turns. */
function plane(
  rows: number,
  classes: number,
  noise: number,
  random: Random,
  point: (label: number, row: number) => readonly [number, number],
): ClassData {
  const x = new Float32Array(rows * 2);
  const y = new Int32Array(rows);
  for (let r = 0; r < rows; r++) {
    const label = r % classes;
    const [a, b] = point(label, r);
    x[r * 2] = a + noise * random.normal();
    x[r * 2 + 1] = b + noise * random.normal();
    y[r] = label;
  }
  return { x, y, rows, inputShape: [2], outputs: classes };
}

/**
 * The four corners of the unit square in turn, with noise; class 1 where exactly one coordinate is 1.
 * `{ rows: 4, noise: 0 }` is the truth table. Noise 0.1.
 */
export function xor(options: DatasetOptions = {}): ClassData {
  const { rows, noise, seed } = read(options, { noise: 0.1 }, 'xor');
  const corners = [
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ] as const;
  const made = plane(rows, 4, noise, randomFor('xor', seed), (corner) => corners[corner]!);
  return { ...made, y: made.y.map((corner) => (corner === 1 || corner === 2 ? 1 : 0)), outputs: 2 };
}

/** Two circles around 0: class 0 of radius 1, class 1 of radius `factor` (0.5). Noise 0.05. */
export function circles(options: DatasetOptions & { readonly factor?: number } = {}): ClassData {
  const { rows, noise, factor, seed } = read(options, { noise: 0.05, factor: 0.5 }, 'circles');
  const random = randomFor('circles', seed);
  return plane(rows, 2, noise, random, (label) => {
    const angle = 2 * Math.PI * random.uniform();
    const radius = label === 0 ? 1 : factor;
    return [radius * cos64(angle), radius * sin64(angle)];
  });
}

/**
 * Two half circles that reach into each other: class 0 is (cos a, sin a), class 1
 * (1 − cos a, ½ − sin a), for a in [0, π). Noise 0.1.
 */
export function moons(options: DatasetOptions = {}): ClassData {
  const { rows, noise, seed } = read(options, { noise: 0.1 }, 'moons');
  const random = randomFor('moons', seed);
  return plane(rows, 2, noise, random, (label) => {
    const angle = Math.PI * random.uniform();
    const [c, s] = [cos64(angle), sin64(angle)];
    return label === 0 ? [c, s] : [1 - c, 0.5 - s];
  });
}

/**
 * Arms of a spiral, one for each of `classes` (2), of `turns` (1) whole turns:
 * t·(cos, sin)(2π·(turns·t + class / classes)), t in [0, 1). Noise 0.02.
 */
export function spirals(
  options: DatasetOptions & { readonly classes?: number; readonly turns?: number } = {},
): ClassData {
  const defaults = { noise: 0.02, classes: 2, turns: 1 };
  const { rows, noise, classes, turns, seed } = read(options, defaults, 'spirals', { classes: 2 });
  numberWithin(turns, 'spirals: turns', 0, 100);
  const random = randomFor('spirals', seed);
  return plane(rows, classes, noise, random, (label) => {
    const t = random.uniform();
    const angle = 2 * Math.PI * (turns * t + label / classes);
    return [t * cos64(angle), t * sin64(angle)];
  });
}

/**
 * Round clouds, one for each of `classes` (3), in `inputs` (2) columns: centres uniform in
 * [−10, 10)ⁿ, around them normal with deviation `noise` (1).
 */
export function blobs(
  options: DatasetOptions & { readonly classes?: number; readonly inputs?: number } = {},
): ClassData {
  const defaults = { noise: 1, classes: 3, inputs: 2 };
  const counts = { classes: 1, inputs: 1 };
  const { rows, noise, classes, inputs, seed } = read(options, defaults, 'blobs', counts);
  const random = randomFor('blobs', seed);
  const centers = Float64Array.from({ length: classes * inputs }, () => 20 * random.uniform() - 10);
  const y = Int32Array.from({ length: rows }, (_, r) => r % classes);
  const x = Float32Array.from({ length: rows * inputs }, (_, i) => {
    const label = y[Math.floor(i / inputs)]!;
    return centers[label * inputs + (i % inputs)]! + noise * random.normal();
  });
  return { x, y, rows, inputShape: [inputs], outputs: classes };
}

/**
 * A linear function with noise: y = x·w + noise, x standard normal in `inputs` (5) columns, of which
 * the first `informative` (all) have weights, uniform in [0, 100), and the rest 0. Noise 1.
 *
 * @returns also the weights, [inputs, outputs] row-major
 */
export function regression(
  options: DatasetOptions & {
    readonly inputs?: number;
    readonly informative?: number;
    /** Numbers a row of y; default 1. */
    readonly outputs?: number;
  } = {},
): ValueData & { readonly weights: Float64Array } {
  const defaults = { noise: 1, inputs: 5, outputs: 1, informative: options.inputs ?? 5 };
  const counts = { inputs: 1, outputs: 1, informative: 0 };
  const { rows, noise, inputs, outputs, informative, seed } = read(
    options,
    defaults,
    'regression',
    counts,
  );
  numberWithin(informative, 'regression: informative', 0, inputs);
  const random = randomFor('regression', seed);
  const weights = Float64Array.from({ length: inputs * outputs }, (_, i) =>
    i < informative * outputs ? 100 * random.uniform() : 0,
  );
  const x = Float32Array.from({ length: rows * inputs }, () => random.normal());
  const y = Float32Array.from({ length: rows * outputs }, (_, i) => {
    const r = Math.floor(i / outputs);
    let sum = noise * random.normal();
    for (let j = 0; j < inputs; j++)
      sum += x[r * inputs + j]! * weights[j * outputs + (i % outputs)]!;
    return sum;
  });
  return { x, y, rows, inputShape: [inputs], outputs, weights };
}

/**
 * y = 10·sin(π·x₁·x₂) + 20·(x₃ − ½)² + 10·x₄ + 5·x₅ + noise, x uniform in [0, 1) in `inputs` (10, at
 * least 5) columns, of which the others say nothing (Friedman 1991). Noise 1.
 */
export function friedman(options: DatasetOptions & { readonly inputs?: number } = {}): ValueData {
  const defaults = { noise: 1, inputs: 10 };
  const { rows, noise, inputs, seed } = read(options, defaults, 'friedman', { inputs: 5 });
  const random = randomFor('friedman', seed);
  const x = Float32Array.from({ length: rows * inputs }, () => random.uniform());
  const y = Float32Array.from({ length: rows }, (_, r) => {
    const [a, b, c, d, e] = x.subarray(r * inputs, r * inputs + 5) as unknown as number[];
    const wave = 10 * sin64(Math.PI * a! * b!);
    return wave + 20 * (c! - 0.5) * (c! - 0.5) + 10 * d! + 5 * e! + noise * random.normal();
  });
  return { x, y, rows, inputShape: [inputs], outputs: 1 };
}

/** y = sin(2π·`periods`·x) + noise, x uniform in [0, 1), one period by default. Noise 0.1. */
export function sine(options: DatasetOptions & { readonly periods?: number } = {}): ValueData {
  const { rows, noise, periods, seed } = read(options, { noise: 0.1, periods: 1 }, 'sine');
  numberWithin(periods, 'sine: periods', 0, 1e4);
  const random = randomFor('sine', seed);
  const x = Float32Array.from({ length: rows }, () => random.uniform());
  const y = x.map((v) => sin64(2 * Math.PI * periods * v) + noise * random.normal());
  return { x, y, rows, inputShape: [1], outputs: 1 };
}

/**
 * All rows of `bits` (4, at most 16) zeros and ones, counting up; class 1 where the ones are odd in
 * number. There is no chance in it.
 */
export function parity({ bits = 4, ...rest }: { readonly bits?: number } = {}): ClassData {
  onlyKeys(rest, ['bits'], 'parity');
  numberWithin(wholeNumber(bits, 'parity: bits'), 'parity: bits', 1, 16);
  const rows = 2 ** bits;
  const x = Float32Array.from(
    { length: rows * bits },
    (_, i) => (Math.floor(i / bits) >> (bits - 1 - (i % bits))) & 1,
  );
  const y = Int32Array.from({ length: rows }, (_, r) => {
    let odd = 0;
    for (let rest = r; rest > 0; rest >>= 1) odd ^= rest & 1;
    return odd;
  });
  return { x, y, rows, inputShape: [bits], outputs: 2 };
}

/** All generators by name. */
export const datasets = {
  xor,
  circles,
  moons,
  spirals,
  blobs,
  regression,
  friedman,
  sine,
  parity,
};
