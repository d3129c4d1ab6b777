import type { Message, MessageType } from './wire.js';

/*
 * The messages of an ONNX file (onnx.proto, IR version 9): those fields that networks need. All else
 * is skipped: subgraphs, functions, training and quantization.
 */

const tensor = {
  dims: [1, 'ints'],
  type: [2, 'int'],
  floats: [4, 'floats'],
  ints32: [5, 'ints'],
  ints64: [7, 'ints'],
  name: [8, 'text'],
  doubles: [10, 'doubles'],
  raw: [9, 'bytes'],
  /** 1 where the numbers are in another file, which is never opened. */
  location: [14, 'int'],
} as const satisfies MessageType;

const attribute = {
  name: [1, 'text'],
  float: [2, 'float'],
  int: [3, 'int'],
  text: [4, 'bytes'],
  tensor: [5, tensor],
  floats: [7, 'floats'],
  ints: [8, 'ints'],
  texts: [9, 'bytes', 'many'],
  type: [20, 'int'],
} as const satisfies MessageType;

const node = {
  inputs: [1, 'text', 'many'],
  outputs: [2, 'text', 'many'],
  name: [3, 'text'],
  operator: [4, 'text'],
  attributes: [5, attribute, 'many'],
  domain: [7, 'text'],
} as const satisfies MessageType;

const dimension = { size: [1, 'int'], symbol: [2, 'text'] } as const satisfies MessageType;
const shape = { dimensions: [1, dimension, 'many'] } as const satisfies MessageType;
const tensorType = { element: [1, 'int'], shape: [2, shape] } as const satisfies MessageType;
const valueType = { tensor: [1, tensorType] } as const satisfies MessageType;
const value = { name: [1, 'text'], type: [2, valueType] } as const satisfies MessageType;

const graph = {
  nodes: [1, node, 'many'],
  name: [2, 'text'],
  tensors: [5, tensor, 'many'],
  inputs: [11, value, 'many'],
  outputs: [12, value, 'many'],
} as const satisfies MessageType;

const operators = { domain: [1, 'text'], version: [2, 'int'] } as const satisfies MessageType;
const property = { key: [1, 'text'], value: [2, 'text'] } as const satisfies MessageType;

export const modelMessage = {
  version: [1, 'int'],
  producer: [2, 'text'],
  producerVersion: [3, 'text'],
  graph: [7, graph],
  operators: [8, operators, 'many'],
  properties: [14, property, 'many'],
} as const satisfies MessageType;

export type OnnxModel = Message<typeof modelMessage>;
export type OnnxGraph = Message<typeof graph>;
export type OnnxNode = Message<typeof node>;
export type OnnxAttribute = Message<typeof attribute>;
export type OnnxTensor = Message<typeof tensor>;
export type OnnxValue = Message<typeof value>;

/** TensorProto.DataType */
export const elementTypes = { float: 1, int32: 6, int64: 7, bool: 9, double: 11 } as const;

/** AttributeProto.AttributeType */
export const attributeTypes = {
  ...{ float: 1, int: 2, text: 3, tensor: 4 },
  ...{ floats: 6, ints: 7, texts: 8 },
} as const;
