import { show } from '../checks.js';
import { FormatError } from '../errors.js';
import { type Shape, sizeOf } from '../tensor.js';
import { type Json, parseJsonBytes } from './json.js';

/** Types of elements, and their bytes: the names are the format's. */
const elementBytes = {
  F64: 8,
  I64: 8,
  U64: 8,
  F32: 4,
  I32: 4,
  U32: 4,
  F16: 2,
  BF16: 2,
  I16: 2,
  U16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
} as const;

export type DType = keyof typeof elementBytes;

/** A tensor of a file: little-endian, row-major. */
export interface FileTensor {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly bytes: Uint8Array;
}

/** A tensor as it was read, with its place. */
export interface ReadTensor extends FileTensor {
  /** Where its bytes begin in the file. */
  readonly offset: number;
}

/** A file's tensors by name, and the texts that go with them. */
export interface TensorFile<T extends FileTensor = FileTensor> {
  readonly tensors: ReadonlyMap<string, T>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** The largest header that is read, in bytes: the same as other readers have. */
const mostHeader = 100_000_000;

const isDType = (value: unknown): value is DType =>
  typeof value === 'string' && Object.hasOwn(elementBytes, value);

/** The numbers of a tensor as a typed array. Bytes in a file may stand anywhere, so they are copied. */
export function elementsOf<A extends Float32Array | Float64Array | Uint32Array | Int32Array>(
  { bytes }: FileTensor,
  type: new (buffer: ArrayBuffer) => A,
): A {
  // Not `slice`: that of a Buffer of Node is no copy.
  return new type(new Uint8Array(bytes).buffer);
}

/** The bytes of a typed array. */
export function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/**
 * Writes a safetensors file: eight bytes with the length of the header, the header, JSON in UTF-8,
 * filled up with spaces to a multiple of eight, then all tensors without gaps. Those with larger
 * elements come first, so that each stands on a multiple of its elements' size; among equals they are
 * in the order of their names. The same tensors and texts give the same bytes, whatever their order.
 */
export function writeSafetensors({ tensors, metadata }: TensorFile): Uint8Array<ArrayBuffer> {
  const sorted = [...tensors].sort(
    ([a, { dtype: p }], [b, { dtype: q }]) =>
      elementBytes[q] - elementBytes[p] || (a < b ? -1 : a > b ? 1 : 0),
  );
  const texts = [...metadata].sort(([a], [b]) => (a < b ? -1 : 1));
  const parts = texts.map(([key, text]) => `${JSON.stringify(key)}:${JSON.stringify(text)}`);
  const entries = parts.length > 0 ? [`"__metadata__":{${parts.join(',')}}`] : [];
  let end = 0;
  for (const [name, { dtype, shape, bytes }] of sorted) {
    const begin = end;
    end += bytes.length;
    entries.push(
      `${JSON.stringify(name)}:{"dtype":"${dtype}","shape":[${shape}],"data_offsets":[${begin},${end}]}`,
    );
  }
  const text = new TextEncoder().encode(`{${entries.join(',')}}`);
  const header = Math.ceil(text.length / 8) * 8;
  if (header > mostHeader) {
    throw new RangeError(
      `the header of the file would take ${header} bytes, and at most ${mostHeader} can be read`,
    );
  }
  const file = new Uint8Array(8 + header + end);
  new DataView(file.buffer).setUint32(0, header, true);
  file.fill(32, 8, 8 + header).set(text, 8);
  let at = 8 + header;
  for (const [, { bytes }] of sorted) {
    file.set(bytes, at);
    at += bytes.length;
  }
  return file;
}

/**
 * Reads a safetensors file that need not be trusted. The tensors' bytes are those of the file, not
 * copies.
 *
 * @throws FormatError, with the place, for anything but a whole file: lengths that do not add up,
 *   tensors that overlap or leave a gap, names that come twice, types that the format does not have
 */
export function readSafetensors(file: Uint8Array): TensorFile<ReadTensor> {
  if (file.length < 8) {
    throw new FormatError(
      `safetensors: expected at least 8 bytes, got ${file.length}`,
      file.length,
    );
  }
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const length = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  if (length > mostHeader || length > file.length - 8) {
    throw new FormatError(
      `safetensors: a header of ${length} bytes in a file of ${file.length}: it is no safetensors file, or has been cut short`,
      0,
    );
  }
  const data = 8 + length;
  const where = 'safetensors header';
  if (file[8] !== 123) throw new FormatError(`${where}: expected '{' at byte 8`, 8);
  const header = readTable(parseJsonBytes(file.subarray(8, data), where, 8), where);
  const metadata = new Map<string, string>();
  const tensors: [string, ReadTensor, readonly [number, number]][] = [];
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') {
      for (const [key, text] of Object.entries(readTable(entry, `${where}: __metadata__`))) {
        if (typeof text === 'string') metadata.set(key, text);
        else refuse(`__metadata__: ${show(key)}: expected text, got ${show(text)}`);
      }
      continue;
    }
    const { dtype, shape, offsets } = readEntry(entry, name);
    const [begin, end] = offsets;
    if (begin > end || end > file.length - data) {
      refuse(
        `${show(name)}: data_offsets [${begin}, ${end}] do not lie within the ${file.length - data} bytes of data`,
      );
    }
    const size = sizeOf(shape) * elementBytes[dtype];
    if (end - begin !== size) {
      refuse(
        `${show(name)}: ${dtype} of the shape [${shape.join(', ')}] takes ${size} bytes, got ${end - begin}`,
      );
    }
    const bytes = file.subarray(data + begin, data + end);
    tensors.push([name, { dtype, shape, bytes, offset: data + begin }, offsets]);
  }
  checkCover(tensors, data, file.length);
  return { tensors: new Map(tensors.map(([name, tensor]) => [name, tensor])), metadata };
}

function refuse(problem: string, offset = 8): never {
  throw new FormatError(`safetensors header: ${problem}`, offset);
}

function readTable(value: Json, where: string): { readonly [name: string]: Json } {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as { readonly [name: string]: Json };
  }
  throw new FormatError(`${where}: expected an object, got ${show(value)}`, 8);
}

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

const entryKeys = ['dtype', 'shape', 'data_offsets'];

function readEntry(entry: Json, name: string) {
  const table = readTable(entry, `safetensors header: ${show(name)}`);
  const keys = Object.keys(table);
  if (keys.length !== 3 || !entryKeys.every((key) => keys.includes(key))) {
    refuse(
      `${show(name)}: expected dtype, shape and data_offsets, got ${show(keys.sort().join())}`,
    );
  }
  const { dtype, shape, data_offsets } = table;
  if (!isDType(dtype)) {
    refuse(
      `${show(name)}: dtype: expected one of ${Object.keys(elementBytes).join(', ')}, got ${show(dtype)}`,
    );
  }
  if (!Array.isArray(shape) || shape.length > 32 || !shape.every(isCount)) {
    refuse(`${show(name)}: shape: expected at most 32 whole numbers, got ${show(shape)}`);
  }
  if (!Array.isArray(data_offsets) || data_offsets.length !== 2 || !data_offsets.every(isCount)) {
    refuse(`${show(name)}: data_offsets: expected two whole numbers, got ${show(data_offsets)}`);
  }
  return { dtype, shape, offsets: data_offsets as unknown as readonly [number, number] };
}

/** Refuses tensors that overlap, and bytes that are no tensor's. */
function checkCover(
  tensors: readonly [string, ReadTensor, readonly [number, number]][],
  data: number,
  length: number,
): void {
  const ordered = [...tensors].sort(([, , [a, p]], [, , [b, q]]) => a - b || p - q);
  let end = 0;
  let before = 'the header';
  for (const [name, , [from, to]] of ordered) {
    if (from !== end) {
      const trouble = from < end ? 'overlaps' : 'leaves a gap behind';
      refuse(
        `${show(name)}: begins at ${from} and ${trouble} ${before}, which ends at ${end}`,
        data + end,
      );
    }
    end = to;
    before = show(name);
  }
  if (data + end === length) return;
  refuse(`${length - data - end} bytes follow the last tensor, ${before}`, data + end);
}
