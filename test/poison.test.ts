import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { dense, layers } from '../src/index.js';
import type { Request } from '../src/lists.js';
import { Plan } from '../src/plan.js';
import { type Case, randomCase } from './architectures.js';
import {
  activationSpecs,
  lossSpecs,
  nameOf,
  requiredActivation,
  targetsFor,
} from './catalogues.js';
import { type Engine, engines, hex, hexOf, networkOn, resultsOn } from './engines.js';
import { generator } from './kernels/core.js';
import { shapedCase } from './shaped.js';

// All lists of a network share one part of its memory, so a kernel may find anything there.

/**
 * Fills everything that a list may not rely on with NaN before each run: all that stands behind what
 * the plan keeps, except the numbers that the host has written for this run.
 */
function poisonLists(): () => number {
  const wrapped = new WeakSet<object>();
  let poisoned = 0;
  const original = Plan.prototype.list;
  vi.spyOn(Plan.prototype, 'list').mockImplementation(function (this: Plan, request: Request) {
    const list = original.call(this, request);
    if (wrapped.has(list)) return list;
    wrapped.add(list);
    const run = list.program.run.bind(list.program);
    const given = request.rows === 'given' ? [list.rows, list.targets] : [];
    list.program.run = (steps) => {
      // Step by step, so that no step finds what the one before left behind.
      for (let step = 0; step < steps; step++) {
        const { floats } = this.backend;
        const dense = given.map(
          ({ offset, rows, columns }) =>
            [offset, floats.slice(offset, offset + rows * columns)] as const,
        );
        // The padded inputs are the first thing that a list places.
        floats.fill(Number.NaN, list.x.offset);
        for (const [offset, values] of dense) floats.set(values, offset);
        poisoned++;
        if (run(1) === 0) return step;
      }
      return steps;
    };
    return list;
  });
  return () => poisoned;
}

describe('kernels rely on nothing that they have not written', () => {
  let poisoned: () => number;
  beforeEach(() => {
    poisoned = poisonLists();
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  /** Trainings of all kinds and sizes, one row at a time among them. */
  async function trainings(engine: Engine, made: Case) {
    const results = await resultsOn(engine, made);
    const model = networkOn(engine, made.spec);
    const losses: number[] = [];
    for (const size of [1, made.rows, 3, 1]) {
      const bx = made.x.subarray(0, size * made.inputs);
      const by = made.y.subarray(0, Math.min(size, made.rows) * made.targetColumns);
      losses.push(model.trainOnBatch(bx, by).loss);
      const { loss, weights, inputs } = model.gradients(bx, by, {
        inputs: true,
      });
      losses.push(loss, ...inputs!);
      model.applyGradients(weights);
    }
    return { ...results, losses, stepped: hexOf(model) };
  }

  it.each(
    engines.flatMap((engine) => [
      [engine, 'rows of numbers', randomCase] as const,
      [engine, 'images and sequences', shapedCase] as const,
    ]),
  )('on %s, on %s', async (engine, _, draw) => {
    for (let seed = 1000; seed < 1030; seed++) {
      const made = draw(seed);
      const clean = { ...made, fit: { ...made.fit } };
      const found = await trainings(engine, made);
      expect(poisoned()).toBeGreaterThan(0);
      vi.restoreAllMocks();
      const expected = await trainings(engine, clean);
      poisoned = poisonLists();
      expect(found, `seed ${seed}: ${JSON.stringify({ ...made.spec, fit: made.fit })}`).toEqual(
        expected,
      );
    }
  });

  /** Inputs, hidden units, outputs and rows: fewer than a vector, than two, and one more. */
  const shapes = [
    [1, 1, 1, 1],
    [3, 5, 1, 5],
    [7, 2, 1, 2],
    [2, 7, 3, 1],
    [9, 4, 2, 4],
    [5, 13, 1, 3],
    [4, 9, 5, 1],
    [8, 3, 6, 9],
  ] as const;

  it.each(['release', 'debug'] as const)('in small layers on %s', (engine) => {
    /** A step and gradients of every activation with every loss, each in two of the shapes. */
    const results = () =>
      activationSpecs.flatMap((f, i) =>
        lossSpecs.flatMap((loss, j) =>
          [i + j, i + j + 4].map((k) => {
            const [inputs, hidden, outputs, batch] = shapes[k % shapes.length]!;
            const uniform = generator(100 * i + j);
            const last = layers.activation(requiredActivation(loss) ?? f);
            const hiddenLayer = dense(hidden, { activation: f });
            const stack = [hiddenLayer, layers.dropout({ rate: 0.3 }), dense(outputs), last];
            const model = networkOn(engine, { inputShape: [inputs], layers: stack, loss });
            const rows = Float32Array.from({ length: batch * inputs }, () => 2 * uniform() - 1);
            const targets = Float32Array.from(targetsFor(loss, batch, outputs, uniform));
            const { loss: first } = model.trainOnBatch(rows, targets);
            const { inputs: dx, weights } = model.gradients(rows, targets, { inputs: true });
            const all = [dx!, ...Object.values(weights), ...Object.values(model.getWeights())];
            const where = `${nameOf(f)}, ${nameOf(loss)}, shape ${k % shapes.length}`;
            return [where, first, ...all.map(hex), hex(model.predict(rows))];
          }),
        ),
      );
    const found = results();
    expect(poisoned()).toBeGreaterThan(found.length);
    vi.restoreAllMocks();
    expect(found).toEqual(results());
  });
});
