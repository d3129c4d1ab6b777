import type { OneHotSpec } from '../../categories.js';
import type { Label } from '../../data.js';
import type { FittedColumn, ScalerSpec } from '../../scalers.js';
import { sizeOf } from '../../tensor.js';
import { mostColumns } from '../bounds.js';
import type { Json } from '../json.js';
import type { NodeReader } from './node.js';
import type { Rows } from './rows.js';
import { inputColumns } from './scaling.js';

/*
 * Categories in a graph: columns are cut out of the inputs, become whole numbers, one-hot rows, and are
 * put together again in their order. That is the encoding of a network's inputs, which comes before
 * all layers.
 */

/** Some columns of the inputs on their way to be encoded. */
export interface Piece {
  readonly of: Rows;
  /** The first column, and the first behind the last. */
  readonly from: number;
  readonly to: number;
  /** As they are, as whole numbers, or as one-hot rows of `count` columns. */
  readonly form: 'columns' | 'codes' | 'oneHot';
  readonly count: number;
}

/** The inputs, encoded, or as much of them as this piece is. */
export function settled(node: NodeReader, piece: Piece): Rows | Piece {
  const { of, from, to } = piece;
  return from === 0 && to === of.shape[0] ? joined(node, [piece]) : piece;
}

/** Pieces put together in the order of the columns. */
export function joined(node: NodeReader, pieces: readonly Piece[]): Rows {
  const { of } = pieces[0]!;
  let next = 0;
  for (const piece of pieces) {
    if (piece.of !== of || piece.from !== next || piece.form === 'codes') {
      node.fail('expected the columns of the inputs, all of them and in their order');
    }
    next = piece.to;
  }
  if (next !== of.shape[0]) node.fail(`expected ${of.shape[0]} columns, got ${next}`);
  const width = pieces.reduce((sum, { count }) => sum + count, 0);
  if (width > mostColumns) node.fail(`makes ${width} columns, more than ${mostColumns}`);
  return { shape: [width], depth: 0, from: undefined, encoded: { of, pieces } };
}

/** What is done to inputs before the first layer, as a spec has it and as it has been learnt. */
export interface InputEncoding {
  readonly x: readonly (ScalerSpec | OneHotSpec | null)[];
  readonly columns: readonly FittedColumn[];
}

/** @param lists for each column its categories, or null: as `toOnnx` writes them, if it did */
export function encodingOf(
  { of, pieces }: NonNullable<Rows['encoded']>,
  lists: Json | undefined,
): InputEncoding {
  const all = Array.from({ length: sizeOf(of.shape) }, () => ({ center: 0, scale: 1 }));
  const columns: FittedColumn[] = of.scaling ? inputColumns(of.scaling, of) : all;
  for (const { form, from, count } of pieces) {
    if (form !== 'oneHot') continue;
    const list = Array.isArray(lists) ? (lists[from] as Json) : undefined;
    const places = () => Array.from({ length: count }, (_, code) => code);
    // What are no categories is refused with the rest of the snapshot.
    columns[from] = { count, categories: (list ?? places()) as Label[] };
  }
  const x = columns.map((column) => {
    if ('count' in column) return { type: 'oneHot', categories: column.count } as const;
    const moved = column.center !== 0 || column.scale !== 1;
    return moved ? ({ type: 'standardScaler' } as const) : null;
  });
  return { x, columns };
}
