import { show } from '../../checks.js';
import { FormatError } from '../../errors.js';
import { elementTypes, type OnnxTensor } from './schema.js';

/** Numbers that stand in the file, with their dimensions; none for a single number. */
export interface Constant {
  readonly dims: readonly number[];
  /** Whole numbers, or floats. */
  readonly values: readonly number[] | Float32Array;
}

const mostDimensions = 8;
/** Shapes and axes: what is a list of whole numbers in a network. */
const mostIntegers = 1024;

/**
 * The numbers of a tensor, once it is certain that they are all there. Doubles are rounded.
 *
 * @throws FormatError for types that networks do not have, and for numbers in another file
 */
export function readTensor(tensor: OnnxTensor, where: string): Constant {
  const fail = (what: string): never => {
    throw new FormatError(`ONNX file: ${where}: ${what}`);
  };
  const { dims = [], type, location = 0 } = tensor;
  if (location !== 0) {
    fail('its numbers are in another file, which is never opened: save the model in one file');
  }
  if (dims.length > mostDimensions) fail(`${dims.length} dimensions, at most ${mostDimensions}`);
  const size = dims.reduce((product, length) => product * length, 1);
  if (!Number.isSafeInteger(size) || dims.some((length) => length < 0)) {
    fail(`dimensions [${dims.join(', ')}] are no sizes`);
  }
  const counted = <L extends { readonly length: number }>(values: L): L => {
    if (values.length === size) return values;
    return fail(`dimensions [${dims.join(', ')}] hold ${size} numbers, got ${values.length}`);
  };
  const raw = <A>(Type: new (buffer: ArrayBuffer) => A, bytes: number): A | undefined => {
    if (!tensor.raw) return undefined;
    if (tensor.raw.length !== size * bytes) {
      fail(`expected ${size} numbers of ${bytes} bytes, got ${tensor.raw.length} bytes`);
    }
    return new Type(tensor.raw.slice().buffer);
  };
  const integers = () => {
    if (size > mostIntegers) fail(`${size} whole numbers, at most ${mostIntegers}`);
  };
  switch (type) {
    case elementTypes.float:
      return { dims, values: raw(Float32Array, 4) ?? counted(tensor.floats ?? new Float32Array()) };
    case elementTypes.double: {
      const values = raw(Float64Array, 8) ?? counted(tensor.doubles ?? new Float64Array());
      return { dims, values: Float32Array.from(values) };
    }
    case elementTypes.int64: {
      integers();
      const long = raw(BigInt64Array, 8);
      return { dims, values: long ? Array.from(long, Number) : counted(tensor.ints64 ?? []) };
    }
    case elementTypes.int32:
    case elementTypes.bool: {
      integers();
      const Type = type === elementTypes.bool ? Uint8Array : Int32Array;
      const values = raw<ArrayLike<number>>(Type, Type.BYTES_PER_ELEMENT);
      return { dims, values: values ? Array.from(values) : counted(tensor.ints32 ?? []) };
    }
    default:
      return fail(`expected float32 or float64 numbers, got the element type ${show(type)}`);
  }
}
