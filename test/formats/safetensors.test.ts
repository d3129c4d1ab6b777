import { readFileSync } from 'node:fs';
import { FormatError } from 'chainrule';
import { describe, expect, it } from 'vitest';
import {
  elementsOf,
  type FileTensor,
  readSafetensors,
  writeSafetensors,
} from '../../src/formats/safetensors.js';
import { readFile } from './reader.js';

// Parsed here, since a bundler would make the name __proto__ a prototype.
const golden = JSON.parse(
  readFileSync(new URL('../fixtures/safetensors.json', import.meta.url), 'utf8'),
) as {
  tool: string;
  file: string;
  tensors: Record<string, { shape: number[]; bytes: string }>;
};

const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));

/** A file of a header's text and data. */
function fileOf(header: string, data: Uint8Array | number = 0): Uint8Array {
  const text = new TextEncoder().encode(header);
  const tail = typeof data === 'number' ? new Uint8Array(data) : data;
  const file = new Uint8Array(8 + text.length + tail.length);
  new DataView(file.buffer).setUint32(0, text.length, true);
  file.set(text, 8);
  file.set(tail, 8 + text.length);
  return file;
}

const entry = (begin: number, end: number, shape = [(end - begin) / 4], dtype = 'F32') =>
  JSON.stringify({ dtype, shape, data_offsets: [begin, end] });

describe(`a file of ${golden.tool}`, () => {
  const { tensors, metadata } = readSafetensors(bytes(golden.file));

  it('is read whole', () => {
    expect([...tensors.keys()].sort()).toEqual(Object.keys(golden.tensors).sort());
    for (const [name, expected] of Object.entries(golden.tensors)) {
      expect(tensors.get(name)!.shape).toEqual(expected.shape);
      expect(Buffer.from(tensors.get(name)!.bytes)).toEqual(Buffer.from(bytes(expected.bytes)));
    }
    expect([...metadata].sort()).toEqual([
      ['__proto__', 'a name'],
      ['format', 'np'],
      ['note', 'Zürich\n'],
    ]);
  });

  it('is written anew with the same tensors at the same places', () => {
    const again = readSafetensors(writeSafetensors({ tensors, metadata }));
    for (const [name, { dtype, shape, bytes }] of tensors) {
      expect(again.tensors.get(name)).toMatchObject({ dtype, shape, bytes });
    }
    expect([...again.metadata].sort()).toEqual([...metadata].sort());
  });

  it('gives numbers by their type, wherever they stand', () => {
    const moved = new Uint8Array(bytes(golden.file).length + 3);
    moved.set(bytes(golden.file), 3);
    const { tensors } = readSafetensors(moved.subarray(3));
    expect(elementsOf(tensors.get('encoder.bias')!, Float32Array)).toEqual(
      Float32Array.of(0.5, -0, 1e-42),
    );
    expect(elementsOf(tensors.get('double')!, Float64Array)).toEqual(Float64Array.of(0.1, Math.PI));
    expect(elementsOf(tensors.get('words')!, Uint32Array)).toEqual(Uint32Array.of(0, 2 ** 32 - 1));
  });
});

describe('a file that is written', () => {
  const tensor = (dtype: FileTensor['dtype'], shape: number[], bytes: number): FileTensor => ({
    dtype,
    shape,
    bytes: Uint8Array.from({ length: bytes }, (_, i) => i),
  });
  const tensors = new Map([
    ['b', tensor('F32', [2, 3], 24)],
    ['odd', tensor('U8', [5], 5)],
    ['a', tensor('F32', [1], 4)],
    ['z', tensor('F64', [2], 16)],
  ]);
  const file = writeSafetensors({ tensors, metadata: new Map([['k', 'v']]) });

  it('has a header of whole eights, and places that are multiples of the elements’ size', () => {
    const view = new DataView(file.buffer);
    expect(view.getUint32(0, true) % 8).toBe(0);
    expect(file[8]).toBe('{'.charCodeAt(0));
    const { tensors } = readSafetensors(file);
    expect([...tensors.keys()]).toEqual(['z', 'a', 'b', 'odd']);
    for (const [name, size] of Object.entries({ z: 8, a: 4, b: 4 })) {
      expect(tensors.get(name)!.offset % size).toBe(0);
    }
  });

  it('is the same whatever the order of its tensors', () => {
    const reversed = new Map([...tensors].reverse());
    expect(writeSafetensors({ tensors: reversed, metadata: new Map([['k', 'v']]) })).toEqual(file);
  });

  it('is read by a reader made from the format’s text', () => {
    const floats = new Map([...tensors].filter(([name]) => name !== 'odd'));
    const read = readFile(writeSafetensors({ tensors: floats, metadata: new Map([['k', 'v']]) }));
    expect(read.metadata).toEqual({ k: 'v' });
    expect(read.tensors.b!.values).toEqual([
      ...new Float32Array(Uint8Array.from({ length: 24 }, (_, i) => i).buffer),
    ]);
  });

  it('may hold nothing', () => {
    const { tensors, metadata } = readSafetensors(
      writeSafetensors({ tensors: new Map(), metadata: new Map() }),
    );
    expect([tensors.size, metadata.size]).toEqual([0, 0]);
  });
});

describe('a file that is none is refused, with its place', () => {
  const refused: Record<string, [Uint8Array, string, number | undefined]> = {
    nothing: [new Uint8Array(0), 'expected at least 8 bytes, got 0', 0],
    'a length alone': [
      Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0),
      'a header of 9 bytes in a file of 8',
      0,
    ],
    'a length of more than 2⁵³': [new Uint8Array(64).fill(255), 'a header of 1844674407370955', 0],
    'an array': [fileOf('[]'), "expected '{' at byte 8", 8],
    'JSON cut short': [fileOf('{"a":'), 'expected a value, got its end at byte 13', 13],
    'no UTF-8': [fileOf('{"a').fill(255, 10), 'is no UTF-8 text', 8],
    'more behind the header': [fileOf('{} {}'), 'expected the end, got "{}" at byte 11', 11],
    'a name that comes twice': [
      fileOf(`{"a":${entry(0, 4)},"a":${entry(4, 8)}}`, 8),
      'expected each name once',
      62,
    ],
    'an entry that is none': [fileOf('{"a":[]}'), "'a': expected an object, got an array of 0", 8],
    'an entry with more': [
      fileOf('{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4],"x":1}}', 4),
      "'a': expected dtype, shape and data_offsets, got 'data_offsets,dtype,shape,x'",
      8,
    ],
    'another type': [fileOf(`{"a":${entry(0, 4, [1], 'F31')}}`, 4), "got 'F31'", 8],
    'a type of the prototype': [fileOf(`{"a":${entry(0, 4, [1], 'toString')}}`, 4), 'toString', 8],
    'a shape below 0': [fileOf(`{"a":${entry(0, 4, [-1])}}`, 4), 'shape: expected at most 32', 8],
    'half a number': [fileOf(`{"a":${entry(0, 4, [1.5])}}`, 4), 'shape: expected at most 32', 8],
    'a shape beyond all numbers': [
      fileOf(`{"a":${entry(0, 4, [2 ** 52, 2 ** 52, 2 ** 52])}}`, 4),
      'bytes, got 4',
      8,
    ],
    'a shape of infinity times nothing': [
      fileOf(`{"a":${entry(0, 0, [...new Array(30).fill(2 ** 52), 0])}}`, 0),
      'takes NaN bytes',
      8,
    ],
    'a shape of another size': [fileOf(`{"a":${entry(0, 8, [3])}}`, 8), 'takes 12 bytes, got 8', 8],
    'offsets behind the end': [
      fileOf(`{"a":${entry(0, 8)}}`, 4),
      'do not lie within the 4 bytes',
      8,
    ],
    'offsets backwards': [fileOf(`{"a":${entry(4, 0, [0])}}`, 4), '[4, 0] do not lie within', 8],
    'tensors that overlap': [
      fileOf(`{"a":${entry(0, 8)},"b":${entry(4, 12)}}`, 12),
      "'b': begins at 4 and overlaps 'a', which ends at 8",
      undefined,
    ],
    'a gap': [
      fileOf(`{"a":${entry(0, 4)},"b":${entry(8, 12)}}`, 12),
      "'b': begins at 8 and leaves a gap behind 'a', which ends at 4",
      undefined,
    ],
    'a gap at the start': [
      fileOf(`{"a":${entry(4, 8)}}`, 8),
      'leaves a gap behind the header',
      undefined,
    ],
    'bytes behind the last tensor': [
      fileOf(`{"a":${entry(0, 4)}}`, 7),
      "3 bytes follow the last tensor, 'a'",
      undefined,
    ],
    'metadata that is no text': [
      fileOf('{"__metadata__":{"a":1}}'),
      "'a': expected text, got 1",
      8,
    ],
    'metadata that is no table': [fileOf('{"__metadata__":7}'), 'expected an object, got 7', 8],
  };
  for (const [what, [file, message, offset]] of Object.entries(refused)) {
    it(what, () => {
      let error: unknown;
      try {
        readSafetensors(file);
      } catch (caught) {
        error = caught;
      }
      expect(error).toBeInstanceOf(FormatError);
      expect((error as FormatError).message).toContain(message);
      if (offset !== undefined) expect((error as FormatError).offset).toBe(offset);
      else expect((error as FormatError).offset).toBeGreaterThan(8);
    });
  }
});
