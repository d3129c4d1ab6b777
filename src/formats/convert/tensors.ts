import { hint, onlyKeys, show } from '../../checks.js';
import { FormatError } from '../../errors.js';
import { type NetworkSpec, resolveModel } from '../../layers/model.js';
import { declaredWeights, type ModelLayer } from '../../layers/tree.js';
import { load } from '../../load.js';
import type { Network, NetworkOptions } from '../../network.js';
import { emptyTable, type Snapshot, type SnapshotTensor } from '../../snapshot.js';
import { type Shape, sizeOf } from '../../tensor.js';
import { channelsLast } from '../channels.js';
import { bytesIn, foreignSnapshot } from '../foreign.js';
import { type ReadTensor, readSafetensors } from '../safetensors.js';
import { flattenedInputs } from './flattened.js';
import { floatsFrom, floatTypes } from './floats.js';
import { arranged, type Counterpart, keras, type Library, pytorch } from './libraries.js';

/** Which tensors of a file belong to which layer. */
export interface NamesOption extends NetworkOptions {
  /**
   * The beginning of the names in the file for each layer with weights: { 'layers.0': 'encoder.fc1' }.
   * May be left out where no layer has others inside and the names in the file are numbered, '0.weight'
   * and '2.weight' or 'fc1.weight' and 'fc2.weight': then they are taken in the order of their numbers.
   * Those of Keras, 'dense', 'dense_1' and 'batch_normalization', are numbered for each kind of layer.
   * A tensor's own name stands behind it, or in the place of a star: 'lstm.*_l1' has 'lstm.weight_ih_l1'.
   */
  readonly names?: Readonly<Record<string, string>>;
}

/**
 * A network of this spec with the weights of a PyTorch `state_dict`, saved as safetensors. Linear
 * layers have their matrices [outputs, inputs] there, and convolutions [filters, channels, …], and so
 * they are transposed; what learns of rows that a flatten has made gets its inputs in the order that
 * they have here, channels last.
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
 * 'dense_1/kernel'. The layouts are the same but for the gates of a GRU, so nothing is transposed.
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
  const { reader, conventions, ignored } = library;
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

  const flattened = library.channelsFirst ? flattenedInputs(stack, reader) : undefined;
  const left = new Set(tensors.keys());

  const weights = emptyTable<SnapshotTensor>();
  for (const { name, layer, key, shape, buffer } of declared) {
    if (buffer === 'state') {
      weights[name] = { shape, values: new Float32Array(sizeOf(shape)) };
      continue;
    }
    const counterpart = conventions[layer.spec.type]?.weights[key];
    if (!counterpart) {
      throw new TypeError(`${reader}: ${layer.where} has no counterpart with weights there`);
    }
    const { names: own, also } = counterpart;
    const prefix = prefixes.get(layer.path)!;
    const taken = own.map((each) => {
      const full = fullName(prefix, each, layer, library);
      const other = also === undefined ? full : fullName(prefix, also, layer, library);
      const found = tensors.has(full) ? full : other;
      const tensor = tensors.get(found);
      if (!tensor) {
        throw new FormatError(
          `${reader}: ${show(full)}, for ${layer.where}, is missing; ${hint(full, [...left])}`,
        );
      }
      left.delete(found);
      const there = numbersOf(tensor, found, shapeThere(shape, counterpart, layer), reader);
      return arranged(there, shape, counterpart);
    });
    const values = taken.reduce((sum, more) => sum.map((value, i) => value + more[i]!));
    const before = flattened?.get(layer);
    // The bias of a dense layer is of its outputs.
    const ofInputs = layer.spec.type !== 'dense' || key === 'w';
    weights[name] = { shape, values: before && ofInputs ? channelsLast(values, before) : values };
  }
  for (const name of left) {
    const { offset } = tensors.get(name)!;
    throw new FormatError(`${reader}: no layer of the spec takes ${show(name)}`, offset);
  }
  return foreignSnapshot({ spec, weights, scalers: {} }, reader);
}

/** The name of a tensor: behind the layer's, or in the place of its star. */
function fullName(prefix: string, own: string, layer: ModelLayer, library: Library): string {
  if (prefix.includes('*')) return prefix.replace('*', () => own);
  return `${prefix}${library.separator}${own}${library.ending(layer)}`;
}

function shapeThere(shape: Shape, { turned, shape: other }: Counterpart, layer: ModelLayer): Shape {
  if (turned) return [...shape.slice(-2).reverse(), ...shape.slice(0, -2)];
  return other?.(shape, layer) ?? shape;
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
  { reader, separator, conventions }: Library,
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
  const byLayers = groupBy(learning, ({ spec }) =>
    single ? first! : conventions[spec.type]?.stem,
  );
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
  reader: string,
): Float32Array {
  if (shape.join() !== expected.join()) {
    throw new FormatError(
      `${reader}: ${show(name)}: expected the shape [${expected.join(', ')}], got [${shape.join(', ')}]`,
      offset,
    );
  }
  if (!Object.hasOwn(floatTypes, dtype)) {
    const types = Object.keys(floatTypes).join(', ');
    throw new FormatError(`${reader}: ${show(name)}: expected ${types}, got ${dtype}`, offset);
  }
  return floatsFrom(bytes, dtype as keyof typeof floatTypes);
}
