import { joined, type Piece, settled } from '../encoding.js';
import { isPiece, isRows, type NodeReader, type Operator } from '../node.js';
import { placesOf } from '../rows.js';
import { elementTypes } from '../schema.js';

/** A constant that is one whole number. */
function whole(node: NodeReader, i: number, otherwise?: number): number {
  const { values } = node.constant(i) ?? {};
  const number = values === undefined ? otherwise : values[0];
  if (values && values.length !== 1) node.fail(`input ${i}: expected one number`);
  return Number.isSafeInteger(number)
    ? number!
    : node.fail(`input ${i}: expected a whole number, got ${number}`);
}

/** Columns of the inputs. */
const slice: Operator = (node) => {
  const of = node.flatRows(0);
  if (of.from || of.encoded) node.fail('takes columns out of rows, which no layer does');
  const width = of.shape[0]!;
  const axis = whole(node, 3, 0);
  if (axis !== 1 && axis !== -1) node.fail(`axes: expected 1, or −1, got ${axis}`);
  if (whole(node, 4, 1) !== 1) node.fail('steps: expected 1');
  const place = (i: number) => {
    const given = whole(node, i);
    return Math.max(0, Math.min(width, given < 0 ? given + width : given));
  };
  const [from, to] = [place(1), place(2)];
  if (to <= from) node.fail(`expected at least one column, got those from ${from} to ${to}`);
  return { of, from, to, form: 'columns', count: to - from } satisfies Piece;
};

const cast: Operator = (node) => {
  const x = node.input(0);
  const to = node.int('to', 0);
  const floats = to === elementTypes.float || to === elementTypes.double;
  if (isRows(x) && floats) return node.rows(0);
  const codes = to === elementTypes.int64 || to === elementTypes.int32;
  if (isPiece(x) && x.form === 'columns' && x.count === 1 && codes) return { ...x, form: 'codes' };
  if (isRows(x) && codes && !x.from && !x.encoded && !x.scaling) return placesOf(x);
  return node.fail('expected one column of the inputs, cast to whole numbers');
};

const oneHot: Operator = (node) => {
  const x = node.input(0);
  if (!isPiece(x) || x.form !== 'codes') {
    return node.fail('expected one column of the inputs, cast to whole numbers');
  }
  const axis = node.int('axis', -1);
  if (axis !== -1) node.fail(`axis: expected −1, got ${axis}`);
  const count = whole(node, 1);
  if (count < 1) node.fail(`depth: expected at least 1, got ${count}`);
  const values = node.constant(2)?.values;
  if (values?.length !== 2 || values[0] !== 0 || values[1] !== 1) {
    node.fail('values: expected 0 and 1');
  }
  return { ...x, form: 'oneHot', count };
};

/** Reshaping of one-hot rows to one dimension; undefined for other inputs. */
export function flattened(node: NodeReader): ReturnType<Operator> | undefined {
  const x = node.input(0);
  if (!isPiece(x)) return undefined;
  const [batch, columns, ...more] = node.constant(1)?.values ?? [];
  const rows = batch === 0 || (batch === -1 && columns !== -1);
  const flat = rows && (columns === x.count || columns === -1) && more.length === 0;
  if (x.form !== 'oneHot' || !flat) {
    return node.fail(`expected one-hot rows, and the shape [0, ${x.count}]`);
  }
  return settled(node, x);
}

/** Pieces side by side; undefined for other inputs. */
export function rejoined(node: NodeReader): ReturnType<Operator> | undefined {
  const pieces = node.inputs.filter(isPiece);
  if (pieces.length === 0) return undefined;
  if (pieces.length < node.inputs.length) node.fail('puts layers and inputs together');
  return joined(node, pieces);
}

export const encodings: Readonly<Record<string, Operator>> = {
  Slice: slice,
  Cast: cast,
  OneHot: oneHot,
};
