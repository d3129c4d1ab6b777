import { exp64, log64 } from '../math64.js';
import {
  type Metric,
  type MetricContext,
  type MetricDefinition,
  summing,
  targetOf,
  trueClass,
} from './definition.js';

/* Metrics of scores and probabilities. Those of ranks keep every score until they are asked. */

/** Probabilities nearer to 0 and 1 than this are taken as this near: 2⁻⁵², as in scikit-learn. */
const nearCertain = 2 ** -52;

const clip = (p: number) => Math.min(Math.max(p, nearCertain), 1 - nearCertain);

/** −log p, for p within 2⁻⁵² of 0 and 1 taken as that. */
export const surprise = (p: number): number => -log64(clip(p));

/** −t·log p − (1 − t)·log(1 − p). */
export const binarySurprise = (p: number, t: number): number =>
  t * surprise(p) + (1 - t) * surprise(1 - clip(p));

/** Writes the probabilities of a row, which logits are turned into. */
function readProbabilities(context: MetricContext, y: Float32Array, o: number, p: Float64Array) {
  const { kind, outputs, logits } = context;
  for (let i = 0; i < outputs; i++) p[i] = y[o + i]!;
  if (!logits) return;
  if (kind !== 'classes') {
    for (let i = 0; i < outputs; i++) p[i] = 1 / (1 + exp64(-p[i]!));
    return;
  }
  const most = p.reduce((max, z) => Math.max(max, z), Number.NEGATIVE_INFINITY);
  let sum = 0;
  for (let i = 0; i < outputs; i++) sum += p[i] = exp64(p[i]! - most);
  for (let i = 0; i < outputs; i++) p[i] = p[i]! / sum;
}

export const logLoss = {
  fits: ['binary', 'classes', 'flags'],
  options: {},
  create(context) {
    const { kind, outputs } = context;
    const p = new Float64Array(outputs);
    const sums = new Float64Array(2);
    return summing(sums, {
      add(y, o, targets, t) {
        readProbabilities(context, y, o, p);
        if (kind !== 'classes') {
          for (let i = 0; i < outputs; i++) sums[0]! += binarySurprise(p[i]!, targets[t + i]!);
          sums[1]! += outputs;
          return;
        }
        if (context.labels) sums[0]! += surprise(p[targets[t]!]!);
        else for (let i = 0; i < outputs; i++) sums[0]! += targets[t + i]! * surprise(p[i]!);
        sums[1]!++;
      },
      value: () => sums[0]! / sums[1]!,
    });
  },
} as const satisfies MetricDefinition;

/** A metric of ranks: of scores, and whether each is of a row that is positive. */
export type RankScore = (scores: ArrayLike<number>, positive: ArrayLike<unknown>) => number;

/** The rows from the highest score to the lowest; undefined where one is not a number. */
function descending(scores: ArrayLike<number>): Uint32Array | undefined {
  const order = new Uint32Array(scores.length);
  for (let i = 0; i < order.length; i++) {
    if (Number.isNaN(scores[i])) return undefined;
    order[i] = i;
  }
  // Infinities of one sign are equal, though their difference is not a number.
  return order.sort((a, b) => {
    const [x, y] = [scores[a]!, scores[b]!];
    return x > y ? -1 : x < y ? 1 : 0;
  });
}

/** Calls back for each group of equal scores, from the highest, with its positives and its size. */
function eachTie(
  order: Uint32Array,
  scores: ArrayLike<number>,
  positive: ArrayLike<unknown>,
  tie: (positives: number, size: number) => void,
): void {
  for (let i = 0; i < order.length; ) {
    const score = scores[order[i]!];
    const start = i;
    let positives = 0;
    for (; i < order.length && scores[order[i]!] === score; i++)
      if (positive[order[i]!]) positives++;
    tie(positives, i - start);
  }
}

/**
 * The area under the ROC curve: the share of pairs of a positive and a negative row in which the
 * positive one has the higher score, equals counting half (mid-ranks). NaN without both.
 */
export const rocArea: RankScore = (scores, positive) => {
  const order = descending(scores);
  if (!order) return Number.NaN;
  let positives = 0;
  let negatives = 0;
  let pairs = 0;
  eachTie(order, scores, positive, (p, size) => {
    const n = size - p;
    pairs += n * (positives + p / 2);
    positives += p;
    negatives += n;
  });
  return pairs / (positives * negatives);
};

/**
 * Σ (R_i − R_(i−1))·P_i over the distinct scores from the highest, with recall R_i and precision P_i
 * of the rows at or above it; no interpolation. NaN without positives.
 */
export const precisionArea: RankScore = (scores, positive) => {
  const order = descending(scores);
  if (!order) return Number.NaN;
  let positives = 0;
  let above = 0;
  let sum = 0;
  eachTie(order, scores, positive, (p, size) => {
    positives += p;
    above += size;
    sum += (p * positives) / above;
  });
  return sum / positives;
};

/** The mean of a score over columns, leaving out those for which it is not defined. */
export function meanOverColumns(columns: number, score: (column: number) => number): number {
  let sum = 0;
  let defined = 0;
  for (let c = 0; c < columns; c++) {
    const value = score(c);
    if (Number.isNaN(value)) continue;
    sum += value;
    defined++;
  }
  return sum / defined;
}

function ranking(score: RankScore) {
  return {
    fits: ['binary', 'classes', 'flags'],
    options: {},
    create(context: MetricContext): Metric {
      const { kind, outputs } = context;
      const scores: number[][] = Array.from({ length: outputs }, () => []);
      const positive: boolean[][] = Array.from({ length: outputs }, () => []);
      const p = new Float64Array(outputs);
      return {
        add(y, o, targets, t) {
          // A softmax changes the order between rows, a sigmoid does not.
          if (kind === 'classes') readProbabilities(context, y, o, p);
          const truth = kind === 'classes' ? trueClass(context, targets, t) : -1;
          for (let i = 0; i < outputs; i++) {
            scores[i]!.push(kind === 'classes' ? p[i]! : y[o + i]!);
            positive[i]!.push(truth < 0 ? targetOf(context, targets, t, i) > 0.5 : truth === i);
          }
        },
        value() {
          if (scores.some((column) => column.some(Number.isNaN))) return Number.NaN;
          return meanOverColumns(outputs, (c) => score(scores[c]!, positive[c]!));
        },
        // Column by column: the scores, then whether each was positive.
        state: () =>
          Float64Array.from(
            scores.flatMap((column, c) => [...column, ...positive[c]!.map(Number)]),
          ),
        restore(state) {
          const rows = state.length / (2 * outputs);
          if (!Number.isInteger(rows)) return false;
          for (let c = 0; c < outputs; c++) {
            const at = 2 * c * rows;
            scores[c] = Array.from(state.subarray(at, at + rows));
            positive[c] = Array.from(state.subarray(at + rows, at + 2 * rows), Boolean);
          }
          return true;
        },
      };
    },
  } as const satisfies MetricDefinition;
}

export const rocAuc = ranking(rocArea);
export const averagePrecision = ranking(precisionArea);
