import { layers, type NetworkSpec } from 'chainrule';

/** A training of which little is work and most is writing, to be killed in the midst of it. */
export const spec: NetworkSpec = {
  inputShape: [8],
  layers: [
    layers.dense({ units: 96, activation: 'tanh' }),
    layers.dropout({ rate: 0.1 }),
    layers.dense({ units: 3 }),
  ],
  loss: 'meanSquaredError',
  optimizer: { type: 'adam', learningRate: 0.0005 },
};
export const x = Array.from({ length: 32 }, (_, r) =>
  Array.from({ length: 8 }, (_, c) => ((r * 7 + c * 3) % 11) / 11),
);
export const y = x.map((row) => [row[0]! - row[1]!, row[2]! * row[3]!, row[4]!]);
export const batchSize = 16;
