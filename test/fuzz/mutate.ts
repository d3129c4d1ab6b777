import type { Random } from '../../src/random.js';

/*
 * Ways to damage bytes and JSON, for all kinds of file. Each is told by its random numbers alone, so a
 * file is known by its number.
 */

export const pick = <T>(random: Random, list: readonly T[]): T => list[random.below(list.length)]!;

const chance = (random: Random, share: number) => random.uniform() < share;

/** Sizes and counts at the edges of what integers and buffers hold. */
const edges = [
  0,
  1,
  2,
  3,
  4,
  7,
  8,
  9,
  15,
  16,
  63,
  64,
  127,
  128,
  255,
  256,
  4095,
  4096,
  65535,
  65536,
  65537,
  1e6,
  2 ** 24,
  2 ** 30,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 32 + 4,
  2 ** 52,
  2 ** 53 - 1,
  2 ** 53,
  2 ** 62,
  2 ** 64,
  1e300,
  -1,
  -0,
  -128,
  -(2 ** 31),
  -(2 ** 53),
  0.5,
  1.5,
  1e-320,
];

/** Texts that mean something to somebody. */
const texts = [
  '',
  'type',
  'dense',
  'dropout',
  'relu',
  'softmax',
  'adam',
  'sgd',
  'mse',
  'loss',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'length',
  '__metadata__',
  'F32',
  'F64',
  '../../etc/passwd',
  'file:///etc/passwd',
  '\u0000',
  '\ud800',
  'é',
  '\u{1f600}',
  '$tensor',
  'NaN',
  'Infinity',
  '1e999',
  'layers.0.w',
  'a'.repeat(300),
];

export type Value = null | boolean | number | string | Value[] | { [key: string]: Value };

/** A value of any kind, small. */
function anything(random: Random): Value {
  switch (random.below(8)) {
    case 0:
      return pick(random, [null, true, false]);
    case 1:
    case 2:
      return pick(random, edges);
    case 3:
      return pick(random, texts);
    case 4:
      return Array.from({ length: random.below(4) }, () =>
        pick<Value>(random, [...edges, 'a', null]),
      );
    case 5:
      return own(pick(random, texts), pick<Value>(random, [...edges, ...texts]));
    case 6:
      return nested(random.below(100));
    default:
      return random.below(20);
  }
}

/** An object with one name of its own, whatever the name. */
const own = (name: string, value: Value) => Object.fromEntries([[name, value]]);

function nested(depth: number): Value {
  let value: Value = 1;
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { layers: value };
  return value;
}

/** A place in a value: what holds it, and its name or index there. */
interface Place {
  readonly holder: Value[] | { [key: string]: Value };
  readonly key: string;
}

function placesIn(value: Value, places: Place[] = []): Place[] {
  if (typeof value !== 'object' || value === null) return places;
  for (const key of Object.keys(value)) {
    places.push({ holder: value, key });
    placesIn((value as { [key: string]: Value })[key]!, places);
  }
  return places;
}

const at = ({ holder, key }: Place): Value => (holder as { [key: string]: Value })[key]!;

function put({ holder, key }: Place, value: Value): void {
  Object.defineProperty(holder, key, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

/**
 * Changes a value in one place or in a few. The value given is not touched.
 *
 * @param mostValues how many may come of repeating some
 */
export function mutateJson(given: Value, random: Random, mostValues = 2 ** 19): Value {
  const root = { '': structuredClone(given) };
  for (let times = chance(random, 0.7) ? 1 : 2 + random.below(3); times > 0; times--) {
    const places = placesIn(root);
    const place = pick(random, places);
    const { holder, key } = place;
    const value = at(place);
    switch (random.below(9)) {
      case 0:
        put(place, anything(random));
        break;
      case 1:
        if (typeof value === 'number') {
          put(
            place,
            pick(random, [value + 1, value - 1, -value, value * 2, value / 2, 1 / value, ...edges]),
          );
        } else put(place, anything(random));
        break;
      case 2:
        // A value that is somewhere else, so that it is the right kind in the wrong place.
        put(place, structuredClone(at(pick(random, places))));
        break;
      case 3: {
        const other = pick(random, places);
        const [a, b] = [structuredClone(value), structuredClone(at(other))];
        put(place, b);
        put(other, a);
        break;
      }
      case 4:
        if (Array.isArray(holder)) holder.splice(Number(key), 1);
        else if (holder !== (root as object)) Reflect.deleteProperty(holder, key);
        break;
      case 5:
        if (Array.isArray(holder)) holder.splice(Number(key), 0, structuredClone(value));
        else put({ holder, key: pick(random, texts) }, structuredClone(value));
        break;
      case 6:
        if (!Array.isArray(holder) && holder !== (root as object)) {
          Reflect.deleteProperty(holder, key);
          const names = places.map((p) => p.key).filter((name) => !/^\d*$/.test(name));
          put({ holder, key: pick(random, [...names, ...texts]) }, value);
        }
        break;
      case 7:
        if (Array.isArray(value) && value.length > 0 && chance(random, 0.2)) {
          const many = pick(random, [10, 1000, 5000]);
          // Many of many would be a text that no string holds, and what is there many times already
          // stands in all of those places.
          const more = (placesIn(value).length / value.length) * many;
          const times = places.length > mostValues / 8 || more > mostValues ? 2 : many;
          put(
            place,
            Array.from({ length: times }, (_, i) => value[i % value.length]!),
          );
        } else put(place, [structuredClone(value)]);
        break;
      default:
        put(place, pick<Value>(random, [...edges, ...texts]));
    }
  }
  return root[''];
}

/** JSON text of a value, sometimes damaged as text. */
export function jsonText(value: Value, random: Random): string {
  const text = JSON.stringify(value) ?? 'null';
  if (chance(random, 0.8)) return text;
  const i = random.below(text.length + 1);
  const j = i + random.below(Math.min(40, text.length - i + 1));
  switch (random.below(5)) {
    case 0:
      return text.slice(0, i);
    case 1:
      return text.slice(0, i) + text.slice(j);
    case 2:
      return text.slice(0, j) + text.slice(i);
    case 3:
      return `${text.slice(0, i)}${pick(random, [...'{}[]:,"\\-.eE0 \n\t\u0000é'])}${text.slice(i + random.below(2))}`;
    default:
      return pick(random, [
        '['.repeat(1 + random.below(3000)) + text,
        text.replace('{', `{"a":${'9'.repeat(1 + random.below(2000))},`),
        ' '.repeat(random.below(5000)) + text,
        text.replace(/("[^"]*":)/, '$1null,$1'),
      ]);
  }
}

/** Bytes with one damage or a few, whatever they mean. */
export function mutateBytes(
  given: Uint8Array,
  random: Random,
  others: readonly Uint8Array[],
): Uint8Array {
  let bytes = given.slice();
  for (let times = chance(random, 0.6) ? 1 : 2 + random.below(4); times > 0; times--) {
    const i = random.below(bytes.length + 1);
    const j = i + random.below(Math.min(64, bytes.length - i) + 1);
    switch (random.below(8)) {
      case 0:
        if (i < bytes.length) bytes[i] = bytes[i]! ^ (1 << random.below(8));
        break;
      case 1:
        if (i < bytes.length) bytes[i] = random.below(256);
        break;
      case 2:
        bytes = bytes.slice(0, i);
        break;
      case 3:
        bytes = join(bytes.subarray(0, i), bytes.subarray(j));
        break;
      case 4:
        bytes = join(bytes.subarray(0, j), bytes.subarray(i));
        break;
      case 5:
        bytes = join(
          bytes.subarray(0, i),
          new Uint8Array(random.below(64)).fill(random.below(256)),
          bytes.subarray(i),
        );
        break;
      case 6: {
        const other = pick(random, others);
        const from = random.below(other.length + 1);
        bytes = join(
          bytes.subarray(0, i),
          other.subarray(from, from + random.below(200)),
          bytes.subarray(j),
        );
        break;
      }
      default: {
        // An integer at an edge, in either order of bytes.
        const size = pick(random, [2, 4, 8]);
        if (i + size > bytes.length) break;
        const view = new DataView(bytes.buffer);
        const value = BigInt(
          Math.trunc(
            pick(
              random,
              edges.filter((edge) => Math.abs(edge) < 2 ** 64),
            ),
          ),
        );
        const little = chance(random, 0.8);
        if (size === 2) view.setUint16(i, Number(BigInt.asUintN(16, value)), little);
        else if (size === 4) view.setUint32(i, Number(BigInt.asUintN(32, value)), little);
        else view.setBigUint64(i, BigInt.asUintN(64, value), little);
      }
    }
  }
  return bytes;
}

export function join(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
