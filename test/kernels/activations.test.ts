import { beforeAll, describe, expect, test, vi } from 'vitest';
import * as twins from '../../src/ops/activations.js';
import type { ActivationDefinition } from '../../src/ops/definition.js';
import * as softmaxTwins from '../../src/ops/softmax.js';
import { pitchOf } from '../../src/tensor.js';
import golden from '../fixtures/math.json' with { type: 'json' };
import { spacing, ulp } from '../ulp.js';
import {
  expectSameBits,
  guard,
  inJs,
  inner,
  inWasm,
  type JsKernel,
  matrix,
  sentinel,
} from './arrays.js';
import { cores, generator } from './core.js';

type Kernels = Record<string, JsKernel>;

/** Every entry of the catalogue but linear, which needs no kernel. */
const entries = Object.entries<ActivationDefinition>(twins.activations).filter(
  ([, { lowerBound }]) => lowerBound !== Number.NEGATIVE_INFINITY,
);
const kernels = { ...twins, ...softmaxTwins } as unknown as Kernels;
const [release] = cores();
const same = (name: string, arrays: Float32Array[], rest: number[]) =>
  expectSameBits(name, kernels[name]!, arrays, rest);

/** The twins in float64, with the engine's own functions. */
let exact: Kernels;
beforeAll(async () => {
  vi.doMock('../../src/math.js', () => import('../float64.js'));
  vi.resetModules();
  const [pointwise, softmax] = await Promise.all([
    import('../../src/ops/activations.js'),
    import('../../src/ops/softmax.js'),
  ]);
  exact = { ...pointwise, ...softmax } as unknown as Kernels;
  vi.doUnmock('../../src/math.js');
});

const { NaN: nan, POSITIVE_INFINITY: infinity, NEGATIVE_INFINITY: minusInfinity } = Number;
// biome-ignore format: one kind a line
const special = [
  0, -0, nan, infinity, minusInfinity, 3.4e38, -3.4e38, 1e30, -1e30,
  1e-45, -1e-45, 2 ** -126, -(2 ** -126), 1e-30, -1e-30, 2 ** -30, 1e-4, -1e-4,
  1, -1, 3, -3, 6, -6, 10, -10, 12.5, -12.5, -12.7, -12.70001, 12.8, -10.00001,
  0.5625, -0.5625, 17, -17, 32, -32, 33, -33, 43, -43, -43.000004, 64, -64, 87, -87, -87.00001, -87.33654, -87.33655, 88.8, -88.8,
].map(Math.fround);

const sizes = [1, 3, 4, 5, 7, 8, 9, 17, 33];
const batches = [1, 2, 3, 4, 5, 9];

describe.each(entries)('%s', (name, definition) => {
  const options = Object.values(definition.options);
  const altered = options.map((value) => value * 1.7 + 0.1);

  test.each(sizes)('%i columns: JS and WebAssembly agree to the bit', (columns) => {
    const random = generator(columns);
    const draws: ((i: number) => number)[] = [
      () => (random() - 0.5) * 4,
      () => (random() - 0.5) * 200,
      () => special[Math.floor(random() * special.length)]!,
      (i) => special[i % special.length]!,
    ];
    for (const rows of batches) {
      const sizes = [rows, columns, pitchOf(columns)];
      for (const draw of draws) {
        for (const given of [options, altered]) {
          const rest = [...sizes, ...given];
          const z = matrix(rows, columns, draw);
          const stale = matrix(rows, columns, () => sentinel);
          const [y] = same(`${name}Forward`, [stale, z], rest);
          same(`${name}Forward`, [z, z], rest);
          const from = definition.slopeFrom === 'y' ? y! : z;
          const dy = matrix(rows, columns, () => (random() - 0.5) * 2);
          same(`${name}Backward`, [stale, dy, from], rest);
          same(`${name}Backward`, [dy, dy, from], rest);
          same(`${name}Backward`, [stale, z, from], rest);
        }
      }
    }
  });

  test('carries NaN, and stays in its range at ±∞', () => {
    if (name === 'softmax') return;
    const z = matrix(1, 5, (i) => [nan, minusInfinity, infinity, -1e30, 1e30][i]!);
    const y = inJs(
      kernels[`${name}Forward`]!,
      [matrix(1, 5, () => 0), z],
      [1, 5, 8, ...options],
    )[0]!;
    expect(y[guard]).toBeNaN();
    for (const at of [1, 2, 3, 4]) expect(y[guard + at], `${z[guard + at]}`).not.toBeNaN();
    const dy = matrix(1, 1, () => nan);
    const from = matrix(1, 1, () => 0.5);
    expect(
      inJs(kernels[`${name}Backward`]!, [dy, dy, from], [1, 1, 8, ...options])[0]![guard],
    ).toBeNaN();
  });

  test('is within 4 ULP of the formula in float64', () => {
    if (name === 'softmax') return;
    const zs = [...special.filter(Number.isFinite)];
    for (let z = -100; z < 100; z += 0.0137) zs.push(Math.fround(z));
    for (let z = -4; z < 4; z += 0.000917) zs.push(Math.fround(z));
    for (let z = 1e-36; z < 1; z *= 1.1) zs.push(Math.fround(z), Math.fround(-z));
    const columns = zs.length;
    const y = new Float32Array(columns);
    kernels[`${name}Forward`]!(y, Float32Array.from(zs), 1, columns, columns, ...options);
    const truth = new Float64Array(columns);
    exact[`${name}Forward`]!(truth, Float64Array.from(zs), 1, columns, columns, ...options);
    for (let i = 0; i < columns; i++) expectNear(name, zs[i]!, y[i]!, truth[i]!);
  });

  test('has the slope of its values', () => {
    if (name === 'softmax') return;
    const h = 2 ** -20;
    for (let z = -20; z < 20; z += 0.171) {
      if (definition.kinks?.some((kink) => Math.abs(kink - z) < 2 * h)) continue;
      const [below, at, above] = [z - h, z, z + h].map((x) => {
        const y = new Float64Array(1);
        exact[`${name}Forward`]!(y, Float64Array.of(x), 1, 1, 8, ...options);
        return y[0]!;
      });
      const dz = new Float64Array(1);
      const from = Float64Array.of(definition.slopeFrom === 'y' ? at! : z);
      exact[`${name}Backward`]!(dz, Float64Array.of(1.5), from, 1, 1, 8, ...options);
      expect(dz[0]! / 1.5, `at ${z}`).toBeCloseTo((above! - below!) / (2 * h), 8);
    }
  });
});

/** Within 4 ULP of a normal value, or 1e-7 where gelu and silu fade out. */
function expectNear(name: string, z: number, y: number, truth: number) {
  if (name === 'sigmoid' && z < -43) {
    // What is below 2⁻⁶² counts as nothing.
    expect(truth).toBeLessThan(2 ** -62);
    expect(y).toBe(0);
    return;
  }
  if (Math.abs(truth) > 3.4e38) return;
  const fades = name.startsWith('gelu') ? z < 0 : name === 'silu' && z < -87;
  const error = fades ? Math.min(ulp(y, truth), (4 * Math.abs(y - truth)) / 1e-7) : ulp(y, truth);
  const within = Math.abs(truth) < 2 ** -126 ? Math.abs(y) <= 2 ** -126 : error <= 4;
  if (!within) expect.fail(`${name}(${z}) = ${y}, not ${truth}: ${error} ULP`);
}

describe(`known values: ${golden.source}`, () => {
  test.each(Object.entries(golden.activations as Record<string, number[][]>))(
    '%s',
    (name, pairs) => {
      const { options } = twins.activations[name as 'elu'] as ActivationDefinition;
      const z = Float32Array.from(pairs, ([x]) => x!);
      const y = new Float32Array(z.length);
      kernels[`${name}Forward`]!(y, z, 1, z.length, z.length, ...Object.values(options));
      for (const [i, [x, truth]] of pairs.entries()) expectNear(name, x!, y[i]!, truth!);
    },
  );

  test.each(Object.entries(golden.slopes as Record<string, number[][]>))(
    'slope of %s',
    (name, pairs) => {
      const { options, slopeFrom } = twins.activations[name as 'elu'] as ActivationDefinition;
      const rest = [1, pairs.length, pairs.length, ...Object.values(options)];
      const z = Float32Array.from(pairs, ([x]) => x!);
      const y = new Float32Array(z.length);
      kernels[`${name}Forward`]!(y, z, ...rest);
      const dz = new Float32Array(z.length);
      kernels[`${name}Backward`]!(
        dz,
        new Float32Array(z.length).fill(1),
        slopeFrom === 'y' ? y : z,
        ...rest,
      );
      for (const [i, [x, truth]] of pairs.entries()) {
        expect(Math.abs(dz[i]! - truth!), `${name}'(${x})`).toBeLessThan(1e-6);
      }
    },
  );

  test('softmax', () => {
    for (const [z, truth] of golden.softmax as [number[], number[]][]) {
      const y = new Float32Array(z.length);
      kernels.softmaxForward!(y, Float32Array.from(z), 1, z.length, 8);
      const max = z.reduce((a, b) => Math.max(a, b));
      for (let j = 0; j < z.length; j++) {
        const distance = max - z[j]!;
        if (distance > 43) expect(y[j]).toBe(0);
        else
          expect(ulp(y[j]!, truth[j]!), `${z}: ${j}`).toBeLessThanOrEqual(4 + distance + z.length);
      }
    }
  });
});

describe('softmax', () => {
  const run = (rows: number[][]) => {
    const columns = rows[0]!.length;
    const z = matrix(rows.length, columns, (i) => rows[Math.floor(i / columns)]![i % columns]!);
    const sizes = [rows.length, columns, pitchOf(columns)];
    return inner(inWasm(release!, 'softmaxForward', [z, z], sizes)[0]!);
  };
  const random = generator(11);
  const rowsOf = (count: number, columns: number, width: number) =>
    Array.from({ length: count }, () =>
      Array.from({ length: columns }, () => Math.fround((random() - 0.5) * width)),
    );

  test.each([2, 3, 10, 33, 100])('%i classes: a row alone equals the row in a batch', (columns) => {
    const rows = rowsOf(7, columns, 20);
    const together = run(rows);
    const pitch = pitchOf(columns);
    for (const [r, row] of rows.entries()) {
      expect(together.subarray(r * pitch, (r + 1) * pitch)).toEqual(run([row]));
    }
  });

  test.each([2, 10, 33, 300])('%i classes: accurate down to 43 below the largest', (columns) => {
    for (const row of rowsOf(20, columns, 130)) {
      const y = run([row]);
      const truth = new Float64Array(columns);
      exact.softmaxForward!(truth, Float64Array.from(row), 1, columns, columns);
      const max = row.reduce((a, b) => Math.max(a, b));
      let sum = 0;
      for (let j = 0; j < columns; j++) {
        const distance = max - row[j]!;
        sum += y[j]!;
        if (Math.fround(distance) > 43) expect(y[j]).toBe(0);
        else expect(ulp(y[j]!, truth[j]!)).toBeLessThanOrEqual(4 + distance + columns);
      }
      expect(Math.abs(sum - 1)).toBeLessThan(columns * spacing(1));
    }
  });

  test('neither overflows nor divides by zero at ±1e30', () => {
    expect([...run([[1e30, -1e30, 1e30, 0]])].slice(0, 4)).toEqual([0.5, 0, 0.5, 0]);
    expect(run([[-1e30]])[0]).toBe(1);
    expect([...run([[0, minusInfinity]])].slice(0, 2)).toEqual([1, 0]);
  });

  test('has the slope of its values', () => {
    const h = 2 ** -20;
    const z = Float64Array.from(rowsOf(1, 5, 6)[0]!);
    const dy = Float64Array.from(rowsOf(1, 5, 2)[0]!);
    const weighted = (at: number, step: number) => {
      const y = new Float64Array(5);
      exact.softmaxForward!(y, z.with(at, z[at]! + step), 1, 5, 8);
      return y.reduce((sum, value, j) => sum + value * dy[j]!, 0);
    };
    const y = new Float64Array(5);
    const dz = new Float64Array(5);
    exact.softmaxForward!(y, z, 1, 5, 8);
    exact.softmaxBackward!(dz, dy, y, 1, 5, 8);
    for (let j = 0; j < 5; j++) {
      expect(dz[j]).toBeCloseTo((weighted(j, h) - weighted(j, -h)) / (2 * h), 8);
    }
  });
});
