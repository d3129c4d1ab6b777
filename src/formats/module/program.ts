import { parts } from '../../../build/parts.js';
import type { Op } from '../../backends/backend.js';
import { jsBackend } from '../../backends/js.js';
import type { Model } from '../../layers/model.js';
import { Plan } from '../../plan.js';
import type { Snapshot } from '../../snapshot.js';
import type { Tensor } from '../../tensor.js';
import { floatList, literal } from './literals.js';

/** One row through a network, as text. */
export interface Program {
  /** The kernels, and what they need. */
  readonly functions: string;
  /** The arrays: weights, and one for the outputs of each layer. */
  readonly arrays: string;
  /** The calls, in their order. */
  readonly calls: string;
  /** Names of the arrays that take a row and give the outputs. */
  readonly inputs: string;
  readonly outputs: string;
}

const arrayTypes = { f32: 'Float32Array', f64: 'Float64Array', i32: 'Int32Array' } as const;

/** A piece of memory with a name of its own. */
interface Place {
  readonly tensor: Tensor;
  readonly name: string;
  readonly values: Float32Array | undefined;
  /** What all of it is at first, where that is not 0. */
  readonly fill: number;
  /** Whole numbers in it that never change. */
  readonly constants: readonly number[] | undefined;
  size: number;
}

/** The list of ops that predicts one row on the JavaScript backend, written out. */
export function writeProgram(model: Model, { weights }: Snapshot): Program {
  const plan = new Plan(model, jsBackend());
  const request = {
    batch: 1,
    rows: 'given',
    training: false,
    outputs: true,
    loss: false,
    gradients: 'none',
    update: false,
  } as const;
  const { rows, outputs } = plan.list(request);
  const ops = plan.describe(request);

  const places = new Map<number, Place>();
  let values = 0;
  const nameOf = (tensor: Tensor): string => {
    const size = tensor.rows * tensor.pitch;
    const known = places.get(tensor.offset);
    if (known) {
      known.size = Math.max(known.size, size);
      return known.name;
    }
    const weight = plan.weights.find((p) => p.tensor.offset === tensor.offset);
    const name = weight ? weight.name.replaceAll('.', '_') : `values_${++values}`;
    const kept = weight && weights[weight.name]!.values;
    const fill = Number(tensor.offset === plan.ones.offset);
    const [, constants] =
      [...plan.constants].find(([{ offset }]) => offset === tensor.offset) ?? [];
    places.set(tensor.offset, { tensor, name, values: kept, fill, constants, size });
    return name;
  };
  const inputs = nameOf(rows);
  const call = ({ kernel, args }: Op) => {
    const given = args.map((arg) => (typeof arg === 'number' ? literal(arg) : nameOf(arg)));
    return `  ${kernel}(${given.join(', ')});`;
  };
  const calls = ops.map(call).join('\n');
  const last = nameOf(outputs);
  return {
    functions: functionsOf(ops.map(({ kernel }) => kernel)),
    arrays: [...places.values()].map(declaration).join('\n'),
    calls,
    inputs,
    outputs: last,
  };
}

/** An array with its numbers in it; rows are padded as the kernels count them. */
function declaration({ tensor, name, values, fill, constants, size }: Place): string {
  const { type, rows, columns, pitch } = tensor;
  if (constants) return `const ${name} = Int32Array.of(${constants.join(', ')});`;
  if (!values) {
    const filled = fill === 0 ? '' : `.fill(${fill})`;
    return `const ${name} = new ${arrayTypes[type]}(${size})${filled};`;
  }
  const numbers = floatList(values);
  return rows === 1 || pitch === columns
    ? `const ${name} = Float32Array.from(${numbers});`
    : `const ${name} = padded(${columns}, ${pitch}, ${numbers});`;
}

/** The text of functions and all that they need, in the order of the sources. */
function functionsOf(names: readonly string[]): string {
  const wanted = new Set<number>();
  const want = (place: number) => {
    if (wanted.has(place)) return;
    wanted.add(place);
    parts[place]!.needs.forEach(want);
  };
  for (const name of names) {
    const place = parts.findIndex((part) => part.names.includes(name));
    if (place < 0) throw new TypeError(`toModule: the kernel ${name} has no text`);
    want(place);
  }
  return parts
    .filter((_, place) => wanted.has(place))
    .map(({ text }) => (text.includes('\n') ? `\n${text}\n` : text))
    .join('\n')
    .replaceAll('\n\n\n', '\n\n')
    .trim();
}
