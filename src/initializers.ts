import { type Choice, choose, largestFloat, type Named } from './checks.js';
import type { Random } from './random.js';

/** A named initializer, or one with options: 'heUniform', { type: 'constant', value: 0.1 }. */
export type InitializerSpec = Named<typeof initializers>;

export type InitializerName = keyof typeof initializers;

interface InitializerDefinition {
  /** Options with their defaults. */
  readonly options: Readonly<Record<string, number>>;
  readonly ranges?: Readonly<Record<string, readonly [number, number]>>;
  /** One drawn number. */
  draw(
    random: Random,
    fanIn: number,
    fanOut: number,
    options: Readonly<Record<string, number>>,
  ): number;
}

/** Uniform in (−limit, limit) with the variance `scale`. */
const uniform = (random: Random, variance: number) =>
  (2 * random.uniform() - 1) * Math.sqrt(3 * variance);

/**
 * How weights and biases are drawn, one after another in row-major order, from the seed.
 *
 * - `glorotUniform`, `glorotNormal`: variance 2 / (fanIn + fanOut) (Glorot and Bengio 2010).
 * - `heUniform`, `heNormal`: variance 2 / fanIn (He et al. 2015).
 * - `lecunUniform`, `lecunNormal`: variance 1 / fanIn (LeCun et al. 1998).
 * - `randomUniform`: in [min, max), default [−0.05, 0.05).
 * - `randomNormal`: mean 0 and stddev 0.05 by default.
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

/** Draws `size` numbers. */
export function initialValues(
  { type, options }: Choice<InitializerName>,
  size: number,
  fanIn: number,
  fanOut: number,
  random: Random,
): Float32Array {
  const definition: InitializerDefinition = initializers[type];
  const values = new Float32Array(size);
  for (let i = 0; i < size; i++) values[i] = definition.draw(random, fanIn, fanOut, options);
  return values;
}
