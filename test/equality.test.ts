import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import embedded from '../build/core.inline.js';
import { wasmBackend } from '../src/backends/wasm.js';
import {
  DivergenceError,
  layers,
  type Network,
  type NetworkSpec,
  sequential,
} from '../src/index.js';
import { Plan, type Request } from '../src/plan.js';
import { type Case, randomCase } from './architectures.js';
import { activationSpecs, nameOf, optimizerSpecs, targetsFor } from './catalogues.js';
import { bits, generator } from './kernels/core.js';

// Same spec, same data, same seed: the same bits, whatever computes them.
const moduleOf = (file: string) =>
  new WebAssembly.Module(readFileSync(new URL(`../build/${file}`, import.meta.url)));
const modules = { release: moduleOf('core.wasm'), debug: moduleOf('core.debug.wasm') };

const engines = ['js', 'release', 'debug'] as const;
type Engine = (typeof engines)[number];

function networkOn(engine: Engine, spec: NetworkSpec): Network {
  if (engine === 'js') return sequential(spec, { backend: 'js' });
  return sequential(spec, { backend: { create: () => wasmBackend(modules[engine]) } });
}

/** Floats as a digest of their bits, which fits into the message of a failure. */
const hex = (floats: Float32Array) =>
  createHash('sha1').update(bits(floats)).digest('hex').slice(0, 16);

const hexOf = (model: Network) =>
  Object.fromEntries(Object.entries(model.getWeights()).map(([name, w]) => [name, hex(w)]));

/** Float64 numbers with all of their digits, −0 and NaN told apart. */
const exact = (logs: Record<string, number | number[]>) =>
  Object.entries(logs).map(([name, v]) => [
    name,
    [v].flat().map((n) => (n === 0 ? `${1 / n}` : n)),
  ]);

/** All that a network does with a case, down to the last bit; an error's message in place of it. */
async function resultsOn(engine: Engine, { spec, x, y, fit, inputs }: Case) {
  const model = networkOn(engine, spec);
  const initial = hexOf(model);
  let trained: unknown;
  try {
    const { history, stopReason } = await model.fit(x, y, fit);
    trained = { history: exact(history), stopReason };
  } catch (error) {
    if (!(error instanceof DivergenceError)) throw error;
    trained = error.message;
  }
  const predictions = model.predict(x);
  const width = predictions.length / (x.length / inputs);
  const alone = Array.from({ length: x.length / inputs }, (_, r) =>
    model.predict(x.subarray(r * inputs, (r + 1) * inputs)),
  );
  alone.forEach((row, r) => {
    expect(hex(row)).toBe(hex(predictions.subarray(r * width, (r + 1) * width)));
  });
  return {
    initial,
    trained,
    weights: hexOf(model),
    predictions: hex(predictions),
    evaluation: exact(model.evaluate(x, y)),
  };
}

describe('the package carries the release build', () => {
  it('byte for byte', () => {
    const built = readFileSync(new URL('../build/core.wasm', import.meta.url));
    expect(Buffer.from(embedded, 'base64').equals(built)).toBe(true);
  });
});

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
    const many = 20_000;
    const large = Float32Array.from({ length: many * 7 }, (_, i) => x[i % x.length]!);
    const labels = Array.from({ length: many }, (_, r) => r % 3);
    const nosy = () => {
      model.predict(x.subarray(0, 7));
      model.predict(large);
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

  it.each(engines)('on %s', async (engine) => {
    for (let seed = 1000; seed < 1030; seed++) {
      const made = randomCase(seed);
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
});

it('the random architectures meet every activation', () => {
  const met = new Set<string>();
  for (let seed = 0; seed < 240; seed++) {
    for (const layer of randomCase(seed).spec.layers) {
      if ('activation' in layer && layer.activation) met.add(nameOf(layer.activation));
    }
  }
  expect([...met].sort()).toEqual(activationSpecs.map(nameOf).sort());
});
