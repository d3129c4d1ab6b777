import {
  elementTypes,
  modelMessage,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValue,
} from '../../../src/formats/onnx/schema.js';
import { writeMessage } from '../../../src/formats/onnx/wire.js';

/** Graphs by hand, from x, rows of three numbers, to y. */

export const rows = (name: string, ...shape: number[]): OnnxValue => {
  const dimensions = [{ symbol: 'n' }, ...shape.map((size) => ({ size }))];
  return { name, type: { tensor: { element: elementTypes.float, shape: { dimensions } } } };
};

export const floatTensor = (name: string, dims: number[], ...numbers: number[]): OnnxTensor => {
  const raw = new Uint8Array(Float32Array.from(numbers).buffer);
  return { name, dims, type: elementTypes.float, raw };
};

export const node = (
  operator: string,
  inputs: string[],
  output: string,
  attributes: OnnxNode['attributes'] = [],
): OnnxNode => ({ operator, inputs, outputs: [output], attributes });

export function fileOf(graph: OnnxGraph, model: OnnxModel = {}): Uint8Array {
  return writeMessage(modelMessage, {
    version: 9,
    operators: [{ domain: '', version: 20 }],
    graph: { inputs: [rows('x', 3)], outputs: [rows('y', 3)], ...graph },
    ...model,
  });
}
