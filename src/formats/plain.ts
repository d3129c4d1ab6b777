import { FormatError } from '../errors.js';
import type { Plain } from '../snapshot.js';
import type { Json } from './json.js';
import { bytesOf, type DType, elementsOf, type FileTensor } from './safetensors.js';

/*
 * Plain data in a file: JSON, in which { "$tensor": name } stands for a tensor of the file. Typed
 * arrays become tensors, and so do numbers that JSON does not have: NaN and the infinities are 'F64' of
 * the shape []. A name that begins with $ gets another $ in front.
 */

const reference = '$tensor';

const arrays = {
  F32: Float32Array,
  F64: Float64Array,
  I32: Int32Array,
  U32: Uint32Array,
} as const;

type ArrayType = keyof typeof arrays;

const dtypeOf = (array: unknown): ArrayType | undefined =>
  (Object.keys(arrays) as ArrayType[]).find((dtype) => array instanceof arrays[dtype]);

/** Packs plain data: its tensors are added to those given, under names that begin with `path`. */
export function packPlain(value: Plain, path: string, tensors: Map<string, FileTensor>): Json {
  const put = (tensor: FileTensor): Json => {
    let name = path;
    while (tensors.has(name)) name += "'";
    tensors.set(name, tensor);
    return { [reference]: name };
  };
  if (typeof value === 'number' && !Number.isFinite(value)) {
    return put({ dtype: 'F64', shape: [], bytes: bytesOf(Float64Array.of(value)) });
  }
  if (typeof value !== 'object' || value === null) return value;
  if (ArrayBuffer.isView(value)) {
    const dtype = dtypeOf(value);
    if (dtype === undefined)
      throw new TypeError(`${path}: no place for a ${value.constructor.name}`);
    return put({ dtype, shape: [value.length], bytes: bytesOf(value) });
  }
  if (Array.isArray(value)) {
    return value.map((item: Plain, i) => packPlain(item, `${path}.${i}`, tensors));
  }
  const entries = Object.entries(value as Readonly<Record<string, Plain | undefined>>)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(
    entries.map(([key, item]) => [
      key.startsWith('$') ? `$${key}` : key,
      packPlain(item as Plain, `${path}.${key}`, tensors),
    ]),
  );
}

/** Plain data as it was packed; each tensor that it names is taken out of those given. */
export function unpackPlain(value: Json, path: string, tensors: Map<string, FileTensor>): Plain {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    return value.map((item: Json, i) => unpackPlain(item, `${path}.${i}`, tensors));
  }
  const table = value as Readonly<Record<string, Json>>;
  if (Object.hasOwn(table, reference)) {
    const name = table[reference];
    const tensor = typeof name === 'string' ? tensors.get(name) : undefined;
    if (!tensor || Object.keys(table).length > 1 || !isArrayType(tensor.dtype)) {
      throw new FormatError(`${path}: names no tensor of the file that it could be`, 8);
    }
    tensors.delete(name as string);
    if (tensor.shape.length > 1) {
      throw new FormatError(`${path}: expected one dimension, got ${tensor.shape.length}`, 8);
    }
    const elements = elementsOf<Float64Array>(tensor, arrays[tensor.dtype] as typeof Float64Array);
    return tensor.shape.length === 0 ? elements[0]! : elements;
  }
  return Object.fromEntries(
    Object.entries(table).map(([key, item]) => {
      const name = key.startsWith('$') ? key.slice(1) : key;
      return [name, unpackPlain(item, `${path}.${name}`, tensors)];
    }),
  );
}

const isArrayType = (dtype: DType): dtype is ArrayType => Object.hasOwn(arrays, dtype);
