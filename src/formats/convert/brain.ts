import { show } from '../../checks.js';
import type { ActivationSpec, LayerSpec } from '../../layers/index.js';
import { load } from '../../load.js';
import type { Network, NetworkOptions } from '../../network.js';
import { emptyTable, type Snapshot, type SnapshotTensor } from '../../snapshot.js';
import { foreignSnapshot } from '../foreign.js';
import { Field, type JsonSource } from './document.js';

const where = 'brain.js JSON';

/** What all layers of a network have, by its name in brain.js. */
const activations: Readonly<Record<string, ActivationSpec>> = Object.assign(
  emptyTable<ActivationSpec>(),
  { sigmoid: 'sigmoid', relu: 'relu', 'leaky-relu': 'leakyRelu', tanh: 'tanh' } as const,
);

/**
 * A network from the JSON of a NeuralNetwork of brain.js, version 1 or 2. Rows are lists: where the
 * network was trained on objects, their numbers stand in the order in which brain.js lists the names,
 * and the names of its outputs become those of the classes.
 *
 * @param json what `toJSON()` gave, as an object or as text
 * @param options where the network runs
 * @throws FormatError for other kinds of network, and for what does not hold together
 */
export function fromBrain(json: JsonSource, options: NetworkOptions = {}): Network {
  return load(readBrain(json), options);
}

/** The same as plain data: no network is built. */
export function readBrain(json: JsonSource): Snapshot {
  const document = Field.document(json, where);
  const kind = document.get('type').textOr('NeuralNetwork');
  if (kind !== 'NeuralNetwork' && kind !== 'NeuralNetworkGPU') {
    document.fail(`expected a NeuralNetwork, got a network of the type ${show(kind)}`);
  }
  const sizes = document
    .get('sizes')
    .items()
    .map((size) => size.size());
  const stored = document.get('layers').items();
  if (sizes.length < 2 || stored.length !== sizes.length) {
    document.fail(`expected as many layers as sizes, at least 2, got ${stored.length}`);
  }
  const last = stored.at(-1)!;
  const { activation, factor } = readActivation(document, isOld(last));
  const layers: LayerSpec[] = [];
  const weights = emptyTable<SnapshotTensor>();
  for (let i = 1; i < stored.length; i++) {
    const [inputs, units] = [sizes[i - 1]!, sizes[i]!];
    const neurons = readNeurons(stored[i]!);
    if (neurons.length !== units) stored[i]!.fail(`expected ${units} units, got ${neurons.length}`);
    for (const { field, weights: given } of neurons) {
      if (given.length !== inputs) field.fail(`expected ${inputs} weights, got ${given.length}`);
    }
    // There a row for each unit, here one for each input.
    const w = Float32Array.from({ length: inputs * units }, (_, at) => {
      return factor * neurons[at % units]!.weights[Math.floor(at / units)]!;
    });
    const b = Float32Array.from(neurons, ({ bias }) => factor * bias);
    weights[`layers.${i - 1}.w`] = { shape: [inputs, units], values: w };
    weights[`layers.${i - 1}.b`] = { shape: [units], values: b };
    layers.push({ type: 'dense', units, activation });
  }
  const classes = readClasses(document, last);
  const spec = { inputShape: [sizes[0]!], layers, ...(classes && { classes }) };
  return foreignSnapshot({ spec, weights, scalers: {} }, where);
}

/** Version 2 has lists of biases and weights; version 1 an object for each unit, by its name. */
const isOld = (layer: Field) => !layer.names().includes('biases');

/** The activation, and what weights and biases are to be multiplied by before it. */
function readActivation(
  document: Field,
  old: boolean,
): { activation: ActivationSpec; factor: number } {
  const options = document.get('trainOpts');
  const option = (name: string) => (options.exists ? options.get(name) : options);
  const chosen = option('activation');
  const field = chosen.exists ? chosen : document.get('activation');
  const name = field.textOr('sigmoid');
  const activation = activations[name];
  if (!activation) return field.fail(`there is no activation ${show(name)}`);
  if (activation !== 'leakyRelu') return { activation, factor: 1 };
  const slope = option('leakyReluAlpha').numberOr(0.01);
  // Version 1 leaks above 0, and nothing below: α·max(z, 0).
  if (old) return { activation: 'relu', factor: slope };
  return { activation: { type: 'leakyRelu', slope }, factor: 1 };
}

interface Neuron {
  readonly field: Field;
  readonly bias: number;
  readonly weights: readonly number[];
}

function readNeurons(layer: Field): Neuron[] {
  if (!isOld(layer)) {
    const biases = layer.get('biases').numbers();
    const rows = layer.get('weights').items();
    if (rows.length !== biases.length) {
      layer.fail(`expected ${biases.length} lists of weights, got ${rows.length}`);
    }
    return rows.map((field, i) => ({ field, bias: biases[i]!, weights: field.numbers() }));
  }
  return layer.names().map((name) => {
    const field = layer.get(name);
    const weights = field.get('weights');
    return {
      field,
      bias: field.get('bias').number(),
      weights: weights.names().map((input) => weights.get(input).number()),
    };
  });
}

/** Names of the outputs, where they have any, and there are several to choose among. */
function readClasses(document: Field, last: Field): string[] | undefined {
  const lookup = document.get('outputLookup');
  if (!lookup.exists) return undefined;
  // Version 1 says only whether there are names, and has them in the layer.
  const old = isOld(last);
  if (old && !lookup.flagOr(false)) return undefined;
  const names = old ? last.names() : lookup.names();
  const ordered = new Array<string | undefined>(names.length).fill(undefined);
  for (const [i, name] of names.entries()) {
    const place = old ? i : lookup.get(name).size(0);
    if (place < ordered.length) ordered[place] = name;
  }
  if (ordered.includes(undefined)) lookup.fail('expected the places from 0 on, each once');
  return names.length > 1 ? (ordered as string[]) : undefined;
}
