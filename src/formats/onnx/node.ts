import { show } from '../../checks.js';
import { FormatError } from '../../errors.js';
import { type Constant, readTensor } from './constants.js';
import type { Piece } from './encoding.js';
import type { Rows } from './rows.js';
import type { OnnxAttribute, OnnxNode } from './schema.js';

/** What a name in a graph stands for. */
export type Value = Rows | Piece | Constant;

export const isRows = (value: Value | undefined): value is Rows =>
  value !== undefined && 'depth' in value;

export const isPiece = (value: Value | undefined): value is Piece =>
  value !== undefined && 'form' in value;

const dimensionsOf = (constant: Constant | undefined) =>
  constant ? `[${constant.dims.join(', ')}]` : 'nothing';

/** A node of a graph that is being read, with what its inputs stand for. */
export class NodeReader {
  readonly #node: OnnxNode;
  readonly #where: string;
  readonly #inputs: readonly (Value | undefined)[];
  /** The version of the operators. */
  readonly version: number;

  constructor(
    node: OnnxNode,
    index: number,
    inputs: readonly (Value | undefined)[],
    version: number,
  ) {
    this.#node = node;
    this.#where = `graph.nodes[${index}] (${node.operator}, ${show(node.name ?? node.outputs?.[0] ?? '')})`;
    this.#inputs = inputs;
    this.version = version;
  }

  fail(what: string): never {
    throw new FormatError(`ONNX file: ${this.#where}: ${what}`);
  }

  /** An input, whatever it is; undefined where there is none. */
  input(i: number): Value | undefined {
    return this.#inputs[i];
  }

  get inputs(): readonly (Value | undefined)[] {
    return this.#inputs;
  }

  /** An input that rows go through, however they lie in the graph. */
  anyRows(i: number): Rows {
    const value = this.#inputs[i];
    if (!isRows(value)) this.fail(`input ${i}: expected rows that depend on the graph's input`);
    if (value.unfinished) this.fail(`input ${i}: ${value.unfinished}`);
    return value;
  }

  /** An input that rows go through, which lie in the graph as they do here. */
  rows(i: number): Rows {
    const rows = this.anyRows(i);
    if (rows.channelsFirst || rows.flattened) {
      this.fail(`input ${i}: expected rows whose channels come last, or that have none`);
    }
    return rows;
  }

  /** An input that images or sequences go through, whose channels come first in the graph. */
  windowed(i: number, ...ranks: readonly number[]): Rows {
    const rows = this.anyRows(i);
    if (rows.channelsFirst && ranks.includes(rows.shape.length)) return rows;
    return this.fail(
      `input ${i}: expected rows of ${ranks.join(' or ')} dimensions with the channels first, got the shape [${rows.shape.join(', ')}]`,
    );
  }

  /** An input that rows of one dimension go through. */
  flatRows(i: number): Rows {
    const rows = this.rows(i);
    if (rows.shape.length === 1) return rows;
    return this.fail(
      `input ${i}: expected rows of one dimension, got the shape [${rows.shape.join(', ')}]`,
    );
  }

  /** An input that stands in the file; undefined where it is left out. */
  constant(i: number): Constant | undefined {
    const value = this.#inputs[i];
    if (isRows(value) || isPiece(value)) this.fail(`input ${i}: expected a constant`);
    return value;
  }

  /** Float numbers with exactly these dimensions. */
  floats(i: number, ...dims: readonly number[]): Float32Array {
    const constant = this.constant(i);
    if (!(constant?.values instanceof Float32Array) || constant.dims.join() !== dims.join()) {
      this.fail(
        `input ${i}: expected a constant of dimensions [${dims.join(', ')}], got ${dimensionsOf(constant)}`,
      );
    }
    return constant.values as Float32Array;
  }

  /** A matrix of float numbers, which is not empty. */
  matrix(i: number): { rows: number; columns: number; values: Float32Array } {
    const constant = this.constant(i);
    const [rows = 0, columns = 0] = constant?.dims ?? [];
    const { values } = constant ?? {};
    if (constant?.dims.length !== 2 || !(values instanceof Float32Array) || values.length === 0) {
      this.fail(`input ${i}: expected a constant matrix, got ${dimensionsOf(constant)}`);
    }
    return { rows, columns, values: values as Float32Array };
  }

  /** One number for each column of rows, or one for all, if that is what an input is. */
  perColumn(i: number, { shape }: Rows): Float32Array {
    const { dims = [], values = [] } = this.constant(i) ?? {};
    const row = dims.length > shape.length && dims[0] === 1 ? dims.slice(1) : dims;
    if (values instanceof Float32Array && (values.length === 1 || row.join() === shape.join())) {
      return values;
    }
    return this.fail(
      `input ${i}: expected numbers of the shape [${shape.join(', ')}], one for each column, got [${dims.join(', ')}]`,
    );
  }

  /** Refuses an axis that is not that of the channels, of columns or of features. */
  channelAxis({ shape, channelsFirst }: Rows, axis: number): void {
    const rank = shape.length;
    const there = channelsFirst && rank > 1 ? 1 : rank;
    if (axis === there || axis === there - rank - 1) return;
    this.fail(
      `axis: expected ${there}, or ${`${there - rank - 1}`.replace('-', '−')}, got ${axis}`,
    );
  }

  /** Whole numbers, as an attribute or as an input. */
  ints(name: string, i?: number): readonly number[] | undefined {
    const given = this.#attribute(name)?.ints;
    if (given || i === undefined || i >= this.#inputs.length) return given;
    return this.constant(i)?.values as readonly number[] | undefined;
  }

  /** Float numbers of any dimensions, so many of them. */
  tensor(i: number, dimensions: number): { dims: readonly number[]; values: Float32Array } {
    const { dims = [], values } = this.constant(i) ?? {};
    if (!(values instanceof Float32Array) || dims.length !== dimensions || values.length === 0) {
      this.fail(
        `input ${i}: expected a constant of ${dimensions} dimensions, got [${dims.join(', ')}]`,
      );
    }
    return { dims, values: values as Float32Array };
  }

  #attribute(name: string): OnnxAttribute | undefined {
    return this.#node.attributes?.find((attribute) => attribute.name === name);
  }

  int(name: string, otherwise: number): number {
    return this.#attribute(name)?.int ?? otherwise;
  }

  float(name: string, otherwise: number): number {
    return this.#attribute(name)?.float ?? otherwise;
  }

  text(name: string, otherwise: string): string {
    const bytes = this.#attribute(name)?.text;
    return bytes ? new TextDecoder().decode(bytes) : otherwise;
  }

  /** A constant that an attribute holds, as a tensor or as numbers. */
  value(): Constant {
    for (const { name, tensor, float, int, floats, ints } of this.#node.attributes ?? []) {
      if (name === 'value' && tensor) return readTensor(tensor, this.#where);
      if (name === 'value_float' && float !== undefined) {
        return { dims: [], values: Float32Array.of(float) };
      }
      if (name === 'value_int' && int !== undefined) return { dims: [], values: [int] };
      if (name === 'value_floats' && floats) return { dims: [floats.length], values: floats };
      if (name === 'value_ints' && ints) return { dims: [ints.length], values: ints };
    }
    return this.fail('expected numbers');
  }
}

/** What an operator makes of a node. */
export type Operator = (node: NodeReader) => Value;
