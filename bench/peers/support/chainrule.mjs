// chainrule itself, through its public fit and predict, from the repository's build.

import { frontLayers, row } from '../workloads.mjs';
import { batches, epochs } from './adapter.mjs';

const dist = new URL('../../../dist/', import.meta.url);

/** A module of the build by its file name; named rather than imported, so that it may be missing. */
export const build = (file) => import(new URL(file, dist).href);

export const program = (options) => `
import { sequential } from 'chainrule';
const model = sequential({ inputShape: [2], layers: [
  { type: 'dense', units: 3, activation: 'sigmoid' }, { type: 'dense', units: 1, activation: 'sigmoid' }],
  loss: 'meanSquaredError', optimizer: { type: 'sgd', learningRate: 0.5 } }${options});
await model.fit([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0], { epochs: 1000, batchSize: 4 });
console.log(model.predict([0, 1]));`;

/** The layers of a front. */
const frontOf = {
  convolution: ({ kernel, filters }) => [
    ...filters.map((count) => ({
      type: 'conv2d',
      filters: count,
      kernelSize: kernel,
      padding: 'same',
      activation: 'relu',
    })),
    { type: 'globalAveragePooling' },
  ],
  recurrence: ({ units }) => [{ type: 'lstm', units }],
};
export const fronts = Object.keys(frontOf);

const inputShapeOf = ({ front, sizes }) => {
  if (front?.type === 'convolution') return [front.size, front.size, front.channels];
  return front ? [front.steps, front.inputs] : [sizes[0]];
};

/** @param backend undefined for what a user gets who names none */
export async function prepareOn(backend, workload) {
  const { sequential } = await build('index.js');
  const { sizes, batch, optimizer, layers, front } = workload;
  const recurrent = front?.type === 'recurrence';
  const before = front ? frontOf[front.type](front) : [];
  const dense = layers.slice(frontLayers(workload));
  const softmax = workload.output === 'softmax';
  const model = sequential(
    {
      inputShape: inputShapeOf(workload),
      layers: [
        ...before,
        ...dense.map(({ b }, i) => ({
          type: 'dense',
          units: b.length,
          activation: i < dense.length - 1 ? workload.hidden : workload.output,
        })),
      ],
      loss: softmax
        ? 'sparseCategoricalCrossentropy'
        : { type: 'meanSquaredError', reduction: 'halfSum' },
      optimizer: { ...optimizer },
      seed: 1,
    },
    backend && { backend },
  );
  const expected = backend ?? 'wasm';
  if (typeof expected === 'string' && model.backend !== expected)
    throw new Error(`runs on ${model.backend}`);
  // Weights stand in the order of the layers; those of an LSTM are w and u, one below the other.
  const initial = layers.flatMap(({ w, b }, i) => {
    const split = front?.inputs * b.length;
    return recurrent && i === 0 ? [w.subarray(0, split), w.subarray(split), b] : [w, b];
  });
  const names = Object.keys(model.getWeights());
  model.setWeights(Object.fromEntries(names.map((name, i) => [name, initial[i]])));
  const { x } = workload;
  const y = softmax ? workload.labels : workload.y;
  const perRow = softmax ? 1 : sizes.at(-1);
  const fit = (x, y, epochs) => model.fit(x, y, { epochs, batchSize: batch, shuffle: false });
  const each = batches(workload);
  const inputs = Array.from({ length: workload.rows / batch }, (_, i) =>
    row(x, batch * sizes[0], i),
  );
  const out = new Float32Array(batch * sizes.at(-1));
  return {
    step: epochs(
      workload,
      (count) => fit(x, y, count),
      (from, to) =>
        fit(x.subarray(from * sizes[0], to * sizes[0]), y.subarray(from * perRow, to * perRow), 1),
    ),
    predict: (n) => each(n, (first) => model.predict(inputs[first / batch], out)),
    outputs: (count) => model.predict(x.subarray(0, count * sizes[0])),
    weights() {
      const arrays = Object.values(model.getWeights());
      if (recurrent) arrays.splice(0, 2, Float32Array.of(...arrays[0], ...arrays[1]));
      return layers.map((_, i) => ({ w: arrays[2 * i], b: arrays[2 * i + 1] }));
    },
  };
}
