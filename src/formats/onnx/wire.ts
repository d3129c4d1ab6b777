import { FormatError } from '../../errors.js';

/*
 * The part of protocol buffers' wire format that ONNX files are made of, driven by one table for
 * each kind of message, which reads and writes. Depth is bounded by the tables themselves, since none
 * contains itself; the number of fields by `mostFields`; and every length is held against what is
 * left before anything is made from it.
 */

/** What a field holds. Lists of numbers are packed; 'floats' and 'doubles' come out as they lie. */
type Kind = 'int' | 'ints' | 'float' | 'floats' | 'doubles' | 'text' | 'bytes';

/** A field's number, what it holds, and whether there may be many. */
type Field = readonly [number: number, holds: Kind | MessageType, many?: 'many'];

/** A kind of message: its fields by name. Others are skipped. */
export interface MessageType {
  readonly [name: string]: Field;
}

type Held<H> = H extends 'int' | 'float'
  ? number
  : H extends 'ints'
    ? readonly number[]
    : H extends 'floats'
      ? Float32Array
      : H extends 'doubles'
        ? Float64Array
        : H extends 'text'
          ? string
          : H extends 'bytes'
            ? Uint8Array
            : H extends MessageType
              ? Message<H>
              : never;

/** A message as an object. */
export type Message<T extends MessageType> = {
  readonly [N in keyof T]?: T[N] extends readonly [number, infer H, 'many']
    ? readonly Held<H>[]
    : Held<T[N][1]>;
};

/** How a field lies in a file. */
const wire = { varint: 0, eight: 1, counted: 2, four: 5 } as const;

/** Fields and packed integers of one file: what bounds the objects that are made from it. */
const mostFields = 2 ** 17;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** A field found by its number. */
interface Numbered {
  readonly name: string;
  readonly holds: Kind | MessageType;
  readonly many: boolean;
}

const numbered = new WeakMap<MessageType, ReadonlyMap<number, Numbered>>();

function byNumber(type: MessageType): ReadonlyMap<number, Numbered> {
  let fields = numbered.get(type);
  if (!fields) {
    const entries = Object.entries(type).map(([name, [number, holds, many]]) => {
      return [number, { name, holds, many: many === 'many' }] as const;
    });
    numbered.set(type, (fields = new Map(entries)));
  }
  return fields;
}

/**
 * Reads a message.
 *
 * @throws FormatError, which names the place in the message and in the file
 */
export function readMessage<T extends MessageType>(type: T, bytes: Uint8Array): Message<T> {
  return new Reader(bytes).message(type, bytes.length) as Message<T>;
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  #left = mostFields;
  /** Names and places of the messages being read, for errors. */
  readonly #path: string[] = [];

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  message(type: MessageType, end: number): Record<string, unknown> {
    const fields = byNumber(type);
    // Keys are names of the table's fields; none comes from the file.
    const message: Record<string, unknown> = {};
    while (this.#at < end) {
      const tag = this.#varint(end);
      const field = fields.get(Math.floor(tag / 8));
      if (!field) {
        this.#skip(tag % 8, end);
        continue;
      }
      this.#count();
      const { name, holds, many } = field;
      const list = many ? ((message[name] ??= []) as unknown[]) : undefined;
      this.#path.push(list ? `${name}[${list.length}]` : name);
      if (list) list.push(this.#value(holds, tag % 8, end, undefined));
      else message[name] = this.#value(holds, tag % 8, end, message[name]);
      this.#path.pop();
    }
    return message;
  }

  /** @param before what the same field held already: lists go on, of other values the last counts */
  #value(holds: Kind | MessageType, lies: number, end: number, before: unknown): unknown {
    switch (holds) {
      case 'int':
        this.#expect(lies, wire.varint);
        return this.#varint(end);
      case 'ints': {
        const list = (before ?? []) as number[];
        if (lies === wire.varint) list.push(this.#varint(end));
        else {
          const stop = this.#counted(lies, end);
          for (; this.#at < stop; this.#count()) list.push(this.#varint(stop));
        }
        return list;
      }
      case 'float':
        this.#expect(lies, wire.four);
        return this.#view.getFloat32(this.#take(4, end), true);
      case 'floats':
        return new Float32Array(this.#numbers(lies, wire.four, 4, end, before));
      case 'doubles':
        return new Float64Array(this.#numbers(lies, wire.eight, 8, end, before));
      case 'text': {
        const stop = this.#counted(lies, end);
        const from = this.#take(stop - this.#at, end);
        try {
          return utf8.decode(this.#bytes.subarray(from, stop));
        } catch {
          return this.#fail('expected text in UTF-8');
        }
      }
      case 'bytes': {
        const stop = this.#counted(lies, end);
        return this.#bytes.subarray(this.#take(stop - this.#at, end), stop);
      }
      default:
        if (before !== undefined) this.#fail('comes twice');
        return this.message(holds, this.#counted(lies, end));
    }
  }

  /** The bytes of one number, or of many that are packed; lists in several pieces are not read. */
  #numbers(lies: number, single: number, size: number, end: number, before: unknown): ArrayBuffer {
    if (before !== undefined) this.#fail('comes twice');
    const stop = lies === single ? this.#at + size : this.#counted(lies, end);
    const length = stop - this.#at;
    if (length % size !== 0) this.#fail(`${length} bytes are no whole numbers of ${size} bytes`);
    return this.#bytes.slice(this.#take(length, end), stop).buffer;
  }

  /** A whole number; negative ones take ten bytes. */
  #varint(end: number): number {
    let value = 0;
    for (let scale = 1; scale < 2 ** 49; scale *= 128) {
      const byte = this.#bytes[this.#take(1, end)]!;
      value += (byte % 128) * scale;
      if (byte < 128) return value;
    }
    let long = BigInt(value);
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#take(1, end)]!;
      long |= BigInt(byte % 128) << shift;
      if (byte >= 128) continue;
      const number = Number(BigInt.asIntN(64, long));
      if (!Number.isSafeInteger(number)) this.#fail('a whole number is beyond 2⁵³');
      return number;
    }
    return this.#fail('a whole number has more than ten bytes');
  }

  /** The end of what the next length counts. */
  #counted(lies: number, end: number): number {
    this.#expect(lies, wire.counted);
    const length = this.#varint(end);
    if (length < 0 || length > end - this.#at) {
      this.#fail(`${length} bytes are announced, and ${end - this.#at} are left`);
    }
    return this.#at + length;
  }

  #skip(lies: number, end: number): void {
    if (lies === wire.varint) this.#varint(end);
    else if (lies === wire.eight) this.#take(8, end);
    else if (lies === wire.four) this.#take(4, end);
    else this.#at = this.#counted(lies, end);
  }

  /** Moves on by a number of bytes, and says where they begin. */
  #take(length: number, end: number): number {
    const from = this.#at;
    if (length > end - from) this.#fail('the bytes end within a value');
    this.#at = from + length;
    return from;
  }

  #expect(lies: number, expected: number): void {
    if (lies !== expected) this.#fail(`expected wire type ${expected}, got ${lies}`);
  }

  #count(): void {
    if (this.#left-- === 0) this.#fail(`more than ${mostFields} fields`);
  }

  #fail(what: string): never {
    const place = this.#path.join('.') || 'the model';
    throw new FormatError(`ONNX file: ${place}, byte ${this.#at}: ${what}`, this.#at);
  }
}

/** Bytes in pieces, put together once at the end. */
interface Pieces {
  readonly list: Uint8Array[];
  size: number;
}

/** Writes a message. Fields stand in the order of their table, so that the same gives the same. */
export function writeMessage<T extends MessageType>(type: T, message: Message<T>): Uint8Array {
  const { list, size } = pieces(type, message);
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const piece of list) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

function pieces(type: MessageType, message: Readonly<Record<string, unknown>>): Pieces {
  const out: Pieces = { list: [], size: 0 };
  const add = (parts: readonly Uint8Array[]) => {
    for (const part of parts) {
      out.list.push(part);
      out.size += part.length;
    }
  };
  for (const [name, [number, holds, many]] of Object.entries(type)) {
    const value = message[name];
    if (value === undefined) continue;
    for (const one of many ? (value as readonly unknown[]) : [value]) {
      const tag = (lies: number) => varint(number * 8 + lies);
      if (holds === 'int') add([tag(wire.varint), varint(one as number)]);
      else if (holds === 'float') add([tag(wire.four), bytesOf(Float32Array.of(one as number))]);
      else {
        const inner =
          typeof holds === 'string'
            ? counted(holds, one)
            : pieces(holds, one as Record<string, unknown>);
        add([tag(wire.counted), varint(inner.size)]);
        add(inner.list);
      }
    }
  }
  return out;
}

/** What is written behind its length. */
function counted(holds: Kind, value: unknown): Pieces {
  const list =
    holds === 'text'
      ? [new TextEncoder().encode(value as string)]
      : holds === 'ints'
        ? (value as readonly number[]).map(varint)
        : [bytesOf(value as Float32Array | Uint8Array)];
  return { list, size: list.reduce((sum, { length }) => sum + length, 0) };
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  new Uint8Array(buffer, byteOffset, byteLength);

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest % 128n) + 128);
  return Uint8Array.of(...bytes, Number(rest));
}
