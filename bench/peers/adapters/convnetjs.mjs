// convnetjs: one row at a time through objects of layers, an update per batch. It pools maxima only, so
// the mean over all positions is a layer written here.

import convnetjs from 'convnetjs';
import { batches, lists, perRow, remark, Unsupported, views } from '../support/adapter.mjs';

export const program = `
import convnetjs from 'convnetjs';
const network = new convnetjs.Net();
network.makeLayers([{ type: 'input', out_sx: 1, out_sy: 1, out_depth: 2 },
  { type: 'fc', num_neurons: 3, activation: 'sigmoid' }, { type: 'regression', num_neurons: 1 }]);
const trainer = new convnetjs.SGDTrainer(network, { learning_rate: 0.5, momentum: 0, batch_size: 4 });
const rows = [[0, 0], [0, 1], [1, 0], [1, 1]].map((row) => new convnetjs.Vol(row));
for (let i = 0; i < 1000; i++) rows.forEach((row, j) => trainer.train(row, [[0], [1], [1], [0]][j]));
console.log(network.forward(rows[1]).w);`;

export const fronts = ['convolution'];

/** The mean of all positions, in the form of convnetjs's own layers. */
class MeanLayer {
  layer_type = 'mean';
  out_sx = 1;
  out_sy = 1;

  constructor({ in_depth }) {
    this.out_depth = in_depth;
  }

  forward(volume) {
    const places = volume.sx * volume.sy;
    const out = new convnetjs.Vol(1, 1, volume.depth, 0);
    for (let i = 0; i < volume.w.length; i++) out.w[i % volume.depth] += volume.w[i] / places;
    this.in_act = volume;
    this.out_act = out;
    return out;
  }

  backward() {
    const { w, dw, depth, sx, sy } = this.in_act;
    for (let i = 0; i < w.length; i++) dw[i] = this.out_act.dw[i % depth] / (sx * sy);
  }

  getParamsAndGrads() {
    return [];
  }
}

export async function prepare(workload) {
  const { sizes, batch, optimizer, front } = workload;
  const { size, channels, kernel, filters } = front ?? { size: 1, channels: sizes[0], filters: [] };
  if (optimizer.type !== 'sgd') throw new Unsupported('no Adam');
  const network = new convnetjs.Net();
  const outputs = sizes.at(-1);
  const softmax = workload.output === 'softmax';
  network.makeLayers([
    { type: 'input', out_sx: size, out_sy: size, out_depth: channels },
    ...filters.map((count) => ({
      type: 'conv',
      sx: kernel,
      filters: count,
      pad: (kernel - 1) / 2,
      activation: 'relu',
    })),
    ...sizes
      .slice(1 + filters.length, -1)
      .map((units) => ({ type: 'fc', num_neurons: units, activation: workload.hidden })),
    softmax
      ? { type: 'softmax', num_classes: outputs }
      : { type: 'regression', num_neurons: outputs },
  ]);
  if (front) {
    const mean = new MeanLayer({ in_depth: filters.at(-1) });
    const top = network.layers.findIndex(({ layer_type }) => layer_type === 'fc');
    const { out_depth } = network.layers[top];
    const fc = { in_sx: 1, in_sy: 1, in_depth: mean.out_depth, num_neurons: out_depth };
    network.layers.splice(top, 1, mean, new convnetjs.FullyConnLayer(fc));
  }
  if (workload.output === 'sigmoid') {
    // makeLayers has no activation before a regression; the layer class does.
    network.layers.splice(
      -1,
      0,
      new convnetjs.SigmoidLayer({ in_sx: 1, in_sy: 1, in_depth: outputs }),
    );
  }
  const layers = network.layers.filter(({ layer_type }) => /^(fc|conv)$/.test(layer_type));
  layers.forEach(({ filters, biases }, i) => {
    const { w, b } = workload.layers[i];
    filters.forEach((filter, j) => {
      for (let k = 0; k < filter.w.length; k++) filter.w[k] = w[k * b.length + j];
      biases.w[j] = b[j];
    });
  });
  const trainer = new convnetjs.SGDTrainer(network, {
    learning_rate: optimizer.learningRate,
    momentum: 0,
    batch_size: batch,
  });
  const volume = (values) => {
    const vol = new convnetjs.Vol(size, size, channels, 0);
    vol.w.set(values);
    return vol;
  };
  const x = views(workload.x, sizes[0]).map(volume);
  const y = softmax ? workload.labels : lists(workload.y, outputs); // a regression takes no Float32Array
  const each = batches(workload);
  const forward = (vol) => network.forward(vol).w;
  return {
    note: remark(workload, [front && 'a layer of means written for it']),
    step: (n) =>
      each(n, (first) => {
        for (let i = first; i < first + batch; i++) trainer.train(x[i], y[i]);
      }),
    predict: (n) => each(n, (first) => perRow(x, first, batch, forward)),
    outputs: (rows) => Array.from({ length: rows }, (_, i) => Array.from(forward(x[i]))).flat(),
    weights: () =>
      layers.map(({ filters, biases }) => ({
        w: Array.from(filters[0].w).flatMap((_, k) => filters.map((filter) => filter.w[k])),
        b: biases.w,
      })),
  };
}
