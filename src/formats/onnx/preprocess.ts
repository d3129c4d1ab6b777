import type { CategoryColumn } from '../../categories.js';
import type { FittedColumn } from '../../scalers.js';
import type { Shape } from '../../tensor.js';
import { type GraphBuilder, int } from './graph.js';

const isCategory = (column: FittedColumn): column is CategoryColumn => 'categories' in column;

/**
 * (x − center) / scale as Sub and Div. A center has more digits than a float32: where they count, what
 * is left of it is subtracted as well, so that a column far from 0 keeps its digits.
 */
function scale(
  columns: readonly FittedColumn[],
  shape: Shape,
  x: string,
  build: GraphBuilder,
): string {
  const centers = columns.map((column) => (isCategory(column) ? 0 : column.center));
  const scales = columns.map((column) => (isCategory(column) ? 1 : column.scale));
  const row = [1, ...shape];
  let y = x;
  if (centers.some((center) => center !== 0)) {
    const high = Float32Array.from(centers);
    const low = Float32Array.from(centers, (center, c) => center - high[c]!);
    y = build.node('Sub', [y, build.floats('center', high, row)]);
    if (low.some((rest) => rest !== 0)) {
      y = build.node('Sub', [y, build.floats('center.rest', low, row)]);
    }
  }
  if (scales.every((factor) => factor === 1)) return y;
  return build.node('Div', [y, build.floats('scale', Float32Array.from(scales), row)]);
}

/** Runs of columns of numbers as they are, columns of codes as OneHot, side by side in their order. */
function encode(columns: readonly FittedColumn[], x: string, build: GraphBuilder): string {
  const axis = build.ints('axis', [1], [1]);
  const slice = (from: number, to: number) =>
    build.node('Slice', [x, build.ints('from', [from], [1]), build.ints('to', [to], [1]), axis]);
  const parts: string[] = [];
  for (let c = 0; c < columns.length; ) {
    const column = columns[c]!;
    if (!isCategory(column)) {
      const from = c;
      while (c < columns.length && !isCategory(columns[c]!)) c++;
      parts.push(slice(from, c));
      continue;
    }
    const places = build.node('Cast', [slice(c, c + 1)], { to: int(7) });
    const depth = build.ints('depth', [column.count], []);
    const offAndOn = build.floats('off and on', Float32Array.of(0, 1), [2]);
    const wide = build.node('OneHot', [places, depth, offAndOn], { axis: int(-1) });
    const row = build.ints('row', [0, column.count], [2]);
    parts.push(build.node('Reshape', [wide, row]));
    c++;
  }
  return parts.length === 1 ? parts[0]! : build.node('Concat', parts, { axis: int(1) });
}

/** What is done to rows before the first layer. */
export function exportInputs(
  columns: readonly FittedColumn[],
  shape: Shape,
  x: string,
  build: GraphBuilder,
): string {
  build.scope = 'preprocess.x';
  const scaled = scale(columns, shape, x, build);
  return columns.some(isCategory) ? encode(columns, scaled, build) : scaled;
}

/** Outputs back in their own units, y · scale + center, as Mul and Add. */
export function exportOutputs(
  columns: readonly FittedColumn[],
  shape: Shape,
  y: string,
  build: GraphBuilder,
): string {
  build.scope = 'preprocess.y';
  const scaled = columns as readonly { readonly center: number; readonly scale: number }[];
  const constant = (name: 'center' | 'scale') =>
    build.floats(
      name,
      Float32Array.from(scaled, (column) => column[name]),
      [1, ...shape],
    );
  return build.node('Add', [build.node('Mul', [y, constant('scale')]), constant('center')]);
}
