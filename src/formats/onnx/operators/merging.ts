import type { NodeReader, Operator } from '../node.js';
import { commonSource, type Rows } from '../rows.js';

/** Rows that have come from the same rows by different ways, put together. */
function merge(node: NodeReader, how: 'add' | 'concatenate', ends: readonly Rows[]): Rows {
  const from = commonSource(ends);
  if (!from) return node.fail('its inputs have nothing in common');
  const [first] = ends;
  const shape =
    how === 'add' ? first!.shape : [ends.reduce((columns, end) => columns + end.shape[0]!, 0)];
  return { shape, depth: from.depth + 1, from, merged: { how, ends } };
}

/** Rows of one shape, added up. */
export function addRows(node: NodeReader): Rows {
  const ends = [node.rows(0), node.rows(1)];
  const [a, b] = ends.map(({ shape }) => `[${shape.join(', ')}]`);
  if (a !== b) node.fail(`adds rows of different shapes, ${a} and ${b}`);
  return merge(node, 'add', ends);
}

export const concat: Operator = (node) => {
  const ends = node.inputs.map((_, i) => node.flatRows(i));
  const axis = node.int('axis', 1);
  if (axis !== 1 && axis !== -1) node.fail(`axis: expected 1, or −1, got ${axis}`);
  if (ends.length === 0) node.fail('expected inputs');
  return ends.length === 1 ? ends[0]! : merge(node, 'concatenate', ends);
};
