// TensorFlow.js on either backend: core ops and Optimizer.minimize, which is what model.fit calls,
// without its bookkeeping. Batches are tensors before the clock starts.

import * as tf from '@tensorflow/tfjs';
import { frontLayers } from '../workloads.mjs';
import { batches } from './adapter.mjs';

const activations = { relu: tf.relu, sigmoid: tf.sigmoid, linear: (z) => z };

export const program = (backend, imports) => `
import * as tf from '@tensorflow/tfjs';
${imports}
await tf.setBackend('${backend}');
const model = tf.sequential({ layers: [
  tf.layers.dense({ inputShape: [2], units: 3, activation: 'sigmoid' }), tf.layers.dense({ units: 1, activation: 'sigmoid' })] });
model.compile({ loss: 'meanSquaredError', optimizer: tf.train.sgd(0.5) });
const x = tf.tensor2d([[0, 0], [0, 1], [1, 0], [1, 1]]);
await model.fit(x, tf.tensor2d([[0], [1], [1], [0]]), { epochs: 1000, batchSize: 4, verbose: 0 });
console.log(model.predict(x).dataSync());`;

/**
 * What stands before the dense layers, as a function of variables and rows. The recurrence is
 * tf.layers.lstm's, with the products of all inputs made at once.
 */
const frontOf = {
  convolution: (front) => (layers, x) => {
    const { size, channels, kernel, filters } = front;
    let y = tf.reshape(x, [-1, size, size, channels]);
    filters.forEach((count, i) => {
      const w = tf.reshape(layers[i].w, [kernel, kernel, -1, count]);
      y = tf.relu(tf.add(tf.conv2d(y, w, 1, 'same'), layers[i].b));
    });
    return tf.mean(y, [1, 2]);
  },

  recurrence:
    ({ steps, inputs, units }) =>
    ([{ w, b }], x) => {
      const [input, state] = tf.split(w, [inputs, units], 0);
      // By steps, so that those of one are next to each other.
      const rows = tf.transpose(tf.reshape(x, [-1, steps, inputs]), [1, 0, 2]);
      const products = tf.add(tf.matMul(tf.reshape(rows, [-1, inputs]), input), b);
      const given = tf.split(products, steps, 0);
      let h = tf.zeros([given[0].shape[0], units]);
      let cell = h;
      for (const product of given) {
        const gates = tf.split(tf.add(product, tf.matMul(h, state)), 4, 1);
        const [i, f, o] = [gates[0], gates[1], gates[3]].map((gate) => tf.sigmoid(gate));
        cell = tf.add(tf.mul(f, cell), tf.mul(i, tf.tanh(gates[2])));
        h = tf.mul(o, tf.tanh(cell));
      }
      return h;
    },
};
export const fronts = Object.keys(frontOf);

export async function prepareOn(backend, workload) {
  await tf.setBackend(backend);
  await tf.ready();
  const { sizes, batch, rows, optimizer, front, shapes } = workload;
  const layers = workload.layers.map(({ w, b }, i) => ({
    w: tf.variable(tf.tensor2d(w, shapes[i])),
    b: tf.variable(tf.tensor1d(b)),
  }));
  const features = front ? frontOf[front.type](front) : (_, x) => x;
  const dense = layers.slice(frontLayers(workload));
  const logits = (x) =>
    dense.reduce(
      (y, { w, b }, i) => {
        const z = tf.add(tf.matMul(y, w), b);
        return i < dense.length - 1 ? activations[workload.hidden](z) : z;
      },
      features(layers, x),
    );
  const softmax = workload.output === 'softmax';
  const forward = (x) =>
    softmax ? tf.softmax(logits(x)) : activations[workload.output](logits(x));
  const loss = (x, y) =>
    softmax
      ? tf.losses.softmaxCrossEntropy(y, logits(x))
      : tf.mul(tf.sum(tf.squaredDifference(forward(x), y)), 0.5 / batch);
  const trainer =
    optimizer.type === 'sgd'
      ? tf.train.sgd(optimizer.learningRate)
      : tf.train.adam(optimizer.learningRate, 0.9, 0.999, 1e-8);
  const variables = layers.flatMap(({ w, b }) => [w, b]);
  const batchesOf = (values, width) =>
    Array.from({ length: rows / batch }, (_, i) =>
      tf.tensor2d(values.subarray(i * batch * width, (i + 1) * batch * width), [batch, width]),
    );
  const training = workload.kind === 'training';
  const x = training ? batchesOf(workload.x, sizes[0]) : [];
  const y = training ? batchesOf(workload.y, sizes.at(-1)) : [];
  const predict = (first, count) =>
    tf.tidy(() => {
      const input = workload.x.subarray(first * sizes[0], (first + count) * sizes[0]);
      return forward(tf.tensor2d(input, [count, sizes[0]])).dataSync();
    });
  const each = batches(workload);
  return {
    step: (n) =>
      each(n, (first) => {
        tf.tidy(() => {
          trainer.minimize(() => loss(x[first / batch], y[first / batch]), false, variables);
        });
      }),
    predict: (n) => each(n, (first) => predict(first, batch)),
    outputs: (count) => predict(0, count),
    weights: () => layers.map(({ w, b }) => ({ w: w.dataSync(), b: b.dataSync() })),
  };
}
