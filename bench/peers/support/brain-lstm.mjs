// brain.js's LSTM through the steps of its own training: equations run forward, one for each step of a
// sequence, then backpropagate and adjustWeights. Its train() predicts each next vector of a sequence;
// here only the last step has a target, as the workload has it.

import brain from 'brain.js';
import { batches, perRow, remark, views } from './adapter.mjs';

/** brain.js's matrices for x and h, and its bias, in the order i f g o. */
const gates = [
  ['inputMatrix', 'inputHidden', 'inputBias'],
  ['forgetMatrix', 'forgetHidden', 'forgetBias'],
  ['cellActivationMatrix', 'cellActivationHidden', 'cellActivationBias'],
  ['outputMatrix', 'outputHidden', 'outputBias'],
];

export function prepareLstm(workload) {
  const { front, sizes, batch } = workload;
  const { steps, inputs, units } = front;
  const outputs = sizes.at(-1);
  const learningRate = 1e-4;
  const variant = {
    batch: 1,
    output: 'linear',
    loss: 'squaredError',
    front: { ...front, hiddenAsCell: true, firstBiasOnly: true },
    optimizer: { type: 'rmsprop', learningRate },
  };
  const network = new brain.recurrent.LSTMTimeStep({
    inputSize: inputs,
    hiddenLayers: [units],
    outputSize: outputs,
    regc: 0,
  });
  network.updateTrainingOptions({ learningRate });
  network.initialize();
  const { model } = network;
  const layer = model.hiddenLayers[0];
  const [{ w, b }, top] = workload.layers;
  gates.forEach(([x, h, bias], n) => {
    for (let j = 0; j < units; j++) {
      const column = n * units + j;
      for (let k = 0; k < inputs; k++) layer[x].weights[j * inputs + k] = w[k * b.length + column];
      for (let k = 0; k < units; k++)
        layer[h].weights[j * units + k] = w[(inputs + k) * b.length + column];
      layer[bias].weights[j] = b[column];
    }
  });
  for (let j = 0; j < outputs; j++) {
    for (let k = 0; k < units; k++)
      model.outputConnector.weights[j * units + k] = top.w[k * outputs + j];
    model.output.weights[j] = top.b[j];
  }
  while (model.equations.length < steps) network.bindEquation();

  const x = views(workload.x, sizes[0]).map((sequence) => views(sequence, inputs));
  const y = views(workload.y, outputs);
  const run = (sequence, count) => {
    let output;
    for (let t = 0; t < count; t++) output = model.equations[t].runInput(sequence[t]);
    return output.weights;
  };
  const learn = (i) => {
    run(x[i], steps - 1);
    model.equations[steps - 1].predictTarget(x[i][steps - 1], y[i]);
    network.backpropagate();
    network.adjustWeights();
  };
  const each = batches(workload);
  return {
    variant,
    note: remark(
      workload,
      ['the last h in place of the cell, linear outputs'],
      ['biases learn from the first step alone', 'squared error', 'RMSProp after every row'],
    ),
    step: (n) =>
      each(n, (first) => {
        for (let i = first; i < first + batch; i++) learn(i);
      }),
    predict: (n) => each(n, (first) => perRow(x, first, batch, (sequence) => run(sequence, steps))),
    outputs: (rows) => x.slice(0, rows).flatMap((sequence) => Array.from(run(sequence, steps))),
    weights() {
      const column = (n, j) =>
        [layer[gates[n][0]], layer[gates[n][1]]].map((m) =>
          m.weights.subarray(j * m.columns, (j + 1) * m.columns),
        );
      const columns = gates.flatMap((_, n) =>
        Array.from({ length: units }, (_, j) => column(n, j).flatMap((part) => Array.from(part))),
      );
      const { outputConnector, output } = model;
      return [
        {
          w: columns[0].flatMap((_, k) => columns.map((values) => values[k])),
          b: gates.flatMap(([, , bias]) => Array.from(layer[bias].weights)),
        },
        {
          w: Array.from(
            { length: units * outputs },
            (_, i) => outputConnector.weights[(i % outputs) * units + Math.floor(i / outputs)],
          ),
          b: output.weights,
        },
      ];
    },
  };
}
