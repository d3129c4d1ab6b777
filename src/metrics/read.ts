import { show } from '../checks.js';
import type { Label, Rows } from '../data.js';
import { ShapeError } from '../errors.js';

/* What the functions of metrics are given: labels, and rows of numbers, in float64. */

/** A list that is an array of any kind. */
export function readList(value: unknown, where: string): ArrayLike<unknown> {
  if (Array.isArray(value)) return value;
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    return value as unknown as ArrayLike<unknown>;
  }
  throw new TypeError(`${where}: expected an array, got ${show(value)}`);
}

/** Ascending: numbers by size, then text in the order of its characters, then false and true. */
function compareLabels(a: Label, b: Label): number {
  if (typeof a !== typeof b) {
    const order = ['number', 'string', 'boolean'];
    return order.indexOf(typeof a) - order.indexOf(typeof b);
  }
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The distinct labels of some lists, in ascending order. */
export function distinct(...lists: readonly ArrayLike<unknown>[]): Label[] {
  const all = new Set<Label>();
  for (const list of lists) for (let i = 0; i < list.length; i++) all.add(list[i] as Label);
  return [...all].sort(compareLabels);
}

/** Labels, checked. */
export function readLabels(value: unknown, where: string): ArrayLike<Label> {
  const list = readList(value, where);
  for (let i = 0; i < list.length; i++) {
    const label = list[i];
    const is = typeof label;
    if (is === 'string' || is === 'boolean' || (is === 'number' && !Number.isNaN(label))) continue;
    throw new TypeError(
      `${where}: row ${i}: expected a label, which is text, a number or a boolean, got ${show(label)}`,
    );
  }
  return list as ArrayLike<Label>;
}

/** Names of classes, no two the same. */
export function readClasses(value: unknown): Label[] {
  const classes = Array.from(readLabels(value, 'classes'));
  const twice = classes.find((label, i) => classes.indexOf(label) !== i);
  if (twice !== undefined) throw new RangeError(`classes: ${show(twice)} comes twice`);
  return classes;
}

/** Labels as places among `classes`. */
export function indicesOf(
  labels: ArrayLike<Label>,
  classes: readonly Label[],
  where: string,
): Int32Array {
  const places = new Map(classes.map((label, i) => [label, i]));
  return Int32Array.from(labels, (label, i) => {
    const place = places.get(label);
    if (place !== undefined) return place;
    throw new RangeError(
      `${where}: row ${i}: ${show(label)} is none of the classes: ${classes.map(show).join(', ')}`,
    );
  });
}

export function matchLength(count: number, expected: number, where: string, other: string): void {
  if (count === expected) return;
  throw new ShapeError(
    `${where}: expected ${expected} rows, as many as ${other} has, got ${count}`,
  );
}

/**
 * Rows of numbers as one dense array.
 *
 * @param rows how many a flat array holds; a number a row if left out
 */
export function readNumbers(
  value: Rows,
  where: string,
  rows?: number,
): { values: Float64Array; width: number } {
  const list = readList(value, where);
  const first = list[0];
  if (typeof first === 'object' && first !== null) {
    const inner = Array.from(list as ArrayLike<unknown>, (row, r) => {
      const { values } = readNumbers(row as Rows, `${where}: row ${r}`);
      return values;
    });
    const width = inner[0]!.length;
    const values = new Float64Array(inner.length * width);
    inner.forEach((row, r) => {
      if (row.length !== width) {
        throw new ShapeError(
          `${where}: row ${r}: expected ${width} numbers as in row 0, got ${row.length}`,
        );
      }
      values.set(row, r * width);
    });
    return { values, width };
  }
  const values = Float64Array.from(list as ArrayLike<unknown>, (number, i) => {
    if (typeof number === 'number') return number;
    throw new TypeError(`${where}: element ${i}: expected a number, got ${show(number)}`);
  });
  if (rows === undefined || rows === 0) return { values, width: 1 };
  if (values.length % rows !== 0) {
    throw new ShapeError(
      `${where}: expected a whole number of scores for each of ${rows} rows, got ${values.length} numbers`,
    );
  }
  return { values, width: values.length / rows };
}
