// onnxruntime-web, WebAssembly on one thread: inference only. The model's bytes are written here: what
// stands before the dense layers, then Gemm, Relu and Softmax nodes, with the weights as initializers.

import * as ort from 'onnxruntime-web/wasm';
import { batches, channelsFirst, filtersFirst, Unsupported } from '../support/adapter.mjs';
import { bytes, message, number, text } from '../support/protobuf.mjs';
import { frontLayers } from '../workloads.mjs';

export const program = `
import * as ort from 'onnxruntime-web/wasm';
const session = await ort.InferenceSession.create('model.onnx');
const { y } = await session.run({ x: new ort.Tensor('float32', Float32Array.of(0, 1), [1, 2]) });
console.log(y.data);`;
export const wasmFiles = ['onnxruntime-web/dist/ort-wasm-simd-threaded.wasm'];

// Field numbers of onnx.proto: ModelProto, GraphProto, NodeProto, AttributeProto, TensorProto,
// ValueInfoProto. Attributes are integers here, one or a list; an output without a name is left out.
const attribute = (name, value) =>
  Array.isArray(value)
    ? message(text(1, name), ...value.map((item) => number(8, item)), number(20, 7))
    : message(text(1, name), number(3, value), number(20, 2));
const node = (operator, inputs, outputs, attributes = {}) =>
  message(
    ...inputs.map((name) => text(1, name)),
    ...outputs.map((name) => text(2, name)),
    text(4, operator),
    ...Object.entries(attributes).map(([name, value]) => bytes(5, attribute(name, value))),
  );
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

/** Nodes and tensors from 'x' to 'features', and how rows come in. */
const frontOf = {
  convolution(front, layers) {
    const { size, channels, kernel, filters } = front;
    const nodes = [];
    const tensors = [];
    let below = 'x';
    filters.forEach((count, i) => {
      const { w, b } = layers[i];
      const inputs = i ? filters[i - 1] : channels;
      const taps = filtersFirst(w, inputs, count);
      tensors.push(
        tensor(`front-w${i}`, taps, [count, inputs, kernel, kernel]),
        tensor(`front-b${i}`, b, [count]),
      );
      const pads = Array(4).fill((kernel - 1) / 2);
      nodes.push(
        node('Conv', [below, `front-w${i}`, `front-b${i}`], [`front-z${i}`], { pads }),
        node('Relu', [`front-z${i}`], [(below = `front-y${i}`)]),
      );
    });
    nodes.push(
      node('GlobalAveragePool', [below], ['means']),
      node('Flatten', ['means'], ['features']),
    );
    return { nodes, tensors, shape: [channels, size, size], given: (x) => channelsFirst(x, front) };
  },

  recurrence({ steps, inputs, units }, [{ w, b }]) {
    // Gates in the order i o f c, weights [4 · units][inputs], and a second bias, which is 0.
    const order = [0, 3, 1, 2].flatMap((gate) =>
      Array.from({ length: units }, (_, j) => gate * units + j),
    );
    const transposed = (from, count) =>
      Float32Array.from({ length: 4 * units * count }, (_, i) => {
        const [column, row] = [order[Math.floor(i / count)], from + (i % count)];
        return w[row * 4 * units + column];
      });
    const bias = Float32Array.from({ length: 8 * units }, (_, i) => b[order[i]] ?? 0);
    const tensors = [
      tensor('front-w', transposed(0, inputs), [1, 4 * units, inputs]),
      tensor('front-r', transposed(inputs, units), [1, 4 * units, units]),
      tensor('front-b', bias, [1, 8 * units]),
    ];
    const nodes = [
      node('Transpose', ['x'], ['steps'], { perm: [1, 0, 2] }),
      node('LSTM', ['steps', 'front-w', 'front-r', 'front-b'], ['', 'last'], {
        hidden_size: units,
      }),
      // [1][rows][units] → [rows][units]
      node('Flatten', ['last'], ['features'], { axis: 2 }),
    ];
    return { nodes, tensors, shape: [steps, inputs], given: (x) => x };
  },
};
export const fronts = Object.keys(frontOf);

function model({ sizes, hidden, output, layers }, front) {
  const operators = { relu: 'Relu', sigmoid: 'Sigmoid', softmax: 'Softmax' };
  const nodes = [...front.nodes];
  const tensors = [...front.tensors];
  let below = nodes.length ? 'features' : 'x';
  layers.forEach(({ w, b }, i) => {
    const top = i === layers.length - 1;
    const units = b.length;
    tensors.push(tensor(`w${i}`, w, [w.length / units, units]), tensor(`b${i}`, b, [units]));
    nodes.push(node('Gemm', [below, `w${i}`, `b${i}`], [`z${i}`]));
    nodes.push(node(operators[top ? output : hidden], [`z${i}`], [(below = top ? 'y' : `y${i}`)]));
  });
  const graph = message(
    ...nodes.map((n) => bytes(1, n)),
    text(2, 'network'),
    ...tensors.map((t) => bytes(5, t)),
    bytes(11, value('x', 'rows', ...front.shape)),
    bytes(12, value('y', 'rows', sizes.at(-1))),
  );
  return message(number(1, 8), bytes(7, graph), bytes(8, message(text(1, ''), number(2, 13))));
}

export async function prepare(workload) {
  if (workload.kind === 'training') throw new Unsupported('inference only');
  ort.env.wasm.numThreads = 1;
  const { sizes, batch, layers } = workload;
  const front = workload.front
    ? frontOf[workload.front.type](workload.front, layers)
    : { nodes: [], tensors: [], shape: [sizes[0]], given: (x) => x };
  const x = front.given(workload.x);
  const session = await ort.InferenceSession.create(
    model({ ...workload, layers: layers.slice(frontLayers(workload)) }, front),
    { executionProviders: ['wasm'] },
  );
  const each = batches(workload);
  const run = (first) => {
    const rows = x.subarray(first * sizes[0], (first + batch) * sizes[0]);
    return session.run({ x: new ort.Tensor('float32', rows, [batch, ...front.shape]) });
  };
  return {
    async predict(n) {
      let result;
      for (let i = 0; i < n; i++) result = await each(1, run);
      return result.y.data;
    },
  };
}
