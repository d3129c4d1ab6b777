import type { LayerSpec } from '../../layers/index.js';
import { resolveModel } from '../../layers/model.js';
import type { ModelLayer } from '../../layers/tree.js';
import type { Network } from '../../network.js';
import type { FittedColumn } from '../../scalers.js';
import type { Snapshot } from '../../snapshot.js';
import { GraphBuilder } from './graph.js';
import type { ExportLayer } from './layers/definition.js';
import { exports } from './layers/index.js';
import { exportInputs, exportOutputs } from './preprocess.js';
import { elementTypes, modelMessage, type OnnxValue } from './schema.js';
import { writeMessage } from './wire.js';

/** The version of ONNX's operators that is written, and of its files. */
const operatorSet = 20;
const irVersion = 9;

/**
 * A network as an ONNX file (operator set 20), which other runtimes predict with: input `x` of
 * [batch, …inputShape], output `y` of [batch, …], any number of rows at a time. Scaling is part of
 * it: rows are raw, and predictions in their own units. In a column of categories stands the place
 * of the category in its list, from 0; that list and the names of classes are in the file's metadata
 * as `chainrule.categories` and `chainrule.classes`, as JSON.
 *
 * @returns the bytes of the file
 * @throws TypeError for what has no ONNX form; Error where a scaler has not been fitted
 */
export function toOnnx(model: Pick<Network, 'snapshot'>): Uint8Array {
  const snapshot = model.snapshot();
  const { layers, inputShape, outputShape } = resolveModel(snapshot.spec);
  const build = new GraphBuilder();
  const { x, y } = fittedScalers(snapshot);

  let value = x ? exportInputs(x, inputShape, 'x', build) : 'x';
  value = exportStack(layers, value, snapshot, build);
  if (y) value = exportOutputs(y, outputShape, value, build);
  nameOutput(build, value);

  return writeMessage(modelMessage, {
    version: irVersion,
    producer: 'chainrule',
    graph: {
      nodes: readNodes(build),
      name: 'network',
      tensors: build.tensors,
      inputs: [rows('x', inputShape)],
      outputs: [rows('y', outputShape)],
    },
    operators: [{ domain: '', version: operatorSet }],
    properties: properties(snapshot, x),
  });
}

function exportStack(
  layers: readonly ModelLayer[],
  x: string,
  snapshot: Snapshot,
  build: GraphBuilder,
): string {
  return layers.reduce((value, layer) => exportLayer(layer, value, snapshot, build), x);
}

function exportLayer(
  layer: ModelLayer,
  x: string,
  snapshot: Snapshot,
  build: GraphBuilder,
): string {
  const write = exports[layer.spec.type] as ExportLayer<LayerSpec> | undefined;
  if (!write) throw new TypeError(`toOnnx: ${layer.where} has no ONNX form`);
  build.scope = layer.path;
  const weightOf = (key: string) => snapshot.weights[`${layer.path}.${key}`]!;
  return write(x, {
    layer,
    build,
    weights(key, dims) {
      const { shape, values } = weightOf(key);
      return build.floats(key, values, dims ?? shape);
    },
    numbers: (key) => weightOf(key).values,
    through(stack, inputs) {
      const value = exportStack(layer.stacks[stack]!, inputs, snapshot, build);
      build.scope = layer.path;
      return value;
    },
  });
}

/** What has been learnt of the columns, wherever the spec asks for it. */
function fittedScalers({ spec, scalers }: Snapshot): Snapshot['scalers'] {
  for (const of of ['x', 'y'] as const) {
    if (spec.preprocess?.[of] && !scalers[of]) {
      throw new Error(`toOnnx: the scaler of ${of} has not been fitted: call fit() first`);
    }
  }
  return scalers;
}

/** The last value becomes `y`. */
function nameOutput({ nodes }: GraphBuilder, value: string): void {
  const last = nodes.at(-1);
  if (last?.outputs?.[0] === value) nodes[nodes.length - 1] = { ...last, outputs: ['y'] };
  else nodes.push({ inputs: [value], outputs: ['y'], name: 'y', operator: 'Identity' });
}

/** The nodes whose outputs somebody reads: a layer may have gone on from what is before a node. */
function readNodes({ nodes }: GraphBuilder) {
  const read = new Set(['y']);
  const kept = nodes.toReversed().filter(({ inputs, outputs }) => {
    if (!read.has(outputs![0]!)) return false;
    for (const name of inputs!) read.add(name);
    return true;
  });
  return kept.reverse();
}

const rows = (name: string, shape: readonly number[]): OnnxValue => {
  const dimensions = [{ symbol: 'batch' }, ...shape.map((size) => ({ size }))];
  return { name, type: { tensor: { element: elementTypes.float, shape: { dimensions } } } };
};

/** Names of classes and lists of categories, which numbers do not tell. */
function properties({ spec }: Snapshot, columns: readonly FittedColumn[] | undefined) {
  const list = [];
  if (spec.classes) list.push({ key: 'chainrule.classes', value: JSON.stringify(spec.classes) });
  const categories = columns?.map((column) => ('categories' in column ? column.categories : null));
  if (categories?.some((labels) => labels)) {
    list.push({ key: 'chainrule.categories', value: JSON.stringify(categories) });
  }
  return list;
}
