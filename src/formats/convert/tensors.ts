import { hint, onlyKeys, show } from '../../checks.js';
import { FormatError } from '../../errors.js';
import { type NetworkSpec, resolveModel } from '../../layers/model.js';
import { declaredWeights, type ModelLayer } from '../../layers/tree.js';
import { load } from '../../load.js';
import type { Network, NetworkOptions } from '../../network.js';
import { emptyTable, type Snapshot, type SnapshotTensor } from '../../snapshot.js';
import type { Shape } from '../../tensor.js';
import { bytesIn, foreignSnapshot } from '../foreign.js';
import { type ReadTensor, readSafetensors } from '../safetensors.js';
import { floatsFrom, floatTypes } from './floats.js';

/** Which tensors of a file belong to which layer. */
export interface NamesOption extends NetworkOptions {
  /**
   * The beginning of the names in the file for each layer with weights: { 'layers.0': 'encoder.fc1' }.
   * May be left out where no layer has others inside and the names in the file are numbered, '0.weight'
   * and '2.weight' or 'fc1.weight' and 'fc2.weight': then they are taken in the order of their numbers.
   * Those of Keras, 'dense', 'dense_1' and 'batch_normalization', are numbered for each kind of layer.
   */
  readonly names?: Readonly<Record<string, string>>;
}

/** A library's names of what a layer learns, and whether a matrix is the other way round there. */
type Convention = Readonly<Record<string, string | { readonly transposed: string }>>;

/** What a layer of a kind is called there, where it is not by its place, and its weights. */
interface LayerConvention {
  readonly stem?: string;
  readonly weights: Convention;
}

interface Library {
  /** Who reads, for messages. */
  readonly reader: string;
  /** What stands between a layer's name and that of its tensor. */
  readonly separator: string;
  readonly layers: Readonly<Record<string, LayerConvention>>;
  /** Tensors that count and are no weights. */
  readonly ignored: RegExp;
}

const pytorch: Library = {
  reader: 'fromPyTorch',
  separator: '.',
  layers: {
    dense: { weights: { w: { transposed: 'weight' }, b: 'bias' } },
    batchNormalization: {
      weights: { scale: 'weight', shift: 'bias', mean: 'running_mean', variance: 'running_var' },
    },
    layerNormalization: { weights: { scale: 'weight', shift: 'bias' } },
    embedding: { weights: { w: 'weight' } },
    positionalEmbedding: { weights: { w: 'weight' } },
    attention: {
      weights: {
        w: { transposed: 'in_proj_weight' },
        b: 'in_proj_bias',
        wOut: { transposed: 'out_proj.weight' },
        bOut: 'out_proj.bias',
      },
    },
  },
  ignored: /\.num_batches_tracked$/,
};

const keras: Library = {
  reader: 'fromKeras',
  separator: '/',
  layers: {
    dense: { stem: 'dense', weights: { w: 'kernel', b: 'bias' } },
    batchNormalization: {
      stem: 'batch_normalization',
      weights: { scale: 'gamma', shift: 'beta', mean: 'moving_mean', variance: 'moving_variance' },
    },
    layerNormalization: {
      stem: 'layer_normalization',
      weights: { scale: 'gamma', shift: 'beta' },
    },
    embedding: { stem: 'embedding', weights: { w: 'embeddings' } },
  },
  ignored: /^$/,
};

/**
 * A network of this spec with the weights of a PyTorch `state_dict`, saved as safetensors. Linear
 * layers have their matrices [outputs, inputs] there, and so they are transposed.
 *
 * @param file the bytes of the file, which need not be trusted
 * @param spec the network, layer by layer as it is in PyTorch
 * @param options `names`: which layer has which name there; and where the network runs
 * @throws FormatError for a file that is damaged, or does not fit the spec
 */
export function fromPyTorch(
  file: Uint8Array | ArrayBuffer,
  spec: NetworkSpec,
  options: NamesOption = {},
): Network {
  const { names, ...rest } = options;
  return load(readTensors(file, spec, names, pytorch), rest);
}

/**
 * A network of this spec with weights of Keras, saved as safetensors under names such as
 * 'dense_1/kernel'. The layouts are the same, so nothing is transposed.
 *
 * @param file the bytes of the file, which need not be trusted
 * @param spec the network, layer by layer as it is in Keras
 * @param options `names`: which layer has which name there; and where the network runs
 * @throws FormatError for a file that is damaged, or does not fit the spec
 */
export function fromKeras(
  file: Uint8Array | ArrayBuffer,
  spec: NetworkSpec,
  options: NamesOption = {},
): Network {
  const { names, ...rest } = options;
  return load(readTensors(file, spec, names, keras), rest);
}

function readTensors(
  bytes: Uint8Array | ArrayBuffer,
  given: NetworkSpec,
  names: NamesOption['names'],
  library: Library,
): Snapshot {
  const { reader, separator, layers, ignored } = library;
  const file = bytesIn(bytes);
  if (!file) {
    throw new TypeError(`${reader}: expected the bytes of a safetensors file, got ${show(bytes)}`);
  }
  const { spec, layers: stack } = resolveModel(given);
  const declared = declaredWeights(stack);
  const learning = [...new Set(declared.map(({ layer }) => layer))];
  const tensors = new Map(readSafetensors(file).tensors);
  for (const name of tensors.keys()) if (ignored.test(name)) tensors.delete(name);
  const prefixes = names
    ? checkedNames(names, learning, reader)
    : numberedNames([...tensors.keys()], learning, library);

  const weights = emptyTable<SnapshotTensor>();
  for (const { name, layer, key, shape } of declared) {
    const convention = layers[layer.spec.type]?.weights[key];
    if (!convention) {
      throw new TypeError(`${reader}: ${layer.where} has no counterpart with weights there`);
    }
    const turned = typeof convention !== 'string';
    const full = `${prefixes.get(layer.path)}${separator}${turned ? convention.transposed : convention}`;
    const tensor = tensors.get(full);
    if (!tensor) {
      throw new FormatError(
        `${reader}: ${show(full)}, for ${layer.where}, is missing; ${hint(full, [...tensors.keys()])}`,
      );
    }
    tensors.delete(full);
    weights[name] = { shape, values: numbersOf(tensor, full, shape, turned, reader) };
  }
  for (const [name, { offset }] of tensors) {
    throw new FormatError(`${reader}: no layer of the spec takes ${show(name)}`, offset);
  }
  return foreignSnapshot({ spec, weights, scalers: {} }, reader);
}

function checkedNames(
  names: Readonly<Record<string, string>>,
  learning: readonly ModelLayer[],
  reader: string,
): ReadonlyMap<string, string> {
  const paths = learning.map(({ path }) => path);
  onlyKeys(names, paths, `${reader}: names`);
  return new Map(
    paths.map((path) => {
      const name = Object.hasOwn(names, path) ? names[path] : undefined;
      if (typeof name === 'string') return [path, name];
      throw new TypeError(`${reader}: names: expected text for ${path}, got ${show(name)}`);
    }),
  );
}

const isDigit = (code: number) => code >= 48 && code <= 57;

/** The beginning of a tensor's name: what it is called, and its number; −1 without one, as 'dense'. */
function numbered(prefix: string) {
  let end = prefix.length;
  while (end > 0 && isDigit(prefix.charCodeAt(end - 1))) end--;
  const stem = prefix.slice(0, end).replace(/_$/, '');
  return { prefix, stem, number: end < prefix.length ? Number(prefix.slice(end)) : -1 };
}

function groupBy<T, K>(list: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of list) {
    const key = keyOf(item);
    groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return groups;
}

/**
 * The beginnings of numbered names for the layers in their order: by number, over all layers where the
 * names differ in nothing else, or over those of each kind where that is how layers are called.
 */
function numberedNames(
  names: readonly string[],
  learning: readonly ModelLayer[],
  { reader, separator, layers }: Library,
): ReadonlyMap<string, string> {
  const prefixes = [...new Set(names.map((name) => name.slice(0, name.lastIndexOf(separator))))];
  const refuse = (problem: string): never => {
    const shown = prefixes.slice(0, 8).map(show).join(', ');
    throw new FormatError(
      `${reader}: ${problem}; say which layer has which: names: { '${learning[0]?.path ?? 'layers.0'}': …, … }; the file has ${shown}`,
    );
  };
  if (prefixes.length !== learning.length) {
    refuse(`${prefixes.length} names in the file for ${learning.length} layers with weights`);
  }
  const inner = learning.find(({ path }) => path.split('.').length > 2);
  if (inner)
    refuse(`${inner.where} is inside another layer, and numbers do not tell which is which`);
  const byStem = groupBy(prefixes.map(numbered), ({ stem }) => stem);
  const single = byStem.size === 1;
  const [first] = byStem.keys();
  const byLayers = groupBy(learning, ({ spec }) => (single ? first! : layers[spec.type]?.stem));
  const found = new Map<string, string>();
  for (const [stem, list] of byLayers) {
    const given = byStem.get(stem ?? '') ?? [];
    if (stem === undefined || given.length !== list.length) {
      refuse('the names in the file differ in more than their numbers');
    }
    given.sort((a, b) => a.number - b.number);
    given.forEach(({ prefix, number }, i) => {
      if (number === given[i + 1]?.number) refuse(`the number ${number} comes twice`);
      found.set(list[i]!.path, prefix);
    });
  }
  return found;
}

function numbersOf(
  { dtype, shape, bytes, offset }: ReadTensor,
  name: string,
  expected: Shape,
  turned: boolean,
  reader: string,
): Float32Array {
  const there = turned ? [...expected].reverse() : expected;
  if (shape.join() !== there.join()) {
    throw new FormatError(
      `${reader}: ${show(name)}: expected the shape [${there.join(', ')}], got [${shape.join(', ')}]`,
      offset,
    );
  }
  if (!Object.hasOwn(floatTypes, dtype)) {
    const types = Object.keys(floatTypes).join(', ');
    throw new FormatError(`${reader}: ${show(name)}: expected ${types}, got ${dtype}`, offset);
  }
  const values = floatsFrom(bytes, dtype as keyof typeof floatTypes);
  if (!turned) return values;
  const [rows, columns] = expected as [number, number];
  return values.map((_, i) => values[(i % columns) * rows + Math.floor(i / columns)]!);
}
