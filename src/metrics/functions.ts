import { known, onlyKeys, wholeNumber } from '../checks.js';
import type { Label, Rows } from '../data.js';
import { ShapeError } from '../errors.js';
import {
  type Average,
  amongLargest,
  averageScore,
  averages,
  type ClassScore,
  Counts,
  correlation,
  f1Score,
  precisionScore,
  recallScore,
} from './decisions.js';
import {
  binarySurprise,
  meanOverColumns,
  precisionArea,
  type RankScore,
  rocArea,
  surprise,
} from './probabilities.js';
import { distinct, indicesOf, matchLength, readClasses, readLabels, readNumbers } from './read.js';
import { Determination, relativeError } from './values.js';

/** The labels of rows: text, numbers or booleans. */
export type Labels = ArrayLike<Label>;

/** How the classes' scores become one. */
export interface AverageOptions {
  /** Default 'macro', or 'binary' where `positive` is given. */
  readonly average?: Average;
  /** The class that 'binary' looks at; default 1, or true among booleans. */
  readonly positive?: Label;
}

/** What scores are of. */
export interface ScoreOptions {
  /** The classes in the order of the scores of a row; default: those that are true, ascending. */
  readonly classes?: readonly Label[];
}

/** What was true and what was said, as places among the classes of both. */
export function decisionsOf(truth: Labels, predicted: Labels, given?: readonly Label[]) {
  const t = readLabels(truth, 'truth');
  const p = readLabels(predicted, 'predicted');
  matchLength(p.length, t.length, 'predicted', 'truth');
  const classes = given ? readClasses(given) : distinct(t, p);
  const a = indicesOf(t, classes, 'truth');
  const b = indicesOf(p, classes, 'predicted');
  const counts = new Counts(classes.length);
  a.forEach((c, i) => {
    counts.add(c, b[i]!);
  });
  return { classes, counts, truth: a, predicted: b };
}

function accuracy(truth: Labels, predicted: Labels): number {
  const { counts } = decisionsOf(truth, predicted);
  return counts.right.reduce((sum, value) => sum + value, 0) / counts.total;
}

function matthews(truth: Labels, predicted: Labels): number {
  return correlation(decisionsOf(truth, predicted).counts);
}

function averaged(
  score: ClassScore,
  name: string,
  truth: Labels,
  predicted: Labels,
  options: AverageOptions = {},
): number {
  onlyKeys(options, ['average', 'positive'], name);
  const average = options.average ?? (options.positive === undefined ? 'macro' : 'binary');
  known(average, Object.fromEntries(averages.map((a) => [a, 0])), `${name}: average`);
  const { classes, counts } = decisionsOf(truth, predicted);
  if (average !== 'binary') return averageScore(counts, score, average);
  const wanted = options.positive ?? (typeof classes[0] === 'boolean' ? true : 1);
  const positive = classes.indexOf(wanted);
  // A class that is neither true nor said anywhere.
  return positive < 0 ? 0 : averageScore(counts, score, average, { positive });
}

/** Scores of rows and the places of their true classes; a score a row is that of the larger class. */
function scoresOf(truth: Labels, scores: Rows, { classes: given, ...rest }: ScoreOptions) {
  onlyKeys(rest, [], 'options');
  const t = readLabels(truth, 'truth');
  const { values, width } = readNumbers(scores, 'scores', t.length);
  matchLength(values.length / width, t.length, 'scores', 'truth');
  const classes = given ? readClasses(given) : distinct(t);
  const single = width === 1;
  if (single ? classes.length > 2 : classes.length !== width) {
    throw new ShapeError(
      `scores: expected ${classes.length} a row, one for each class, got ${width}; name the classes of all scores with \`classes\``,
    );
  }
  const places = indicesOf(t, classes, 'truth');
  // One class alone says not which of two it is, unless it is one of the usual two.
  const positive = classes.length === 1 && classes[0] !== 0 && classes[0] !== false ? 0 : 1;
  return { places, values, width, single, positive };
}

function ranked(score: RankScore, truth: Labels, scores: Rows, options: ScoreOptions = {}): number {
  const { places, values, width, single, positive } = scoresOf(truth, scores, options);
  if (values.some(Number.isNaN)) return Number.NaN;
  if (single)
    return score(
      values,
      Array.from(places, (place) => place === positive),
    );
  return meanOverColumns(width, (c) => {
    const column = Float64Array.from(places, (_, r) => values[r * width + c]!);
    return score(
      column,
      Array.from(places, (place) => place === c),
    );
  });
}

function logLoss(truth: Labels, probabilities: Rows, options: ScoreOptions = {}): number {
  const { places, values, width, single, positive } = scoresOf(truth, probabilities, options);
  let sum = 0;
  places.forEach((place, r) => {
    sum += single
      ? binarySurprise(values[r]!, Number(place === positive))
      : surprise(values[r * width + place]!);
  });
  return sum / places.length;
}

function topKAccuracy(
  truth: Labels,
  scores: Rows,
  { k = 5, ...options }: ScoreOptions & { readonly k?: number } = {},
): number {
  wholeNumber(k, 'k');
  const { places, values, width } = scoresOf(truth, scores, options);
  let right = 0;
  places.forEach((place, r) => {
    if (amongLargest(values, r * width, width, place, k)) right++;
  });
  return right / places.length;
}

/** Two arrays of rows of one width, dense. */
function pairsOf(truth: Rows, predicted: Rows) {
  const t = readNumbers(truth, 'truth');
  const nested = typeof (predicted as ArrayLike<unknown>)?.[0] === 'object';
  const y = readNumbers(predicted, 'predicted', nested ? undefined : t.values.length / t.width);
  matchLength(y.values.length / y.width, t.values.length / t.width, 'predicted', 'truth');
  if (t.width !== y.width) {
    throw new ShapeError(
      `predicted: expected rows of ${t.width} numbers, as truth has, got ${y.width}`,
    );
  }
  return { t: t.values, y: y.values, width: t.width };
}

function meanError(error: (y: number, t: number) => number, truth: Rows, predicted: Rows): number {
  const { t, y } = pairsOf(truth, predicted);
  let sum = 0;
  for (let i = 0; i < t.length; i++) sum += error(y[i]!, t[i]!);
  return sum / t.length;
}

const meanSquaredError = (truth: Rows, predicted: Rows): number =>
  meanError((y, t) => (y - t) * (y - t), truth, predicted);

function r2(truth: Rows, predicted: Rows): number {
  const { t, y, width } = pairsOf(truth, predicted);
  const columns = Array.from({ length: width }, () => new Determination());
  for (let i = 0; i < t.length; i++) columns[i % width]!.add(y[i]!, t[i]!);
  return columns.reduce((sum, column) => sum + column.value(), 0) / width;
}

/**
 * The metrics as functions of what was true and what was predicted, for numbers from anywhere:
 * `metrics.f1(truth, predicted, { average: 'weighted' })`. Formulas are those of the network's own
 * metrics. Truth comes first. Of no rows, means are NaN, and precision, recall and F1 are 0.
 *
 * @throws TypeError for what are no labels or numbers, ShapeError for lists that do not match,
 *   RangeError for labels that are none of the classes given
 */
export const metrics = {
  /** The share of labels that are equal. */
  accuracy,
  /** The share of rows whose true class has one of the `k` (default 5) largest scores. */
  topKAccuracy,
  /** Of the times that a class was said, the share in which it was true. */
  precision: (truth: Labels, predicted: Labels, options?: AverageOptions): number =>
    averaged(precisionScore, 'precision', truth, predicted, options),
  /** Of the times that a class was true, the share in which it was said. */
  recall: (truth: Labels, predicted: Labels, options?: AverageOptions): number =>
    averaged(recallScore, 'recall', truth, predicted, options),
  /** 2·right / (said + true), the harmonic mean of precision and recall. */
  f1: (truth: Labels, predicted: Labels, options?: AverageOptions): number =>
    averaged(f1Score, 'f1', truth, predicted, options),
  /** The correlation of what was true and what was said, from −1 to 1; 0 where one never changes. */
  matthews,
  /** The area under the ROC curve; of several classes the mean of one against the rest. */
  rocAuc: (truth: Labels, scores: Rows, options?: ScoreOptions): number =>
    ranked(rocArea, truth, scores, options),
  /** Σ (R_i − R_(i−1))·P_i over distinct scores; of several classes the mean of one against the rest. */
  averagePrecision: (truth: Labels, scores: Rows, options?: ScoreOptions): number =>
    ranked(precisionArea, truth, scores, options),
  /** The mean of −log p of what was true, p no nearer than 2⁻⁵² to 0 or 1. */
  logLoss,
  /** Σ |y − t| / n. */
  meanAbsoluteError: (truth: Rows, predicted: Rows): number =>
    meanError((y, t) => Math.abs(y - t), truth, predicted),
  /** Σ (y − t)² / n. */
  meanSquaredError,
  /** √(Σ (y − t)² / n). */
  rootMeanSquaredError: (truth: Rows, predicted: Rows): number =>
    Math.sqrt(meanSquaredError(truth, predicted)),
  /** Σ |y − t| / max(|t|, 2⁻⁵²) / n: a share, not per cent. */
  meanAbsolutePercentageError: (truth: Rows, predicted: Rows): number =>
    meanError(relativeError, truth, predicted),
  /** 1 − Σ (y − t)² / Σ (t − mean)², the mean over columns. */
  r2,
};
