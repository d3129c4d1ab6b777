import type { OnnxAttribute, OnnxNode, OnnxTensor } from './schema.js';
import { attributeTypes, elementTypes } from './schema.js';

/** An attribute of a node, without its name. */
type Attribute = Omit<OnnxAttribute, 'name'>;

export const int = (value: number): Attribute => ({ int: value, type: attributeTypes.int });
export const ints = (values: readonly number[]): Attribute => ({
  ints: values,
  type: attributeTypes.ints,
});
export const float = (value: number): Attribute => ({ float: value, type: attributeTypes.float });
export const text = (value: string): Attribute => ({
  text: new TextEncoder().encode(value),
  type: attributeTypes.text,
});
export const texts = (values: readonly string[]): Attribute => ({
  texts: values.map((value) => new TextEncoder().encode(value)),
  type: attributeTypes.texts,
});

/** The nodes and constants of a graph, as they are put together from the inputs to the outputs. */
export class GraphBuilder {
  readonly nodes: OnnxNode[] = [];
  readonly tensors: OnnxTensor[] = [];
  /** What names begin with: the layer that is at work. */
  scope = '';
  readonly #names = new Set<string>();

  /** A node with one output, whose name it gives. */
  node(
    operator: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
  ): string {
    const output = this.#name(operator.toLowerCase());
    this.nodes.push({
      inputs,
      outputs: [output],
      name: output,
      operator,
      attributes: Object.entries(attributes).map(([name, value]) => ({ name, ...value })),
    });
    return output;
  }

  /** A constant of float32 numbers. */
  floats(name: string, values: Float32Array, dims: readonly number[]): string {
    return this.#tensor(name, { dims, type: elementTypes.float, raw: bytesOf(values) });
  }

  /** A constant of whole numbers. */
  ints(name: string, values: readonly number[], dims: readonly number[]): string {
    const raw = bytesOf(BigInt64Array.from(values, BigInt));
    return this.#tensor(name, { dims, type: elementTypes.int64, raw });
  }

  #tensor(name: string, tensor: OnnxTensor): string {
    const full = this.#name(name);
    this.tensors.push({ ...tensor, name: full });
    return full;
  }

  #name(name: string): string {
    const full = `${this.scope}.${name}`;
    let free = full;
    for (let i = 2; this.#names.has(free); i++) free = `${full}.${i}`;
    this.#names.add(free);
    return free;
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
