import { describe, expect, test } from 'vitest';
import { cos64, exp64, log64, pow64, sin64 } from '../src/math64.js';
import golden from './fixtures/math64.json' with { type: 'json' };

const functions = { exp64, log64, pow64, sin64, cos64 };
type Name = keyof typeof functions;

describe.each(Object.keys(functions) as Name[])('%s', (name) => {
  test('agrees with known values to 1e-15', () => {
    const f: (x: number, y: number) => number = functions[name];
    for (const [x, y, truth] of golden[name] as [number, number, number][]) {
      const error = Math.abs(f(x, y) / truth - 1);
      expect(error, `${name}(${x}, ${y})`).toBeLessThan(5e-16);
    }
  });

  test('gives NaN for NaN', () => {
    expect(functions[name](Number.NaN, 1)).toBeNaN();
  });
});

const { POSITIVE_INFINITY: infinity, NEGATIVE_INFINITY: minusInfinity } = Number;

test('ends and special values', () => {
  expect(exp64(0)).toBe(1);
  expect(exp64(minusInfinity)).toBe(0);
  expect(exp64(infinity)).toBe(infinity);
  expect(exp64(710)).toBe(infinity);
  expect(exp64(-745)).toBe(5e-324);
  expect(exp64(-746)).toBe(0);
  expect(log64(0)).toBe(minusInfinity);
  expect(log64(-1)).toBeNaN();
  expect(log64(1)).toBe(0);
  expect(log64(infinity)).toBe(infinity);
  expect(pow64(0, 0)).toBe(1);
  expect(pow64(0, 2)).toBe(0);
  expect(pow64(0, -1)).toBe(infinity);
  expect(pow64(infinity, 2)).toBe(infinity);
  expect(pow64(infinity, -1)).toBe(0);
  expect(pow64(-1, 2)).toBeNaN();
  expect(pow64(1, 1e300)).toBe(1);
  expect(pow64(2, 2000)).toBe(infinity);
  expect(pow64(2, -2000)).toBe(0);
  expect(sin64(0)).toBe(0);
  expect(cos64(0)).toBe(1);
  expect(cos64(Math.PI)).toBe(-1);
});
