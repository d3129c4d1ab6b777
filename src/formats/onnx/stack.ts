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
  const end = outputs.unfinished ? outputs.from! : outputs;
  const weights = new Gathered(mostWeights(file));
  const layers = stack(end, undefined, 'layers', weights);
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
  return foreignSnapshot({ spec, weights: weights.table, scalers }, 'ONNX file');
}

const fitted = ({ center, scale }: Scaling): FittedColumn[] =>
  Array.from(center, (value, c) => ({ center: value, scale: scale[c]! }));

/** Layers inside others, and layers in all: what the same rows are part of is written again each time. */
const mostDepth = 16;
const mostLayers = 4096;

/** The weights of all layers, and how much of them there may still be. */
class Gathered {
  readonly table = emptyTable<SnapshotTensor>();
  #left: number;
  #layers = mostLayers;

  constructor(most: number) {
    this.#left = most;
  }

  take(name: string, tensor: SnapshotTensor): void {
    this.#left -= tensor.values.byteLength;
    if (this.#left < 0) {
      throw new FormatError('ONNX file: the same weights are used by too many layers');
    }
    this.table[name] = tensor;
  }

  count(): void {
    if (this.#layers-- === 0) throw new FormatError(`ONNX file: more than ${mostLayers} layers`);
  }
}

/** The layers between two rows, in the order in which they compute. */
function stack(
  to: Rows,
  from: Rows | undefined,
  path: string,
  weights: Gathered,
  depth = 0,
): LayerSpec[] {
  if (depth > mostDepth) {
    throw new FormatError(`ONNX file: layers inside layers, more than ${mostDepth} deep`);
  }
  const steps: Rows[] = [];
  for (let rows = to; rows !== from && rows.from; rows = rows.from) {
    weights.count();
    if (rows.layer || rows.merged) steps.push(rows);
  }
  return joinActivations(steps.reverse()).map((rows, i) => {
    const place = `${path}.${i}`;
    for (const [key, tensor] of Object.entries(rows.weights ?? {})) {
      weights.take(`${place}.${key}`, tensor);
    }
    if (!rows.merged) return rows.layer!;
    const { how, ends } = rows.merged;
    const source = rows.from;
    const inner = (end: Rows, name: string) =>
      stack(end, source, `${place}.${name}`, weights, depth + 1);
    const [a, b] = ends as [Rows, Rows];
    if (how === 'concatenate' || a === b) {
      const branches = ends.map((end, k) => inner(end, `branches.${k}`));
      return { type: 'parallel', branches, merge: how };
    }
    // The side that is nothing but the source is the shortcut; else the first, as it is written.
    const [shortcut, way] = b === source ? [b, a] : [a, b];
    const layers = inner(way, 'layers');
    if (shortcut === source) return { type: 'residual', layers };
    return { type: 'residual', layers, shortcut: inner(shortcut, 'shortcut') };
  });
}

/** A dense layer and the activation behind it as one. */
function joinActivations(steps: readonly Rows[]): Rows[] {
  const joined: Rows[] = [];
  for (const step of steps) {
    const before = joined.at(-1);
    const { layer } = step;
    if (
      layer?.type === 'activation' &&
      before?.layer?.type === 'dense' &&
      !before.layer.activation
    ) {
      const { activation } = layer;
      joined[joined.length - 1] = { ...before, layer: { ...before.layer, activation } };
    } else joined.push(step);
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
