import { describe, expect, it, vi } from 'vitest';
import { layers, type NetworkSpec } from '../src/index.js';
import { Plan } from '../src/plan.js';
import { randomCase } from './architectures.js';
import { activationSpecs, nameOf, optimizerSpecs, targetsFor } from './catalogues.js';
import { engines, hexOf, networkOn, resultsOn } from './engines.js';
import { generator } from './kernels/core.js';
import { shapedCase } from './shaped.js';

// Same spec, same data, same seed: the same bits, whatever computes them.
describe('JS, the release build and the debug build give the same bits', () => {
  const cases = 240;
  const perTest = 20;
  const diverged: number[] = [];

  it.each(Array.from({ length: cases / perTest }, (_, i) => i * perTest))(
    `over ${perTest} random architectures from seed %i on`,
    async (first) => {
      for (let seed = first; seed < first + perTest; seed++) {
        const made = randomCase(seed);
        const where = `seed ${seed}: ${JSON.stringify({ ...made.spec, fit: made.fit })}`;
        const js = await resultsOn('js', made);
        if (typeof js.trained === 'string') diverged.push(seed);
        expect(await resultsOn('release', made), `release build, ${where}`).toEqual(js);
        expect(await resultsOn('debug', made), `debug build, ${where}`).toEqual(js);
        expect(js.weights, where).not.toEqual(js.initial);
      }
    },
  );

  it.each(Array.from({ length: 12 }, (_, i) => 10 * i))(
    'over 10 random architectures on images and sequences from seed %i on',
    async (first) => {
      for (let seed = first; seed < first + 10; seed++) {
        const made = shapedCase(seed);
        const where = `seed ${seed}: ${JSON.stringify({ ...made.spec, fit: made.fit })}`;
        const js = await resultsOn('js', made);
        expect(await resultsOn('release', made), `release build, ${where}`).toEqual(js);
        expect(await resultsOn('debug', made), `debug build, ${where}`).toEqual(js);
      }
    },
  );

  it('with few trainings that diverge', () => {
    expect(diverged.length).toBeLessThan(cases / 20);
  });
});

/** A network with everything in it that depends on the step, on both kinds of layer. */
function busySpec(changes: Partial<NetworkSpec> = {}): NetworkSpec {
  return {
    inputShape: [7],
    layers: [
      layers.dense({ units: 18, activation: 'relu' }),
      layers.dropout({ rate: 0.4 }),
      layers.dense({ units: 9, activation: 'gelu' }),
      layers.dense({ units: 3, activation: 'softmax' }),
    ],
    loss: 'sparseCategoricalCrossentropy',
    optimizer: 'adam',
    metrics: ['accuracy'],
    seed: 5,
    ...changes,
  };
}

const random = generator(99);
const rows = 29;
const x = Float32Array.from({ length: rows * 7 }, () => 4 * random() - 2);
const y = targetsFor('sparseCategoricalCrossentropy', rows, 3, random);
/** Batches of eight rows in order, the last one short. */
const batches = [0, 8, 16, 24].map(
  (r) => [x.subarray(r * 7, (r + 8) * 7), y.slice(r, r + 8)] as const,
);

describe.each(engines)('on %s', (engine) => {
  describe.each(optimizerSpecs.map((optimizer) => [nameOf(optimizer), optimizer] as const))(
    'with %s',
    (_, optimizer) => {
      it('trainOnBatch is gradients, then applyGradients', () => {
        const once = networkOn(engine, busySpec({ optimizer }));
        const twice = networkOn(engine, busySpec({ optimizer }));
        for (const [bx, by] of [...batches, ...batches]) {
          const { loss } = once.trainOnBatch(bx, by);
          const { loss: same, weights } = twice.gradients(bx, by, { inputs: true });
          twice.applyGradients(weights);
          expect(same).toBe(loss);
          expect(hexOf(twice)).toEqual(hexOf(once));
        }
      });

      it('fit is trainOnBatch over its batches', async () => {
        const fitted = networkOn(engine, busySpec({ optimizer }));
        const stepped = networkOn(engine, busySpec({ optimizer }));
        await fitted.fit(x, y, { epochs: 3, batchSize: 8, shuffle: false });
        for (const [bx, by] of [...batches, ...batches, ...batches]) stepped.trainOnBatch(bx, by);
        expect(hexOf(fitted)).toEqual(hexOf(stepped));
      });

      it('a second fit goes on where the first ended', async () => {
        const once = networkOn(engine, busySpec({ optimizer }));
        const twice = networkOn(engine, busySpec({ optimizer }));
        const { history } = await once.fit(x, y, { epochs: 5, batchSize: 6 });
        const first = await twice.fit(x, y, { epochs: 2, batchSize: 6 });
        const second = await twice.fit(x, y, { epochs: 3, batchSize: 6 });
        expect(hexOf(twice)).toEqual(hexOf(once));
        expect([...first.history.loss, ...second.history.loss]).toEqual(history.loss);
      });
    },
  );

  it('who looks on changes nothing', async () => {
    // A number of whole batches and nobody to tell: several epochs may run at once.
    const [wx, wy] = [x.subarray(0, 24 * 7), y.slice(0, 24)];
    const options = { epochs: 50, batchSize: 8 };
    const alone = networkOn(engine, busySpec({ metrics: [] }));
    const { history } = await alone.fit(wx, wy, options);
    const looks = () => {};
    for (const callbacks of [
      [{ onBatchEnd: looks }],
      [{ onEpochEnd: looks }],
      [{ onTrainEnd: looks }],
    ]) {
      const watched = networkOn(engine, busySpec({ metrics: ['accuracy'] }));
      const result = await watched.fit(wx, wy, { ...options, callbacks });
      expect(hexOf(watched)).toEqual(hexOf(alone));
      expect(result.history.loss).toEqual(history.loss);
    }
    const stepped = networkOn(engine, busySpec({ metrics: [] }));
    const losses: number[] = [];
    for await (const { logs } of stepped.epochs(wx, wy, options)) losses.push(logs.loss!);
    expect(hexOf(stepped)).toEqual(hexOf(alone));
    expect(losses).toEqual(history.loss);
    const halves = networkOn(engine, busySpec({ metrics: [] }));
    for (const epochs of [1, 9, 40]) await halves.fit(wx, wy, { ...options, epochs });
    expect(hexOf(halves)).toEqual(hexOf(alone));
    expect(history.loss).toHaveLength(50);
  });

  it('the seed decides everything', async () => {
    const run = async (seed: number, changes: Partial<NetworkSpec> = {}, shuffle = true) => {
      const model = networkOn(engine, busySpec({ seed, ...changes }));
      const initial = hexOf(model);
      await model.fit(x, y, { epochs: 2, batchSize: 8, shuffle });
      return { initial, trained: hexOf(model) };
    };
    const reference = await run(5);
    expect(await run(5)).toEqual(reference);
    const other = await run(6);
    for (const name of ['layers.0.w', 'layers.2.w', 'layers.3.w']) {
      expect(other.initial[name]).not.toBe(reference.initial[name]);
    }
    // From the same weights, only the order of the rows differs; then only the masks do.
    const weightInitializer = { type: 'constant', value: 0.1 } as const;
    const plain = [layers.dense({ units: 3, activation: 'softmax', weightInitializer } as const)];
    const shuffled = [await run(5, { layers: plain }), await run(6, { layers: plain })] as const;
    expect(shuffled[0].initial).toEqual(shuffled[1].initial);
    expect(shuffled[0].trained).not.toEqual(shuffled[1].trained);
    const masked = [layers.dropout({ rate: 0.5 }), ...plain];
    const dropped = [
      await run(5, { layers: masked }, false),
      await run(6, { layers: masked }, false),
    ] as const;
    expect(dropped[0].initial).toEqual(dropped[1].initial);
    expect(dropped[0].trained).not.toEqual(dropped[1].trained);
  });

  it('predictions, evaluations and gradients in between change nothing, even as memory grows', async () => {
    const lists = vi.spyOn(Plan.prototype, 'list');
    const reference = networkOn(engine, busySpec());
    const { history } = await reference.fit(x, y, { epochs: 4, batchSize: 8 });
    const model = networkOn(engine, busySpec());
    const many = 3_000;
    const large = Float32Array.from({ length: many * 7 }, (_, i) => x[i % x.length]!);
    const labels = Array.from({ length: many }, (_, r) => r % 3);
    const nosy = () => {
      model.predict(x.subarray(0, 7));
      model.predict(large.subarray(0, 7 * 300));
      model.evaluate(large.subarray(0, 700), labels.slice(0, 100));
      for (let r = 1; r < 12; r++) model.predict(x.subarray(0, 7 * r));
      model.getWeights();
    };
    const losses: number[] = [];
    const sizes = new Set<number>();
    const options = {
      epochs: 4,
      batchSize: 8,
      callbacks: [{ onEpochBegin: nosy, onBatchEnd: nosy, onEpochEnd: nosy }],
    };
    for await (const { logs } of model.epochs(x, y, options)) {
      losses.push(logs.loss!);
      model.gradients(large, labels, { inputs: true });
      sizes.add((lists.mock.contexts.at(-1) as Plan).backend.floats.length);
      model.predict(large.subarray(0, 7 * 500 * sizes.size));
    }
    expect(hexOf(model)).toEqual(hexOf(reference));
    expect(losses).toEqual(history.loss);
    const before = (lists.mock.contexts[0] as Plan).backend.floats.length;
    expect(Math.max(...sizes)).toBeGreaterThan(2 * before);
    lists.mockRestore();
  });
});

it('the random architectures meet every activation and every optimizer', () => {
  const met = new Set<string>();
  const optimizers = new Set<string>();
  for (let seed = 0; seed < 240; seed++) {
    const { spec } = randomCase(seed);
    optimizers.add(nameOf(spec.optimizer!));
    for (const layer of spec.layers) {
      if ('activation' in layer && layer.activation) met.add(nameOf(layer.activation));
    }
  }
  expect([...met].sort()).toEqual(activationSpecs.map(nameOf).sort());
  expect([...optimizers].sort()).toEqual(optimizerSpecs.map(nameOf).sort());
});
