import { isRows, type NodeReader, type Operator } from '../node.js';
import { base, layerOn, likewise, type Rows } from '../rows.js';
import { scaleBy } from '../scaling.js';
import { addBias } from './dense.js';
import { addRows } from './merging.js';

/*
 * Add, Sub, Mul and Div mean different things in different places: the bias of a dense layer, the
 * scaling of inputs or outputs, a residual connection, or a piece of an activation that was written
 * out. Pieces are gathered as formulas of the rows that they begin with, until one is known.
 */

/** Activations as exporters write them out, for operator sets that have none of their own. */
const formulas: Readonly<Record<string, 'gelu' | 'geluTanh' | 'silu' | 'softsign'>> = {
  'mul(sigmoid(x),x)': 'silu',
  'div(x,add(1,abs(x)))': 'softsign',
  'mul(0.5,mul(add(1,erf(div(x,1.41))),x))': 'gelu',
  'mul(add(1,erf(div(x,1.41))),mul(0.5,x))': 'gelu',
  'mul(0.5,mul(add(1,erf(mul(0.707,x))),x))': 'gelu',
  'mul(add(1,erf(mul(0.707,x))),mul(0.5,x))': 'gelu',
  'mul(0.5,mul(add(1,tanh(mul(0.798,add(mul(0.0447,mul(mul(x,x),x)),x)))),x))': 'geluTanh',
  'mul(0.5,mul(add(1,tanh(mul(0.798,add(mul(0.0447,pow(x,3)),x)))),x))': 'geluTanh',
};

const longest = 120;

/** Rows as a formula of other rows; a layer, where it is one that is known. */
function formulaOf(node: NodeReader, of: Rows, text: string, operator: string): Rows {
  if (text.length > longest) node.fail('belongs to no activation that is known');
  const formula = { of, text };
  const activation = Object.hasOwn(formulas, text) ? formulas[text] : undefined;
  if (activation) {
    return { ...likewise(of, layerOn(of, { type: 'activation', activation })), formula };
  }
  const unfinished = `is a piece of no activation that is known, from ${operator} on`;
  const piece = { shape: of.shape, depth: of.depth + 1, from: base(of), formula, unfinished };
  return likewise(of, piece);
}

/** Adds what an activation by an operator of its own is as a formula. */
export const asFormula = (rows: Rows, text: string): Rows => ({
  ...rows,
  formula: { of: rows.from!, text },
});

/** A function of one input that stands in formulas alone. */
export const pieceOf =
  (name: string): Operator =>
  (node) => {
    const x = node.input(0);
    if (!isRows(x)) return node.fail('input 0: expected rows');
    const term = x.unfinished ? x.formula : { of: x, text: 'x' };
    if (!term) return node.fail(`input 0: ${x.unfinished}`);
    return formulaOf(node, term.of, `${name}(${term.text})`, name);
  };

/** Rows as a term of a formula over `of`; undefined where they are none. */
function termOf(rows: Rows, of: Rows): string | undefined {
  if (of === rows) return rows.unfinished ? undefined : 'x';
  return rows.formula?.of === of ? rows.formula.text : undefined;
}

/** A binary operation as a formula, if its sides are terms over the same rows, or single numbers. */
function binaryFormula(node: NodeReader, name: 'add' | 'mul' | 'div' | 'pow'): Rows | undefined {
  const sides = [node.input(0), node.input(1)];
  const rows = sides.filter(isRows);
  const of = rows
    .flatMap((side) => [side, side.formula?.of ?? side])
    .find((base) => rows.every((side) => termOf(side, base) !== undefined));
  if (!of) return undefined;
  const terms = sides.map((side, i) => {
    if (isRows(side)) return termOf(side, of);
    const { values } = node.constant(i) ?? {};
    return values?.length === 1 ? String(Number(values[0]!.toPrecision(3))) : undefined;
  });
  if (terms.includes(undefined)) return undefined;
  if (name === 'add' || name === 'mul') terms.sort();
  return formulaOf(node, of, `${name}(${terms.join(',')})`, name);
}

/** A constant among two inputs, and the rows on the other side. */
function rowsAndConstant(
  node: NodeReader,
): { rows: Rows; at: number; single: boolean } | undefined {
  const [a, b] = [node.input(0), node.input(1)];
  const at = isRows(a) && b && !isRows(b) ? 1 : isRows(b) && a && !isRows(a) ? 0 : -1;
  if (at < 0) return undefined;
  const single = node.constant(at)!.dims.length === 0;
  return { rows: node.input(1 - at) as Rows, at, single };
}

/** A vector for each position; undefined where that is not what is added. */
function addPositions(node: NodeReader, rows: Rows, at: number): Rows | undefined {
  const { shape, channelsFirst, unfinished } = rows;
  const { dims, values } = node.constant(at)!;
  const own = dims.length > shape.length && dims[0] === 1 ? dims.slice(1) : dims;
  const each = shape.length > 1 && own.join() === shape.join() && !channelsFirst && !unfinished;
  if (!each || !(values instanceof Float32Array)) return undefined;
  return layerOn(rows, { type: 'positionalEmbedding' }, shape, { w: { shape, values } });
}

/** Outputs in other units: nothing but the end may follow. */
function scaleOutputs(node: NodeReader, rows: Rows, by: 'center' | 'scale', at: number): Rows {
  if (!rows.unfinished) node.rows(1 - at);
  const before = rows.from && rows.scaling;
  const scaling = scaleBy(node, at, rows, by, before);
  const from = before ? rows.from : rows;
  const unfinished = 'rows that are scaled by constants can only be the outputs';
  return { shape: rows.shape, depth: rows.depth, from, scaling, unfinished };
}

/** Inputs in other units: nothing but Sub and Div may come before. */
function scaleInputs(node: NodeReader, by: 'center' | 'scale'): Rows | undefined {
  const rows = node.input(0);
  if (!isRows(rows) || rows.from || rows.encoded || isRows(node.input(1))) return undefined;
  const scaling = scaleBy(node, 1, rows, by, rows.scaling);
  if (by === 'scale' && scaling.numbers.some((n) => !(n > 0))) {
    node.fail('expected divisors above 0');
  }
  return { ...rows, scaling };
}

export const sub: Operator = (node) =>
  scaleInputs(node, 'center') ??
  node.fail('subtracts something else than a constant from the inputs, which no layer does');

export const div: Operator = (node) =>
  scaleInputs(node, 'scale') ??
  binaryFormula(node, 'div') ??
  node.fail('divides what no layer does');

export const pow: Operator = (node) => binaryFormula(node, 'pow') ?? node.fail('is no layer');

export const mul: Operator = (node) => {
  const constant = rowsAndConstant(node);
  if (constant && !constant.single) return scaleOutputs(node, constant.rows, 'scale', constant.at);
  return binaryFormula(node, 'mul') ?? node.fail('multiplies what no layer does');
};

export const add: Operator = (node) => {
  const constant = rowsAndConstant(node);
  if (constant && !constant.single) {
    const { rows, at } = constant;
    return (
      addBias(node, rows, at) ??
      addPositions(node, rows, at) ??
      scaleOutputs(node, rows, 'center', at)
    );
  }
  const finished = [node.input(0), node.input(1)].every((side) => isRows(side) && !side.unfinished);
  if (finished) return addRows(node);
  return binaryFormula(node, 'add') ?? node.fail('adds what no layer does');
};
