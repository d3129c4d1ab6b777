import { FormatError } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { canonicalJson, parseJson, parseJsonBytes } from '../../src/formats/json.js';
import { Random } from '../../src/random.js';

const random = new Random(3, 1);
const pick = <T>(list: readonly T[]) => list[random.below(list.length)]!;

/** Any JSON value, with names and texts that are awkward. */
function value(depth: number): unknown {
  const kind = random.below(depth > 0 ? 7 : 5);
  if (kind === 0) return pick([true, false, null]);
  if (kind === 1) return pick([0, -0, 1, -1.5, 1e-7, 1.7976931348623157e308, 5e-324, 2 ** 53]);
  if (kind === 2) return random.normal() * 10 ** (random.below(40) - 20);
  if (kind < 5)
    return pick(['', 'a', '"\\/\b\f\n\r\t', '\u0000é✓\u{1f600}', '\ud800', '__proto__']);
  const count = random.below(5);
  if (kind === 5) return Array.from({ length: count }, () => value(depth - 1));
  const names = ['a', 'b', '10', '9', '', '__proto__', 'constructor', 'é', '\ud800'];
  return Object.fromEntries(Array.from({ length: count }, () => [pick(names), value(depth - 1)]));
}

describe('JSON text', () => {
  it('is read as JSON.parse reads it', () => {
    for (let i = 0; i < 2000; i++) {
      const given = value(4);
      const text = JSON.stringify(given, null, i % 3);
      const read = parseJson(text, 'text');
      expect(read).toEqual(JSON.parse(text));
      expect(JSON.stringify(read)).toBe(JSON.stringify(JSON.parse(text)));
    }
  });

  it('that JSON.parse refuses is refused, wherever it breaks off or is changed', () => {
    const characters = [...'{}[]:,"\\u0019.eE+-truefalsn \n'];
    let refused = 0;
    for (let i = 0; i < 20000; i++) {
      const text = JSON.stringify(value(3));
      const at = random.below(text.length + 1);
      const changed = pick([
        text.slice(0, at),
        text.slice(0, at) + pick(characters) + text.slice(at),
        text.slice(0, at) + pick(characters) + text.slice(at + 1),
      ]);
      let expected: unknown;
      let valid = true;
      try {
        expected = JSON.parse(changed);
      } catch {
        valid = false;
      }
      try {
        expect(parseJson(changed, 'text')).toEqual(expected);
        expect(valid).toBe(true);
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        refused++;
        // Stricter in three ways: finite numbers, names once, bounded depth.
        if (valid) expect(error.message).toMatch(/finite number|each name once/);
      }
    }
    expect(refused).toBeGreaterThan(5000);
  });

  it('keeps names of the prototype as names', () => {
    const read = parseJson('{"__proto__":{"polluted":1},"constructor":2}', 'text') as object;
    expect(Object.keys(read)).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  it('is written in one way, and read back as it was', () => {
    for (let i = 0; i < 500; i++) {
      const text = canonicalJson(value(4), 'value');
      const read = parseJson(text, 'text');
      expect(canonicalJson(read, 'value')).toBe(text);
    }
    expect(canonicalJson({ b: -0, a: [null], 10: 1, 9: { y: undefined } }, 'v')).toBe(
      '{"10":1,"9":{},"a":[null],"b":-0}',
    );
  });

  it.each([
    [Number.NaN, 'v: JSON has no NaN'],
    [[1, { a: Number.POSITIVE_INFINITY }], 'v[1].a: JSON has no Infinity'],
    [{ f: () => 1 }, 'v.f: JSON has no function'],
    [[undefined], 'v[0]: JSON has no undefined'],
  ])('has no %s', (given, message) => {
    expect(() => canonicalJson(given, 'v')).toThrow(message);
  });

  it.each([
    ['', 'text: expected a value, got its end at byte 0'],
    ['é"', 'text: expected a value, got "é\\"" at byte 0'],
    ['["é" 1]', "text: expected ',' or ']', got \"1]\" at byte 6"],
    ['{"a" 1}', 'text: expected \':\', got "1}" at byte 5'],
    ['{a:1}', 'text: expected a name in double quotes, got "a:1}" at byte 1'],
    ['"a\n"', 'text: expected the rest of a text in double quotes, got "\\n\\"" at byte 2'],
    ['"\\x"', 'text: expected an escape'],
    ['[1e999]', 'text: expected a finite number, got "1e999]" at byte 1'],
    ['01', 'text: expected the end, got "1" at byte 1'],
    ['{"a":1,"a":2}', 'text: expected each name once'],
    [`${'['.repeat(65)}${']'.repeat(65)}`, 'text: expected at most 64 levels of nesting'],
  ])('%s is refused', (text, message) => {
    expect(() => parseJson(text, 'text', 0)).toThrow(message);
  });

  it('is bounded in depth and in values, before they cost anything', () => {
    expect(() => parseJson('['.repeat(5_000_000), 'text')).toThrow('levels of nesting');
    expect(() => parseJson(`[${'0,'.repeat(2 ** 20)}0]`, 'text')).toThrow('at most 589824 values');
    expect(() => canonicalJson(new Array(2 ** 20).fill(0), 'v')).toThrow(
      'more than a file may hold',
    );
    let deep: unknown = 1;
    for (let i = 0; i < 65; i++) deep = [deep];
    expect(() => canonicalJson(deep, 'v')).toThrow('nested deeper than 64 levels');
  });

  it('of other bytes than UTF-8 is refused', () => {
    expect(() => parseJsonBytes(Uint8Array.of(34, 255, 34), 'text')).toThrow(
      'text: is no UTF-8 text',
    );
  });
});
