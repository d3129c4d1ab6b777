// onnxruntime-web, WebAssembly on one thread: inference only. The model's bytes are written here:
// Gemm, Relu and Softmax nodes with the weights as initializers.

import * as ort from 'onnxruntime-web/wasm';
import { batches, Unsupported } from '../support/adapter.mjs';
import { bytes, message, number, text } from '../support/protobuf.mjs';

export const program = `
import * as ort from 'onnxruntime-web/wasm';
const session = await ort.InferenceSession.create('model.onnx');
const { y } = await session.run({ x: new ort.Tensor('float32', Float32Array.of(0, 1), [1, 2]) });
console.log(y.data);`;
export const wasmFiles = ['onnxruntime-web/dist/ort-wasm-simd-threaded.wasm'];

// Field numbers of onnx.proto: ModelProto, GraphProto, NodeProto, TensorProto, ValueInfoProto.
const node = (operator, inputs, output) =>
  message(...inputs.map((name) => text(1, name)), text(2, output), text(4, operator));
const tensor = (name, values, dims) =>
  message(...dims.map((size) => number(1, size)), number(2, 1), text(8, name), bytes(9, values));
const value = (name, ...dims) => {
  const shape = message(
    ...dims.map((size) =>
      bytes(1, typeof size === 'string' ? message(text(2, size)) : message(number(1, size))),
    ),
  );
  return message(
    text(1, name),
    bytes(2, message(bytes(1, message(number(1, 1), bytes(2, shape))))),
  );
};

function model({ sizes, hidden, output, layers }) {
  const operators = { relu: 'Relu', sigmoid: 'Sigmoid', softmax: 'Softmax' };
  const nodes = [];
  const tensors = [];
  let below = 'x';
  layers.forEach(({ w, b }, i) => {
    const top = i === layers.length - 1;
    tensors.push(tensor(`w${i}`, w, [sizes[i], sizes[i + 1]]), tensor(`b${i}`, b, [b.length]));
    nodes.push(node('Gemm', [below, `w${i}`, `b${i}`], `z${i}`));
    nodes.push(node(operators[top ? output : hidden], [`z${i}`], (below = top ? 'y' : `y${i}`)));
  });
  const graph = message(
    ...nodes.map((n) => bytes(1, n)),
    text(2, 'network'),
    ...tensors.map((t) => bytes(5, t)),
    bytes(11, value('x', 'rows', sizes[0])),
    bytes(12, value('y', 'rows', sizes.at(-1))),
  );
  return message(number(1, 8), bytes(7, graph), bytes(8, message(text(1, ''), number(2, 13))));
}

export async function prepare(workload) {
  if (workload.kind === 'training') throw new Unsupported('inference only');
  ort.env.wasm.numThreads = 1;
  const { sizes, batch, x } = workload;
  const session = await ort.InferenceSession.create(model(workload), {
    executionProviders: ['wasm'],
  });
  const each = batches(workload);
  const run = (first) => {
    const rows = x.subarray(first * sizes[0], (first + batch) * sizes[0]);
    return session.run({ x: new ort.Tensor('float32', rows, [batch, sizes[0]]) });
  };
  return {
    async predict(n) {
      let result;
      for (let i = 0; i < n; i++) result = await each(1, run);
      return result.y.data;
    },
  };
}
