// chainrule itself, through its public fit and predict, from the repository's build.

import { row } from '../workloads.mjs';
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

/** @param backend undefined for what a user gets who names none */
export async function prepareOn(backend, workload) {
  const { sequential } = await build('index.js');
  const { sizes, batch, optimizer, layers } = workload;
  const softmax = workload.output === 'softmax';
  const model = sequential(
    {
      inputShape: [sizes[0]],
      layers: layers.map(({ b }, i) => ({
        type: 'dense',
        units: b.length,
        activation: i < layers.length - 1 ? workload.hidden : workload.output,
      })),
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
  model.setWeights(
    Object.fromEntries(
      layers.flatMap(({ w, b }, i) => [
        [`layers.${i}.w`, w],
        [`layers.${i}.b`, b],
      ]),
    ),
  );
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
      const weights = model.getWeights();
      return layers.map((_, i) => ({ w: weights[`layers.${i}.w`], b: weights[`layers.${i}.b`] }));
    },
  };
}
