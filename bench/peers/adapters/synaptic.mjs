// synaptic compiles each network to straight-line JavaScript. It trains row by row, and its output
// error is target − output without the slope: a cross-entropy for sigmoid, squares for identity.

import synaptic from 'synaptic';
import { batches, lists, perRow, remark, Unsupported } from '../support/adapter.mjs';

const { Architect, Neuron } = synaptic;

export const program = `
import synaptic from 'synaptic';
const network = new synaptic.Architect.Perceptron(2, 3, 1);
const trainer = new synaptic.Trainer(network);
trainer.train([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]].map(([a, b, c]) => ({ input: [a, b], output: [c] })),
  { rate: 0.5, iterations: 1000 });
console.log(network.activate([0, 1]));`;

export async function prepare(workload) {
  const { sizes, batch, optimizer } = workload;
  if (optimizer.type !== 'sgd') throw new Unsupported('no Adam');
  const linear = workload.output === 'linear';
  const variant = {
    batch: 1,
    updatesFirst: true,
    output: linear ? 'linear' : 'sigmoid',
    loss: linear ? 'squaredError' : 'binaryCrossEntropy',
    optimizer: { type: 'sgd', learningRate: optimizer.learningRate / batch },
  };
  const network = new Architect.Perceptron(...sizes);
  const { hidden, output } = network.layers;
  const layers = [...hidden, output].map((layer) => layer.neurons());
  layers.forEach((neurons, i) => {
    const activation = i < hidden.length ? workload.hidden : variant.output;
    const { w, b } = workload.layers[i];
    neurons.forEach((neuron, j) => {
      neuron.squash = {
        relu: Neuron.squash.RELU,
        sigmoid: Neuron.squash.LOGISTIC,
        linear: Neuron.squash.IDENTITY,
      }[activation];
      neuron.bias = b[j];
      // Connections come in the order in which the layer below was projected.
      Object.values(neuron.connections.inputs).forEach((connection, k) => {
        connection.weight = w[k * neurons.length + j];
      });
    });
  });
  const x = lists(workload.x, sizes[0]);
  const y = lists(workload.y, sizes.at(-1));
  const rate = variant.optimizer.learningRate;
  const each = batches(workload);
  network.activate(x[0]); // compiles it
  return {
    variant,
    note: remark(
      workload,
      [!linear && 'sigmoid output with cross-entropy'],
      [batch > 1 && 'updates after every row'],
    ),
    step: (n) =>
      each(n, (first) => {
        for (let i = first; i < first + batch; i++) {
          network.activate(x[i]);
          network.propagate(rate, y[i]);
        }
      }),
    predict: (n) =>
      each(n, (first) => perRow(x, first, batch, (values) => network.activate(values))),
    outputs: (rows) => x.slice(0, rows).flatMap((values) => network.activate(values)),
    weights() {
      network.restore();
      return layers.map((neurons) => {
        const columns = neurons.map((neuron) =>
          Object.values(neuron.connections.inputs).map(({ weight }) => weight),
        );
        return {
          w: columns[0].flatMap((_, k) => columns.map((column) => column[k])),
          b: neurons.map(({ bias }) => bias),
        };
      });
    },
  };
}
