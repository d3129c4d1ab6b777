import { type Choice, choose, largestFloat, type Named } from './checks.js';
import type { Random } from './random.js';

/** A named initializer, or one with options: 'heUniform', { type: 'constant', value: 0.1 }. */
export type InitializerSpec = Named<typeof initializers>;

export type InitializerName = keyof typeof initializers;

type Options = Readonly<Record<string, number>>;

interface InitializerDefinition {
  /** Options with their defaults. */
  readonly options: Options;
  readonly ranges?: Readonly<Record<string, readonly [number, number]>>;
  /** One drawn number. */
  draw?(random: Random, fanIn: number, fanOut: number, options: Options): number;
  /** Or all at once, where the numbers depend on one another: a row-major matrix. */
  drawMatrix?(random: Random, rows: number, columns: number, options: Options): Float64Array;
}

/** Uniform in (−limit, limit) with the variance `scale`. */
const uniform = (random: Random, variance: number) =>
  (2 * random.uniform() - 1) * Math.sqrt(3 * variance);

/** Normal with mean 0 and deviation 1; what is beyond ±2 is drawn anew. */
function truncatedNormal(random: Random): number {
  let value = random.normal();
  while (Math.abs(value) > 2) value = random.normal();
  return value;
}

/** The product of two vectors of `length` numbers that begin at a and b. */
function dot(values: Float64Array, a: number, b: number, length: number): number {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += values[a + i]! * values[b + i]!;
  return sum;
}

/**
 * `count` vectors of `length` ≥ `count` numbers, one after another, each of length 1 and at right
 * angles to the others, in directions that are uniform: normal numbers, by the modified method of
 * Gram and Schmidt. A vector that is nearly spanned by those before is drawn anew, since little but
 * rounding would be left of it; how much is left says nothing of its direction.
 */
function orthonormal(random: Random, count: number, length: number): Float64Array {
  const vectors = new Float64Array(count * length);
  for (let v = 0; v < count; v++) {
    const at = v * length;
    let size = 0;
    while (size < 1e-3) {
      for (let i = 0; i < length; i++) vectors[at + i] = random.normal();
      for (let u = 0; u < at; u += length) {
        const share = dot(vectors, at, u, length);
        for (let i = 0; i < length; i++) vectors[at + i]! -= share * vectors[u + i]!;
      }
      size = Math.sqrt(dot(vectors, at, at, length));
    }
    for (let i = 0; i < length; i++) vectors[at + i]! /= size;
  }
  return vectors;
}

/** A matrix with orthonormal columns, or rows where those are fewer, times `gain`. */
function orthogonal(random: Random, rows: number, columns: number, gain: number): Float64Array {
  const wide = columns > rows;
  const length = wide ? columns : rows;
  const vectors = orthonormal(random, wide ? rows : columns, length);
  const matrix = new Float64Array(rows * columns);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      matrix[r * columns + c] = gain * vectors[wide ? r * length + c : c * length + r]!;
    }
  }
  return matrix;
}

/**
 * How weights and biases are drawn, one after another in row-major order, from the seed.
 *
 * - `glorotUniform`, `glorotNormal`: variance 2 / (fanIn + fanOut) (Glorot and Bengio 2010).
 * - `heUniform`, `heNormal`: variance 2 / fanIn (He et al. 2015).
 * - `lecunUniform`, `lecunNormal`: variance 1 / fanIn (LeCun et al. 1998).
 * - `randomUniform`: in [min, max), default [−0.05, 0.05).
 * - `randomNormal`: mean 0 and stddev 0.05 by default.
 * - `truncatedNormal`: the same, with numbers more than two stddev from the mean drawn anew. Their
 *   deviation is 0.8796·stddev.
 * - `orthogonal`: columns of length `gain`, default 1, at right angles to one another; or rows, where
 *   there are fewer rows than columns (Saxe et al. 2014). The work grows as rows × columns × the
 *   smaller of the two.
 * - `zeros`, `ones`, `constant` (value, default 0).
 */
export const initializers = {
  glorotUniform: {
    options: {},
    draw: (random, fanIn, fanOut) => uniform(random, 2 / (fanIn + fanOut)),
  },
  glorotNormal: {
    options: {},
    draw: (random, fanIn, fanOut) => random.normal() * Math.sqrt(2 / (fanIn + fanOut)),
  },
  heUniform: { options: {}, draw: (random, fanIn) => uniform(random, 2 / fanIn) },
  heNormal: { options: {}, draw: (random, fanIn) => random.normal() * Math.sqrt(2 / fanIn) },
  lecunUniform: { options: {}, draw: (random, fanIn) => uniform(random, 1 / fanIn) },
  lecunNormal: { options: {}, draw: (random, fanIn) => random.normal() * Math.sqrt(1 / fanIn) },
  randomUniform: {
    options: { min: -0.05, max: 0.05 },
    draw: (random, _fanIn, _fanOut, { min, max }) => min! + (max! - min!) * random.uniform(),
  },
  randomNormal: {
    options: { mean: 0, stddev: 0.05 },
    ranges: { stddev: [0, largestFloat] },
    draw: (random, _fanIn, _fanOut, { mean, stddev }) => mean! + stddev! * random.normal(),
  },
  truncatedNormal: {
    options: { mean: 0, stddev: 0.05 },
    ranges: { stddev: [0, largestFloat] },
    draw: (random, _fanIn, _fanOut, { mean, stddev }) => mean! + stddev! * truncatedNormal(random),
  },
  orthogonal: {
    options: { gain: 1 },
    drawMatrix: (random, rows, columns, { gain }) => orthogonal(random, rows, columns, gain!),
  },
  zeros: { options: {}, draw: () => 0 },
  ones: { options: {}, draw: () => 1 },
  constant: { options: { value: 0 }, draw: (_random, _fanIn, _fanOut, { value }) => value! },
} as const satisfies Record<string, InitializerDefinition>;

/** Refuses what is no initializer, or has options that it does not take. */
export function chooseInitializer(spec: unknown, where: string): Choice<InitializerName> {
  const choice = choose(initializers, spec, where);
  const { min, max } = choice.options;
  if (min !== undefined && max !== undefined && !(min <= max)) {
    throw new RangeError(`${where}: expected min ≤ max, got min ${min} and max ${max}`);
  }
  return choice;
}

/** Draws the numbers of a matrix. */
export function initialValues(
  { type, options }: Choice<InitializerName>,
  rows: number,
  columns: number,
  fanIn: number,
  fanOut: number,
  random: Random,
): Float32Array {
  const { draw, drawMatrix }: InitializerDefinition = initializers[type];
  if (drawMatrix) return Float32Array.from(drawMatrix(random, rows, columns, options));
  return Float32Array.from({ length: rows * columns }, () => draw!(random, fanIn, fanOut, options));
}
