// TensorFlow.js on either backend: core ops and Optimizer.minimize, which is what model.fit calls,
// without its bookkeeping. Batches are tensors before the clock starts.

import * as tf from '@tensorflow/tfjs';
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

export async function prepareOn(backend, workload) {
  await tf.setBackend(backend);
  await tf.ready();
  const { sizes, batch, rows, optimizer } = workload;
  const layers = workload.layers.map(({ w, b }, i) => ({
    w: tf.variable(tf.tensor2d(w, [sizes[i], sizes[i + 1]])),
    b: tf.variable(tf.tensor1d(b)),
  }));
  const logits = (x) =>
    layers.reduce((y, { w, b }, i) => {
      const z = tf.add(tf.matMul(y, w), b);
      return i < layers.length - 1 ? activations[workload.hidden](z) : z;
    }, x);
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
