// convnetjs: one row at a time through objects of layers, an update per batch.

import convnetjs from 'convnetjs';
import { batches, lists, perRow, Unsupported, views } from '../support/adapter.mjs';

export const program = `
import convnetjs from 'convnetjs';
const network = new convnetjs.Net();
network.makeLayers([{ type: 'input', out_sx: 1, out_sy: 1, out_depth: 2 },
  { type: 'fc', num_neurons: 3, activation: 'sigmoid' }, { type: 'regression', num_neurons: 1 }]);
const trainer = new convnetjs.SGDTrainer(network, { learning_rate: 0.5, momentum: 0, batch_size: 4 });
const rows = [[0, 0], [0, 1], [1, 0], [1, 1]].map((row) => new convnetjs.Vol(row));
for (let i = 0; i < 1000; i++) rows.forEach((row, j) => trainer.train(row, [[0], [1], [1], [0]][j]));
console.log(network.forward(rows[1]).w);`;

export async function prepare(workload) {
  const { sizes, batch, optimizer } = workload;
  if (optimizer.type !== 'sgd') throw new Unsupported('no Adam');
  const network = new convnetjs.Net();
  const outputs = sizes.at(-1);
  const softmax = workload.output === 'softmax';
  network.makeLayers([
    { type: 'input', out_sx: 1, out_sy: 1, out_depth: sizes[0] },
    ...sizes
      .slice(1, -1)
      .map((units) => ({ type: 'fc', num_neurons: units, activation: workload.hidden })),
    softmax
      ? { type: 'softmax', num_classes: outputs }
      : { type: 'regression', num_neurons: outputs },
  ]);
  if (workload.output === 'sigmoid') {
    // makeLayers has no activation before a regression; the layer class does.
    network.layers.splice(
      -1,
      0,
      new convnetjs.SigmoidLayer({ in_sx: 1, in_sy: 1, in_depth: outputs }),
    );
  }
  const dense = network.layers.filter(({ layer_type }) => layer_type === 'fc');
  dense.forEach(({ filters, biases }, i) => {
    const { w, b } = workload.layers[i];
    filters.forEach((filter, j) => {
      for (let k = 0; k < sizes[i]; k++) filter.w[k] = w[k * b.length + j];
      biases.w[j] = b[j];
    });
  });
  const trainer = new convnetjs.SGDTrainer(network, {
    learning_rate: optimizer.learningRate,
    momentum: 0,
    batch_size: batch,
  });
  const volume = (values) => {
    const vol = new convnetjs.Vol(1, 1, values.length, 0);
    vol.w.set(values);
    return vol;
  };
  const x = views(workload.x, sizes[0]).map(volume);
  const y = softmax ? workload.labels : lists(workload.y, outputs); // a regression takes no Float32Array
  const each = batches(workload);
  const forward = (vol) => network.forward(vol).w;
  return {
    step: (n) =>
      each(n, (first) => {
        for (let i = first; i < first + batch; i++) trainer.train(x[i], y[i]);
      }),
    predict: (n) => each(n, (first) => perRow(x, first, batch, forward)),
    outputs: (rows) => Array.from({ length: rows }, (_, i) => Array.from(forward(x[i]))).flat(),
    weights: () =>
      dense.map(({ filters, biases }) => ({
        w: Array.from(filters[0].w).flatMap((_, k) => filters.map((filter) => filter.w[k])),
        b: biases.w,
      })),
  };
}
