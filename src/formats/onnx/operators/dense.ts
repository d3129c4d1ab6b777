import type { SnapshotTensor } from '../../../snapshot.js';
import { channelsLast } from '../../channels.js';
import type { NodeReader, Operator } from '../node.js';
import { layerOn, type Rows } from '../rows.js';

function denseOn(
  x: Rows,
  values: Float32Array,
  inputs: number,
  units: number,
  bias: Float32Array | undefined,
): Rows {
  const own = x.flattened ? channelsLast(values, x.flattened) : values;
  const weights: Record<string, SnapshotTensor> = { w: { shape: [inputs, units], values: own } };
  if (bias) weights.b = { shape: [units], values: bias };
  const layer = { type: 'dense', units, ...(!bias && { useBias: false }) } as const;
  return layerOn(x, layer, [...x.shape.slice(0, -1), units], weights);
}

function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  const other = new Float32Array(values.length);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) other[c * rows + r] = values[r * columns + c]!;
  }
  return other;
}

const scaled = (values: Float32Array, factor: number) =>
  factor === 1 ? values : values.map((value) => value * factor);

/** One number for each unit. */
function biasOf(node: NodeReader, i: number, units: number): Float32Array | undefined {
  const constant = node.constant(i);
  if (!constant) return undefined;
  const { dims, values } = constant;
  const row = dims.length <= 1 || (dims.length === 2 && dims[0] === 1);
  if (!(values instanceof Float32Array) || !row || ![1, units].includes(values.length)) {
    return node.fail(`input ${i}: expected ${units} numbers, one a unit, got [${dims.join(', ')}]`);
  }
  return values.length === units ? values : new Float32Array(units).fill(values[0]!);
}

/** y = alpha · x · w + beta · b */
export const gemm: Operator = (node) => {
  const x = node.anyRows(0);
  if (x.shape.length !== 1) node.flatRows(0);
  if (node.int('transA', 0) !== 0) node.fail('transA: rows cannot be transposed');
  const { rows, columns, values } = node.matrix(1);
  const turned = node.int('transB', 0) !== 0;
  const [inputs, units] = turned ? [columns, rows] : [rows, columns];
  checkInputs(node, x, inputs);
  const w = turned ? transposed(values, rows, columns) : values;
  const b = biasOf(node, 2, units);
  return denseOn(
    x,
    scaled(w, node.float('alpha', 1)),
    inputs,
    units,
    b && scaled(b, node.float('beta', 1)),
  );
};

/** y = x · w */
export const matMul: Operator = (node) => {
  const x = node.anyRows(0);
  if (x.channelsFirst) node.rows(0);
  const { rows, columns, values } = node.matrix(1);
  checkInputs(node, x, rows);
  return denseOn(x, values, rows, columns, undefined);
};

function checkInputs(node: NodeReader, { shape }: Rows, inputs: number): void {
  if (inputs === shape.at(-1)) return;
  node.fail(
    `input 1: expected a matrix for rows of ${shape.at(-1)} numbers, got one for ${inputs}`,
  );
}

/** A product of rows and a matrix becomes a dense layer with bias; undefined where it is none. */
export function addBias(node: NodeReader, rows: Rows, i: number): Rows | undefined {
  const { layer, from, weights } = rows;
  if (!from || layer?.type !== 'dense' || layer.useBias !== false || !weights) return undefined;
  // The weights are in the order of these rows already.
  const { w } = weights;
  const b = biasOf(node, i, layer.units);
  const { flattened: _, ...plain } = from;
  return { ...denseOn(plain, w!.values, w!.shape[0]!, layer.units, b), from };
}
