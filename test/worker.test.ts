import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { debug } from '../src/debug.js';
import {
  augment,
  type Callback,
  callbacks,
  DivergenceError,
  dense,
  type FitOptions,
  layers,
  type load,
  type Network,
  type NetworkSpec,
  schedules,
  sequential,
  standardScaler,
} from '../src/index.js';
import { worker, workerAt } from '../src/worker.js';

const spec: NetworkSpec = {
  inputShape: [2],
  layers: [dense(6), layers.dropout({ rate: 0.2 }), dense(3)],
  task: 'multiclass',
  metrics: ['accuracy'],
  preprocess: { x: standardScaler() },
  seed: 5,
};
const x = Array.from({ length: 40 }, (_, r) => [Math.sin(r) * 3, Math.cos(2 * r) + 1]);
const y = x.map(([a, b]) => (a! > 0 ? 'a' : b! > 1 ? 'b' : 'c'));

/** All of a network that a training may change. */
const allOf = (network: Network) => network.snapshot({ optimizer: true });

async function both(options: FitOptions, of: NetworkSpec = spec) {
  const [here, there] = [sequential(of), sequential(of)];
  const alone = await here.fit(x, y, options);
  const away = await there.fit(x, y, { ...options, worker });
  expect(away).toEqual(alone);
  expect(allOf(there)).toEqual(allOf(here));
  return { here, there, alone };
}

describe('a training in a worker', () => {
  it.each<[string, FitOptions]>([
    ['plain', { epochs: 5, batchSize: 7 }],
    ['with validation', { epochs: 4, validationSplit: 0.25 }],
    [
      'with validation data and weights',
      { epochs: 3, validationData: [x, y], classWeight: 'balanced' },
    ],
    ['with a schedule', { epochs: 6, learningRate: schedules.cosine({ per: 'step' }) }],
    [
      'with schedules inside schedules',
      {
        epochs: 6,
        learningRate: schedules.warmUp({ length: 2, before: schedules.step({ every: 2 }) }),
      },
    ],
    [
      'with a schedule that looks on',
      {
        epochs: 6,
        validationSplit: 0.2,
        learningRate: schedules.reduceOnPlateau({ patience: 0, threshold: 0.5 }),
      },
    ],
  ])('has the bits of one without: %s', async (_, options) => {
    await both(options);
  });

  it('goes on where the one before ended, wherever that was', async () => {
    const { here, there } = await both({ epochs: 2 });
    await here.fit(x, y, { epochs: 2, worker });
    await there.fit(x, y, { epochs: 2 });
    expect(allOf(there)).toEqual(allOf(here));
    expect(there.predictClasses(x)).toEqual(here.predictClasses(x));
  });

  it.each([
    ['js', 'js'],
    ['debug', debug],
  ] as const)('runs on the backend of the network: %s', async (_, backend) => {
    const network = sequential(spec, { backend });
    await network.fit(x, y, { epochs: 3, worker });
    const other = sequential(spec);
    await other.fit(x, y, { epochs: 3 });
    expect(allOf(network)).toEqual(allOf(other));
  });

  it('leaves this thread free, and locks the network', async () => {
    const network = sequential(spec);
    await network.fit(x, y);
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const training = network.fit(x, y, { epochs: 2000, worker });
    expect(() => network.trainOnBatch(x, y)).toThrow('this network is training');
    expect(network.predict(x)).toHaveLength(120);
    await training;
    clearInterval(timer);
    expect(turns).toBeGreaterThan(1);
  });
});

/** A callback that writes down what it is told. */
function recorder(extra: Callback = {}) {
  const told: unknown[] = [];
  const record =
    (hook: keyof Callback): Callback['onEpochEnd'] =>
    async (context) => {
      const { epoch, epochs, batch, logs, learningRate, model } = context;
      told.push([hook, epoch, epochs, batch, { ...logs }, learningRate, model.getWeights()]);
      await (extra[hook] as Callback['onEpochEnd'])?.(context);
    };
  const hooks = ['onTrainBegin', 'onEpochBegin', 'onBatchEnd', 'onEpochEnd', 'onTrainEnd'] as const;
  const callback = Object.fromEntries(hooks.map((hook) => [hook, record(hook)])) as Callback;
  return { told, callback };
}

describe('callbacks', () => {
  const run = async (extra: Callback, options: FitOptions = {}) => {
    const sides = [];
    for (const where of [{}, { worker }]) {
      const network = sequential(spec);
      const { told, callback } = recorder(extra);
      const result = await network.fit(x, y, {
        ...{ epochs: 3, batchSize: 16, ...options, ...where },
        callbacks: [callback, ...(options.callbacks ?? [])],
      });
      sides.push({ told, result, all: allOf(network) });
    }
    expect(sides[1]).toEqual(sides[0]);
    return sides[1]!;
  };

  it('are told the same as without, with the network as it is then', async () => {
    const { told } = await run({});
    expect(told).toHaveLength(1 + 3 * (1 + 3 + 1) + 1);
  });

  it('stop a training, and change weights', async () => {
    const { result } = await run({
      onEpochEnd({ epoch, stop, setWeights, model }) {
        if (epoch === 0) setWeights({ 'layers.0.b': model.getWeights()['layers.0.b']!.fill(0.5) });
        if (epoch === 1) stop();
      },
    });
    expect(result.stopReason).toBe('stopped');
  });

  it('take checkpoints that a training without a worker goes on from, and the other way round', async () => {
    for (const [first, second] of [
      [{}, { worker }],
      [{ worker }, {}],
      [{ worker }, { worker }],
    ]) {
      for (const hook of ['onEpochBegin', 'onBatchEnd', 'onEpochEnd'] as const) {
        const watching = () => callbacks.earlyStopping({ monitor: 'loss', patience: 50 });
        const stopping: Callback = {
          [hook]: ({ epoch, stop }: { epoch: number; stop(): void }) =>
            void (epoch === 1 && stop()),
        };
        const options = { epochs: 4, batchSize: 16 };
        const whole = sequential(spec);
        await whole.fit(x, y, { ...options, callbacks: [watching(), { [hook]() {} }] });
        const network = sequential(spec);
        const { checkpoint } = await network.fit(x, y, {
          ...{ ...options, ...first },
          callbacks: [watching(), stopping],
        });
        const resumed = sequential(spec);
        await resumed.fit(x, y, {
          ...{ ...options, ...second, resume: checkpoint! },
          callbacks: [watching(), { [hook]() {} }],
        });
        expect(allOf(resumed), `${hook} ${JSON.stringify([first, second])}`).toEqual(allOf(whole));
      }
    }
  });

  it('go on with those that were not told yet', async () => {
    let taken: Parameters<typeof load>[0] | undefined;
    const taking: Callback = {
      onEpochEnd({ epoch, checkpoint }) {
        if (epoch === 1) taken = checkpoint();
      },
    };
    const network = sequential(spec);
    await network.fit(x, y, { epochs: 3, worker, callbacks: [taking, recorder().callback] });
    for (const where of [{}, { worker }]) {
      const later = recorder();
      await sequential(spec).fit(x, y, {
        ...{ epochs: 3, ...where, resume: taken as never },
        callbacks: [{ onEpochEnd() {} }, later.callback],
      });
      expect(later.told.map((event) => (event as unknown[]).slice(0, 2))).toEqual([
        ['onTrainBegin', 1],
        ['onEpochEnd', 1],
        ['onEpochBegin', 2],
        ['onBatchEnd', 2],
        ['onBatchEnd', 2],
        ['onEpochEnd', 2],
        ['onTrainEnd', 3],
      ]);
    }
  });

  it('put the best weights back', async () => {
    await run(
      {},
      {
        epochs: 12,
        validationSplit: 0.3,
        learningRate: 0.5,
        callbacks: [callbacks.earlyStopping({ patience: 2 })],
      },
    );
  });

  it('that throw end the training with their error, and the network is whole', async () => {
    const sides = [];
    for (const where of [{}, { worker }]) {
      const network = sequential(spec);
      const throwing = {
        onEpochEnd({ epoch }: { epoch: number }) {
          if (epoch === 1) throw new SyntaxError('mine');
        },
      };
      const training = network.fit(x, y, { epochs: 4, callbacks: [throwing], ...where });
      await expect(training).rejects.toThrow(new SyntaxError('mine'));
      sides.push(allOf(network));
      await network.fit(x, y, { epochs: 1 });
    }
    expect(sides[1]).toEqual(sides[0]);
  });
});

describe('what ends it', () => {
  it('an abort: what was learnt stays, and it goes on from there', async () => {
    const whole = sequential(spec);
    await whole.fit(x, y, { epochs: 300 });
    const network = sequential(spec);
    const controller = new AbortController();
    const training = network.fit(x, y, {
      epochs: 300,
      worker,
      signal: controller.signal,
      callbacks: [{ onEpochEnd: ({ epoch }) => void (epoch === 20 && controller.abort()) }],
    });
    const { stopReason, checkpoint } = await training;
    expect(stopReason).toBe('aborted');
    const resumed = sequential(spec);
    await resumed.fit(x, y, {
      epochs: 300,
      worker,
      resume: checkpoint!,
      callbacks: [{ onEpochEnd() {} }],
    });
    expect(allOf(resumed)).toEqual(allOf(whole));
  });

  it('an abort before it begins', async () => {
    const network = sequential(spec);
    const { stopReason } = await network.fit(x, y, { worker, signal: AbortSignal.abort() });
    expect(stopReason).toBe('aborted');
  });

  it('a divergence, as without', async () => {
    const wild: NetworkSpec = {
      inputShape: [1],
      layers: [dense(4), dense(1)],
      loss: 'meanSquaredError',
      optimizer: { type: 'sgd', learningRate: 1e6 },
    };
    const errors = [];
    for (const where of [{}, { worker }]) {
      const network = sequential(wild, { onWarning() {} });
      const training = network.fit([[1], [2]], [1, 2], { epochs: 50, ...where });
      errors.push(await training.catch((error: unknown) => error));
      expect(
        Object.values(network.getWeights())
          .flatMap((w) => [...w])
          .every(Number.isFinite),
      ).toBe(true);
    }
    expect(errors[1]).toBeInstanceOf(DivergenceError);
    expect({ ...(errors[1] as object) }).toEqual({ ...(errors[0] as object) });
    expect((errors[1] as Error).message).toBe((errors[0] as Error).message);
  });

  const folder = mkdtempSync(join(tmpdir(), 'chainrule-worker-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const program = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return workerAt(pathToFileURL(path));
  };
  const port = "const { parentPort } = require('node:worker_threads');";

  it.each<[string, string, RegExp]>([
    [
      'ends at once',
      'process.exit(3);',
      /^worker: no worker can be made here \(it ended with code 3\)/,
    ],
    [
      'is no program',
      'this is none;',
      /^worker: no worker can be made here \(.*\): is chainrule\/dist/,
    ],
    [
      'dies in the middle',
      `${port} parentPort.on('message', () => process.exit(7)); parentPort.postMessage({ type: 'ready' });`,
      /^worker: it ended before the training did: it ended with code 7$/,
    ],
    [
      'throws',
      `${port} parentPort.on('message', () => { throw new Error('dead'); }); parentPort.postMessage({ type: 'ready' });`,
      /^worker: it ended before the training did: dead$/,
    ],
  ])('a worker that %s', async (name, text, message) => {
    const network = sequential(spec);
    const before = allOf(network);
    const failing = program(`${name.replaceAll(' ', '-')}.cjs`, text);
    await expect(network.fit(x, y, { epochs: 2, worker: failing })).rejects.toThrow(message);
    expect(allOf(network)).toEqual(before);
    await network.fit(x, y, { epochs: 1 });
  });
});

describe('refuses what cannot be posted', () => {
  const network = sequential(spec);
  it.each<[FitOptions, string]>([
    [
      { learningRate: () => 0.1 },
      'worker: learningRate: a function cannot be posted to a worker: give a number or one of schedules, or train without a worker',
    ],
    [
      { augment: augment.noise({ deviation: 0.1 }) },
      'worker: augment: a function cannot be posted to a worker: train without a worker',
    ],
    [{ epochs: -1 }, 'epochs: expected'],
    [{ worker: {} as never }, "worker: expected the worker of 'chainrule/worker', got"],
    [{ classWeight: [1, 2] }, 'classWeight: expected 3 numbers, one for each class, got 2'],
  ])('%o', async (options, message) => {
    const before = allOf(network);
    await expect(network.fit(x, y, { worker, ...options })).rejects.toThrow(message);
    expect(allOf(network)).toEqual(before);
  });

  it('batches, and epochs()', async () => {
    await expect(network.fit([{ x, y }], { worker } as never)).rejects.toThrow(
      'worker: an iterable of batches cannot be posted to a worker',
    );
    await expect(network.epochs(x, y, { worker }).next()).rejects.toThrow(
      'worker: epochs() trains here: use fit(), with callbacks',
    );
  });
});
