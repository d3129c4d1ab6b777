import {
  largest,
  type Metric,
  type MetricContext,
  type MetricDefinition,
  type MetricOptions,
  summing,
  trueClass,
} from './definition.js';

/*
 * Metrics of decisions: which class was said, and which was true. Counting is exact, so batches add
 * up to the same value as all rows at once.
 */

/** How scores of classes become one: see `precision`. 'binary' looks at one class alone. */
export const averages = ['macro', 'micro', 'weighted', 'binary'] as const;
export type Average = (typeof averages)[number];

/** How often each class was true, was said, and was both. */
export class Counts {
  /** All counts, one behind the other, and how many there were. */
  readonly sums: Float64Array;
  readonly truth: Float64Array;
  readonly predicted: Float64Array;
  readonly right: Float64Array;

  constructor(classes: number) {
    this.sums = new Float64Array(3 * classes + 1);
    this.truth = this.sums.subarray(0, classes);
    this.predicted = this.sums.subarray(classes, 2 * classes);
    this.right = this.sums.subarray(2 * classes, 3 * classes);
  }

  get total(): number {
    return this.sums[this.sums.length - 1]!;
  }

  add(truth: number, predicted: number): void {
    this.truth[truth]!++;
    this.predicted[predicted]!++;
    if (truth === predicted) this.right[truth]!++;
    this.sums[this.sums.length - 1]!++;
  }

  /** One yes or no of class `c`, which is counted only where it is yes. */
  addFlag(c: number, truth: boolean, predicted: boolean): void {
    if (truth) this.truth[c]!++;
    if (predicted) this.predicted[c]!++;
    if (truth && predicted) this.right[c]!++;
    this.sums[this.sums.length - 1]!++;
  }
}

/** A score of one class from how often it was right, was said, and was true. */
export type ClassScore = (right: number, predicted: number, truth: number) => number;

/** A share; of nothing it is 0. */
const share = (part: number, whole: number) => (whole > 0 ? part / whole : 0);

export const precisionScore: ClassScore = (right, predicted) => share(right, predicted);
export const recallScore: ClassScore = (right, _, truth) => share(right, truth);
export const f1Score: ClassScore = (right, predicted, truth) => share(2 * right, predicted + truth);

const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0);

/**
 * One score of all classes.
 *
 * @param positive the class that 'binary' looks at
 * @param absent whether classes that are neither true nor said anywhere count, as 0
 */
export function averageScore(
  counts: Counts,
  score: ClassScore,
  average: Average,
  { positive = 1, absent = false } = {},
): number {
  const { truth, predicted, right } = counts;
  const scoreOf = (c: number) => score(right[c]!, predicted[c]!, truth[c]!);
  if (average === 'binary') return scoreOf(positive);
  if (average === 'micro') return score(sum(right), sum(predicted), sum(truth));
  let total = 0;
  let weights = 0;
  for (let c = 0; c < truth.length; c++) {
    const occurs = absent || truth[c]! + predicted[c]! > 0;
    const weight = average === 'weighted' ? truth[c]! : occurs ? 1 : 0;
    total += weight * scoreOf(c);
    weights += weight;
  }
  return share(total, weights);
}

/**
 * The correlation of what was true and what was said; for two classes that of Matthews (1975), for
 * more the R_K of Gorodkin (2004): (r·n − Σ p_k·t_k) / √((n² − Σ p_k²)·(n² − Σ t_k²)), for r of n
 * right, p_k times class k said and t_k times true. 0 where the root is.
 */
export function correlation({ truth, predicted, right, total }: Counts): number {
  let both = 0;
  let said = 0;
  let was = 0;
  for (let k = 0; k < truth.length; k++) {
    both += predicted[k]! * truth[k]!;
    said += predicted[k]! * predicted[k]!;
    was += truth[k]! * truth[k]!;
  }
  const root = Math.sqrt((total * total - said) * (total * total - was));
  return root > 0 ? (sum(right) * total - both) / root : 0;
}

/** Counts what a network says, whatever it predicts. */
function counting(context: MetricContext, value: (counts: Counts) => number): Metric {
  const { kind, outputs, threshold } = context;
  const counts = new Counts(kind === 'binary' ? 2 : outputs);
  return summing(counts.sums, {
    add(y, o, targets, t) {
      if (kind === 'classes') {
        counts.add(trueClass(context, targets, t), largest(y, o, outputs));
      } else if (kind === 'binary') {
        counts.add(Number(targets[t]! > 0.5), Number(y[o]! > threshold));
      } else {
        for (let i = 0; i < outputs; i++) {
          counts.addFlag(i, targets[t + i]! > 0.5, y[o + i]! > threshold);
        }
      }
    },
    value: () => value(counts),
  });
}

/** Precision, recall and F1 differ in the score of a class alone. */
function averaged(score: ClassScore) {
  return {
    fits: ['binary', 'classes', 'flags'],
    options: { average: averages },
    problem({ kind }: MetricContext, { average }: MetricOptions) {
      if (average !== 'binary' || kind === 'binary') return undefined;
      return "average: 'binary' is for one output that is yes or no; use 'macro', 'micro' or 'weighted'";
    },
    create(context: MetricContext, { average }: MetricOptions) {
      const { kind } = context;
      const chosen = average || (kind === 'binary' ? 'binary' : 'macro');
      const absent = kind === 'flags';
      return counting(context, (counts) =>
        averageScore(counts, score, chosen as Average, { absent }),
      );
    },
  } as const satisfies MetricDefinition;
}

export const precision = averaged(precisionScore);
export const recall = averaged(recallScore);
export const f1 = averaged(f1Score);

export const accuracy = {
  fits: ['binary', 'classes', 'flags'],
  options: {},
  create(context) {
    const { kind, outputs, threshold } = context;
    const sums = new Float64Array(2);
    return summing(sums, {
      add(y, o, targets, t) {
        if (kind === 'classes') {
          if (largest(y, o, outputs) === trueClass(context, targets, t)) sums[0]!++;
          sums[1]!++;
          return;
        }
        for (let i = 0; i < outputs; i++) {
          if (y[o + i]! > threshold === targets[t + i]! > 0.5) sums[0]!++;
        }
        sums[1]! += outputs;
      },
      value: () => sums[0]! / sums[1]!,
    });
  },
} as const satisfies MetricDefinition;

/** Whether class `truth` is among the `k` largest of `count` scores; of equals the first come first. */
export function amongLargest(
  scores: ArrayLike<number>,
  start: number,
  count: number,
  truth: number,
  k: number,
): boolean {
  const own = scores[start + truth]!;
  let before = 0;
  for (let i = 0; i < count; i++) {
    const other = scores[start + i]!;
    if (other > own || (other === own && i < truth)) before++;
  }
  return before < k && !Number.isNaN(own);
}

export const topKAccuracy = {
  fits: ['classes'],
  options: { k: 5 },
  problem: ({ outputs }, { k }) =>
    (k as number) < outputs
      ? undefined
      : `k: the ${k} largest of ${outputs} outputs hold every class; choose k from 1 to ${outputs - 1}`,
  create(context, { k }) {
    const { outputs } = context;
    const sums = new Float64Array(2);
    return summing(sums, {
      add(y, o, targets, t) {
        if (amongLargest(y, o, outputs, trueClass(context, targets, t), k as number)) sums[0]!++;
        sums[1]!++;
      },
      value: () => sums[0]! / sums[1]!,
    });
  },
} as const satisfies MetricDefinition;

export const matthews = {
  fits: ['binary', 'classes'],
  options: {},
  create: (context) => counting(context, correlation),
} as const satisfies MetricDefinition;
