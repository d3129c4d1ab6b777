import { load, standardScaler } from 'chainrule';
import { modelMessage } from '../../../src/formats/onnx/schema.js';
import { type MessageType, readMessage, writeMessage } from '../../../src/formats/onnx/wire.js';
import { fromOnnx, toOnnx } from '../../../src/onnx.js';
import pytorch from '../../fixtures/pytorch.json';
import type { Kind } from '../harness.js';
import { mutateBytes, mutateJson, type Value } from '../mutate.js';
import { models, shaped } from './models.js';

const made = await models();
// Recurrence is written, and not read.
const images = shaped().slice(0, 1);
const { weights } = made[0]!.snapshot();
const scaled = load({
  spec: { ...made[0]!.toJSON(), preprocess: { x: standardScaler(), y: standardScaler() } },
  weights,
  scalers: {
    x: [1, 2].map((center) => ({ center, scale: 0.5 })),
    y: [1, 2, 3].map((center) => ({ center, scale: 3 })),
  },
});

/*
 * A message as JSON, to be damaged as such, and back. Numbers in bytes stand outside of it, and are
 * named by their places; what no longer fits a field's kind is made to.
 */

function asJson(value: unknown, outside: Uint8Array[]): Value {
  if (ArrayBuffer.isView(value)) {
    const { buffer, byteOffset, byteLength } = value;
    return `#${outside.push(new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength)) - 1}`;
  }
  if (Array.isArray(value)) return value.map((item) => asJson(item, outside));
  if (typeof value !== 'object' || value === null) return value as Value;
  const entries = Object.entries(value).map(([name, item]) => [name, asJson(item, outside)]);
  return Object.fromEntries(entries) as Value;
}

const numberOf = (value: unknown) => (typeof value === 'number' ? value : 0);

const whole = (value: unknown) => {
  const number = Math.trunc(numberOf(value));
  return Number.isFinite(number) ? number : 0;
};

const textOf = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [value]);

function bytesOf(value: unknown, outside: readonly Uint8Array[]): Uint8Array {
  const place = typeof value === 'string' ? /^#(\d+)$/.exec(value) : null;
  return (place && outside[Number(place[1])]) || new TextEncoder().encode(textOf(value));
}

/** Whole numbers of so many bytes, whatever is left over. */
function numbersOf(bytes: Uint8Array, size: number): ArrayBuffer {
  return bytes.slice(0, bytes.length - (bytes.length % size)).buffer as ArrayBuffer;
}

function fieldOf(holds: unknown, value: unknown, outside: readonly Uint8Array[]): unknown {
  switch (holds) {
    case 'int':
      return whole(value);
    case 'float':
      return numberOf(value);
    case 'ints':
      return listOf(value).map(whole);
    case 'text':
      return textOf(value);
    case 'bytes':
      return bytesOf(value, outside);
    case 'floats':
      return new Float32Array(numbersOf(bytesOf(value, outside), 4));
    case 'doubles':
      return new Float64Array(numbersOf(bytesOf(value, outside), 8));
    default:
      return messageOf(holds as MessageType, value, outside);
  }
}

function messageOf(type: MessageType, value: unknown, outside: readonly Uint8Array[]): object {
  const message: Record<string, unknown> = {};
  if (typeof value !== 'object' || value === null) return message;
  for (const [name, [, holds, many]] of Object.entries(type)) {
    const field = (value as Record<string, unknown>)[name];
    if (field === undefined || field === null) continue;
    message[name] = many
      ? listOf(field).map((item) => fieldOf(holds, item, outside))
      : fieldOf(holds, field, outside);
  }
  return message;
}

/** Repeated messages take more room than repeated JSON. */
const mostValues = 2 ** 16;

/** ONNX files, of this library and of PyTorch. */
export const onnx: Kind = {
  name: 'onnx',
  seeds: () => [
    ...made.filter((model) => !model.toJSON().preprocess?.y).map(toOnnx),
    ...images.map(toOnnx),
    toOnnx(scaled),
    ...[...pytorch.models, ...pytorch.images].map(
      ({ onnx }) => new Uint8Array(Buffer.from(onnx, 'base64')),
    ),
  ],
  mutate(seed, random, seeds) {
    if (random.below(4) === 0) return mutateBytes(seed, random, seeds);
    const outside: Uint8Array[] = [];
    const json = mutateJson(asJson(readMessage(modelMessage, seed), outside), random, mostValues);
    return writeMessage(modelMessage, messageOf(modelMessage, json, outside));
  },
  read: (file) => fromOnnx(file, { backend: 'js' }),
};
