import { known, numberWithin, onlyKeys, show, wholeNumber } from './checks.js';
import { DivergenceError } from './errors.js';
import { exp64, log64 } from './math64.js';
import { Random, streams } from './random.js';
import { short } from './split.js';
import { table } from './table.js';
import { Turns } from './turns.js';

/** Numbers from `min` to `max`. */
export interface Range {
  readonly min: number;
  readonly max: number;
  /** 'log' draws evenly by the logarithm, as learning rates want it; default 'linear'. */
  readonly scale?: 'linear' | 'log';
  /** Whether numbers are whole; default false. */
  readonly whole?: boolean;
  /** How many numbers a grid takes, both ends among them. */
  readonly steps?: number;
}

/** What may be chosen for each parameter: one of a list, or a number from a range. */
export type SearchSpace = Readonly<Record<string, readonly unknown[] | Range>>;

/** One choice for each parameter. */
export type Chosen<S extends SearchSpace> = {
  readonly [K in keyof S]: S[K] extends readonly (infer Choice)[] ? Choice : number;
};

/** What an objective is told besides the parameters. */
export interface SearchContext {
  /** Which choice it is, from 0 on; successive halving comes back to the same ones. */
  readonly candidate: number;
  /** How much to spend, such as epochs; 1 unless the method is 'halving'. */
  readonly budget: number;
  /** The seed of the search, so that all candidates can start alike. */
  readonly seed: number;
  /** To hand to `fit`. */
  readonly signal: AbortSignal | undefined;
}

export interface SearchOptions {
  /**
   * - 'grid' tries every combination of lists and of ranges with `steps`, the last parameter fastest;
   * - 'random' draws `trials` of them (Bergstra and Bengio 2012); the default;
   * - 'halving' draws `trials`, gives each the least budget, keeps the best 1/`factor`, gives those
   *   `factor` times as much, and so on (Jamieson and Talwalkar 2016).
   */
  readonly method?: 'grid' | 'random' | 'halving';
  /** How many to draw; default 20. */
  readonly trials?: number;
  /** What the best score is; default 'minimum', as for a loss. */
  readonly goal?: 'minimum' | 'maximum';
  /** Budgets of 'halving': whole, the first round's (1) and the most (27). */
  readonly minBudget?: number;
  readonly maxBudget?: number;
  /** Default 3. */
  readonly factor?: number;
  /** Default 0. */
  readonly seed?: number;
  /** Ends the search; the trials that were whole by then are in the result. */
  readonly signal?: AbortSignal;
  /** Told of each trial as it ends. */
  readonly onTrial?: (trial: Trial<SearchSpace>) => void;
}

/** One run of the objective. */
export interface Trial<S extends SearchSpace> {
  readonly candidate: number;
  readonly parameters: Chosen<S>;
  readonly budget: number;
  /** NaN counts as worse than any number. */
  readonly score: number;
  /** Why there is no score: the message of a training that diverged. */
  readonly error?: string;
}

export interface SearchResult<S extends SearchSpace> {
  /** The best of the trials with the largest budget that have a score; undefined if none has. */
  readonly best: Trial<S> | undefined;
  /** All of them, in the order in which they ran. */
  readonly trials: readonly Trial<S>[];
  readonly stopReason: 'completed' | 'aborted';
  /** All of them as a table to print, the best first. */
  readonly text: string;
}

const isList = (choices: readonly unknown[] | Range): choices is readonly unknown[] =>
  Array.isArray(choices);

function checkSpace(space: SearchSpace, grid: boolean): void {
  onlyKeys(space, Object.keys(space ?? {}), 'space');
  if (Object.keys(space).length === 0)
    throw new RangeError('space: expected a parameter, got none');
  for (const [name, choices] of Object.entries(space)) {
    const where = `space: ${name}`;
    if (isList(choices)) {
      if (choices.length === 0) throw new RangeError(`${where}: expected at least one choice`);
      continue;
    }
    onlyKeys(choices, ['min', 'max', 'scale', 'whole', 'steps'], where);
    const { min, max, scale = 'linear', whole = false, steps } = choices;
    const everywhere = Number.NEGATIVE_INFINITY;
    numberWithin(min, `${where}: min`, everywhere, Number.POSITIVE_INFINITY);
    numberWithin(max, `${where}: max`, min, Number.POSITIVE_INFINITY);
    known(scale, { linear: 0, log: 0 }, `${where}: scale`);
    if (scale === 'log' && min <= 0) {
      throw new RangeError(`${where}: min: expected more than 0 for the scale 'log', got ${min}`);
    }
    if (whole && !(Number.isInteger(min) && Number.isInteger(max))) {
      throw new RangeError(`${where}: expected whole ends, got ${min} and ${max}`);
    }
    if (steps !== undefined) wholeNumber(steps, `${where}: steps`, 2);
    else if (grid) {
      throw new TypeError(`${where}: a grid needs the \`steps\` of a range, or a list of choices`);
    }
  }
}

/** The number at a share of the way through a range. */
function numberAt({ min, max, scale, whole }: Range, share: number): number {
  if (share === 0) return min;
  if (share === 1) return max;
  const value =
    scale === 'log'
      ? exp64(log64(min) + (log64(max) - log64(min)) * share)
      : min + (max - min) * share;
  return Math.min(max, Math.max(min, whole ? Math.round(value) : value));
}

/** All combinations, the last parameter fastest. */
function gridOf(space: SearchSpace): Record<string, unknown>[] {
  let all: Record<string, unknown>[] = [{}];
  for (const [name, choices] of Object.entries(space)) {
    const values = isList(choices)
      ? choices
      : Array.from({ length: choices.steps! }, (_, i) =>
          numberAt(choices, i / (choices.steps! - 1)),
        );
    const distinct = [...new Set(values)];
    all = all.flatMap((made) => distinct.map((value) => ({ ...made, [name]: value })));
  }
  return all;
}

function draw(space: SearchSpace, random: Random): Record<string, unknown> {
  const chosen: Record<string, unknown> = {};
  for (const [name, choices] of Object.entries(space)) {
    if (isList(choices)) chosen[name] = choices[random.below(choices.length)];
    else if (choices.whole && choices.scale !== 'log') {
      chosen[name] = choices.min + random.below(choices.max - choices.min + 1);
    } else chosen[name] = numberAt(choices, random.uniform());
  }
  return chosen;
}

const shown = (value: unknown) =>
  typeof value === 'number'
    ? short(value)
    : typeof value === 'object'
      ? JSON.stringify(value)
      : String(value);

/**
 * Looks for the parameters with the best score, one trial after another.
 *
 * @param space what may be chosen
 * @param objective tries parameters, by training a network for example, and gives their score; a
 *   DivergenceError counts as no score, any other error ends the search
 * @returns also after an abort: what was found by then
 * @throws TypeError or RangeError for a space or options that do not hold together
 */
export async function search<const S extends SearchSpace>(
  space: S,
  objective: (parameters: Chosen<S>, context: SearchContext) => number | Promise<number>,
  options: SearchOptions = {},
): Promise<SearchResult<S>> {
  onlyKeys(
    options,
    ['method', 'trials', 'goal', 'minBudget', 'maxBudget', 'factor', 'seed', 'signal', 'onTrial'],
    'search',
  );
  const { method = 'random', trials: count = 20, goal = 'minimum', signal, onTrial } = options;
  const { minBudget = 1, maxBudget = 27, factor = 3, seed = 0 } = options;
  known(method, { grid: 0, random: 0, halving: 0 }, 'method');
  known(goal, { minimum: 0, maximum: 0 }, 'goal');
  wholeNumber(count, 'trials');
  wholeNumber(seed, 'seed', 0);
  wholeNumber(minBudget, 'minBudget');
  wholeNumber(maxBudget, 'maxBudget', minBudget);
  wholeNumber(factor, 'factor', 2);
  checkSpace(space, method === 'grid');

  const random = new Random(seed, streams.search);
  const candidates = (
    method === 'grid' ? gridOf(space) : Array.from({ length: count }, () => draw(space, random))
  ) as Chosen<S>[];
  const sign = goal === 'minimum' ? 1 : -1;
  const rank = (a: Trial<S>, b: Trial<S>) => {
    if (Number.isNaN(a.score) || Number.isNaN(b.score)) {
      return Number(Number.isNaN(a.score)) - Number(Number.isNaN(b.score));
    }
    return a.score === b.score ? 0 : a.score < b.score ? -sign : sign;
  };

  const turns = new Turns();
  const trials: Trial<S>[] = [];
  let aborted = false;
  /** Tries candidates with a budget; false where the search ended meanwhile. */
  const tryAll = async (round: readonly number[], budget: number): Promise<boolean> => {
    for (const candidate of round) {
      // Also where the objective never waits, an abort comes through.
      await turns.take().until;
      if (signal?.aborted) return false;
      const parameters = candidates[candidate]!;
      let outcome: { score: number; error?: string };
      try {
        const score: unknown = await objective(parameters, { candidate, budget, seed, signal });
        if (typeof score !== 'number') {
          throw new TypeError(`objective: expected a number as the score, got ${show(score)}`);
        }
        outcome = { score };
      } catch (error) {
        if (!(error instanceof DivergenceError)) throw error;
        outcome = { score: Number.NaN, error: error.message };
      }
      // A score of a training that was cut short would not be comparable.
      if (signal?.aborted) return false;
      const trial = { candidate, parameters, budget, ...outcome };
      trials.push(trial);
      onTrial?.(trial);
    }
    return true;
  };

  let round = candidates.map((_, i) => i);
  if (method !== 'halving') aborted = !(await tryAll(round, 1));
  else {
    for (let budget = minBudget; ; budget = Math.min(maxBudget, budget * factor)) {
      const before = trials.length;
      aborted = !(await tryAll(round, budget));
      if (aborted || budget === maxBudget || round.length === 1) break;
      const kept = Math.max(1, Math.floor(round.length / factor));
      const ranked = trials.slice(before).sort(rank);
      round = ranked.slice(0, kept).map(({ candidate }) => candidate);
    }
  }

  const ranked = [...trials].sort((a, b) => b.budget - a.budget || rank(a, b));
  const names = Object.keys(space);
  const budgets = method === 'halving';
  const text = table([
    ['trial', ...names, ...(budgets ? ['budget'] : []), 'score'],
    ...ranked.map(({ candidate, parameters, budget, score, error }) => [
      String(candidate),
      ...names.map((name) => shown(parameters[name])),
      ...(budgets ? [String(budget)] : []),
      error === undefined ? short(score) : 'diverged',
    ]),
  ]);
  return {
    best: ranked.find(({ score }) => !Number.isNaN(score)),
    trials,
    stopReason: aborted ? 'aborted' : 'completed',
    text,
  };
}
