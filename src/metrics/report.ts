import type { Label } from '../data.js';
import { table } from '../table.js';
import { averageScore, f1Score, precisionScore, recallScore } from './decisions.js';
import { decisionsOf, type Labels } from './functions.js';

/** How often each class was taken for each. */
export interface ConfusionMatrix {
  readonly classes: readonly Label[];
  /** `counts[i][j]`: how many rows of class i were said to be of class j. */
  readonly counts: readonly (readonly number[])[];
  /** The same as a table to print: a row for each true class, a column for each that was said. */
  readonly text: string;
}

/**
 * Counts how often rows of each class were said to be of each.
 *
 * @param classes in the order of the table; default: all that occur, ascending
 * @throws TypeError for what are no labels, ShapeError for lists of different lengths, RangeError for
 *   a label that is none of `classes`
 */
export function confusionMatrix(
  truth: Labels,
  predicted: Labels,
  classes?: readonly Label[],
): ConfusionMatrix {
  const found = decisionsOf(truth, predicted, classes);
  const counts = found.classes.map(() => found.classes.map(() => 0));
  found.truth.forEach((c, i) => {
    counts[c]![found.predicted[i]!]!++;
  });
  const names = found.classes.map(String);
  const text = table([
    ['true \\ said', ...names],
    ...counts.map((row, i) => [names[i]!, ...row.map(String)]),
  ]);
  return { classes: found.classes, counts, text };
}

/** Scores of one class, or of several together. */
export interface ClassScores {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  /** Rows that are truly of it. */
  readonly support: number;
}

/** Precision, recall and F1 by class. */
export interface ClassificationReport {
  readonly classes: readonly (ClassScores & { readonly label: Label })[];
  readonly accuracy: number;
  /** The mean over the classes that occur. */
  readonly macro: ClassScores;
  /** The mean over classes, each weighted by its support. */
  readonly weighted: ClassScores;
  /** The same as a table to print. */
  readonly text: string;
}

/**
 * Precision, recall and F1 of every class, and their means.
 *
 * @param classes in the order of the table; default: all that occur, ascending
 * @throws as `confusionMatrix` does
 */
export function classificationReport(
  truth: Labels,
  predicted: Labels,
  classes?: readonly Label[],
): ClassificationReport {
  const { classes: labels, counts } = decisionsOf(truth, predicted, classes);
  const { total, right } = counts;
  const scores = labels.map((label, c) => {
    const of = [right[c]!, counts.predicted[c]!, counts.truth[c]!] as const;
    return {
      label,
      precision: precisionScore(...of),
      recall: recallScore(...of),
      f1: f1Score(...of),
      support: of[2],
    };
  });
  const mean = (average: 'macro' | 'weighted'): ClassScores => ({
    precision: averageScore(counts, precisionScore, average),
    recall: averageScore(counts, recallScore, average),
    f1: averageScore(counts, f1Score, average),
    support: total,
  });
  const macro = mean('macro');
  const weighted = mean('weighted');
  const accuracy = right.reduce((sum, value) => sum + value, 0) / total;
  const line = (name: string, { precision, recall, f1, support }: ClassScores) => [
    name,
    ...[precision, recall, f1].map((value) => value.toFixed(3)),
    String(support),
  ];
  const text = table([
    ['', 'precision', 'recall', 'f1', 'support'],
    ...scores.map((score) => line(String(score.label), score)),
    ['accuracy', '', '', accuracy.toFixed(3), String(total)],
    line('macro', macro),
    line('weighted', weighted),
  ]);
  return { classes: scores, accuracy, macro, weighted, text };
}
