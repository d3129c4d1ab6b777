// The hand-written network of support/network.mjs.

import { batches } from '../support/adapter.mjs';
import { createNetwork } from '../support/network.mjs';

export const program = `
import { createNetwork } from './support/network.mjs';
const network = createNetwork({ sizes: [2, 3, 1], hidden: 'sigmoid', output: 'sigmoid', loss: 'squaredError',
  optimizer: { type: 'sgd', learningRate: 0.5 }, batch: 4,
  layers: [[6, 3], [3, 1]].map(([w, b]) => ({ w: new Float32Array(w).map(Math.random), b: new Float32Array(b) })) });
const x = Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1);
for (let i = 0; i < 1000; i++) network.trainBatch(x, Float32Array.of(0, 1, 1, 0), 0);
console.log(network.predict(x, 0, 4));`;

export async function prepare(workload) {
  const { x, y, batch, sizes } = workload;
  const density = x.reduce((count, value) => count + (value !== 0), 0) / x.length;
  const network = createNetwork({ ...workload, density });
  const each = batches(workload);
  return {
    step: (n) => each(n, (first) => network.trainBatch(x, y, first)),
    predict: (n) => each(n, (first) => network.predict(x, first, batch)),
    // Row by row: the buffers hold one batch.
    outputs(count) {
      const outputs = [];
      for (let i = 0; i < count; i++)
        outputs.push(...network.predict(x, i, 1).subarray(0, sizes.at(-1)));
      return outputs;
    },
    weights: () => network.layers,
  };
}
