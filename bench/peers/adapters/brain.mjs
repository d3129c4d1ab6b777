// brain.js, its plain CPU network: one activation for all layers, the output's too, squared error
// and an update after every row. Its LSTM is in support/brain-lstm.mjs.

import brain from 'brain.js';
import { batches, epochs, lists, perRow, remark, views } from '../support/adapter.mjs';
import { prepareLstm } from '../support/brain-lstm.mjs';

export const program = `
import { NeuralNetwork } from 'brain.js';
const network = new NeuralNetwork({ hiddenLayers: [3] });
network.train([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]].map(([a, b, c]) => ({ input: [a, b], output: [c] })),
  { learningRate: 0.5, iterations: 1000 });
console.log(network.run([0, 1]));`;

export const fronts = ['recurrence'];

export async function prepare(workload) {
  if (workload.front) return prepareLstm(workload);
  const { sizes, batch, optimizer } = workload;
  const adam = optimizer.type === 'adam';
  const variant = {
    batch: 1,
    hidden: 'sigmoid',
    output: 'sigmoid',
    loss: 'squaredError',
    optimizer: {
      ...optimizer,
      learningRate: adam ? optimizer.learningRate : optimizer.learningRate / batch,
    },
  };
  const options = {
    activation: 'sigmoid',
    learningRate: variant.optimizer.learningRate,
    momentum: 1e-12, // it refuses zero, and its default is 0.1
    errorThresh: 1e-12,
    ...(adam && { praxis: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }),
  };
  const network = new brain.NeuralNetwork(options);
  const columns = ({ w, b }) =>
    Array.from(b, (_, j) =>
      Array.from({ length: w.length / b.length }, (_, k) => w[k * b.length + j]),
    );
  network.fromJSON({
    type: 'NeuralNetwork',
    sizes,
    layers: [
      { weights: [], biases: [] },
      ...workload.layers.map((layer) => ({ weights: columns(layer), biases: Array.from(layer.b) })),
    ],
    inputLookup: null,
    inputLookupLength: 0,
    outputLookup: null,
    outputLookupLength: 0,
    options: {},
    trainOpts: { ...network.trainOpts, timeout: 'Infinity' },
  });
  // Plain lists for training: it makes typed arrays of them, while typed arrays go through look-up tables.
  const input = lists(workload.x, sizes[0]);
  const output = lists(workload.y, sizes.at(-1));
  const set = input.map((values, i) => ({ input: values, output: output[i] }));
  const x = views(workload.x, sizes[0]);
  const each = batches(workload);
  const run = (values) => network.run(values);
  return {
    variant,
    note: remark(
      workload,
      [workload.output !== 'sigmoid' && 'sigmoid everywhere, squared error'],
      [batch > 1 && 'updates after every row'],
    ),
    step: epochs(
      workload,
      (iterations) => network.train(set, { iterations }),
      (from, to) => network.train(set.slice(from, to), { iterations: 1 }),
    ),
    predict: (n) => each(n, (first) => perRow(x, first, batch, run)),
    outputs: (rows) => perRow(x, 0, rows, run),
    weights: () =>
      workload.layers.map((_, i) => {
        const columns = network.weights[i + 1];
        return {
          w: Array.from(columns[0]).flatMap((_, k) => columns.map((column) => column[k])),
          b: network.biases[i + 1],
        };
      }),
  };
}
