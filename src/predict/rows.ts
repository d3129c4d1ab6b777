import { show } from '../checks.js';
import { ShapeError } from '../errors.js';
import type { FittedColumn } from '../scalers.js';
import { type Shape, sizeOf } from '../tensor.js';

const isList = (value: unknown): value is ArrayLike<unknown> =>
  Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));

/** How deep arrays are nested, along their first elements. */
const depthOf = (value: unknown): number => (isList(value) ? 1 + depthOf(value[0]) : 0);

/** Appends the values of one row of any depth; typed arrays may be flat. */
function collect(row: unknown, shape: Shape, where: string, out: unknown[]): void {
  const [size, ...inner] = Array.isArray(row) ? shape : [sizeOf(shape)];
  if (!isList(row) || row.length !== size) {
    const got = isList(row) ? row.length : show(row);
    throw new ShapeError(`${where}: expected rows of ${size} values, got ${got}`);
  }
  for (let i = 0; i < size; i++) {
    if (inner.length > 0) collect(row[i], inner, where, out);
    else out.push(row[i]);
  }
}

/** All values of one row or many, one behind the other. */
export function readValues(x: unknown, shape: Shape): ArrayLike<unknown> {
  const width = sizeOf(shape);
  if (!isList(x)) throw new TypeError(`x: expected an array of rows, got ${show(x)}`);
  if (x.length === 0) throw new RangeError('x: expected at least one row, got none');
  if (!Array.isArray(x)) {
    if (x.length % width === 0) return x;
    throw new ShapeError(`x: expected rows of ${width} numbers, got ${x.length} numbers`);
  }
  const depth = depthOf(x);
  if (depth === 1 && width === 1) return x;
  const out: unknown[] = [];
  (depth === shape.length ? [x] : x).forEach((row, r) => {
    collect(row, shape, `x: row ${r}`, out);
  });
  return out;
}

/** What is done to a column: scaling, or a place among categories for each value. */
export type Column = FittedColumn & { readonly places?: ReadonlyMap<unknown, number> };

/** Rows as the first layer takes them, dense. `columns`: what is done to them, if anything. */
export function encodeRows(
  values: ArrayLike<unknown>,
  width: number,
  columns: readonly Column[] | undefined,
  encodedWidth: number,
): Float32Array {
  const out = new Float32Array((values.length / width) * encodedWidth);
  const placeOf = (i: number) => `x: row ${Math.floor(i / width)}, column ${i % width}`;
  for (let i = 0, to = 0; i < values.length; i++) {
    const value = values[i];
    const column = columns?.[i % width];
    if (column && 'count' in column) {
      const place = column.places!.get(value);
      if (place === undefined) {
        throw new RangeError(
          `${placeOf(i)}: ${show(value)} is none of the categories known: ${column.categories.map(show).join(', ')}`,
        );
      }
      out[to + place] = 1;
      to += column.count;
      continue;
    }
    if (typeof value !== 'number') {
      throw new TypeError(`${placeOf(i)}: expected a number, got ${show(value)}`);
    }
    const number = Math.fround(value);
    if (!Number.isFinite(number)) {
      throw new RangeError(`${placeOf(i)}: expected a finite number, got ${value}`);
    }
    out[to++] = column ? (number - column.center) / column.scale : number;
  }
  return out;
}
