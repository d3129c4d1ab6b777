// neataptic keeps a graph of node objects. Its train() takes batches, adds up their updates (hence
// the rate divided by the batch) and, as synaptic does, takes target − output as the output's error.

import neataptic from 'neataptic';
import { batches, epochs, lists, perRow, Unsupported } from '../support/adapter.mjs';

const { architect, methods } = neataptic;

export const program = `
import neataptic from 'neataptic';
const network = new neataptic.architect.Perceptron(2, 3, 1);
network.train([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]].map(([a, b, c]) => ({ input: [a, b], output: [c] })),
  { rate: 0.5, iterations: 1000 });
console.log(network.activate([0, 1]));`;

export async function prepare(workload) {
  const { sizes, batch, optimizer } = workload;
  if (optimizer.type !== 'sgd') throw new Unsupported('no Adam');
  const linear = workload.output === 'linear';
  const variant = {
    updatesFirst: true,
    output: linear ? 'linear' : 'sigmoid',
    loss: linear ? 'squaredError' : 'binaryCrossEntropy',
  };
  const { RELU, LOGISTIC, IDENTITY } = methods.activation;
  const network = new architect.Perceptron(...sizes);
  // The constructor reverses the order of some nodes: the place in `nodes` says which input it is.
  const places = new Map(network.nodes.map((node, i) => [node, i]));
  const incoming = ({ connections }) =>
    [...connections.in].sort((a, b) => places.get(a.from) - places.get(b.from));
  let start = sizes[0];
  const layers = workload.layers.map(({ w, b }, i) => {
    const nodes = network.nodes.slice(start, (start += b.length));
    const activation = i < workload.layers.length - 1 ? workload.hidden : variant.output;
    nodes.forEach((node, j) => {
      node.squash = { relu: RELU, sigmoid: LOGISTIC, linear: IDENTITY }[activation];
      node.bias = b[j];
      incoming(node).forEach((connection, k) => {
        connection.weight = w[k * b.length + j];
      });
    });
    return nodes;
  });
  const x = lists(workload.x, sizes[0]);
  const y = lists(workload.y, sizes.at(-1));
  const set = x.map((input, i) => ({ input, output: y[i] }));
  const train = (rows, iterations) =>
    network.train(rows, { rate: optimizer.learningRate / batch, batchSize: batch, iterations });
  const each = batches(workload);
  return {
    variant,
    note: linear ? '' : 'sigmoid output with cross-entropy',
    step: epochs(
      workload,
      (count) => train(set, count),
      (from, to) => train(set.slice(from, to), 1),
    ),
    predict: (n) =>
      each(n, (first) => perRow(x, first, batch, (values) => network.noTraceActivate(values))),
    outputs: (rows) => x.slice(0, rows).flatMap((values) => network.noTraceActivate(values)),
    weights: () =>
      layers.map((nodes) => {
        const columns = nodes.map((node) => incoming(node).map(({ weight }) => weight));
        return {
          w: columns[0].flatMap((_, k) => columns.map((column) => column[k])),
          b: nodes.map(({ bias }) => bias),
        };
      }),
  };
}
