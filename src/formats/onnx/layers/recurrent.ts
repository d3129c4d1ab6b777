import type { GruSpec, LstmSpec, SimpleRnnSpec } from '../../../layers/index.js';
import { int, ints, text, texts } from '../graph.js';
import type { ExportContext, ExportLayer } from './definition.js';

type Recurrent = SimpleRnnSpec | LstmSpec | GruSpec;

/** A matrix [rows, gates·units] as [1, gates·units, rows], with its gates in ONNX's order. */
function gatesOf(
  { layer, build, numbers }: ExportContext<Recurrent>,
  key: 'w' | 'u',
  order: readonly number[],
): string {
  const { units } = layer.spec;
  const values = numbers(key);
  const columns = order.length * units;
  const rows = values.length / columns;
  const turned = new Float32Array(values.length);
  order.forEach((gate, k) => {
    for (let j = 0; j < units; j++) {
      for (let r = 0; r < rows; r++) {
        turned[(k * units + j) * rows + r] = values[r * columns + gate * units + j]!;
      }
    }
  });
  return build.floats(key, turned, [1, columns, rows]);
}

/** The biases of the inputs' products and of the state's, likewise; undefined without. */
function biasesOf(
  { layer, build, numbers }: ExportContext<Recurrent>,
  order: readonly number[],
): string | undefined {
  const { units, useBias = true } = layer.spec;
  if (!useBias) return undefined;
  const size = order.length * units;
  const biases = new Float32Array(2 * size);
  (layer.parameters.b2 ? ['b', 'b2'] : ['b']).forEach((key, half) => {
    const values = numbers(key);
    order.forEach((gate, k) => {
      const block = values.subarray(gate * units, (gate + 1) * units);
      biases.set(block, half * size + k * units);
    });
  });
  return build.floats('b', biases, [1, 2 * size]);
}

/** Steps come first in ONNX, and directions have a dimension of their own. */
function write(
  x: string,
  context: ExportContext<Recurrent>,
  operator: string,
  order: readonly number[],
  attributes: Parameters<ExportContext<Recurrent>['build']['node']>[2] = {},
): string {
  const { layer, build } = context;
  if (layer.spec.stateful) {
    throw new TypeError(
      `toOnnx: ${layer.where} keeps its state from batch to batch, and a graph keeps nothing: export the network without stateful`,
    );
  }
  const { units, returnSequences = false, goBackwards = false } = layer.spec;
  const steps = layer.input[0]!;
  const inputs = [
    build.node('Transpose', [x], { perm: ints([1, 0, 2]) }),
    gatesOf(context, 'w', order),
    gatesOf(context, 'u', order),
    biasesOf(context, order),
  ];
  const all = build.node(
    operator,
    inputs.filter((name) => name !== undefined),
    {
      hidden_size: int(units),
      direction: text(goBackwards ? 'reverse' : 'forward'),
      ...attributes,
    },
  );
  const byRow = build.node('Transpose', [all], { perm: ints([2, 0, 1, 3]) });
  const shape = (dims: readonly number[]) => build.ints('shape', [0, ...dims], [dims.length + 1]);
  if (returnSequences) return build.node('Reshape', [byRow, shape([steps, units])]);
  const last = build.ints('last', [goBackwards ? 0 : steps - 1], [1]);
  const state = build.node('Gather', [byRow, last], { axis: int(1) });
  return build.node('Reshape', [state, shape([units])]);
}

export const exportSimpleRnn: ExportLayer<SimpleRnnSpec> = (x, context) => {
  const { activation = 'tanh' } = context.layer.spec;
  const name = activation === 'tanh' ? 'Tanh' : 'Relu';
  return write(x, context, 'RNN', [0], { activations: texts([name]) });
};

/** i, o, f, g */
export const exportLstm: ExportLayer<LstmSpec> = (x, context) =>
  write(x, context, 'LSTM', [0, 3, 1, 2]);

/** z, r, n */
export const exportGru: ExportLayer<GruSpec> = (x, context) =>
  write(x, context, 'GRU', [1, 0, 2], { linear_before_reset: int(1) });
