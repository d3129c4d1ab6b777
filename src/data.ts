import { hint, largestFloat, show } from './checks.js';
import { ShapeError } from './errors.js';
import { allFinite } from './finite.js';
import { type Shape, sizeOf } from './tensor.js';

/** Arrays of numbers with a fixed element type. */
export type NumberArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array;

/** Nested arrays; the innermost may be typed. */
export type NestedNumbers = readonly number[] | readonly NumberArray[] | readonly NestedNumbers[];

/** The name of a class or of a category. */
export type Label = string | number | boolean;

/** Rows of numbers: one flat row-major array, or nested arrays of the depth of one row or one more. */
export type Rows = NumberArray | NestedNumbers;

/** Rows of inputs, which may hold categories in the columns that `oneHot` stands for. */
export type InputRows = Rows | readonly Label[] | readonly (readonly Label[] | NumberArray)[];

/** What a network is to learn: rows of numbers, or one label a row. */
export type Targets = Rows | readonly Label[];

/** Rows as one dense array. It may be the user's own: it is never written. */
export interface DenseRows {
  readonly values: Float32Array;
  readonly rows: number;
}

function isNumberArray(value: unknown): value is NumberArray {
  if (!ArrayBuffer.isView(value) || value instanceof DataView) return false;
  return typeof (value as unknown as ArrayLike<unknown>)[0] !== 'bigint';
}

/** All numbers of a row of any depth, in order. */
const numbersOf = (row: unknown): unknown[] =>
  Array.isArray(row) ? row.flatMap(numbersOf) : isNumberArray(row) ? Array.from(row) : [row];

/**
 * Refuses the first number that is not finite, or not as a float32.
 *
 * @param given the number at a row and a column, as it came
 */
function checkFinite(
  values: Float32Array,
  width: number,
  where: string,
  given: (row: number, column: number) => unknown,
): void {
  if (allFinite(values)) return;
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) continue;
    const row = Math.floor(i / width);
    const column = i - row * width;
    const came = given(row, column);
    const problem =
      typeof came === 'number' && Number.isFinite(came)
        ? `${came} is beyond the range of float32, ±${largestFloat.toPrecision(3)}`
        : `expected a finite number, got ${show(came)}`;
    throw new RangeError(`${where}: row ${row}, column ${column}: ${problem}`);
  }
}

/** How deep arrays are nested, along their first elements. */
function depthOf(value: unknown): number {
  if (isNumberArray(value)) return 1;
  return Array.isArray(value) ? 1 + (value.length === 0 ? 0 : depthOf(value[0])) : 0;
}

/** Copies one row of any depth into `out`; arrays must have the sizes in `shape`. */
function copyRow(
  row: unknown,
  shape: Shape,
  out: Float32Array,
  at: number,
  name: () => string,
): void {
  const size = sizeOf(shape);
  if (isNumberArray(row)) {
    if (row.length !== size) {
      throw new ShapeError(`${name()}: expected rows of ${size} numbers, got ${row.length}`);
    }
    out.set(row, at);
    return;
  }
  if (!Array.isArray(row)) {
    throw new TypeError(`${name()}: expected an array of ${shape[0]} numbers, got ${show(row)}`);
  }
  if (row.length !== shape[0]) {
    const what = shape.length === 1 ? 'rows of' : 'arrays of';
    throw new ShapeError(`${name()}: expected ${what} ${shape[0]} numbers, got ${row.length}`);
  }
  if (shape.length > 1) {
    const inner = shape.slice(1);
    for (let i = 0; i < row.length; i++) copyRow(row[i], inner, out, at + i * sizeOf(inner), name);
    return;
  }
  for (let i = 0; i < row.length; i++) {
    const value: unknown = row[i];
    if (typeof value !== 'number') {
      throw new TypeError(`${name()}, column ${i}: expected a number, got ${show(value)}`);
    }
    out[at + i] = value;
  }
}

/**
 * Rows of numbers as one dense array.
 *
 * @param shape of one row
 * @param where names the argument in messages
 * @throws TypeError for what are no numbers, ShapeError for ragged rows and wrong widths, RangeError
 *   for no rows, and for numbers that are not finite
 */
export function readRows(data: unknown, shape: Shape, where: string): DenseRows {
  const width = sizeOf(shape);
  if (isNumberArray(data)) {
    if (data.length === 0) throw new RangeError(`${where}: expected at least one row, got none`);
    if (data.length % width !== 0) {
      throw new ShapeError(
        `${where}: expected rows of ${width} numbers, got ${data.length} numbers, which is not a whole number of rows`,
      );
    }
    const values = data instanceof Float32Array ? data : Float32Array.from(data);
    checkFinite(values, width, where, (row, column) => data[row * width + column]);
    return { values, rows: data.length / width };
  }
  if (!Array.isArray(data)) {
    throw new TypeError(
      `${where}: expected an array of rows of ${width} numbers, got ${show(data)}`,
    );
  }
  if (data.length === 0) throw new RangeError(`${where}: expected at least one row, got none`);
  const depth = depthOf(data);
  // Single numbers are rows of one, and an array of the depth of one row is one row.
  const bare = depth === 1 && width === 1;
  const list: readonly unknown[] = bare
    ? data.map((value) => [value])
    : depth === shape.length
      ? [data]
      : data;
  const rowShape = bare ? [1] : shape;
  const values = new Float32Array(list.length * width);
  list.forEach((row, r) => {
    copyRow(row, rowShape, values, r * width, () => `${where}: row ${r}`);
  });
  checkFinite(values, width, where, (row, column) => numbersOf(list[row])[column]);
  return { values, rows: list.length };
}

/** Whether targets are names of classes and not numbers. */
export function areNames(y: unknown): y is readonly Label[] {
  return Array.isArray(y) && (typeof y[0] === 'string' || typeof y[0] === 'boolean');
}

/** The classes among names of classes, in ascending order. */
export function learnClasses(y: readonly Label[], count: number, where: string): readonly Label[] {
  const classes = [...new Set(y)].sort((a, b) => (a < b ? -1 : 1));
  if (classes.length !== count) {
    const list = classes.slice(0, 8).map(show).join(', ');
    throw new RangeError(
      `${where}: expected ${count} classes, as many as the network tells apart, got ${classes.length}: ${list}; ` +
        'name them all with the option `classes` if some do not occur',
    );
  }
  return classes;
}

/** Lists of lists, however deep, as one list. */
export const flattened = (list: ArrayLike<unknown>): ArrayLike<unknown> =>
  Array.isArray(list)
    ? list.flatMap((item) =>
        isNumberArray(item) || Array.isArray(item) ? Array.from(flattened(item)) : [item],
      )
    : list;

/** One class index a row, or one for each of its positions. */
export function readLabels(
  y: unknown,
  count: number,
  classes: readonly Label[] | undefined,
  where: string,
  positions = 1,
): DenseRows {
  const given = isNumberArray(y) || Array.isArray(y) ? (y as ArrayLike<unknown>) : undefined;
  if (!given) throw new TypeError(`${where}: expected an array of class labels, got ${show(y)}`);
  const list = positions > 1 ? flattened(given) : given;
  if (list.length === 0) throw new RangeError(`${where}: expected at least one row, got none`);
  if (list.length % positions !== 0) {
    throw new ShapeError(
      `${where}: expected ${positions} class labels a row, one for each position, got ${list.length} in all`,
    );
  }
  const place = (i: number) =>
    positions > 1
      ? `${where}: row ${Math.floor(i / positions)}, position ${i % positions}`
      : `${where}: row ${i}`;
  const indices = classes && new Map(classes.map((label, i) => [label, i]));
  const values = new Float32Array(list.length);
  for (let r = 0; r < list.length; r++) {
    const given = list[r];
    const label: unknown = Array.isArray(given) && given.length === 1 ? given[0] : given;
    if (indices) {
      const index = indices.get(label as Label);
      if (index === undefined) {
        const names = classes.map(String);
        throw new RangeError(
          `${place(r)}: ${show(label)} is none of the ${names.length} classes; ${hint(String(label), names)}`,
        );
      }
      values[r] = index;
      continue;
    }
    if (typeof label !== 'number') {
      const remedy = Array.isArray(label)
        ? '; for one row of probabilities each, use categoricalCrossentropy'
        : '';
      throw new TypeError(
        `${place(r)}: expected a class index from 0 to ${count - 1}, got ${show(label)}${remedy}`,
      );
    }
    if (!Number.isInteger(label) || label < 0 || label >= count) {
      throw new RangeError(
        `${place(r)}: expected a class index from 0 to ${count - 1}, got ${label}`,
      );
    }
    values[r] = label;
  }
  return { values, rows: list.length / positions };
}

/** Rows of numbers of which the network takes only some: `expected` says which. */
function readWithin(
  y: unknown,
  shape: Shape,
  where: string,
  isRight: (value: number) => boolean,
  expected: string,
): DenseRows {
  const dense = readRows(y, shape, where);
  const width = sizeOf(shape);
  for (let i = 0; i < dense.values.length; i++) {
    const value = dense.values[i]!;
    if (isRight(value)) continue;
    const row = Math.floor(i / width);
    throw new RangeError(
      `${where}: row ${row}, column ${i - row * width}: expected ${expected}, got ${value}`,
    );
  }
  return dense;
}

/** Places in a list of `count`. */
export const readIndices = (x: unknown, shape: Shape, count: number, where: string): DenseRows =>
  readWithin(x, shape, where, (value) => isIndex(value, count), indexBelow(count));

/** Whether a number is a place in a list of `count`, and what is said of one that is not. */
export const isIndex = (value: number, count: number): boolean =>
  Number.isInteger(value) && value >= 0 && value < count;
export const indexBelow = (count: number): string => `a whole number from 0 to ${count - 1}`;

/** One count an output. */
export const readCounts = (y: unknown, shape: Shape, where: string): DenseRows =>
  readWithin(y, shape, where, (count) => count >= 0, 'a count of at least 0');

/** −1 or 1 an output, where 0 is another way to write −1. Names of two classes are −1 and 1. */
export function readSigns(
  y: unknown,
  shape: Shape,
  classes: readonly Label[] | undefined,
  where: string,
): DenseRows {
  const isSign = (value: number) => value === 0 || value * value === 1;
  const { values, rows } =
    namesOfTwo(y, shape, classes, where) ??
    readWithin(y, shape, where, isSign, '−1 or 1 (0 stands for −1)');
  return { values: values.map((value) => value || -1), rows };
}

/** For a single output, names of two classes as 0 and 1. */
function namesOfTwo(
  y: unknown,
  shape: Shape,
  classes: readonly Label[] | undefined,
  where: string,
): DenseRows | undefined {
  if (sizeOf(shape) > 1 || (!areNames(y) && !classes)) return undefined;
  return readLabels(y, 2, classes, where);
}

/** One probability an output. For a single output, names of two classes are 0 and 1. */
export function readProbabilities(
  y: unknown,
  shape: Shape,
  classes: readonly Label[] | undefined,
  where: string,
): DenseRows {
  const outputs = sizeOf(shape);
  const flat = namesOfTwo(y, shape, classes, where);
  if (
    !flat &&
    outputs > 1 &&
    Array.isArray(y) &&
    typeof y[0] === 'number' &&
    y.length !== outputs
  ) {
    throw new ShapeError(
      `${where}: expected rows of ${outputs} probabilities, got single numbers; for class indices, use sparseCategoricalCrossentropy`,
    );
  }
  const isProbability = (p: number) => p >= 0 && p <= 1;
  return flat ?? readWithin(y, shape, where, isProbability, 'a probability from 0 to 1');
}

/**
 * Which rows are held out for validation: a share of each class, by largest remainders, drawn by
 * the random numbers given. A class of one row stays in training.
 *
 * @param labels the class of each row; all the same where there are no classes
 * @returns both parts in ascending order
 */
export function stratifiedSplit(
  labels: ArrayLike<number>,
  share: number,
  random: { shuffle(list: Int32Array): void },
): { training: Int32Array; held: Int32Array } {
  const counts = new Map<number, number>();
  for (let r = 0; r < labels.length; r++) counts.set(labels[r]!, (counts.get(labels[r]!) ?? 0) + 1);
  const wanted = Math.round(labels.length * share);
  const parts = [...counts.entries()]
    .sort(([a], [b]) => a - b)
    .map(([label, size]) => ({
      label,
      rows: new Int32Array(size),
      quota: size < 2 ? 0 : size * share,
      count: 0,
    }));
  const places = new Map(parts.map(({ label, rows }) => [label, { rows, filled: 0 }]));
  for (let r = 0; r < labels.length; r++) {
    const group = places.get(labels[r]!)!;
    group.rows[group.filled++] = r;
  }
  let missing = wanted;
  for (const part of parts) missing -= part.count = Math.floor(part.quota);
  const byRemainder = [...parts].sort((a, b) => b.quota - b.count - (a.quota - a.count));
  for (const part of byRemainder) {
    if (missing <= 0) break;
    if (part.count + 1 >= part.rows.length) continue;
    part.count++;
    missing--;
  }
  const taken = parts.reduce((sum, { count }) => sum + count, 0);
  // A mark a row, and not lists of rows to sort: there may be many millions.
  const marks = new Uint8Array(labels.length);
  for (const { rows, count } of parts) {
    random.shuffle(rows);
    for (let i = 0; i < count; i++) marks[rows[i]!] = 1;
  }
  const held = new Int32Array(taken);
  const training = new Int32Array(labels.length - taken);
  let h = 0;
  for (let r = 0; r < marks.length; r++) {
    if (marks[r]) held[h++] = r;
    else training[r - h] = r;
  }
  return { training, held };
}
