import { version } from '../../package.json';
import { show } from '../checks.js';
import { FormatError } from '../errors.js';
import type { Model, NetworkSpec } from '../layers/model.js';
import { declaredWeights } from '../layers/tree.js';
import {
  checkSnapshot,
  emptyTable,
  type OptimizerState,
  type Snapshot,
  type SnapshotTensor,
} from '../snapshot.js';
import type { Shape } from '../tensor.js';
import { bytesIn, checkSpec, fromFile } from './foreign.js';
import { canonicalJson, type Json, parseJson, parseJsonBytes } from './json.js';
import { packPlain, unpackPlain } from './plain.js';
import {
  bytesOf,
  type DType,
  elementsOf,
  type FileTensor,
  type ReadTensor,
  readSafetensors,
  writeSafetensors,
} from './safetensors.js';

/**
 * The number of the format that is written. It rises whenever an older version could not read a file
 * rightly: with a new part, another meaning, or another default of anything that a spec leaves open.
 */
const format = 1;

/** What the one metadata key holds, as JSON. */
const metadataKey = 'chainrule';

const prefix = {
  slots: 'optimizer.slots.',
  kept: 'optimizer.kept',
  random: 'random',
  history: 'history.',
  training: 'training',
} as const;

/** The bytes of a model file: safetensors with the weights, and the rest as metadata. */
export function encodeSnapshot(snapshot: Snapshot): Uint8Array<ArrayBuffer> {
  const { spec, weights, scalers, optimizer, history, training, attachment } = snapshot;
  const tensors = new Map<string, FileTensor>();
  for (const [name, { shape, values }] of Object.entries(weights)) {
    tensors.set(name, { dtype: 'F32', shape, bytes: bytesOf(values) });
  }
  if (optimizer) {
    for (const [slot, table] of Object.entries(optimizer.slots)) {
      for (const [name, values] of Object.entries(table)) {
        const { shape } = weights[name]!;
        const bytes = bytesOf(values);
        tensors.set(`${prefix.slots}${slot}.${name}`, { dtype: 'F32', shape, bytes });
      }
    }
    const { kept, steps, epochs } = optimizer;
    tensors.set(prefix.kept, { dtype: 'F64', shape: [kept.length], bytes: bytesOf(kept) });
    const random = bytesOf(Uint32Array.of(spec.seed ?? 0, steps, epochs));
    tensors.set(prefix.random, { dtype: 'U32', shape: [3], bytes: random });
  }
  for (const [name, values] of Object.entries(history ?? {})) {
    const bytes = bytesOf(Float64Array.from(values));
    tensors.set(prefix.history + name, { dtype: 'F64', shape: [values.length], bytes });
  }
  const text = canonicalJson(
    {
      format,
      version,
      spec,
      ...(Object.keys(scalers).length > 0 && { preprocessing: scalers }),
      ...(training !== undefined && { training: packPlain(training, prefix.training, tensors) }),
      ...(attachment !== undefined && { attachment: attachment as Json }),
    },
    'save',
  );
  return writeSafetensors({ tensors, metadata: new Map([[metadataKey, text]]) });
}

/**
 * A spec from JSON text that need not be trusted, checked whole: `JSON.stringify(model)` gives such
 * text, and `sequential(readSpec(text))` a network of it, with new weights. No network is built here;
 * how much memory one takes is up to the spec.
 *
 * @param text JSON, or its bytes in UTF-8
 * @throws FormatError that says where and what
 */
export function readSpec(text: string | Uint8Array | ArrayBuffer): NetworkSpec {
  const where = 'spec';
  const bytes = bytesIn(text);
  if (typeof text !== 'string' && !bytes) {
    throw new TypeError(`readSpec: expected JSON text or its bytes, got ${show(text)}`);
  }
  const json = bytes ? parseJsonBytes(bytes, where, 0) : parseJson(text as string, where, 0);
  return fromFile(() => checkSpec(json), where).spec;
}

/** The tensors of a file, taken one by one, so that in the end none is left over. */
export class Tensors {
  readonly left: Map<string, ReadTensor>;

  constructor(tensors: ReadonlyMap<string, ReadTensor>) {
    this.left = new Map(tensors);
  }

  take<A extends Float32Array | Float64Array | Uint32Array>(
    name: string,
    dtype: DType,
    shape: Shape,
    type: new (buffer: ArrayBuffer) => A,
  ): A {
    const tensor = this.left.get(name);
    const expected = `${dtype} of the shape [${shape.join(', ')}]`;
    if (!tensor) throw new FormatError(`${where}: ${name} is missing: expected ${expected}`, 8);
    if (tensor.dtype !== dtype || tensor.shape.join() !== shape.join()) {
      throw new FormatError(
        `${where}: ${name}: expected ${expected}, got ${tensor.dtype} of [${tensor.shape.join(', ')}]`,
        tensor.offset,
      );
    }
    this.left.delete(name);
    return elementsOf(tensor, type);
  }
}

const where = 'model file';

const about = 'metadata chainrule';

/** The parts of a model file that need not be trusted: they are there, and what they say is unchecked. */
export function openModelFile(file: Uint8Array): Metadata & { readonly tensors: Tensors } {
  const { tensors, metadata } = readSafetensors(file);
  const text = metadata.get(metadataKey);
  if (text === undefined) {
    throw new FormatError(
      `${where}: a safetensors file without the metadata '${metadataKey}', so it holds tensors, but no chainrule model`,
      8,
    );
  }
  return { ...readMetadata(parseJson(text, about)), tensors: new Tensors(tensors) };
}

/**
 * Reads a model file that need not be trusted. All of it is checked, and nothing is built.
 *
 * @throws FormatError that says where and what
 */
export function decodeSnapshot(file: Uint8Array): { snapshot: Snapshot; model: Model } {
  const { spec, preprocessing, training, attachment, tensors } = openModelFile(file);
  const model = fromFile(() => checkSpec(spec), `${about}: spec`);
  const weights = emptyTable<SnapshotTensor>();
  for (const { name, shape } of declaredWeights(model.layers)) {
    weights[name] = { shape, values: tensors.take(name, 'F32', shape, Float32Array) };
  }
  const optimizer = tensors.left.has(prefix.random) ? takeOptimizer(tensors, model) : undefined;
  const history = takeHistory(tensors);
  const plain =
    training === undefined ? undefined : unpackPlain(training, prefix.training, tensors.left);
  for (const [name, { offset }] of tensors.left) {
    throw new FormatError(`${where}: ${show(name)} is no tensor of this model`, offset);
  }
  const snapshot: Snapshot = {
    spec: model.spec,
    weights,
    scalers: (preprocessing ?? {}) as Snapshot['scalers'],
    ...(optimizer && { optimizer }),
    ...(history && { history }),
    ...(plain !== undefined && { training: plain }),
    ...(attachment !== undefined && { attachment }),
  };
  fromFile(() => checkSnapshot(snapshot, model), where);
  return { snapshot, model };
}

interface Metadata {
  readonly spec: Json;
  readonly preprocessing?: Json;
  readonly training?: Json;
  readonly attachment?: Json;
}

function readMetadata(json: Json): Metadata {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new FormatError(`${about}: expected an object, got ${show(json)}`, 8);
  }
  const { format: written, version: by } = json as Readonly<Record<string, Json>>;
  if (typeof written !== 'number' || !Number.isSafeInteger(written) || written < 1) {
    throw new FormatError(`${about}: format: expected a number from 1 on, got ${show(written)}`, 8);
  }
  if (written > format) {
    throw new FormatError(
      `${about}: the file has format ${written}, written by chainrule ${show(by)}; chainrule ${version} reads up to ${format}: update it`,
      8,
    );
  }
  const keys = ['format', 'version', 'spec', 'preprocessing', 'training', 'attachment'];
  const other = Object.keys(json).find((key) => !keys.includes(key));
  if (other !== undefined) {
    throw new FormatError(
      `${about}: keys: unknown option ${show(other)}; known: ${keys.join(', ')}`,
      8,
    );
  }
  if (typeof by !== 'string') {
    throw new FormatError(`${about}: version: expected text, got ${show(by)}`, 8);
  }
  return json as unknown as Metadata;
}

function takeOptimizer(tensors: Tensors, model: Model): OptimizerState {
  const slots = emptyTable<Record<string, Float32Array>>();
  for (const slot of model.optimizer.slots) {
    const table = emptyTable<Float32Array>();
    for (const { name, shape, trains } of declaredWeights(model.layers)) {
      if (!trains) continue;
      table[name] = tensors.take(`${prefix.slots}${slot}.${name}`, 'F32', shape, Float32Array);
    }
    slots[slot] = table;
  }
  const kept = tensors.take(prefix.kept, 'F64', [model.optimizer.kept], Float64Array);
  const [seed, steps, epochs] = tensors.take(prefix.random, 'U32', [3], Uint32Array);
  if (seed !== model.seed) {
    throw new FormatError(
      `${where}: ${prefix.random}: expected the seed ${model.seed}, got ${seed}`,
    );
  }
  return { slots, kept, steps: steps!, epochs: epochs! };
}

function takeHistory(tensors: Tensors): Record<string, readonly number[]> | undefined {
  const names = [...tensors.left.keys()].filter((name) => name.startsWith(prefix.history)).sort();
  if (names.length === 0) return undefined;
  const history = emptyTable<readonly number[]>();
  for (const name of names) {
    const epochs = tensors.left.get(name)!.shape[0] ?? 1;
    const values = tensors.take(name, 'F64', [epochs], Float64Array);
    history[name.slice(prefix.history.length)] = Array.from(values);
  }
  return history;
}
