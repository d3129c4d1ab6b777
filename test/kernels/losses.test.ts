import { beforeAll, describe, expect, test, vi } from 'vitest';
import { choose } from '../../src/checks.js';
import * as crossentropies from '../../src/ops/crossentropies.js';
import type { LossDefinition } from '../../src/ops/definition.js';
import * as values from '../../src/ops/losses.js';
import { pitchOf } from '../../src/tensor.js';
import { lossSpecs, nameOf } from '../catalogues.js';
import golden from '../fixtures/math.json' with { type: 'json' };
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

const twins = { ...values, ...crossentropies };
/** Every loss as it is, and with its options off their defaults. */
const entries = lossSpecs
  .filter((spec) => typeof spec === 'string' || !('reduction' in spec || 'fromLogits' in spec))
  .map((spec) => {
    const { type, options } = choose(twins.losses, spec, 'loss');
    return [nameOf(spec), type, twins.losses[type], Object.values(options)] as const;
  });
const kernels = twins as unknown as Record<string, JsKernel>;
const [release] = cores();

/** The twins in float64, with the engine's own functions. */
let exact: Record<string, JsKernel>;
beforeAll(async () => {
  vi.doMock('../../src/math.js', () => import('../float64.js'));
  vi.resetModules();
  exact = {
    ...(await import('../../src/ops/losses.js')),
    ...(await import('../../src/ops/crossentropies.js')),
  } as unknown as Record<string, JsKernel>;
  vi.doUnmock('../../src/math.js');
});

const sizes = [1, 2, 3, 4, 5, 7, 8, 9, 17, 33];
const batches = [1, 2, 3, 4, 5, 8, 9, 64];
const { NaN: nan, POSITIVE_INFINITY: infinity, NEGATIVE_INFINITY: minusInfinity } = Number;
const special = [
  0,
  -0,
  1,
  -1,
  0.5,
  43,
  -43,
  -43.000004,
  64,
  -64,
  88,
  -88,
  1e-30,
  1e30,
  -1e30,
  3e38,
  nan,
  infinity,
  minusInfinity,
];

type Draw = (i: number) => number;

/** Targets such as a loss takes, a row of them or a label a row. */
function targetsFor(definition: LossDefinition, batch: number, units: number, draw: Draw) {
  if (definition.targets === 'labels') {
    return matrix(batch, 1, (i) => Math.floor(Math.abs(i * 0.377) * units) % units);
  }
  return matrix(batch, units, (i) => (definition.positive ? Math.abs(draw(i)) : draw(i)));
}

describe.each<readonly [string, string, LossDefinition, readonly number[]]>(entries)(
  '%s',
  (_, type, definition, options) => {
    const kernel = `${type}Loss`;
    const labels = definition.targets === 'labels';

    const argumentsFor = (
      batch: number,
      units: number,
      lossScale: number,
      gradientScale: number,
    ) => [
      batch,
      units,
      pitchOf(units),
      pitchOf(labels ? 1 : units),
      lossScale,
      gradientScale,
      ...options,
    ];

    test.each(sizes)('%i outputs: JS and WebAssembly agree to the bit', (units) => {
      const random = generator(units);
      const draws: [Draw, Draw][] = [
        [() => (random() - 0.5) * 6, () => random()],
        [() => (random() - 0.5) * 200, (i) => (i % 3 === 0 ? 1 : 0)],
        [() => (random() - 0.5) * 4, () => (random() - 0.5) * 4],
        [() => special[Math.floor(random() * special.length)]!, () => random()],
        [(i) => special[i % special.length]!, (i) => special[(3 * i + 1) % special.length]!],
      ];
      for (const batch of batches) {
        for (const [draw, drawTarget] of draws) {
          const y = matrix(batch, units, draw);
          const targets = targetsFor(definition, batch, units, drawTarget);
          const dy = matrix(batch, units, () => sentinel);
          const losses = matrix(1, batch, () => sentinel, batch);
          const arrays = [dy, losses, y, targets];
          const rest = argumentsFor(batch, units, 1 / batch, 1 / 3);
          expectSameBits(kernel, kernels[kernel]!, arrays, rest);
        }
      }
    });

    test('a row alone equals the row in a batch', () => {
      const random = generator(5);
      for (const units of [1, 5, 10, 33]) {
        const rows = 7;
        const y = matrix(rows, units, () => (random() - 0.5) * 6);
        const targets = targetsFor(definition, rows, units, () => random());
        const empty = [matrix(rows, units, () => 0), matrix(1, rows, () => 0, rows)];
        const rest = argumentsFor(rows, units, 0.3, 0.7);
        const together = inWasm(release!, kernel, [...empty, y, targets], rest).map(inner);
        const pitch = pitchOf(units);
        for (let r = 0; r < rows; r++) {
          const row = (array: Float32Array, width: number) =>
            matrix(1, width, (i) => inner(array)[r * width + i]!, width);
          const one = [row(empty[0]!, pitch), matrix(1, 1, () => 0, 1), row(y, pitch)];
          const t = row(targets, pitchOf(labels ? 1 : units));
          const alone = inWasm(release!, kernel, [...one, t], argumentsFor(1, units, 0.3, 0.7));
          expect(inner(alone[0]!)).toEqual(together[0]!.subarray(r * pitch, (r + 1) * pitch));
          expect(inner(alone[1]!)[0]).toBe(together[1]![r]);
        }
      }
    });

    test('writes the slope of its value', () => {
      const random = generator(9);
      const h = 2 ** -20;
      const units = 5;
      for (let round = 0; round < 20; round++) {
        const draw = () => (definition.positive ? 0.01 + 5 * random() : (random() - 0.5) * 5);
        const y = Float64Array.from({ length: 8 }, (_, j) => (j < units ? draw() : 0));
        const t = labels
          ? Float64Array.of(round % units)
          : Float64Array.from({ length: 8 }, () =>
              definition.targets === 'signs' ? Math.sign(random() - 0.5) : random(),
            );
        const run = (outputs: Float64Array) => {
          const dy = new Float64Array(8);
          const losses = new Float64Array(1);
          exact[kernel]!(dy, losses, outputs, t, ...argumentsFor(1, units, 1, 1));
          return { dy, loss: losses[0]! };
        };
        const { dy } = run(y);
        for (let j = 0; j < units; j++) {
          const distance = y[j]! - t[j]!;
          if (definition.kinks?.some((kink) => Math.abs(kink - distance) < 2 * h)) continue;
          const slope = (run(y.with(j, y[j]! + h)).loss - run(y.with(j, y[j]! - h)).loss) / (2 * h);
          expect(dy[j], `${y} and ${t}: ${j}`).toBeCloseTo(slope, 7);
        }
      }
    });

    test('scales losses and gradients, each by its own factor', () => {
      const y = matrix(2, 3, (i) => i / 4 - 0.5);
      const targets = targetsFor(definition, 2, 3, (i) => i % 2);
      const run = (lossScale: number, gradientScale: number) => {
        const empty = [matrix(2, 3, () => 0), matrix(1, 2, () => 0, 2)];
        const rest = argumentsFor(2, 3, lossScale, gradientScale);
        return inJs(kernels[kernel]!, [...empty, y, targets], rest).map((array) => [
          ...inner(array),
        ]);
      };
      const [dy, losses] = run(1, 1);
      const [scaledDy, scaledLosses] = run(0.25, 2);
      expect(scaledDy).toEqual(dy!.map((d) => 2 * d));
      expect(scaledLosses).toEqual(losses!.map((loss) => 0.25 * loss));
    });

    if (definition.logits) {
      test('stays finite at logits of ±1e30', () => {
        for (const units of [1, 4, 6]) {
          const y = matrix(4, units, (i) => (i % 3 === 0 ? 1e30 : i % 3 === 1 ? -1e30 : 0));
          const targets = targetsFor(definition, 4, units, (i) => (i % 2 === 0 ? 1 : 0));
          const empty = [matrix(4, units, () => 0), matrix(1, 4, () => 0, 4)];
          const rest = argumentsFor(4, units, 1, 1);
          const [dy, losses] = inWasm(release!, kernel, [...empty, y, targets], rest);
          expect(inner(dy!).every(Number.isFinite)).toBe(true);
          expect(inner(losses!).every(Number.isFinite)).toBe(true);
        }
      });
    }
  },
);

describe(`known values: ${golden.source}`, () => {
  interface Case {
    y: number[];
    t: number[];
    loss: number;
    slope: number[];
  }
  const near = (actual: number, truth: number) => {
    const error = Math.abs(actual - truth) / Math.max(1, Math.abs(truth));
    expect(error, `${actual}, not ${truth}`).toBeLessThan(1e-6);
  };

  test.each(Object.entries(golden.losses as Record<string, Case[]>))('%s', (name, cases) => {
    for (const { y, t, loss, slope } of cases) {
      const dy = new Float32Array(8);
      const losses = new Float32Array(1);
      const outputs = Float32Array.from(y);
      const options = Object.values(twins.losses[name as 'huber'].options);
      const rest = [1, y.length, 8, 8, 1, 1, ...options];
      kernels[`${name}Loss`]!(dy, losses, outputs, Float32Array.from(t), ...rest);
      near(losses[0]!, loss);
      for (const [j, truth] of slope.entries()) near(dy[j]!, truth);
    }
  });
});

test('a label does the same as a target of 1 at its class', () => {
  const random = generator(21);
  for (const units of [2, 3, 10, 33]) {
    const y = matrix(6, units, () => (random() - 0.5) * 30);
    const labels = matrix(6, 1, (r) => (r * 7) % units);
    const oneHot = matrix(6, units, (i) =>
      (Math.floor(i / units) * 7) % units === i % units ? 1 : 0,
    );
    const empty = [matrix(6, units, () => 0), matrix(1, 6, () => 0, 6)];
    const pitch = pitchOf(units);
    const rest = [6, units, pitch];
    const scales = [1 / 6, 1 / 6];
    const sparse = [...rest, pitchOf(1), ...scales, 0];
    const dense = [...rest, pitch, ...scales, 0];
    const name = 'sparseCategoricalCrossentropyLoss';
    const one = inWasm(release!, name, [...empty, y, labels], sparse);
    const other = inWasm(release!, 'categoricalCrossentropyLoss', [...empty, y, oneHot], dense);
    expect(one[0]).toEqual(other[0]);
    expect(one[1]).toEqual(other[1]);
  }
});

test.each(sizes)('weightLosses: rows of %i outputs times their weights, to the bit', (units) => {
  const random = generator(units);
  for (const rows of batches) {
    for (const draw of [
      () => random() * 4 - 2,
      () => special[Math.floor(random() * special.length)]!,
    ]) {
      const dy = matrix(rows, units, draw);
      const losses = matrix(1, rows, draw, rows);
      for (const pitch of [1, 8]) {
        const weights = matrix(rows, 1, () => random() * 3, pitch);
        const rest = [rows, units, pitchOf(units), pitch];
        expectSameBits(
          'weightLosses',
          values.weightLosses as JsKernel,
          [dy, losses, weights],
          rest,
        );
      }
    }
  }
});

describe('addLosses', () => {
  const random = generator(3);
  const given = Float32Array.from({ length: 37 }, () => random() - 0.2);

  /** The counters say which epoch it is: the last of these three sums. */
  const counters = Int32Array.of(0, 0, 0, 2, 0, 0);

  test.each([1, 4, 37])('adds %i losses in order, in float64', (batch) => {
    const sums = Float64Array.of(7, 8, 0.1);
    expect(twins.addLosses(sums, given, counters, batch)).toBe(false);
    expect([...sums]).toEqual([7, 8, given.subarray(0, batch).reduce((a, b) => a + b, 0.1)]);
    for (const core of cores()) {
      const { base, memory } = core;
      const cells = new Float64Array(memory.buffer, base, 3);
      new Int32Array(memory.buffer, base + 32, 6).set(counters);
      new Float32Array(memory.buffer, base + 64, 37).set(given);
      cells.set([7, 8, 0.1]);
      expect(core.exports.addLosses!(base, base + 64, base + 32, batch)).toBe(0);
      expect(cells).toEqual(sums);
    }
  });

  test.each([nan, infinity, minusInfinity])('stops at %f', (bad) => {
    expect(twins.addLosses(new Float64Array(3), Float32Array.of(1, bad, 2), counters, 3)).toBe(
      true,
    );
    for (const core of cores()) {
      const { base, memory } = core;
      new Float64Array(memory.buffer, base, 3).fill(0);
      new Int32Array(memory.buffer, base + 32, 6).set(counters);
      new Float32Array(memory.buffer, base + 64, 3).set([1, bad, 2]);
      expect(core.exports.addLosses!(base, base + 64, base + 32, 3)).toBe(1);
    }
  });
});

test('what stands around the arrays is looked at', () => {
  const array = matrix(1, 1, () => 0);
  expect(array[guard - 1]).toBe(Math.fround(sentinel));
});
