import { hint, onlyKeys, show } from '../../checks.js';
import { FormatError } from '../../errors.js';
import { type NetworkSpec, resolveModel } from '../../layers/model.js';
import { declaredWeights } from '../../layers/tree.js';
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
   * May be left out where the names in the file are numbered, as '0.weight' and '2.weight': then they
   * are taken in that order.
   */
  readonly names?: Readonly<Record<string, string>>;
}

/** A library's names of what a kind of layer learns, and whether a matrix is the other way round there. */
type Conventions = Readonly<
  Record<string, Readonly<Record<string, string | { readonly transposed: string }>>>
>;

interface Library {
  /** Who reads, for messages. */
  readonly reader: string;
  /** What stands between a layer's name and that of its tensor. */
  readonly separator: string;
  readonly layers: Conventions;
  /** Tensors that count and are no weights. */
  readonly ignored: RegExp;
}

const pytorch: Library = {
  reader: 'fromPyTorch',
  separator: '.',
  layers: { dense: { w: { transposed: 'weight' }, b: 'bias' } },
  ignored: /\.num_batches_tracked$/,
};

const keras: Library = {
  reader: 'fromKeras',
  separator: '/',
  layers: { dense: { w: 'kernel', b: 'bias' } },
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
  const paths = [...new Set(declared.map(({ layer }) => layer.path))];
  const tensors = new Map(readSafetensors(file).tensors);
  for (const name of tensors.keys()) if (ignored.test(name)) tensors.delete(name);
  const prefixes = names
    ? checkedNames(names, paths, reader)
    : numberedNames([...tensors.keys()], paths, library);

  const weights = emptyTable<SnapshotTensor>();
  for (const { name, layer, key, shape } of declared) {
    const convention = layers[layer.spec.type]?.[key];
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
  paths: readonly string[],
  reader: string,
): ReadonlyMap<string, string> {
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

/** The beginnings of numbered names in the order of their numbers, for the layers in theirs. */
function numberedNames(
  names: readonly string[],
  paths: readonly string[],
  { reader, separator }: Library,
): ReadonlyMap<string, string> {
  const prefixes = [...new Set(names.map((name) => name.slice(0, name.lastIndexOf(separator))))];
  const shown = prefixes.slice(0, 8).map(show).join(', ');
  const remedy = `say which layer has which: names: { '${paths[0]}': …, … }; the file has ${shown}`;
  // 'dense', 'dense_1', 'dense_2': the first has no number.
  const numbered = prefixes.map((prefix) => {
    let end = prefix.length;
    while (end > 0 && isDigit(prefix.charCodeAt(end - 1))) end--;
    const stem = prefix.slice(0, end);
    const number = end < prefix.length ? Number(prefix.slice(end)) : -1;
    return { prefix, stem: stem.endsWith('_') ? stem.slice(0, -1) : stem, number };
  });
  if (prefixes.length !== paths.length || numbered.some(({ stem }) => stem !== numbered[0]!.stem)) {
    throw new FormatError(
      `${reader}: ${prefixes.length} names in the file for ${paths.length} layers with weights; ${remedy}`,
    );
  }
  numbered.sort((a, b) => a.number - b.number);
  return new Map(paths.map((path, i) => [path, numbered[i]!.prefix]));
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
