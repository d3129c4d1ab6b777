import type { LayerSpec } from '../../../layers/index.js';
import type { SnapshotTensor } from '../../../snapshot.js';
import type { Shape } from '../../../tensor.js';
import { layerOn, mergeRows } from '../../graph.js';
import { arranged, kerasGates } from '../libraries.js';
import { type KerasContext, type KerasLayer, lastOf, rank } from './context.js';

/* Layers of Keras that walk through the steps of sequences, and what makes sequences. */

type Kind = 'simpleRnn' | 'lstm' | 'gru';

const cells = {
  simpleRnn: { gates: 1, name: 'simple_rnn_cell' },
  lstm: { gates: 4, name: 'lstm_cell' },
  gru: { gates: 3, name: 'gru_cell' },
} as const;

/** Refuses the activations of a cell that is another one here. */
function checkCell({ config, fail }: KerasContext, kind: Kind): void {
  const expect = (name: string, wanted: readonly string[]) => {
    const found = config.get(name).textOr(wanted[0]!);
    if (!wanted.includes(found)) fail(`${name}: expected ${wanted.join(' or ')}, got ${found}`);
  };
  expect('activation', kind === 'simpleRnn' ? ['tanh', 'relu'] : ['tanh']);
  if (kind !== 'simpleRnn') expect('recurrent_activation', ['sigmoid']);
  if (kind === 'gru' && !config.get('reset_after').flagOr(true)) {
    fail('reset_after: expected true, since the reset gate comes behind the product here');
  }
  for (const name of ['stateful', 'return_state'] as const) {
    if (config.get(name).flagOr(false)) fail(`${name}: expected false`);
  }
}

const recurrent =
  (kind: Kind): KerasLayer =>
  (context) => {
    const { config, x, weight, fail } = context;
    rank(context, 2);
    checkCell(context, kind);
    const units = config.get('units').size();
    const { gates, name } = cells[kind];
    const columns = gates * units;
    const [returnSequences, goBackwards, useBias] = [
      config.get('return_sequences').flagOr(false),
      config.get('go_backwards').flagOr(false) !== (context.direction === 'backward'),
      config.get('use_bias').flagOr(true),
    ];
    // There, what such a layer puts out has the last step first.
    if (returnSequences && goBackwards && !context.direction) {
      fail('go_backwards: expected false with return_sequences, outside of Bidirectional');
    }
    const activation = config.get('activation').textOr('tanh');
    const spec = {
      ...{ type: kind, units },
      ...(kind === 'simpleRnn' && activation === 'relu' && { activation }),
      ...(returnSequences && { returnSequences }),
      ...(goBackwards && { goBackwards }),
      ...(!useBias && { useBias }),
    } as LayerSpec;
    const take = (key: string, shape: Shape) => weight(key, shape, `${name}/${key}`);
    const order = kind === 'gru' ? { gates: kerasGates } : {};
    const turned = ({ values, shape }: SnapshotTensor, to: Shape, row?: 0 | 1): SnapshotTensor => ({
      values: arranged(values, to, { ...order, ...(row !== undefined && { row }) }),
      shape: row === undefined ? shape : to,
    });
    const w = turned(take('kernel', [lastOf(context), columns]), [lastOf(context), columns]);
    const u = turned(take('recurrent_kernel', [units, columns]), [units, columns]);
    const biases = () => {
      if (kind !== 'gru') return { b: take('bias', [columns]) };
      const both = take('bias', [2, columns]);
      return { b: turned(both, [columns], 0), b2: turned(both, [columns], 1) };
    };
    const shape = returnSequences ? [x.shape[0]!, units] : [units];
    return layerOn(x, spec, shape, { w, u, ...(useBias && biases()) });
  };

const merges: Readonly<Record<string, 'concatenate' | 'add'>> = {
  concat: 'concatenate',
  sum: 'add',
};

/** Two layers, one of which walks back. */
const bidirectional: KerasLayer = (context) => {
  const { config, fail, inside } = context;
  const layer = config.get('layer');
  if (config.get('backward_layer').exists) fail('backward_layer: expected none of its own');
  const mode = config.get('merge_mode').textOr('concat');
  const how = merges[mode] ?? fail(`merge_mode: expected concat or sum, got ${mode}`);
  return mergeRows(how, [inside(layer, 'forward'), inside(layer, 'backward')], fail);
};

/** Layers here work on each step by themselves. */
const timeDistributed: KerasLayer = ({ config, fail, inside }) => {
  const layer = config.get('layer');
  const kind = layer.get('class_name').text();
  if (kind !== 'Dense' && kind !== 'Activation') fail(`expected a Dense in it, got ${kind}`);
  return inside(layer);
};

const embedding: KerasLayer = (context) => {
  const { config, x, weight } = context;
  rank(context, 1);
  const vocabulary = config.get('input_dim').size();
  const units = config.get('output_dim').size();
  const maskZero = config.get('mask_zero').flagOr(false);
  const spec: LayerSpec = { type: 'embedding', vocabulary, units, ...(maskZero && { maskZero }) };
  return layerOn(x, spec, [...x.shape, units], { w: weight('embeddings', [vocabulary, units]) });
};

const masking: KerasLayer = (context) => {
  const value = context.config.get('mask_value').numberOr(0);
  return layerOn(context.x, { type: 'masking', ...(value !== 0 && { value }) });
};

export const sequences = {
  SimpleRNN: recurrent('simpleRnn'),
  LSTM: recurrent('lstm'),
  GRU: recurrent('gru'),
  Bidirectional: bidirectional,
  TimeDistributed: timeDistributed,
  Embedding: embedding,
  Masking: masking,
} satisfies Record<string, KerasLayer>;
