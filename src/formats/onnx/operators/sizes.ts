import type { Constant } from '../constants.js';
import { isPiece, isRows, type NodeReader, type Operator } from '../node.js';
import { layerOn } from '../rows.js';

/*
 * Shapes that a graph works out as it runs, such as those of `x.view(x.size(0), -1)`. The size of the
 * batch is not known, and stands as the 0 by which Reshape keeps a dimension.
 */

const mostNumbers = 1024;

const shape: Operator = (node) => {
  const { shape, channelsFirst } = node.anyRows(0);
  const own = channelsFirst ? [...shape.slice(-1), ...shape.slice(0, -1)] : shape;
  const values = [0, ...own].slice(node.int('start', 0), node.int('end', own.length + 1));
  return { dims: [values.length], values };
};

function numbers(node: NodeReader, i: number): Constant {
  return node.constant(i) ?? node.fail(`input ${i}: expected numbers`);
}

/** Rows of a matrix by their numbers, or some of the numbers of a list. */
const gather: Operator = (node) => {
  if (isRows(node.input(0))) node.fail('takes something out of rows, which no layer does');
  const x = node.input(1);
  if (isRows(x) && x.places) {
    const { rows: vocabulary, columns: units, values } = node.matrix(0);
    if (node.int('axis', 0) !== 0) node.fail('axis: expected 0');
    const w = { shape: [vocabulary, units], values };
    return layerOn(x, { type: 'embedding', vocabulary, units }, [...x.shape, units], { w });
  }
  const { dims, values } = numbers(node, 0);
  const places = numbers(node, 1);
  if (dims.length !== 1 || node.int('axis', 0) !== 0) node.fail('expected a list of numbers');
  const taken = Array.from(places.values, (place) => {
    const value = values[place < 0 ? place + values.length : place];
    return value ?? node.fail(`input 1: expected places below ${values.length}, got ${place}`);
  });
  return { dims: places.dims, values: taken };
};

/** A number as a list of one. */
const unsqueeze: Operator = (node) => {
  if (isRows(node.input(0))) node.fail('gives rows another dimension, which no layer does');
  const { values } = numbers(node, 0);
  if (values.length !== 1) node.fail('expected one number');
  return { dims: [1], values };
};

/** Lists of numbers, one behind the other; undefined where there are rows among the inputs. */
export function joinedNumbers(node: NodeReader): Constant | undefined {
  if (node.inputs.some((value) => isRows(value) || isPiece(value))) return undefined;
  const values = node.inputs.flatMap((_, i) => Array.from(numbers(node, i).values));
  if (values.length > mostNumbers) node.fail(`${values.length} numbers, at most ${mostNumbers}`);
  return { dims: [values.length], values };
}

/** Nothing around images: what is around them belongs to the windows that see it. */
const pad: Operator = (node) => {
  const x = node.anyRows(0);
  const pads = node.ints('pads', 1) ?? [];
  if (pads.some((size) => size !== 0)) {
    node.fail(
      `pads: expected 0, since a convolution has its own, got ${pads.slice(0, 8).join(', ')}`,
    );
  }
  return x;
};

export const sizes: Readonly<Record<string, Operator>> = {
  Shape: shape,
  Gather: gather,
  Unsqueeze: unsqueeze,
  Pad: pad,
};
