import { numberWithin, onlyKeys, show, wholeNumber } from './checks.js';
import type { InputRows, Targets } from './data.js';
import type { Part } from './feeds/feed.js';
import { exp64, log64 } from './math64.js';
import { Network, stateOf } from './network.js';
import { prepare } from './prepare.js';
import { Runs } from './runs.js';
import { Turns } from './turns.js';

export interface FindLearningRateOptions {
  /** The first rate, above 0; default 10⁻⁷. */
  readonly from?: number;
  /** The last rate, above `from`; default 10. */
  readonly to?: number;
  /** How many steps to take at most, at least 10; default 100. */
  readonly steps?: number;
  /** Rows a step; default 32. */
  readonly batchSize?: number;
}

/** How the loss goes as the learning rate grows. */
export interface LearningRateCurve {
  /** The rate of each step taken: from·(to/from)^(i/(steps − 1)). */
  readonly rates: number[];
  /** The loss of each step's rows, before the step. */
  readonly losses: number[];
  /** The same with noise taken out: Σ 0.9^(i−j)·losses[j] / Σ 0.9^(i−j), over j ≤ i. */
  readonly smoothed: number[];
  /** A tenth of the rate at which the smoothed loss is least; undefined where it never falls. */
  readonly suggestion: number | undefined;
}

const smoothing = 0.9;
/** A loss so many times the least so far ends the search: from there on it only grows. */
const tooMuch = 4;

/**
 * Looks for a learning rate: trains with rates that grow from step to step and watches the loss
 * (Smith 2017, "Cyclical learning rates for training neural networks"). It ends early once the loss
 * explodes. Afterwards the network is to the bit what it was before: weights, what the optimizer has
 * gathered, random state, scalers and class names. While it runs, predictions are those of the search.
 *
 * @param x rows, and y their targets, as for `fit`
 * @throws RangeError, TypeError or ShapeError for bad arguments
 */
export async function findLearningRate(
  model: Network,
  x: InputRows,
  y: Targets,
  options: FindLearningRateOptions = {},
): Promise<LearningRateCurve> {
  const where = 'findLearningRate';
  onlyKeys(options, ['from', 'to', 'steps', 'batchSize'], where);
  const { from = 1e-7, to = 10, steps = 100, batchSize = 32 } = options;
  numberWithin(from, `${where}: from`, 2 ** -126, 2 ** 126, 'open');
  numberWithin(to, `${where}: to`, from, 2 ** 127, 'open');
  wholeNumber(steps, `${where}: steps`, 10);
  if (!(model instanceof Network)) {
    throw new TypeError(`${where}: expected a network made by sequential(), got ${show(model)}`);
  }
  const state = stateOf(model);
  const release = state.lock(where);
  const restore = state.remember();
  try {
    const { feed } = prepare(state, { x, y, options: { batchSize } });
    const runs = new Runs(state, feed, false);
    const batch = feed.batchSize;
    const list = runs.training(batch);
    const rates: number[] = [];
    const losses: number[] = [];
    const smoothed: number[] = [];
    const turns = new Turns();
    const range = log64(to / from);
    let part: Part | undefined;
    let [sum, weight, least] = [0, 0, Number.POSITIVE_INFINITY];
    for (let i = 0; i < steps; i++) {
      while (!part || part.rows < batch) {
        part = feed.next() as Part | undefined;
        if (!part) feed.begin(state.epochs++, 0, 1);
      }
      const rate = from * exp64((i / (steps - 1)) * range);
      runs.look().hyper[0] = rate;
      const run = runs.run(list, part.cursor, 0, 1);
      // A loss that is not finite.
      if (run.steps === 0) break;
      const loss = run.sum / batch;
      sum = smoothing * sum + loss;
      weight = smoothing * weight + 1;
      const smooth = sum / weight;
      rates.push(rate);
      losses.push(loss);
      smoothed.push(smooth);
      least = Math.min(least, smooth);
      if (smooth > tooMuch * least) break;
      part = { cursor: part.cursor + batch, rows: part.rows - batch };
      if (turns.due(list.work)) await turns.take().until;
    }
    const place = smoothed.indexOf(least);
    return { rates, losses, smoothed, suggestion: place > 0 ? rates[place]! / 10 : undefined };
  } finally {
    restore();
    release();
  }
}
