import { mergeRows } from '../../graph.js';
import type { NodeReader, Operator } from '../node.js';
import { base, likewise, type Rows } from '../rows.js';
import { rejoined } from './encoding.js';
import { joinedNumbers } from './sizes.js';

/** Rows put together, which have to lie in the graph alike. */
function merge(node: NodeReader, how: 'add' | 'concatenate', ends: readonly Rows[]): Rows {
  const [first] = ends as [Rows];
  const alike = ({ channelsFirst, flattened }: Rows) =>
    channelsFirst === first.channelsFirst && flattened?.join() === first.flattened?.join();
  if (!ends.every(alike)) node.fail('puts rows together whose channels come first and last');
  return likewise(
    first,
    mergeRows(how, ends.map(base), (what) => node.fail(what)),
  );
}

/** Rows of one shape, added up. */
export const addRows = (node: NodeReader): Rows =>
  merge(node, 'add', [node.anyRows(0), node.anyRows(1)]);

export const concat: Operator = (node) => {
  const list = joinedNumbers(node);
  if (list) return list;
  const encoded = rejoined(node);
  const axis = node.int('axis', 1);
  if (encoded) {
    if (axis !== 1 && axis !== -1) node.fail(`axis: expected 1, or −1, got ${axis}`);
    return encoded;
  }
  const ends = node.inputs.map((_, i) => node.anyRows(i));
  const [first] = ends;
  if (!first) return node.fail('expected inputs');
  node.channelAxis(first, axis);
  if (ends.length === 1) return first;
  // Flat rows of channels would stand one behind the other, each in its own order.
  ends.forEach(({ flattened }, i) => {
    if (flattened) node.rows(i);
  });
  return merge(node, 'concatenate', ends);
};
