import type { SnapshotTensor } from '../../../snapshot.js';
import { layerOn, shareOfBatch } from '../../graph.js';
import type { NodeReader, Operator } from '../node.js';

/** The operators' own ε and momentum, where they name none. */
const defaults = { epsilon: 1e-5, momentum: 0.9 };

/** One number for each column, as a weight. */
const perColumn = (node: NodeReader, i: number, columns: number): SnapshotTensor => ({
  shape: [columns],
  values: node.floats(i, columns),
});

/** y = scale · (x − mean) / √(variance + epsilon) + shift, with the running statistics of the file. */
const batchNormalization: Operator = (node) => {
  const x = node.flatRows(0);
  const columns = x.shape[0]!;
  if (node.int('training_mode', 0) !== 0) {
    node.fail('training_mode: expected 0: export the network for inference');
  }
  const [scale, shift, mean, variance] = [1, 2, 3, 4].map((i) => perColumn(node, i, columns));
  const momentum = shareOfBatch(node.float('momentum', defaults.momentum));
  const epsilon = node.float('epsilon', defaults.epsilon);
  const layer = { type: 'batchNormalization', epsilon, momentum } as const;
  const weights = { scale: scale!, shift: shift!, mean: mean!, variance: variance! };
  return layerOn(x, layer, x.shape, weights);
};

/** The same with the mean and variance of each row. */
const layerNormalization: Operator = (node) => {
  const x = node.flatRows(0);
  const columns = x.shape[0]!;
  const axis = node.int('axis', -1);
  if (axis !== 1 && axis !== -1) node.fail(`axis: expected 1, or −1, got ${axis}`);
  const scale = perColumn(node, 1, columns);
  const shift = node.input(2) && perColumn(node, 2, columns);
  const epsilon = node.float('epsilon', defaults.epsilon);
  const layer = { type: 'layerNormalization', epsilon, ...(!shift && { shift: false }) } as const;
  return layerOn(x, layer, x.shape, { scale, ...(shift && { shift }) });
};

export const normalizations: Readonly<Record<string, Operator>> = {
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
};
