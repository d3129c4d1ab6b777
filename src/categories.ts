import { onlyKeys, show, wholeNumber } from './checks.js';
import type { DenseRows, Label } from './data.js';
import type { Encoding, FittedColumn, ScalerSpec } from './scalers.js';

/** One column of categories, made as many columns as it has categories. */
export interface OneHotSpec {
  readonly type: 'oneHot';
  /** All categories, in the order of their columns; or how many there are, to be learnt by `fit`. */
  readonly categories: number | readonly Label[];
}

/** A column of categories: column i of theirs is 1 for `categories[i]`, and 0 otherwise. */
export interface CategoryColumn {
  /** How many columns; unused ones are always 0. */
  readonly count: number;
  readonly categories: readonly Label[];
}

/**
 * Makes a column of categories as many columns of 0 and 1, at its place among the others. It stands
 * for one column of inputs: `preprocess: { x: [oneHot(['red', 'green']), standardScaler()] }`. Rows
 * then hold the categories themselves: text, numbers or booleans. One that is not known is refused.
 *
 * @param categories all of them, in the order of their columns; or how many there are at most, and
 *   the first `fit` learns which from its training rows, in ascending order
 */
export function oneHot(categories: number | readonly Label[]): OneHotSpec {
  return { type: 'oneHot', categories };
}

export type Entry = ScalerSpec | OneHotSpec | null;

export const isOneHot = (entry: Entry | undefined): entry is OneHotSpec => entry?.type === 'oneHot';

export const entryAt = (scaling: Encoding, column: number): Entry | undefined =>
  Array.isArray(scaling) ? scaling[column] : (scaling as Entry);

export const widthOf = (categories: number | readonly Label[]) =>
  typeof categories === 'number' ? categories : categories.length;

export function checkOneHot(spec: OneHotSpec, where: string): void {
  onlyKeys(spec, ['type', 'categories'], where);
  const { categories } = spec;
  if (!Array.isArray(categories)) {
    if (typeof categories !== 'number') {
      throw new TypeError(
        `${where}: categories: expected their list, or how many there are, got ${show(categories)}`,
      );
    }
    wholeNumber(categories, `${where}: categories`);
    return;
  }
  if (categories.length === 0) throw new RangeError(`${where}: categories: expected at least one`);
  checkCategories(categories, where);
}

/** Refuses what are no categories, and those that come twice. */
function checkCategories(categories: readonly unknown[], where: string): void {
  const met = new Set<unknown>();
  categories.forEach((label, i) => {
    checkCategory(label, `${where}: categories[${i}]`);
    if (met.has(label)) throw new RangeError(`${where}: categories: ${show(label)} comes twice`);
    met.add(label);
  });
}

/** Refuses what cannot have been learnt of a column that is encoded so. */
export function checkLearnt(column: unknown, { categories }: OneHotSpec, where: string): void {
  onlyKeys(column, ['count', 'categories'], where);
  const learnt = column as Partial<CategoryColumn>;
  const count = widthOf(categories);
  if (learnt.count !== count) {
    throw new RangeError(`${where}: count: expected ${count}, got ${show(learnt.count)}`);
  }
  const list: unknown = learnt.categories;
  if (!Array.isArray(list) || list.length > count) {
    throw new RangeError(`${where}: categories: expected at most ${count}, got ${show(list)}`);
  }
  checkCategories(list, where);
  if (typeof categories === 'number') return;
  const other = categories.findIndex((label, i) => label !== list[i]);
  if (other >= 0) {
    throw new RangeError(
      `${where}: categories[${other}]: expected ${show(categories[other])}, as the spec has it, got ${show(list[other])}`,
    );
  }
}

function checkCategory(label: unknown, where: string): asserts label is Label {
  const finite = typeof label === 'number' && Number.isFinite(label);
  if (finite || typeof label === 'string' || typeof label === 'boolean') return;
  throw new TypeError(
    `${where}: expected a category, which is text, a finite number or a boolean, got ${show(label)}`,
  );
}

/** The columns that hold categories; undefined where none does. */
export function categoryColumns(
  scaling: Encoding,
  columns: number,
): readonly (OneHotSpec | undefined)[] | undefined {
  const all = Array.from({ length: columns }, (_, c) => {
    const entry = entryAt(scaling, c);
    return isOneHot(entry) ? entry : undefined;
  });
  return all.some((spec) => spec) ? all : undefined;
}

/** Rows of which some columns hold categories, as their places in lists. */
export interface CategoricalRows extends DenseRows {
  /** The lists of columns whose categories are not known yet: those met, in the order of meeting. */
  readonly met?: readonly (readonly Label[] | undefined)[];
}

const unknownCategory = (label: Label, categories: readonly Label[]) =>
  `${show(label)} is none of the categories known: ${categories.map(show).join(', ')}; ` +
  'train on rows that have it, or list all with oneHot([…])';

/**
 * Puts places in lists where rows have categories, so that what is left are rows of numbers.
 *
 * @param fitted what has been learnt, if it has been
 * @param read reads rows of numbers
 */
export function readCategories(
  x: unknown,
  scaling: Encoding,
  columns: number,
  fitted: readonly FittedColumn[] | undefined,
  where: string,
  read: (rows: unknown) => DenseRows,
): CategoricalRows {
  const specs = categoryColumns(scaling, columns);
  if (!specs) return read(x);
  const lists = specs.map((spec, c) => {
    if (!spec) return undefined;
    const column = fitted?.[c];
    const learnt = column && 'categories' in column ? column.categories : undefined;
    const given = learnt ?? (typeof spec.categories === 'number' ? undefined : spec.categories);
    return { open: !given, labels: [...(given ?? [])], places: placesOf(given ?? []) };
  });
  const place = (value: unknown, row: number, c: number) => {
    const list = lists[c];
    if (!list) return value;
    checkCategory(value, `${where}: row ${row}, column ${c}`);
    const known = list.places.get(value);
    if (known !== undefined) return known;
    if (!list.open) {
      throw new RangeError(
        `${where}: row ${row}, column ${c}: ${unknownCategory(value, list.labels)}`,
      );
    }
    list.places.set(value, list.labels.length);
    return list.labels.push(value) - 1;
  };
  const isList = (value: unknown): value is ArrayLike<unknown> =>
    Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
  // What is no row of the right width is left for `read` to refuse.
  const replaced = (row: unknown, r: number) =>
    isList(row) && row.length === columns ? Array.from(row, (value, c) => place(value, r, c)) : row;
  let rows: unknown = x;
  if (Array.isArray(x) && x.length > 0) {
    const single = !isList(x[0]);
    const list = single ? (columns === 1 ? x.map((value: unknown) => [value]) : [x]) : x;
    rows = list.map(replaced);
  } else if (isList(x) && x.length % columns === 0) {
    rows = Float32Array.from(
      x,
      (value, i) => place(value, Math.floor(i / columns), i % columns) as number,
    );
  }
  return { ...read(rows), met: lists.map((list) => (list?.open ? list.labels : undefined)) };
}

const placesOf = (labels: readonly Label[]) => new Map(labels.map((label, i) => [label, i]));

/** Numbers by size, then text in the order of its characters, then false and true. */
function ascending(a: Label, b: Label): number {
  if (typeof a === typeof b) return a < b ? -1 : a > b ? 1 : 0;
  const order = ['number', 'string', 'boolean'];
  return order.indexOf(typeof a) - order.indexOf(typeof b);
}

/** The categories that some rows have in a column, as many as there may be. */
export function learnCategories(
  { values, met }: CategoricalRows,
  width: number,
  c: number,
  rows: Int32Array,
  { categories }: OneHotSpec,
): CategoryColumn {
  const count = widthOf(categories);
  if (typeof categories !== 'number') return { count, categories };
  const list = met![c]!;
  const found = new Set<Label>();
  for (const row of rows) found.add(list[values[row * width + c]!]!);
  const learnt = [...found].sort(ascending);
  if (learnt.length > count) {
    const names = learnt.slice(0, 12).map(show).join(', ');
    throw new RangeError(
      `preprocess.x: column ${c}: oneHot(${count}) is for at most ${count} categories, and the training rows have ${learnt.length}: ${names}${learnt.length > 12 ? ', …' : ''}`,
    );
  }
  return { count, categories: learnt };
}

/** Rows that were read before anything was known, with places among the categories learnt. */
export function placeCategories(
  data: CategoricalRows,
  columns: readonly FittedColumn[],
  where: string,
): DenseRows {
  const { met, rows } = data;
  if (!met?.some((list) => list)) return data;
  const values = data.values.slice();
  const width = columns.length;
  columns.forEach((column, c) => {
    const list = met[c];
    if (!list || !('categories' in column)) return;
    const places = placesOf(column.categories);
    for (let r = 0; r < rows; r++) {
      const label = list[values[r * width + c]!]!;
      const known = places.get(label);
      if (known === undefined) {
        throw new RangeError(
          `${where}: row ${r}, column ${c}: ${unknownCategory(label, column.categories)}`,
        );
      }
      values[r * width + c] = known;
    }
  });
  return { values, rows };
}
