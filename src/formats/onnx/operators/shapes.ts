import { sizeOf } from '../../../tensor.js';
import { layerOn } from '../../graph.js';
import type { Operator } from '../node.js';
import type { Rows } from '../rows.js';
import { flattened } from './encoding.js';

const flat = (x: Rows): Rows =>
  x.shape.length === 1 ? x : layerOn(x, { type: 'flatten' }, [sizeOf(x.shape)]);

const flatten: Operator = (node) => {
  const x = node.rows(0);
  const axis = node.int('axis', 1);
  if (axis !== 1 && axis !== -x.shape.length) node.fail(`axis: expected 1, got ${axis}`);
  return flat(x);
};

/** Reshaping that keeps rows apart: to what they are, or to one dimension. */
const reshape: Operator = (node) => {
  const encoded = flattened(node);
  if (encoded) return encoded;
  const x = node.rows(0);
  const size = sizeOf(x.shape);
  const [batch, ...shape] = node.constant(1)?.values ?? [];
  const kept = shape.map((length, i) => (length === 0 ? x.shape[i] : length));
  // One size may be left open: that of the batch, or another, which follows.
  const known = kept.reduce<number>(
    (product, length) => product * (length === -1 ? 1 : length!),
    1,
  );
  const open = batch === -1 ? 0 : kept.filter((length) => length === -1).length;
  const to = kept.map((length) => (length === -1 && open === 1 ? size / known : length));
  if (to.join() === x.shape.join()) return x;
  if (to.join() === String(size) && batch !== undefined) return flat(x);
  return node.fail(
    `expected the shape of the rows, [${x.shape.join(', ')}], or [${size}], got [${shape.slice(0, 8).join(', ')}]`,
  );
};

const dropout: Operator = (node) => {
  const x = node.rows(0);
  const rate = Number(node.constant(1)?.values[0] ?? node.float('ratio', 0.5));
  if (!(rate >= 0 && rate < 1)) node.fail(`ratio: expected a number in [0, 1), got ${rate}`);
  return layerOn(x, { type: 'dropout', rate });
};

export const shapes: Readonly<Record<string, Operator>> = {
  Flatten: flatten,
  Reshape: reshape,
  Dropout: dropout,
  Identity: (node) => node.input(0) ?? node.fail('expected an input'),
  Constant: (node) => node.value(),
};
