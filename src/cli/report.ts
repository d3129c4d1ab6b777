import { metrics } from '../metrics/functions.js';
import { classificationReport, confusionMatrix } from '../metrics/report.js';
import { printable } from './problem.js';
import { gather } from './table/parts.js';
import type { TableSchema } from './table/schema.js';
import type { RowStore } from './table/store.js';
import { scatterPlot, shortNumber } from './terminal/plots.js';
import type { Paints, Screen } from './terminal/screen.js';

/** What was predicted for rows, beside what is true. */
export interface Predictions {
  /** A class's index, or a number, a row. */
  readonly truth: ArrayLike<number>;
  /** Outputs as `predict` gives them, `width` a row. */
  readonly outputs: Float32Array;
  readonly width: number;
}

/** Rows that are predicted at a time. */
const rowsAtOnce = 4096;

/** The outputs for some rows of a store, with what is true. */
export function predictRows(
  store: RowStore,
  places: Int32Array,
  width: number,
  predict: (x: Float32Array) => Float32Array,
): Predictions {
  const outputs = new Float32Array(places.length * width);
  const truth = new Float32Array(places.length);
  for (let from = 0; from < places.length; from += rowsAtOnce) {
    const { x, y } = gather(store, places.subarray(from, from + rowsAtOnce));
    outputs.set(predict(x), from * width);
    truth.set(y, from);
  }
  return { truth, outputs, width };
}

/** How well rows were predicted: plain data for `--json`. */
export interface Report {
  readonly rows: number;
  readonly scores: Readonly<Record<string, number>>;
  /** Of a classification: how many rows of class i were said to be of class j. */
  readonly confusion?: {
    readonly classes: readonly string[];
    readonly counts: readonly (readonly number[])[];
  };
}

/** The index of the class that each row is said to be of. */
export function decisionsOf(outputs: Float32Array, width: number): Int32Array {
  if (width === 1) return Int32Array.from(outputs, (p) => Number(p > 0.5));
  return Int32Array.from({ length: outputs.length / width }, (_, r) => {
    let best = 0;
    for (let c = 1; c < width; c++) {
      if (outputs[r * width + c]! > outputs[r * width + best]!) best = c;
    }
    return best;
  });
}

/** The one number that a table's columns are judged by: larger is better. */
export function scoreOf({ task }: TableSchema, { truth, outputs, width }: Predictions): number {
  if (task === 'regression') return metrics.r2(Float64Array.from(truth), outputs);
  return metrics.accuracy(truth, decisionsOf(outputs, width));
}

/** What `scoreOf` is called. */
export const scoreName = ({ task }: TableSchema) => (task === 'regression' ? 'R²' : 'accuracy');

export function reportOf(schema: TableSchema, predictions: Predictions): Report {
  const { truth, outputs, width } = predictions;
  const rows = truth.length;
  if (schema.task === 'regression') {
    const actual = Float64Array.from(truth);
    const scores = {
      meanAbsoluteError: metrics.meanAbsoluteError(actual, outputs),
      rootMeanSquaredError: metrics.rootMeanSquaredError(actual, outputs),
      r2: metrics.r2(actual, outputs),
    };
    return { rows, scores };
  }
  const classes = schema.classes!;
  const said = decisionsOf(outputs, width);
  const indices = classes.map((_, i) => i);
  const { counts } = confusionMatrix(truth, said, indices);
  const several = classes.length > 2;
  const scores = {
    accuracy: metrics.accuracy(truth, said),
    f1: several
      ? metrics.f1(truth, said, { average: 'macro' })
      : metrics.f1(truth, said, { average: 'binary' }),
    rocAuc: metrics.rocAuc(truth, width === 2 ? outputs.filter((_, i) => i % 2 === 1) : outputs),
  };
  return { rows, scores, confusion: { classes, counts } };
}

const shownScores: Readonly<Record<string, string>> = {
  accuracy: 'accuracy',
  f1: 'F1',
  rocAuc: 'ROC AUC',
  meanAbsoluteError: 'MAE',
  rootMeanSquaredError: 'RMSE',
  r2: 'R²',
};

/** As many classes as a table is read with. */
const mostTabled = 20;

/** The scores, and the confusion matrix or predicted over actual values. */
export function printReport(
  screen: Screen,
  schema: TableSchema,
  report: Report,
  predictions: Predictions,
): void {
  const { paint, width } = screen;
  const scores = Object.entries(report.scores).map(([name, value]) => {
    const text = schema.task === 'regression' ? shortNumber(value) : value.toFixed(4);
    return `${shownScores[name]} ${paint.bold(Number.isNaN(value) ? 'undefined' : text)}`;
  });
  screen.print(`  ${scores.join('   ')}`);
  screen.print();
  if (!report.confusion) {
    screen.print(
      paint.dim('  predicted (up) over actual (right); on the dotted line they are equal'),
    );
    const { truth, outputs } = predictions;
    screen.print(scatterPlot(truth, outputs, { width: Math.min(width, 76), height: 14 }, paint));
    return;
  }
  const { classes, counts } = report.confusion;
  if (classes.length <= mostTabled) {
    const table = confusionTable(classes, counts, width, paint);
    if (table) {
      screen.print(table);
      return;
    }
  }
  const mistakes = classes
    .flatMap((actual, i) =>
      classes.map((said, j) => ({ actual, said, count: i === j ? 0 : counts[i]![j]! })),
    )
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count);
  screen.print(paint.dim('  most frequent mistakes'));
  for (const { actual, said, count } of mistakes.slice(0, 10)) {
    screen.print(`  ${printable(actual, 30)} taken for ${printable(said, 30)}: ${count}`);
  }
}

/** Rows true, columns predicted; undefined where it does not fit into the width. */
function confusionTable(
  classes: readonly string[],
  counts: readonly (readonly number[])[],
  width: number,
  paint: Paints,
): string | undefined {
  const names = classes.map((name) => printable(name, 14));
  const longest = Math.max(...names.map((name) => name.length));
  const cell = Math.max(4, ...counts.flat().map((count) => String(count).length + 1), longest + 1);
  const side = Math.max(6, longest) + 2;
  const narrow = side + classes.length * cell + 8 > width;
  const used = narrow ? Math.max(4, ...counts.flat().map((c) => String(c).length + 1)) : cell;
  if (side + classes.length * used + 8 > width) return undefined;
  const heads = narrow ? names.map((name) => name.slice(0, used - 1)) : names;
  const lines = counts.map((row, i) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    const cells = row.map((count, j) => {
      const text = (count === 0 ? '·' : String(count)).padStart(used);
      return i === j ? paint.green(text) : count === 0 ? paint.dim(text) : paint.red(text);
    });
    const share = total === 0 ? '–' : `${((100 * row[i]!) / total).toFixed(0)} %`;
    return `${names[i]!.padStart(side)}${cells.join('')}${paint.dim(share.padStart(7))}`;
  });
  return [
    `${'true'.padStart(side)}${paint.dim(' ↓  predicted →')}`,
    paint.bold(`${' '.repeat(side)}${heads.map((name) => name.padStart(used)).join('')}`),
    ...lines,
  ].join('\n');
}

/** Per class precision, recall and F1, as text: for `evaluate`. */
export function classTable(schema: TableSchema, { truth, outputs, width }: Predictions): string {
  const names = schema.classes!.map((name) => printable(name, 24));
  const said = Array.from(decisionsOf(outputs, width), (c) => names[c]!);
  const actual = Array.from(truth, (c) => names[c]!);
  return classificationReport(actual, said, names).text;
}
