import { mergeRows } from '../../graph.js';
import type { NodeReader, Operator } from '../node.js';
import type { Rows } from '../rows.js';
import { rejoined } from './encoding.js';

/** Rows of one shape, added up. */
export const addRows = (node: NodeReader): Rows =>
  mergeRows('add', [node.rows(0), node.rows(1)], (what) => node.fail(what));

export const concat: Operator = (node) => {
  const encoded = rejoined(node);
  const axis = node.int('axis', 1);
  if (axis !== 1 && axis !== -1) node.fail(`axis: expected 1, or −1, got ${axis}`);
  if (encoded) return encoded;
  const ends = node.inputs.map((_, i) => node.rows(i));
  if (ends.length === 0) node.fail('expected inputs');
  return ends.length === 1 ? ends[0]! : mergeRows('concatenate', ends, (what) => node.fail(what));
};
