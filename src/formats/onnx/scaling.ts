import type { FittedColumn } from '../../scalers.js';
import { sizeOf } from '../../tensor.js';
import { mostColumns } from '../bounds.js';
import type { NodeReader } from './node.js';
import type { Rows } from './rows.js';

/** What inputs or outputs are scaled by, one step after another, the last one first. */
export interface Scaling {
  readonly by: 'center' | 'scale';
  /** One number for each column, or one for all. */
  readonly numbers: Float32Array;
  readonly before: Scaling | undefined;
  readonly steps: number;
}

/** Steps of scaling that are one scaler. */
const mostSteps = 8;

/** One step more, by the constant that is an input of a node. */
export function scaleBy(
  node: NodeReader,
  input: number,
  rows: Rows,
  by: Scaling['by'],
  before: Scaling | undefined,
): Scaling {
  const size = sizeOf(rows.shape);
  if (size > mostColumns) node.fail(`scales ${size} columns, more than ${mostColumns}`);
  const steps = (before?.steps ?? 0) + 1;
  if (steps > mostSteps) node.fail(`scales again and again, more than ${mostSteps} times`);
  return { by, numbers: node.perColumn(input, rows), before, steps };
}

function inOrder(scaling: Scaling): Scaling[] {
  const steps: Scaling[] = [];
  for (let step: Scaling | undefined = scaling; step; step = step.before) steps.push(step);
  return steps.reverse();
}

/** The columns of a scaler that does what these steps do. */
function columnsOf(
  scaling: Scaling,
  { shape }: Rows,
  move: (column: { center: number; scale: number }, by: Scaling['by'], number: number) => void,
): FittedColumn[] {
  const columns = Array.from({ length: sizeOf(shape) }, () => ({ center: 0, scale: 1 }));
  for (const { by, numbers } of inOrder(scaling)) {
    columns.forEach((column, c) => {
      move(column, by, numbers[numbers.length === 1 ? 0 : c]!);
    });
  }
  return columns;
}

/** Inputs: (x − center) / scale, by subtracting and dividing. */
export const inputColumns = (scaling: Scaling, rows: Rows) =>
  columnsOf(scaling, rows, (column, by, number) => {
    if (by === 'scale') column.scale *= number;
    else column.center += number * column.scale;
  });

/** Outputs: y · scale + center, by multiplying and adding. */
export const outputColumns = (scaling: Scaling, rows: Rows) =>
  columnsOf(scaling, rows, (column, by, number) => {
    if (by === 'center') column.center += number;
    else {
      column.scale *= number;
      column.center *= number;
    }
  });
