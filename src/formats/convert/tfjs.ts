import { hint, show } from '../../checks.js';
import { load } from '../../load.js';
import type { Network, NetworkOptions } from '../../network.js';
import type { Snapshot } from '../../snapshot.js';
import { foreignSnapshot } from '../foreign.js';
import { mergeRows, mostLayers, type Rows, stackOf } from '../graph.js';
import { Field, type JsonSource } from './document.js';
import type { KerasContext } from './keras/context.js';
import { kerasLayers } from './keras/layers.js';
import { readWeights, type WeightFiles, type Weights } from './tfjs-weights.js';

const where = 'model.json';

/**
 * A network from a TensorFlow.js layers model: a Sequential one, or a functional one with one input and
 * one output, in which ways may part and meet again in Add and Concatenate. Nothing needs to be
 * trusted, and no path in it is opened: the files with the weights are handed over.
 *
 * @param model model.json: its text or bytes, or what JSON.parse made of it
 * @param files the files with the weights by the paths that model.json names, or, if there is one file,
 *   its bytes
 * @param options where the network runs
 * @throws FormatError for what does not hold together, and for layers, activations and types of
 *   weights that there are not here: it names them
 */
export function fromTfjs(
  model: JsonSource,
  files: WeightFiles,
  options: NetworkOptions = {},
): Network {
  return load(readTfjs(model, files), options);
}

/** The same as plain data: no network is built. */
export function readTfjs(model: JsonSource, files: WeightFiles): Snapshot {
  const document = Field.document(model, where);
  const weights = readWeights(document.get('weightsManifest'), files);
  const outputs = readTopology(document.get('modelTopology'), weights);
  const [left] = weights.names();
  if (left !== undefined) document.fail(`the weights ${show(left)} belong to no layer`);
  const { layers, weights: named } = stackOf(outputs, where, weights.size);
  let inputs = outputs;
  while (inputs.from) inputs = inputs.from;
  const spec = { inputShape: inputs.shape, layers };
  return foreignSnapshot({ spec, weights: named, scalers: {} }, where);
}

/** The layers as they compute; weights are taken out of the table. */
function readTopology(topology: Field, weights: Weights): Rows {
  // What comes from Python has the model inside.
  const inner = topology.get('model_config');
  const model = inner.exists ? inner : topology;
  const kind = model.get('class_name').text();
  const config = model.get('config');
  if (kind === 'Sequential') {
    const list = config.isList ? config : config.get('layers');
    return readSequence(layersIn(list), weights);
  }
  if (kind === 'Model' || kind === 'Functional') return readGraph(config, weights);
  return model.fail(`expected a model, Sequential or Functional, got ${show(kind)}`);
}

function layersIn(list: Field): Field[] {
  const layers = list.items();
  if (layers.length > 0 && layers.length <= mostLayers) return layers;
  return list.fail(`expected at least one layer, and at most ${mostLayers}, got ${layers.length}`);
}

function inputRows(config: Field): Rows {
  const old = config.get('batch_input_shape');
  const field = old.exists ? old : config.get('batch_shape');
  const [, ...sizes] = field.items();
  return { shape: sizes.map((size) => size.size()), depth: 0, from: undefined };
}

function readSequence(list: readonly Field[], weights: Weights): Rows {
  const [first] = list;
  let rows: Rows | undefined = first && inputRows(first.get('config'));
  for (const layer of list) {
    if (layer.get('class_name').text() !== 'InputLayer') rows = readLayer(layer, [rows!], weights);
  }
  return rows!;
}

function readGraph(config: Field, weights: Weights): Rows {
  const made = new Map<string, Rows>();
  for (const layer of layersIn(config.get('layers'))) {
    const name = layer.get('name').text();
    if (made.has(name)) layer.fail(`the name ${show(name)} comes twice`);
    if (layer.get('class_name').text() === 'InputLayer') {
      if (made.size > 0) layer.fail('expected one input, which comes first');
      made.set(name, inputRows(layer.get('config')));
      continue;
    }
    const calls = layer.get('inbound_nodes').items();
    if (calls.length !== 1) {
      layer.fail(`${show(name)} is used ${calls.length} times, and layers cannot share weights`);
    }
    const inputs = calls[0]!.items().map((source) => {
      const from = source.items()[0]?.text() ?? '';
      return made.get(from) ?? source.fail(`${show(from)} comes from nowhere`);
    });
    made.set(name, readLayer(layer, inputs, weights));
  }
  const outputs = config.get('output_layers');
  const list = outputs.items();
  // One output may stand by itself: ['name', 0, 0].
  const single = list[0]?.isText ? list[0] : list.length === 1 ? list[0]!.items()[0] : undefined;
  const name = (single ?? outputs.fail('expected one output')).text();
  return made.get(name) ?? outputs.fail(`${show(name)} comes from nowhere`);
}

/** Layers that can be read. */
const known = [...Object.keys(kerasLayers), 'Add', 'Concatenate'];

function readLayer(layer: Field, inputs: readonly Rows[], weights: Weights): Rows {
  const kind = layer.get('class_name').text();
  const config = layer.get('config');
  const name = config.get('name').textOr('');
  const fail = (what: string): never => layer.fail(`${kind} ${show(name)}: ${what}`);
  if (kind === 'Add') return mergeAll('add', inputs, fail);
  if (kind === 'Concatenate') {
    const axis = config.get('axis').numberOr(-1);
    if (axis !== -1 && axis !== inputs[0]?.shape.length) fail(`axis: expected −1, got ${axis}`);
    return mergeAll('concatenate', inputs, fail);
  }
  if (!kerasLayers[kind]) fail(`there is no such layer here; ${hint(kind, known)}`);
  const [x] = inputs;
  if (!x || inputs.length > 1) fail(`expected one input, got ${inputs.length}`);
  return readOn(x!, layer, name, undefined, weights);
}

/** What a layer makes of rows; its weights have this name. */
function readOn(
  x: Rows,
  layer: Field,
  name: string,
  direction: KerasContext['direction'],
  weights: Weights,
): Rows {
  const kind = layer.get('class_name').text();
  const config = layer.get('config');
  const fail = (what: string): never => layer.fail(`${kind} ${show(name)}: ${what}`);
  const read = kerasLayers[kind] ?? fail(`there is no such layer here; ${hint(kind, known)}`);
  return read({
    ...{ config, x, direction, fail },
    weight(key, shape, also = key) {
      const full = `${name}/${key}`;
      const tensor = weights.take(full) ?? weights.take(`${name}/${also}`);
      if (!tensor) return fail(`its weights ${show(full)} are missing`);
      if (tensor.shape.join() !== shape.join()) {
        fail(`${key}: expected the shape [${shape.join(', ')}], got [${tensor.shape.join(', ')}]`);
      }
      return tensor;
    },
    inside(inner, which) {
      const own = inner.get('config').get('name').textOr('');
      const path = which ? `${name}/${which}_${own}` : name;
      return readOn(x, inner, path, which, weights);
    },
  });
}

/** Added from the first to the last, or side by side. */
function mergeAll(
  how: 'add' | 'concatenate',
  inputs: readonly Rows[],
  fail: (what: string) => never,
): Rows {
  if (inputs.length === 0) fail('expected inputs');
  if (how === 'concatenate' && inputs.length > 1) return mergeRows(how, inputs, fail);
  const [first, ...others] = inputs;
  return others.reduce<Rows>((sum, rows) => mergeRows('add', [sum, rows], fail), first!);
}
