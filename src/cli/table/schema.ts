import { hint } from '../../checks.js';
import type { CsvFile } from '../csv/reader.js';
import { counted, grouped, Problem, printable } from '../problem.js';
import { type ColumnProfile, deviationOf, shownName, type TableProfile } from './profile.js';

/** A column of numbers; where one is missing, `fill` stands in: the mean. */
export type NumberColumn = {
  readonly name: string;
  readonly kind: 'number';
  readonly fill: number;
};

/**
 * A column of categories, each of which becomes its place in the list. `fill` is the place of the
 * most frequent one, which stands in for those that are not in the list.
 */
export type CategoryColumn = {
  readonly name: string;
  readonly kind: 'category';
  readonly categories: readonly string[];
  readonly fill: number;
};

export type FeatureColumn = NumberColumn | CategoryColumn;

export type TableTask = 'binary' | 'multiclass' | 'regression';

/** How rows of a table become rows of numbers: plain data, which stands in the model's file. */
export type TableSchema = {
  readonly task: TableTask;
  readonly features: readonly FeatureColumn[];
  readonly target: string;
  /** Of a classification: the texts of the classes, in the order of the outputs. */
  readonly classes?: readonly string[];
  readonly decimal: '.' | ',';
};

/** A column that is not learnt from, and why. */
export interface IgnoredColumn {
  readonly name: string;
  readonly reason: string;
}

/** What was decided about a table, for people to know. */
export interface Decisions {
  readonly schema: TableSchema;
  readonly ignored: readonly IgnoredColumn[];
  readonly notes: readonly string[];
  /** Rows of each class, or none for a regression. */
  readonly classCounts: readonly number[];
  readonly missingTargets: number;
}

export interface SchemaOptions {
  readonly target: string;
  readonly task?: TableTask | undefined;
  readonly ignore?: readonly string[] | undefined;
}

/** The category that stands for cells without a value, where the training rows have such. */
export const missingCategory = '';

/** Categories of a column that is learnt from; classes of a target. */
const mostCategories = 100;
const mostClasses = 1000;
/** Numbers of a target up to which whole numbers are taken for classes. */
const mostNumberClasses = 20;
/** The share of cells from which on a column is one of numbers, and others in it are mistakes. */
const numberShare = 0.9;

const idName =
  /^(id|uuid|guid|index|key|row|row ?(id|number|nr)|nr|no|unnamed: 0|column1)$|[_ -]?(id|uuid|guid)$/i;

/** Texts by size where all are numbers, else in the order of their characters. */
function ascending(texts: Iterable<string>): string[] {
  const all = [...texts];
  const numbers = all.every((text) => text.trim() !== '' && Number.isFinite(Number(text)));
  return numbers
    ? all.sort((a, b) => Number(a) - Number(b))
    : all.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

/** Whether a column holds numbers; one that nearly does is refused where it does not. */
function holdsNumbers(file: CsvFile, profile: ColumnProfile): boolean {
  const { numbers, values, infinite, noNumber } = profile;
  const finite = numbers + (infinite ? 1 : 0);
  if (finite < numberShare * values) return false;
  if (infinite) {
    throw new Problem(
      `${file.at(infinite.line, profile.name)}: '${printable(infinite.cell)}' is beyond the range of numbers, ±3.4e38`,
    );
  }
  if (noNumber) {
    throw new Problem(
      `${file.at(noNumber.line, profile.name)}: expected a number, as in ${grouped(numbers)} of ${grouped(values)} rows, got '${printable(noNumber.cell)}'; correct it, or leave the cell empty`,
    );
  }
  return true;
}

/** Whole numbers that are all different and go up, or are called an id: they name rows. */
function namesRows(profile: ColumnProfile, rows: number): boolean {
  const { counts, numbers, integers, ascending, name } = profile;
  if (rows < 20) return false;
  const different = counts ? counts.size === rows : numbers === rows && ascending;
  return numbers === rows && integers === rows && different && (ascending || idName.test(name));
}

/** What becomes of a column that is not the target, or why it is left out. */
function featureOf(
  file: CsvFile,
  profile: ColumnProfile,
  rows: number,
): FeatureColumn | { readonly reason: string } {
  const { name, values, counts, missing } = profile;
  if (values === 0) return { reason: 'no cell has a value' };
  if (missing === 0 && counts?.size === 1) return { reason: 'always the same' };
  if (holdsNumbers(file, profile)) {
    if (namesRows(profile, rows)) return { reason: 'numbers the rows' };
    if (deviationOf(profile) === 0 && missing === 0) return { reason: 'always the same' };
    if (deviationOf(profile) === 0) {
      return { name, kind: 'category', ...categoriesOf(profile) };
    }
    return { name, kind: 'number', fill: Math.fround(profile.mean) };
  }
  if (profile.dates > numberShare * values) {
    return { reason: 'dates; make numbers of them, such as the year or days since' };
  }
  if (!counts || counts.size > mostCategories) {
    const distinct = counts ? grouped(counts.size) : 'very many';
    return { reason: `${distinct} different texts, too many for categories` };
  }
  if (values >= 20 && counts.size > 0.9 * values) return { reason: 'a different text in each row' };
  return { name, kind: 'category', ...categoriesOf(profile) };
}

function categoriesOf({ counts, missing }: ColumnProfile) {
  const texts = ascending(counts!.keys());
  const categories = missing > 0 ? [...texts, missingCategory] : texts;
  const often = (text: string) => (text === missingCategory ? missing : counts!.get(text)!);
  const fill = categories.reduce(
    (best, text, i) => (often(text) > often(categories[best]!) ? i : best),
    0,
  );
  return { categories, fill };
}

/** The column of a name; a number counts as a place from 1 where no column is called so. */
function findColumn(columns: readonly ColumnProfile[], name: string, option: string): number {
  const at = columns.findIndex((column) => column.name === name);
  if (at >= 0) return at;
  const loose = columns.findIndex((c) => c.name.toLowerCase() === name.trim().toLowerCase());
  if (loose >= 0) return loose;
  const place = /^\d+$/.test(name) ? Number(name) - 1 : -1;
  if (place >= 0 && place < columns.length) return place;
  const names = columns.slice(0, 1000).map((column) => printable(column.name));
  throw new Problem(
    `${option}: there is no column '${printable(name)}'; ${hint(printable(name), names)}`,
  );
}

/** What is to be learnt: the task, and the classes where there are some. */
function targetOf(file: CsvFile, profile: ColumnProfile, rows: number, asked?: TableTask) {
  const shown = shownName(profile);
  const { counts, values, missing, integers, numbers } = profile;
  if (values === 0) throw new Problem(`${file.name}: the target ${shown} has no value in any row`);
  const isNumeric = holdsNumbers(file, profile);
  if (asked === 'regression' && !isNumeric) {
    throw new Problem(
      `${file.name}: the target ${shown} holds text, which --task regression cannot learn`,
    );
  }
  const few = counts !== undefined && counts.size <= mostNumberClasses && integers === numbers;
  // Few whole numbers of many rows are classes; a small table of counts may be numbers all the same.
  const classes = !isNumeric || (few && (counts.size === 2 || counts.size <= rows / 10));
  if (asked === 'regression' || (asked === undefined && !classes)) {
    if (deviationOf(profile) === 0) {
      throw new Problem(
        `${file.name}: the target ${shown} is ${profile.mean} in every row: there is nothing to learn`,
      );
    }
    return { task: 'regression' as const, classes: undefined };
  }
  if (!counts || counts.size > mostClasses) {
    const distinct = counts ? grouped(counts.size) : 'very many';
    throw new Problem(
      `${file.name}: the target ${shown} has ${distinct} different ${isNumeric ? 'values' : 'texts'}; at most ${grouped(mostClasses)} classes can be told apart${isNumeric ? '; for numbers use --task regression' : ''}`,
    );
  }
  if (counts.size < 2) {
    throw new Problem(
      `${file.name}: the target ${shown} is '${printable([...counts.keys()][0]!)}' in every row${missing > 0 ? ' that has one' : ''}: there is nothing to tell apart`,
    );
  }
  const names = ascending(counts.keys());
  if (asked === 'binary' && names.length !== 2) {
    throw new Problem(
      `${file.name}: the target ${shown} has ${names.length} classes, and --task binary is for 2`,
    );
  }
  const task = names.length === 2 && asked !== 'multiclass' ? 'binary' : 'multiclass';
  return { task: task as TableTask, classes: names };
}

/**
 * Decides from the first pass what is learnt from what.
 *
 * @throws Problem where nothing can be learnt, and for cells that are mistakes
 */
export function decide(file: CsvFile, profile: TableProfile, options: SchemaOptions): Decisions {
  const { columns, rows } = profile;
  const at = findColumn(columns, options.target, '--target');
  const target = columns[at]!;
  const unwanted = new Set(
    (options.ignore ?? []).map((name) => findColumn(columns, name, '--ignore')),
  );
  const { task, classes } = targetOf(file, target, rows, options.task);
  const notes = [...profile.notes];
  const noteDigits = (column: ColumnProfile) => {
    if (column.beyondIntegers > 0)
      notes.push(`column ${shownName(column)}: integers beyond 2⁵³ lose their last digits`);
  };
  if (task === 'regression') noteDigits(target);
  const features: FeatureColumn[] = [];
  const ignored: IgnoredColumn[] = [];
  columns.forEach((column, c) => {
    if (c === at) return;
    const { name } = column;
    const feature = unwanted.has(c) ? { reason: 'as you said' } : featureOf(file, column, rows);
    if ('reason' in feature) ignored.push({ name, reason: feature.reason });
    else features.push(feature);
    if ('kind' in feature && feature.kind === 'number') noteDigits(column);
  });
  if (features.length === 0) {
    const why = ignored.length === 1 ? ` (${ignored[0]!.reason})` : '';
    throw new Problem(
      columns.length === 1
        ? `${file.name}: there is only one column, ${shownName(target)}: is the delimiter right (--delimiter)?`
        : `${file.name}: no column is left to learn from: ${counted(ignored.length, 'column')} ignored${why}`,
    );
  }
  if (target.missing > 0) {
    notes.push(
      `${counted(target.missing, 'row')} without a target ${target.missing === 1 ? 'is' : 'are'} left out`,
    );
  }
  const { decimal } = file.dialect;
  const base = { task, features, target: target.name, decimal };
  return {
    schema: classes ? { ...base, classes } : base,
    ignored,
    notes,
    classCounts: classes?.map((name) => target.counts!.get(name)!) ?? [],
    missingTargets: target.missing,
  };
}
