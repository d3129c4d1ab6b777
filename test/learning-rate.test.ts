import { describe, expect, it, vi } from 'vitest';
import type { Program } from '../src/backends/backend.js';
import {
  type Callback,
  DivergenceError,
  dense,
  type FitOptions,
  type OptimizerSpec,
  type Schedule,
  schedules,
} from '../src/index.js';
import { Plan } from '../src/plan.js';
import { nameOf, optimizerSpecs } from './catalogues.js';
import { backends, network, rows, stateOf, weightsOf, x, y } from './noisy-sine.js';

/** Schedules of every kind, made anew for each training. */
const kinds: Record<string, () => FitOptions['learningRate']> = {
  number: () => 0.02,
  constant: () => schedules.constant({ learningRate: 0.03 }),
  step: () => schedules.step({ every: 3, factor: 0.5 }),
  'step per step': () => schedules.step({ at: [5, 17, 40], per: 'step' }),
  exponential: () => schedules.exponential({ factor: 0.9 }),
  polynomial: () => schedules.polynomial({ power: 2 }),
  'polynomial per step': () => schedules.polynomial({ per: 'step' }),
  cosine: () => schedules.cosine(),
  'cosine per step': () => schedules.cosine({ per: 'step', minimum: 0.01 }),
  cosineRestarts: () => schedules.cosineRestarts({ length: 2, growth: 2 }),
  warmUp: () => schedules.warmUp({ length: 4, before: schedules.cosine() }),
  'warmUp in steps': () =>
    schedules.warmUp({ length: 7, per: 'step', start: 0, before: schedules.cosine() }),
  oneCycle: () => schedules.oneCycle({ learningRate: 0.2 }),
  reduceOnPlateau: () =>
    schedules.reduceOnPlateau({ monitor: 'loss', patience: 0, factor: 0.5, threshold: 0.3 }),
  function: () => (step, epoch) => 0.1 / (1 + epoch + (step % 3)),
};

describe.each(Object.entries(kinds))('%s', (name, make) => {
  const epochs = 12;
  /** Whole batches, then a rest of four rows in each epoch. */
  const sizes = [8, 5];

  /** The rates that a callback is told of, step by step. */
  async function watched(backend: 'wasm' | 'js', batchSize: number, changes = {}) {
    const rates: number[] = [];
    const losses: number[] = [];
    const model = network(backend, changes);
    const look: Callback = {
      onBatchEnd: ({ learningRate }) => rates.push(learningRate),
      onEpochEnd: ({ logs }) => losses.push(logs.loss!),
    };
    const options = { epochs, batchSize, learningRate: make()!, callbacks: [look] };
    await model.fit(x, y, options);
    return { model, rates, losses, weights: weightsOf(model) };
  }

  it.each(sizes)('gives the same bits on both backends, in batches of %i', async (batchSize) => {
    const [wasm, js] = [await watched('wasm', batchSize), await watched('js', batchSize)];
    expect(wasm.rates).toEqual(js.rates);
    expect(wasm.weights).toEqual(js.weights);
    expect(wasm.losses).toEqual(js.losses);
  });

  it.each(backends.flatMap((backend) => sizes.map((size) => [backend, size] as const)))(
    'epochs run together or one by one give the same bits on %s, in batches of %i',
    async (backend, batchSize) => {
      const { weights, losses } = await watched(backend, batchSize);
      const options = () => ({ epochs, batchSize, learningRate: make()! });
      const alone = network(backend);
      const { history } = await alone.fit(x, y, options());
      expect(weightsOf(alone)).toEqual(weights);
      expect(history.loss).toEqual(losses);
      const told = network(backend);
      await told.fit(x, y, { ...options(), callbacks: [{ onEpochEnd() {} }] });
      expect(weightsOf(told)).toEqual(weights);
      const looped = network(backend);
      for await (const _ of looped.epochs(x, y, options())) {
        // Predictions and trainings in between have the optimizer's own rate, and disturb nothing.
        looped.predict(x);
      }
      expect(weightsOf(looped)).toEqual(weights);
    },
  );

  it('is a step of the optimizer with that rate, each time', async () => {
    const { rates, weights, model } = await watched('wasm', 8);
    expect(rates).toHaveLength(epochs * 3);
    const varies = !['number', 'constant'].includes(name);
    expect(new Set(rates).size > 1).toBe(varies);
    // Gradients scaled by the rate, for an optimizer with the rate 1.
    const scaled = network('js', {
      optimizer: { type: 'sgd', learningRate: 1 },
      layers: [dense(2)],
    });
    const plain = await watched('js', rows, { layers: [dense(2)] });
    for (const rate of plain.rates) {
      const { weights: gradients } = scaled.gradients(x, y);
      for (const gradient of Object.values(gradients)) {
        gradient.forEach((g, i) => {
          gradient[i] = Math.fround(Math.fround(rate) * g);
        });
      }
      scaled.applyGradients(gradients);
    }
    const expected = scaled.getWeights();
    for (const [key, w] of Object.entries(plain.model.getWeights())) {
      w.forEach((v, i) => {
        expect(v).toBeCloseTo(expected[key]![i]!, 5);
      });
    }
    expect(weightsOf(model)).toEqual(weights);
  });

  it('leaves the optimizer with its own rate', async () => {
    const options = { epochs: 2, batchSize: 8 };
    const model = network();
    await model.fit(x, y, { ...options, learningRate: make()! });
    const twin = network();
    twin.setWeights(model.getWeights());
    // The steps have passed for both, at whatever rate.
    await twin.fit(x, y, options);
    twin.setWeights(model.getWeights());
    expect(await stateOf(model)).toEqual(await stateOf(twin));
  });
});

describe.each(optimizerSpecs.map((optimizer) => [nameOf(optimizer), optimizer] as const))(
  'with %s',
  (_, optimizer: OptimizerSpec) => {
    it('a schedule gives the same bits on both backends, together or one by one', async () => {
      const results = [];
      for (const backend of backends) {
        for (const callbacks of [[], [{ onBatchEnd() {} }]]) {
          const model = network(backend, { optimizer });
          const learningRate = schedules.oneCycle({ learningRate: 0.01 });
          await model.fit(x, y, { epochs: 9, batchSize: 8, learningRate, callbacks });
          results.push(weightsOf(model));
        }
      }
      for (const result of results) expect(result).toEqual(results[0]);
      const other = network('wasm', { optimizer });
      await other.fit(x, y, { epochs: 9, batchSize: 8 });
      expect(weightsOf(other)).not.toEqual(results[0]);
    });

    it('the rate of the optimizer, given as a function, changes nothing', async () => {
      const [model, twin] = [network('wasm', { optimizer }), network('wasm', { optimizer })];
      const options = { epochs: 9, batchSize: 5 };
      const rate = new Set<number>();
      const look: Callback = { onTrainBegin: ({ learningRate }) => rate.add(learningRate) };
      await twin.fit(x, y, { ...options, callbacks: [look] });
      await model.fit(x, y, { ...options, learningRate: () => [...rate][0]! });
      expect(await stateOf(model)).toEqual(await stateOf(twin));
    });
  },
);

describe('a schedule', () => {
  /** How many times lists are walked, and how often they are started. */
  async function runsOf(options: FitOptions) {
    const wrapped = new WeakSet<Program>();
    const steps: number[] = [];
    const original = Plan.prototype.list;
    vi.spyOn(Plan.prototype, 'list').mockImplementation(function (this: Plan, request) {
      const list = original.call(this, request);
      // Not those that only look.
      if (!request.keep && !wrapped.has(list.program)) {
        wrapped.add(list.program);
        const run = list.program.run.bind(list.program);
        list.program.run = (count) => {
          steps.push(count);
          return run(count);
        };
      }
      return list;
    });
    await network().fit(x, y, { batchSize: 8, ...options });
    vi.restoreAllMocks();
    return steps;
  }

  it('runs as many steps at once as fits in the table, epochs together', async () => {
    for (const learningRate of [schedules.cosine(), schedules.oneCycle(), () => 0.01]) {
      // Three steps an epoch, at most 256 epochs together.
      expect(await runsOf({ epochs: 600, learningRate })).toEqual([768, 768, 264]);
    }
    // One row a step: 24 steps an epoch, so that 42 epochs fill the table.
    const learningRate = schedules.cosine({ per: 'step' });
    const many = await runsOf({ epochs: 100, batchSize: 1, learningRate });
    expect(many).toEqual([42 * 24, 42 * 24, 16 * 24]);
  });

  it('of epochs takes no step by itself where epochs are told', async () => {
    const callbacks = [{ onEpochEnd() {} }];
    const learningRate = schedules.cosine();
    expect(await runsOf({ epochs: 3, learningRate, callbacks })).toEqual([3, 3, 3]);
  });

  it('is not in the list of a training without one', async () => {
    const lists = vi.spyOn(Plan.prototype, 'list');
    await network().fit(x, y, { epochs: 2 });
    const [plan] = lists.mock.contexts as Plan[];
    const requests = lists.mock.calls.map(([request]) => request);
    const kernels = () => requests.flatMap((r) => plan!.describe(r).map(({ kernel }) => kernel));
    expect(kernels()).not.toContain('takeRate');
    requests.length = 0;
    lists.mockClear();
    const model = network();
    await model.fit(x, y, { epochs: 2, learningRate: () => 1e-3 });
    const scheduled = lists.mock.contexts[0] as Plan;
    const names = scheduled.describe(lists.mock.calls[0]![0]).map(({ kernel }) => kernel);
    expect(names).toContain('takeRate');
    vi.restoreAllMocks();
  });

  it('goes on where the table of rates begins again', async () => {
    // 2,400 steps in an epoch, more than the table holds.
    const many = 2400;
    const bx = Float32Array.from({ length: many * 3 }, (_, i) => x[i % x.length]!);
    const by = Float32Array.from({ length: many * 2 }, (_, i) => y[i % y.length]!);
    const learningRate = schedules.cosine({ per: 'step' });
    const results = [];
    for (const backend of backends) {
      for (const callbacks of [[], [{ onBatchEnd() {} }]]) {
        const model = network(backend);
        model.trainOnBatch(x, y);
        await model.fit(bx, by, { epochs: 2, batchSize: 1, learningRate, callbacks });
        results.push(weightsOf(model));
      }
    }
    for (const result of results) expect(result).toEqual(results[0]);
  });

  it('counts from 0 in each training', async () => {
    const asked: number[] = [];
    const learningRate = (step: number) => {
      asked.push(step);
      return 0.01;
    };
    const model = network();
    const options = { epochs: 2, batchSize: 8, learningRate };
    await model.fit(x, y, options);
    await model.fit(x, y, options);
    expect(asked).toEqual([0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5]);
  });

  it('lets the network have its own rate between two epochs', async () => {
    const zero = network();
    const initial = weightsOf(zero);
    for await (const _ of zero.epochs(x, y, { epochs: 2, learningRate: 0 })) {
      expect(weightsOf(zero)).toEqual(initial);
    }
    const model = network();
    const twin = network();
    let epochs = 0;
    for await (const _ of model.epochs(x, y, { epochs: 3, learningRate: () => 0 })) {
      if (++epochs === 2) break;
    }
    await twin.fit(x, y, { epochs: 2, learningRate: 0 });
    expect(await stateOf(model)).toEqual(await stateOf(twin));
  });

  it('tells callbacks the rate', async () => {
    const told: Record<string, number[]> = {};
    const hooks = [
      'onTrainBegin',
      'onEpochBegin',
      'onBatchEnd',
      'onEpochEnd',
      'onTrainEnd',
    ] as const;
    const callback: Callback = Object.fromEntries(
      hooks.map((hook) => [
        hook,
        ({ learningRate }: { learningRate: number }) => (told[hook] ??= []).push(learningRate),
      ]),
    );
    const learningRate = (step: number) => step + 1;
    const options = { epochs: 2, batchSize: 12, callbacks: [callback] };
    await network('wasm', { layers: [dense(2, { weightInitializer: 'zeros' })] }).fit(
      new Float32Array(rows * 3),
      new Float32Array(rows * 2),
      { ...options, learningRate },
    );
    expect(told).toEqual({
      onTrainBegin: [0.05],
      onEpochBegin: [1, 3],
      onBatchEnd: [1, 2, 3, 4],
      onEpochEnd: [2, 4],
      onTrainEnd: [0.05],
    });
  });

  it.each(backends)('that diverges names its rate, on %s', async (backend) => {
    const learningRate = (step: number) => (step < 40 ? 0.01 : 1e30);
    const results = [];
    for (const callbacks of [[], [{ onEpochEnd() {} }]]) {
      const model = network(backend, { layers: [dense(2)] });
      const fit = model.fit(x, y, { batchSize: 8, callbacks, epochs: 99, learningRate });
      const error = await fit.catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(DivergenceError);
      const { message } = error as Error;
      expect(message).toContain('in epoch 13, batch 2');
      expect(message).toContain('the learning rate 1e+30 is likely too high: try 1e+29');
      model.setWeights(network(backend, { layers: [dense(2)] }).getWeights());
      results.push([message, ...Object.values(await stateOf(model))]);
    }
    expect(results[0]).toEqual(results[1]);
  });

  it('of epochs is told the logs before callbacks are', async () => {
    const order: string[] = [];
    const schedule: Schedule = {
      per: 'epoch',
      begin: () => () => 0.01,
      observe: (logs) => order.push(`schedule ${Object.keys(logs)}`),
    };
    const onEpochEnd = () => order.push('callback');
    await network().fit(x, y, {
      epochs: 2,
      validationSplit: 0.25,
      learningRate: schedule,
      callbacks: [{ onEpochEnd }],
    });
    expect(order).toEqual([
      'schedule loss,val_loss',
      'callback',
      'schedule loss,val_loss',
      'callback',
    ]);
  });

  it('on a plateau is reduced by what validation says', async () => {
    const rates: number[] = [];
    const schedule = schedules.reduceOnPlateau({ patience: 0, threshold: 0.9, factor: 0.5 });
    const onEpochBegin: Callback['onEpochBegin'] = ({ learningRate }) => rates.push(learningRate);
    await network().fit(x, y, {
      epochs: 4,
      validationSplit: 0.25,
      learningRate: schedule,
      callbacks: [{ onEpochBegin }],
    });
    expect(rates).toEqual([0.05, 0.05, 0.025, 0.0125]);
    const missing = network().fit(x, y, { learningRate: schedule });
    await expect(missing).rejects.toThrow("no log is called 'val_loss', only loss");
  });
});
