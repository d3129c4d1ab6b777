import { dense, layers, type Network, type NetworkSpec, sequential } from '../src/index.js';
import { bits, generator } from './kernels/core.js';

/* A small regression with dropout, for what has to be the same however a training is driven. */

export const spec: NetworkSpec = {
  inputShape: [3],
  layers: [dense(7, { activation: 'tanh' }), layers.dropout({ rate: 0.2 }), dense(2)],
  loss: 'meanSquaredError',
  optimizer: { type: 'sgd', learningRate: 0.05 },
  seed: 9,
};
const random = generator(5);
export const rows = 24;
export const x = Float32Array.from({ length: rows * 3 }, () => 2 * random() - 1);
export const y = Float32Array.from({ length: rows * 2 }, (_, i) => Math.sin(3 * x[i]!));
export const backends = ['wasm', 'js'] as const;

export const network = (backend: 'wasm' | 'js' = 'wasm', changes: Partial<NetworkSpec> = {}) =>
  sequential({ ...spec, ...changes }, { backend });

export const weightsOf = (model: Network) =>
  Object.entries(model.getWeights()).map(([name, w]) => [name, bits(w).join()]);

/** Everything that a training leaves behind, by what a further training makes of it. */
export async function stateOf(model: Network, [tx, ty] = [x, y] as [Float32Array, unknown]) {
  const before = weightsOf(model);
  const { history } = await model.fit(tx, ty as Float32Array, { epochs: 3, batchSize: 5 });
  return { before, after: weightsOf(model), history };
}
