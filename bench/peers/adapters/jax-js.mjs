// jax-js on its WebAssembly device: the whole training step is one jitted function, and the batches
// lie on the device before the clock starts. Arrays are counted references: an argument is consumed
// unless it is passed as `.ref`.

import { defaultDevice, grad, init, jit, lax, nn, numpy as np, tree } from '@jax-js/jax';
import { batches, channelsFirst } from '../support/adapter.mjs';
import { frontLayers } from '../workloads.mjs';

export const program = `
import { grad, jit, nn, numpy as np, tree } from '@jax-js/jax';
const forward = (p, x) => nn.sigmoid(nn.sigmoid(x.dot(p.v).add(p.a)).dot(p.w).add(p.b));
const loss = (p, x, y) => np.square(forward(p, x).sub(y)).mean();
const step = jit((p, x, y) => {
  const g = grad(loss)(tree.ref(p), x, y);
  return tree.map((value, slope) => value.sub(slope.mul(0.5)), p, g);
});
const x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]);
const y = np.array([[0], [1], [1], [0]]);
let p = { v: np.ones([2, 3]), a: np.zeros([3]), w: np.ones([3, 1]), b: np.zeros([1]) };
for (let i = 0; i < 1000; i++) p = step(p, x.ref, y.ref);
console.log(forward(p, x).js());`;

const activations = { relu: nn.relu, sigmoid: nn.sigmoid, linear: (z) => z };

/**
 * What stands before the dense layers: the shape in which rows lie on the device, and the function. An
 * argument that is used again goes on as `.ref`.
 */
const frontOf = {
  convolution: (front) => ({
    given: (x) => channelsFirst(x, front),
    shape: [front.channels, front.size, front.size],
    features: (params, x) => {
      const { kernel, filters } = front;
      let y = x;
      filters.forEach((count, i) => {
        const { w, b } = params[i];
        const taps = np.transpose(w.reshape([kernel, kernel, -1, count]), [3, 2, 0, 1]);
        y = nn.relu(lax.conv(y, taps, [1, 1], 'SAME').add(b.reshape([count, 1, 1])));
      });
      return np.mean(y, [2, 3]);
    },
  }),

  recurrence: ({ steps, inputs, units }) => ({
    given: (x) => x,
    shape: [steps, inputs],
    features: ([{ w, b }], x) => {
      const batch = x.shape[0];
      const [input, state] = np.split(w, [inputs], 0);
      const rows = np.moveaxis(x, 1, 0).reshape([-1, inputs]);
      const products = np.split(np.matmul(rows, input).add(b), steps, 0);
      let h = np.zeros([batch, units]);
      let cell = np.zeros([batch, units]);
      for (const product of products) {
        const [i, f, g, o] = np.split(product.add(np.matmul(h, state.ref)), 4, 1);
        cell = nn
          .sigmoid(f)
          .mul(cell)
          .add(nn.sigmoid(i).mul(np.tanh(g)));
        h = nn.sigmoid(o).mul(np.tanh(cell.ref));
      }
      state.dispose();
      cell.dispose();
      return h;
    },
  }),
};
export const fronts = Object.keys(frontOf);

export async function prepare(workload) {
  await init('wasm');
  defaultDevice('wasm');
  const { sizes, batch, rows, optimizer, shapes } = workload;
  const front = workload.front && frontOf[workload.front.type](workload.front);
  const shape = front?.shape ?? [sizes[0]];
  const given = front ? front.given(workload.x) : workload.x;
  const array = (values, ...shape) => np.array(values).reshape(shape);
  const logits = (params, x) => {
    let y = front ? front.features(params, x) : x;
    const dense = params.slice(frontLayers(workload));
    dense.forEach(({ w, b }, i) => {
      y = np.matmul(y, w).add(b);
      if (i < dense.length - 1) y = activations[workload.hidden](y);
    });
    return y;
  };
  const softmax = workload.output === 'softmax';
  const forward = (params, x) =>
    softmax ? nn.softmax(logits(params, x)) : activations[workload.output](logits(params, x));
  const loss = (params, x, y) =>
    softmax
      ? nn
          .logSoftmax(logits(params, x))
          .mul(y)
          .sum()
          .mul(-1 / batch)
      : np
          .square(forward(params, x).sub(y))
          .sum()
          .mul(0.5 / batch);

  const zeros = (p) => np.zeros(p.shape);
  const params = workload.layers.map(({ w, b }, i) => ({
    w: array(w, ...shapes[i]),
    b: array(b, b.length),
  }));
  const steps = {
    sgd: ({ params, ...rest }, x, y) => {
      const slopes = grad(loss)(tree.ref(params), x, y);
      return {
        params: tree.map((p, g) => p.sub(g.mul(optimizer.learningRate)), params, slopes),
        ...rest,
      };
    },
    adam: ({ params, m, v, powers }, x, y) => {
      const g = grad(loss)(tree.ref(params), x, y);
      const m2 = tree.map((m, g) => m.mul(0.9).add(g.mul(0.1)), m, tree.ref(g));
      const v2 = tree.map((v, g) => v.mul(0.999).add(np.square(g).mul(0.001)), v, g);
      const p1 = powers[0].mul(0.9);
      const p2 = powers[1].mul(0.999);
      const rate = np.array(optimizer.learningRate).div(np.array(1).sub(p1.ref));
      const scale = np.array(1).div(np.array(1).sub(p2.ref));
      const next = tree.map(
        (p, m, v) => p.sub(m.mul(rate.ref).div(np.sqrt(v.mul(scale.ref)).add(1e-8))),
        params,
        tree.ref(m2),
        tree.ref(v2),
      );
      rate.dispose();
      scale.dispose();
      return { params: next, m: m2, v: v2, powers: [p1, p2] };
    },
  };
  let state =
    optimizer.type === 'sgd'
      ? { params }
      : {
          m: tree.map(zeros, tree.ref(params)),
          v: tree.map(zeros, tree.ref(params)),
          powers: [np.array(1), np.array(1)],
          params,
        };
  const step = jit(steps[optimizer.type]);
  const run = jit(forward);
  const batchesOf = (values, width, shape) =>
    Array.from({ length: rows / batch }, (_, i) =>
      array(values.slice(i * batch * width, (i + 1) * batch * width), batch, ...shape),
    );
  const training = workload.kind === 'training';
  const x = training ? batchesOf(given, sizes[0], shape) : [];
  const y = training ? batchesOf(workload.y, sizes.at(-1), [sizes.at(-1)]) : [];
  const predict = (first, count) => {
    const input = array(given.slice(first * sizes[0], (first + count) * sizes[0]), count, ...shape);
    return run(tree.ref(state.params), input).dataSync();
  };
  const each = batches(workload);
  return {
    async step(n) {
      each(n, (first) => {
        state = step(state, x[first / batch].ref, y[first / batch].ref);
        // Evaluation is lazy: without a read, the list of pending kernels grows with every step. One
        // small read a step runs them all, for less than an awaited blockUntilReady costs.
        state.params.at(-1).b.ref.dataSync();
      });
    },
    predict: (n) => each(n, (first) => predict(first, batch)),
    outputs: (count) => predict(0, count),
    weights: () => state.params.map(({ w, b }) => ({ w: w.ref.dataSync(), b: b.ref.dataSync() })),
  };
}
