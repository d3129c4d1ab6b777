// js-pytorch on its CPU device: nested arrays and an autograd graph. It has Adam without bias
// correction and no plain SGD (made here of its tensor operations, as its Adam is), and its ReLU has
// a slope of 0.001 below zero.

import { torch } from 'js-pytorch';
import { batches, lists, remark } from '../support/adapter.mjs';

const { nn, optim } = torch;

export const program = `
import { torch } from 'js-pytorch';
const { nn, optim } = torch;
class Network extends nn.Module {
  a = new nn.Linear(2, 3); relu = new nn.ReLU(); b = new nn.Linear(3, 1);
  forward(x) { return this.b.forward(this.relu.forward(this.a.forward(x))); }
}
const network = new Network();
const trainer = new optim.Adam(network.parameters(), 0.01);
const x = torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]]);
const y = torch.tensor([[0], [1], [1], [0]]);
for (let i = 0; i < 1000; i++) {
  const d = network.forward(x).sub(y);
  d.mul(d).sum().sum().backward();
  trainer.step();
  trainer.zero_grad();
}
console.log(network.forward(x).tolist());`;

export async function prepare(workload) {
  const { sizes, batch, optimizer } = workload;
  const adam = optimizer.type === 'adam';
  const variant = {
    hidden: workload.hidden === 'relu' ? 'leakyRelu' : workload.hidden,
    optimizer: adam ? { ...optimizer, biasCorrection: false } : optimizer,
  };
  const relu = new nn.ReLU();
  const sigmoid = (z) => torch.ones(z.shape).div(torch.exp(z.neg()).add(1));
  const hidden = workload.hidden === 'relu' ? (z) => relu.forward(z) : sigmoid;
  const layers = workload.layers.map(({ w, b }, i) => {
    const layer = new nn.Linear(sizes[i], sizes[i + 1]);
    layer.W._data = lists(w, sizes[i + 1]);
    layer.b._data = Array.from(b);
    return layer;
  });
  const logits = (x) =>
    layers.reduce(
      (y, layer, i) => (i < layers.length - 1 ? hidden(layer.forward(y)) : layer.forward(y)),
      x,
    );
  const softmax = new nn.Softmax();
  const outputs = { softmax: (z) => softmax.forward(z, -1), sigmoid, linear: (z) => z }[
    workload.output
  ];
  const entropy = new nn.CrossEntropyLoss();
  const loss = (x, y) => {
    const z = logits(x);
    if (workload.output === 'softmax') return entropy.forward(z, y);
    const difference = outputs(z).sub(y);
    return difference
      .mul(difference)
      .sum(-1)
      .sum(-1)
      .mul(0.5 / batch);
  };
  const parameters = layers.flatMap(({ W, b }) => [W, b]);
  const trainer = adam
    ? new optim.Adam(parameters, optimizer.learningRate, 0, [0.9, 0.999], 1e-8)
    : null;
  const rows = lists(workload.x, sizes[0]);
  const targets = lists(workload.y, sizes.at(-1));
  const each = batches(workload);
  const forward = (first, count) =>
    outputs(logits(torch.tensor(rows.slice(first, first + count))))
      .tolist()
      .flat();
  return {
    variant,
    note: remark(
      workload,
      [workload.hidden === 'relu' && 'its relu is leaky (0.001)'],
      [adam ? 'Adam without bias correction' : 'SGD made of its tensor operations'],
    ),
    step: (n) =>
      each(n, (first) => {
        const y = workload.labels
          ? torch.tensor(Array.from(workload.labels.subarray(first, first + batch)))
          : torch.tensor(targets.slice(first, first + batch));
        loss(torch.tensor(rows.slice(first, first + batch)), y).backward();
        if (adam) trainer.step();
        else
          for (const p of parameters) p._data = p.add(p._grad.mul(-optimizer.learningRate))._data;
        for (const p of parameters) p.zero_grad();
      }),
    predict: (n) => each(n, (first) => forward(first, batch)),
    outputs: (count) => forward(0, count),
    weights: () => layers.map(({ W, b }) => ({ w: W._data.flat(), b: b._data })),
  };
}
