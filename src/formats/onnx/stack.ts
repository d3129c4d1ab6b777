import { FormatError } from '../../errors.js';
import type { LayerSpec } from '../../layers/index.js';
import type { Encoding, FittedColumn } from '../../scalers.js';
import { emptyTable, type Snapshot, type SnapshotTensor } from '../../snapshot.js';
import { foreignSnapshot } from '../foreign.js';
import { parseJson } from '../json.js';
import type { Rows, Scaling } from './rows.js';
import type { OnnxModel } from './schema.js';

/**
 * How much larger than the file all weights together may become: a file can name the same numbers
 * again and again.
 */
const mostWeights = (file: number) => 2 * file + 2 ** 20;

/** The layers that lead from the inputs to these outputs, with their weights and scalers. */
export function snapshotOf(
  outputs: Rows,
  file: number,
  properties: NonNullable<OnnxModel['properties']>,
): Snapshot {
  const weights = emptyTable<SnapshotTensor>();
  let left = mostWeights(file);
  const take = (name: string, tensor: SnapshotTensor) => {
    left -= tensor.values.byteLength;
    if (left < 0) {
      throw new FormatError('ONNX file: the same weights are used by too many layers');
    }
    weights[name] = tensor;
  };
  const end = outputs.unfinished ? outputs.from! : outputs;
  const layers = stack(end, undefined, 'layers', take);
  let root = end;
  while (root.from) root = root.from;
  const x = root.scaling && fitted(root.scaling);
  const y = outputs.unfinished ? fitted(outputs.scaling!) : undefined;
  const classes = classesIn(properties);
  const scaler: Encoding = { type: 'standardScaler' };
  const spec = {
    inputShape: root.shape,
    layers: layers.length > 0 ? layers : [{ type: 'activation', activation: 'linear' } as const],
    ...((x || y) && { preprocess: { ...(x && { x: scaler }), ...(y && { y: scaler }) } }),
    ...(classes && { classes }),
  };
  const scalers = { ...(x && { x }), ...(y && { y }) };
  return foreignSnapshot({ spec, weights, scalers }, 'ONNX file');
}

const fitted = ({ center, scale }: Scaling): FittedColumn[] =>
  Array.from(center, (value, c) => ({ center: value, scale: scale[c]! }));

/** A layer of a stack before it has its place, with its weights by its own names. */
type Part = Pick<Rows, 'weights'> & { readonly layer: LayerSpec };

/** The layers between two rows, in the order in which they compute. */
function stack(
  to: Rows,
  from: Rows | undefined,
  path: string,
  take: (name: string, tensor: SnapshotTensor) => void,
): LayerSpec[] {
  const parts: Part[] = [];
  for (let rows = to; rows !== from && rows.from; rows = rows.from) {
    if (rows.layer)
      parts.push({ layer: rows.layer, ...(rows.weights && { weights: rows.weights }) });
  }
  const joined = joinActivations(parts.reverse());
  return joined.map(({ layer, weights }, i) => {
    for (const [key, tensor] of Object.entries(weights ?? {})) take(`${path}.${i}.${key}`, tensor);
    return layer;
  });
}

/** A dense layer and the activation behind it as one. */
function joinActivations(parts: readonly Part[]): Part[] {
  const joined: Part[] = [];
  for (const part of parts) {
    const before = joined.at(-1);
    const { layer } = part;
    if (layer.type === 'activation' && before?.layer.type === 'dense' && !before.layer.activation) {
      const { activation } = layer;
      joined[joined.length - 1] = { ...before, layer: { ...before.layer, activation } };
    } else joined.push(part);
  }
  return joined;
}

/** Names of classes, as `toOnnx` writes them. */
function classesIn(properties: NonNullable<OnnxModel['properties']>): string[] | undefined {
  const key = 'chainrule.classes';
  const { value } = properties.find((property) => property.key === key) ?? {};
  // What is no list of names is refused with the rest of the spec.
  return value === undefined ? undefined : (parseJson(value, `ONNX file, ${key}`) as string[]);
}
