import { describe, expect, it } from 'vitest';
import { type MessageType, readMessage, writeMessage } from '../../../src/formats/onnx/wire.js';
import { FormatError } from '../../../src/index.js';

const inner = { label: [1, 'text'] } as const satisfies MessageType;
const outer = {
  count: [1, 'int'],
  sizes: [2, 'ints'],
  rate: [3, 'float'],
  weights: [4, 'floats'],
  exact: [5, 'doubles'],
  raw: [6, 'bytes'],
  one: [7, inner],
  list: [16, inner, 'many'],
} as const satisfies MessageType;

const read = (...bytes: number[]) => readMessage(outer, Uint8Array.from(bytes));

describe('the wire format', () => {
  it('reads what it wrote', () => {
    const message = {
      count: -1,
      sizes: [0, 1, 127, 128, 2 ** 32, -(2 ** 40), Number.MAX_SAFE_INTEGER],
      rate: 0.5,
      weights: Float32Array.of(1.5, -0),
      exact: Float64Array.of(1 / 3),
      raw: Uint8Array.of(0, 255),
      one: { label: '__proto__' },
      list: [{ label: '' }, {}, { label: 'größer' }],
    };
    const bytes = writeMessage(outer, message);
    expect(readMessage(outer, bytes)).toEqual(message);
  });

  it('writes as many fields as there are', () => {
    const list = Array.from({ length: 120_000 }, () => ({ label: 'a' }));
    expect(writeMessage(outer, { list }).length).toBe(120_000 * 6);
  });

  it('has the bytes of the specification', () => {
    // From "Encoding" in the documentation of protocol buffers: 150 is 96 01; "testing" is 7 bytes.
    expect([...writeMessage(outer, { count: 150 })]).toEqual([0x08, 0x96, 0x01]);
    const label = [...new TextEncoder().encode('testing')];
    expect([...writeMessage(inner, { label: 'testing' })]).toEqual([0x0a, 7, ...label]);
    expect([...writeMessage(outer, { sizes: [3, 270, 86942] })]).toEqual([
      0x12, 0x06, 0x03, 0x8e, 0x02, 0x9e, 0xa7, 0x05,
    ]);
    expect(writeMessage(outer, { count: -2 }).length).toBe(11);
  });

  it('reads lists of numbers that are not packed, or come in parts', () => {
    expect(read(0x10, 3, 0x12, 2, 4, 5, 0x10, 6)).toEqual({ sizes: [3, 4, 5, 6] });
    expect(read(0x25, 0, 0, 128, 63)).toEqual({ weights: Float32Array.of(1) });
  });

  it('takes the last of several single values, and skips fields that it does not know', () => {
    const skipped = [0x50, 1, 0x51, 0, 0, 0, 0, 0, 0, 0, 0, 0x52, 2, 9, 9, 0x55, 0, 0, 0, 0];
    expect(read(8, 1, ...skipped, 8, 2)).toEqual({ count: 2 });
  });

  it.each<[string, number[], string]>([
    [
      'a length beyond the end',
      [0x32, 5, 1],
      'ONNX file: raw, byte 2: 5 bytes are announced, and 1',
    ],
    [
      'a length beyond its message',
      [0x3a, 2, 0x0a, 9, 0],
      'one.label, byte 4: 9 bytes are announced',
    ],
    ['an end within a number', [0x08, 0x80], 'count, byte 2: the bytes end within a value'],
    ['an end within a float', [0x1d, 0, 0], 'rate, byte 1: the bytes end within a value'],
    ['a number without end', [8, ...new Array(11).fill(0x80)], 'more than ten bytes'],
    ['a number beyond 2⁵³', [8, ...new Array(7).fill(0xff), 0x7f], 'beyond 2⁵³'],
    ['the wrong wire type', [0x0a, 0], 'count, byte 1: expected wire type 0, got 2'],
    ['a group', [0x53], 'expected wire type 2, got 3'],
    ['half a float', [0x22, 3, 0, 0, 0], '3 bytes are no whole numbers of 4 bytes'],
    ['a list of floats in parts', [0x22, 0, 0x22, 0], 'weights, byte 3: comes twice'],
    ['a message twice', [0x3a, 0, 0x3a, 0], 'one, byte 3: comes twice'],
    ['what is no UTF-8', [0x3a, 3, 0x0a, 1, 0xff], 'one.label, byte 5: expected text in UTF-8'],
    ['the third of a list', [0x82, 1, 0, 0x82, 1, 0, 0x82, 1, 1, 8], 'list[2].label, byte 10'],
  ])('refuses %s', (_name, bytes, message) => {
    expect(() => read(...bytes)).toThrow(FormatError);
    expect(() => read(...bytes)).toThrow(message);
  });

  it('refuses more fields than any network has, before they fill the memory', () => {
    const many = Uint8Array.from({ length: 3 * 2 ** 18 }, (_, i) => [0x82, 1, 0][i % 3]!);
    expect(() => readMessage(outer, many)).toThrow('more than 131072 fields');
    const sizes = new Uint8Array(2 ** 18 + 4);
    sizes.set([0x12, 0x80, 0x80, 0x10]);
    expect(() => readMessage(outer, sizes)).toThrow('more than 131072 fields');
  });
});
