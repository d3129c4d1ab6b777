import { show } from '../../checks.js';
import type { SnapshotTensor } from '../../snapshot.js';
import { sizeOf } from '../../tensor.js';
import { bytesIn } from '../foreign.js';
import type { Field } from './document.js';
import { floatsFrom } from './floats.js';

/** Files with weights, by the paths that model.json names them by; or the bytes of the only one. */
export type WeightFiles =
  | Uint8Array
  | ArrayBuffer
  | Readonly<Record<string, Uint8Array | ArrayBuffer>>
  | ReadonlyMap<string, Uint8Array | ArrayBuffer>;

/** How numbers lie in a file, and how many bytes each takes. */
const stored = { float32: 4, float16: 2, uint8: 1, uint16: 2 } as const;

/** A tensor that is announced. */
interface Entry {
  readonly field: Field;
  readonly name: string;
  readonly shape: readonly number[];
  readonly stored: keyof typeof stored;
  readonly bytes: number;
}

/** All weights, to be taken by their names. */
export class Weights {
  readonly #tensors = new Map<string, SnapshotTensor>();
  /** Full names by their last two parts: inside other models, names have prefixes. */
  readonly #full = new Map<string, string>();
  /** How many bytes they are in all. */
  size = 0;

  add(name: string, tensor: SnapshotTensor, field: Field): void {
    if (this.#tensors.has(name)) field.fail(`the name ${show(name)} comes twice`);
    this.#tensors.set(name, tensor);
    this.#full.set(name.split('/').slice(-2).join('/'), name);
  }

  /** Gives a tensor, which is gone then; undefined where there is none. */
  take(name: string): SnapshotTensor | undefined {
    const full = this.#tensors.has(name) ? name : (this.#full.get(name) ?? name);
    const tensor = this.#tensors.get(full);
    this.#tensors.delete(full);
    return tensor;
  }

  /** Names of those that nobody took. */
  names(): readonly string[] {
    return [...this.#tensors.keys()];
  }
}

/** Reads the weights that a manifest announces. */
export function readWeights(manifest: Field, files: WeightFiles): Weights {
  const weights = new Weights();
  const groups = manifest.items();
  const paths = groups.flatMap((group) => group.get('paths').items());
  const open = opener(paths, files, manifest);
  for (const group of groups) {
    const entries = group.get('weights').items().map(readEntry);
    const expected = entries.reduce((sum, { bytes }) => sum + bytes, 0);
    const data = join(group.get('paths').items().map(open), expected, group);
    weights.size += expected;
    let at = 0;
    for (const entry of entries) {
      const { name, shape, field } = entry;
      const values = numbersOf(entry, data.subarray(at, at + entry.bytes));
      weights.add(name, { shape, values }, field);
      at += entry.bytes;
    }
  }
  return weights;
}

/** Gives the bytes of a path; each path stands for a file of its own. */
function opener(paths: readonly Field[], files: WeightFiles, manifest: Field) {
  const only = bytesIn(files);
  if (typeof files !== 'object' || files === null) {
    throw new TypeError(`fromTfjs: expected files by their paths, got ${show(files)}`);
  }
  if (only && paths.length !== 1) {
    manifest.fail(`expected ${paths.length} files by their paths, got the bytes of one`);
  }
  const met = new Set<string>();
  for (const path of paths) {
    const name = path.text();
    if (met.has(name)) path.fail(`the path ${show(name)} comes twice`);
    met.add(name);
  }
  const given = (name: string) => {
    if (files instanceof Map) return files.get(name);
    return Object.hasOwn(files, name) ? (files as Record<string, unknown>)[name] : undefined;
  };
  return (path: Field): Uint8Array => {
    const name = path.text();
    const bytes = only ?? bytesIn(given(name) ?? given(name.replace(/^\.\//, '')));
    return bytes ?? path.fail(`there are no bytes for ${show(name)} among the files`);
  };
}

function join(parts: readonly Uint8Array[], expected: number, group: Field): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if (length !== expected) {
    group.fail(`its weights take ${expected} bytes, and its files have ${length}`);
  }
  if (parts.length === 1) return parts[0]!;
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function readEntry(field: Field): Entry {
  const dtype = field.get('dtype').text();
  if (dtype !== 'float32') field.fail(`dtype: expected float32 numbers, got ${show(dtype)}`);
  const quantization = field.get('quantization');
  const kind = quantization.exists ? quantization.get('dtype').text() : dtype;
  if (!Object.hasOwn(stored, kind)) {
    field.fail(`expected numbers stored as ${Object.keys(stored).join(', ')}, got ${show(kind)}`);
  }
  const shape = field
    .get('shape')
    .items()
    .map((size) => size.size());
  const bytes = sizeOf(shape) * stored[kind as keyof typeof stored];
  if (!Number.isSafeInteger(bytes)) field.fail(`shape: [${shape.join(', ')}] is no size`);
  return { field, name: field.get('name').text(), shape, stored: kind as Entry['stored'], bytes };
}

/** The numbers of a tensor. Quantized ones are value · scale + min. */
function numbersOf({ field, stored }: Entry, bytes: Uint8Array): Float32Array {
  if (stored === 'float32') return floatsFrom(bytes, 'F32');
  if (stored === 'float16') return floatsFrom(bytes, 'F16');
  const quantization = field.get('quantization');
  const [scale, min] = [quantization.get('scale').number(), quantization.get('min').number()];
  const values = stored === 'uint8' ? bytes : new Uint16Array(bytes.slice().buffer);
  return Float32Array.from(values, (value) => value * scale + min);
}
