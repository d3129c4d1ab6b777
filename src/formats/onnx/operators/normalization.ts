import type { SnapshotTensor } from '../../../snapshot.js';
import { channelsLast } from '../../channels.js';
import { shareOfBatch } from '../../graph.js';
import type { NodeReader, Operator } from '../node.js';
import { layerOn, likewise, type Rows } from '../rows.js';

/** The operators' own ε and momentum, where they name none. */
const defaults = { epsilon: 1e-5, momentum: 0.9 };

/** One number for each column, as a weight. */
function perColumn(node: NodeReader, i: number, { shape, flattened }: Rows): SnapshotTensor {
  const columns = shape.at(-1)!;
  const values = node.floats(i, columns);
  return { shape: [columns], values: flattened ? channelsLast(values, flattened) : values };
}

/** y = scale · (x − mean) / √(variance + epsilon) + shift, with the running statistics of the file. */
const batchNormalization: Operator = (node) => {
  const x = node.anyRows(0);
  // It is always over what stands behind the batch.
  if (x.shape.length > 1) node.windowed(0, x.shape.length);
  if (node.int('training_mode', 0) !== 0) {
    node.fail('training_mode: expected 0: export the network for inference');
  }
  const [scale, shift, mean, variance] = [1, 2, 3, 4].map((i) => perColumn(node, i, x));
  const momentum = shareOfBatch(node.float('momentum', defaults.momentum));
  const epsilon = node.float('epsilon', defaults.epsilon);
  const layer = { type: 'batchNormalization', epsilon, momentum } as const;
  const weights = { scale: scale!, shift: shift!, mean: mean!, variance: variance! };
  return likewise(x, layerOn(x, layer, x.shape, weights));
};

/** The same with the mean and variance of each row. */
const layerNormalization: Operator = (node) => {
  const x = node.rows(0);
  node.channelAxis(x, node.int('axis', -1));
  const scale = perColumn(node, 1, x);
  const shift = node.input(2) && perColumn(node, 2, x);
  const epsilon = node.float('epsilon', defaults.epsilon);
  const layer = { type: 'layerNormalization', epsilon, ...(!shift && { shift: false }) } as const;
  return layerOn(x, layer, x.shape, { scale, ...(shift && { shift }) });
};

export const normalizations: Readonly<Record<string, Operator>> = {
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
};
