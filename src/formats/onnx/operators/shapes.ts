import { sizeOf } from '../../../tensor.js';
import type { Operator } from '../node.js';
import { layerOn, likewise, type Rows } from '../rows.js';
import { flattened } from './encoding.js';

/** One dimension; of images with the channels first, in another order than here. */
function flat(x: Rows): Rows {
  if (x.shape.length === 1) return x;
  const size = sizeOf(x.shape);
  const made = layerOn(x, { type: 'flatten' }, [size]);
  const channels = x.shape.at(-1)!;
  const other = x.channelsFirst && channels > 1 && channels < size;
  return other ? { ...made, flattened: x.shape } : made;
}

const flatten: Operator = (node) => {
  const x = node.anyRows(0);
  const axis = node.int('axis', 1);
  if (axis !== 1 && axis !== -x.shape.length) node.fail(`axis: expected 1, got ${axis}`);
  return flat(x);
};

/** Reshaping that keeps rows apart: to what they are, or to one dimension. */
const reshape: Operator = (node) => {
  const encoded = flattened(node);
  if (encoded) return encoded;
  const x = node.anyRows(0);
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
  if (to.join() === String(size) && batch !== undefined) return flat(x);
  if (to.join() === x.shape.join() && !x.channelsFirst) return x;
  const fits = to.length > 0 && to.every((length) => Number.isSafeInteger(length) && length! > 0);
  if (!fits || sizeOf(to as number[]) !== size || batch === undefined) {
    node.fail(
      `expected a shape for the rows of shape [${x.shape.join(', ')}], got [${shape.slice(0, 8).join(', ')}]`,
    );
  }
  return layerOn(node.rows(0), { type: 'reshape', shape: to as number[] }, to as number[]);
};

/** Channels go to the other end: nothing that a layer has to do. */
const transpose: Operator = (node) => {
  const x = node.anyRows(0);
  const rank = x.shape.length;
  const places = Array.from({ length: rank + 1 }, (_, axis) => axis);
  const given = node.ints('perm') ?? [...places].reverse();
  if (given.join() === places.join()) return x;
  const [batch, ...rest] = places;
  const toFirst = [batch!, rank, ...rest.slice(0, -1)];
  const toLast = [batch!, ...rest.slice(1), 1];
  const { channelsFirst, ...plain } = x;
  const moved = channelsFirst ? toLast : toFirst;
  if (!x.flattened && given.join() === moved.join()) {
    if (x.same) return x.same;
    return channelsFirst ? { ...plain, same: x } : { ...x, channelsFirst: true, same: x };
  }
  return node.fail(
    `perm: expected the channels to go first or last, got ${given.slice(0, 8).join(', ')}`,
  );
};

/** Dimensions of size 1, behind a mean over all positions. */
const squeeze: Operator = (node) => {
  const x = node.anyRows(0);
  if (x.shape.length !== 1) node.fail('expected rows of one dimension behind their means');
  return x;
};

const dropout: Operator = (node) => {
  const x = node.anyRows(0);
  const rate = Number(node.constant(1)?.values[0] ?? node.float('ratio', 0.5));
  if (!(rate >= 0 && rate < 1)) node.fail(`ratio: expected a number in [0, 1), got ${rate}`);
  return likewise(x, layerOn(x, { type: 'dropout', rate }));
};

export const shapes: Readonly<Record<string, Operator>> = {
  Flatten: flatten,
  Reshape: reshape,
  Transpose: transpose,
  Squeeze: squeeze,
  Dropout: dropout,
  Identity: (node) => node.input(0) ?? node.fail('expected an input'),
  Constant: (node) => node.value(),
};
