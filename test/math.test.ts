import { describe, expect, test } from 'vitest';
import * as math from '../src/math.js';
import golden from './fixtures/math.json' with { type: 'json' };
import * as float64 from './float64.js';
import { largestUlp, ulp } from './ulp.js';

type Name = 'exp' | 'expm1' | 'log' | 'log1p' | 'tanh' | 'erf' | 'erfc' | 'sinTurns';

/** What the doc comments of src/math.ts promise: the largest error in ULP, from, to. */
const promises: [Name, number, number, number][] = [
  ['exp', 1, -87.33654022216797, 88.72283172607422],
  ['expm1', 1.7, -1e30, 88.72283172607422],
  ['log', 0.9, 2 ** -149, 3.4e38],
  ['log1p', 1.8, -0.99999994, 3.4e38],
  ['tanh', 1.6, -1e30, 1e30],
  ['erf', 1.3, -1e30, 1e30],
  ['erfc', 3.5, -1e30, 0.5],
  ['erfc', 6, 0.5, 2],
  ['sinTurns', 2.8, -0.25, 0.25],
];
/** A prime, so that all mantissas come by. */
const step = 10007;

describe.each(promises)('%s in float32', (name, most, from, to) => {
  test(`is within ${most} ULP from ${from} to ${to}`, () => {
    const worst = largestUlp(math[name], float64[name], from, to, step);
    expect(worst.error, `at ${worst.at}`).toBeLessThanOrEqual(most);
  });

  test('agrees with known values', () => {
    for (const [x, y] of golden.functions[name] as [number, number][]) {
      if (Math.abs(y) < 2 ** -126 || Math.abs(y) > 3.4e38 || x < from || x > to) continue;
      expect(ulp(math[name](x), y), `${name}(${x})`).toBeLessThanOrEqual(most);
    }
  });

  test('gives float32 numbers, and NaN for NaN', () => {
    expect(math[name](Number.NaN)).toBeNaN();
    for (const x of [0.3, 1, 7.7]) expect(math[name](x)).toBe(Math.fround(math[name](x)));
  });
});

const { POSITIVE_INFINITY: infinity, NEGATIVE_INFINITY: minusInfinity } = Number;

test('ends and special values', () => {
  expect(math.exp(minusInfinity)).toBe(0);
  expect(math.exp(-87.33655)).toBe(0);
  expect(math.exp(-87.33654022216797)).toBeGreaterThanOrEqual(2 ** -126);
  expect(math.exp(0)).toBe(1);
  expect(math.exp(88.72283935546875)).toBe(infinity);
  expect(math.exp(infinity)).toBe(infinity);
  expect(math.expm1(minusInfinity)).toBe(-1);
  expect(math.expm1(0)).toBe(0);
  expect(math.expm1(infinity)).toBe(infinity);
  expect(math.log(0)).toBe(minusInfinity);
  expect(math.log(1)).toBe(0);
  expect(math.log(-1)).toBeNaN();
  expect(math.log(infinity)).toBe(infinity);
  expect(math.log1p(-1)).toBe(minusInfinity);
  expect(math.log1p(-1.5)).toBeNaN();
  expect(math.log1p(0)).toBe(0);
  expect(math.log1p(infinity)).toBe(infinity);
  expect(math.tanh(infinity)).toBe(1);
  expect(math.tanh(minusInfinity)).toBe(-1);
  expect(math.tanh(-0)).toBeCloseTo(0, 300);
  expect(math.erf(infinity)).toBe(1);
  expect(math.erf(minusInfinity)).toBe(-1);
  expect(math.erf(-0)).toBe(-0);
  expect(math.erfc(infinity)).toBe(0);
  expect(math.erfc(minusInfinity)).toBe(2);
});

test('an exponential never ends among the subnormal floats', () => {
  for (let x = -88; x < -86; x += 1e-4) {
    const y = math.exp(Math.fround(x));
    expect(y === 0 || y >= 2 ** -126).toBe(true);
  }
});

test('far out, the error of erfc is small beside 1', () => {
  for (let x = 2; x < 12; x += 0.0007) {
    const y = math.erfc(Math.fround(x));
    expect(Math.abs(y - float64.erfc(Math.fround(x)))).toBeLessThan(1e-8);
  }
});

test('odd functions are odd, and all climb or fall as they should', () => {
  for (const x of [1e-20, 1e-3, 0.5624999, 0.5625, 0.9999999, 1, 2.7, 8.9]) {
    expect(math.tanh(-x)).toBe(-math.tanh(x));
    expect(math.erf(-x)).toBe(-math.erf(x));
  }
  // At the joints of two methods a step back of more than an ULP would show as a false minimum.
  for (const [f, joint] of [
    [math.tanh, 0.5625],
    [math.erf, 1],
  ] as const) {
    const below = f(Math.fround(joint - 2 ** -24));
    expect(f(joint)).toBeGreaterThanOrEqual(below - 2 ** -23);
  }
});
