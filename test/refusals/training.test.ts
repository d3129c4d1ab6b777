import { describe, expect, it } from 'vitest';
import {
  type Callback,
  type FitOptions,
  type Network,
  type NetworkOptions,
  ShapeError,
  sequential,
} from '../../src/index.js';
import { Pair, type Refusal, spec } from './pair.js';

// Trainings that are refused, disturbed or broken off: the network stays whole.

const rows = 12;
const x = Float32Array.from({ length: rows * 3 }, (_, i) => Math.sin(i));
const y = Float32Array.from({ length: rows * 2 }, (_, i) => Math.cos(3 * i));
const steady = { batchSize: 4, shuffle: false } as const;

const network = () => sequential(spec);

/** The weights after so many batches of four rows, in order. */
function weightsAfter(batches: number) {
  const model = network();
  for (let i = 0; i < batches; i++) {
    const row = (i * 4) % rows;
    model.trainOnBatch(x.subarray(row * 3, (row + 4) * 3), y.subarray(row * 2, (row + 4) * 2));
  }
  return model.getWeights();
}

const whole = 'expected a whole number';
const hooks = 'onTrainBegin, onEpochBegin, onBatchEnd, onEpochEnd, onTrainEnd';
const pair = 'expected an array of rows and their targets';

it.each([
  ['null', null, TypeError, 'fit: expected an object, got null'],
  ['unknown', { epoch: 3 }, TypeError, "fit: unknown option 'epoch'; did you mean 'epochs'?"],
  ['epochs', { epochs: -1 }, RangeError, `epochs: ${whole} of at least 0, got -1`],
  ['epochs', { epochs: 1.5 }, RangeError, `epochs: ${whole} of at least 0, got 1.5`],
  ['epochs', { epochs: '3' }, TypeError, `epochs: ${whole}, got '3'`],
  ['batchSize', { batchSize: 0 }, RangeError, `batchSize: ${whole} of at least 1, got 0`],
  ['batchSize', { batchSize: 0.5 }, RangeError, `batchSize: ${whole} of at least 1, got 0.5`],
  ['shuffle', { shuffle: 1 }, TypeError, 'shuffle: expected true or false, got 1'],
  [
    'validationSplit',
    { validationSplit: 1 },
    RangeError,
    'validationSplit: expected a number in [0, 1), got 1',
  ],
  [
    'validationSplit',
    { validationSplit: Number.NaN },
    RangeError,
    'validationSplit: expected a number in [0, 1), got NaN',
  ],
  [
    'validationSplit',
    { validationSplit: '0.2' },
    TypeError,
    "validationSplit: expected a number, got '0.2'",
  ],
  [
    'too small a share',
    { validationSplit: 0.01 },
    RangeError,
    'validationSplit: 0.01 of 12 rows leaves 0 to validate and 12 to train on',
  ],
  [
    'too large a share',
    { validationSplit: 0.99, shuffle: false },
    RangeError,
    'validationSplit: 0.99 of 12 rows leaves 12 to validate and 0 to train on',
  ],
  [
    'both',
    { validationSplit: 0.2, validationData: [x, y] },
    TypeError,
    'validationSplit and validationData exclude each other: give one of them',
  ],
  ['validationData', { validationData: 5 }, TypeError, `validationData: ${pair}, got 5`],
  [
    'validationData',
    { validationData: [x, y.subarray(2)] },
    ShapeError,
    'validationData[1]: expected 12 rows, as many as validationData[0] has, got 11',
  ],
  ['callbacks', { callbacks: {} }, TypeError, 'callbacks: expected an array, got an object'],
  [
    'callbacks',
    { callbacks: [{ onEpochEnd() {} }, { onEpoch() {} }] },
    TypeError,
    `callbacks[1]: expected an object with ${hooks}, got an object`,
  ],
  [
    'callbacks',
    { callbacks: [() => {}] },
    TypeError,
    `callbacks[0]: expected an object with ${hooks}, got a function`,
  ],
  ['signal', { signal: {} }, TypeError, 'signal: expected an AbortSignal, got an object'],
] as Refusal[])('an option of fit and of epochs: %s %j', async (_, given, type, message) => {
  const options = given as FitOptions;
  const twins = new Pair({}, [x, y]);
  await twins.refuses((model) => model.fit(x, y, options), type, message);
  await twins.refuses((model) => model.epochs(x, y, options).next(), type, message);
  await twins.isWhole();
});

it.each([
  ['gradients', (model: Network, options: object) => model.gradients(x, y, options)],
  ['options', (_: Network, options: object) => sequential(spec, options as NetworkOptions)],
])('an unknown option of %s', (where, ask) => {
  expect(() => ask(network(), { imputs: true })).toThrow(`${where}: unknown option 'imputs'`);
});

it.each([
  [
    {},
    TypeError,
    "backend: expected 'wasm', 'js' or what an entry such as chainrule/fused gives, got an object",
  ],
  ['wsam', RangeError, "backend: unknown name 'wsam'; did you mean 'wasm'?"],
  [7, TypeError, "backend: expected a name such as 'wasm', got 7"],
])('a backend %j', (backend, type, message) => {
  const options = { backend } as unknown as NetworkOptions;
  expect(() => sequential(spec, options)).toThrow(new (type as typeof Error)(message));
});

it('a batch larger than the data is all of them', async () => {
  const large = network();
  const all = network();
  await large.fit(x, y, { batchSize: 1_000_000, epochs: 2, shuffle: false });
  for (let i = 0; i < 2; i++) all.trainOnBatch(x, y);
  expect(large.getWeights()).toEqual(all.getWeights());
});

describe('while a training runs', () => {
  const changing: Record<string, (model: Network) => unknown> = {
    fit: (model) => model.fit(x, y),
    epochs: (model) => model.epochs(x, y).next(),
    trainOnBatch: (model) => model.trainOnBatch(x, y),
    gradients: (model) => model.gradients(x, y),
    applyGradients: (model) => model.applyGradients(model.getWeights()),
    setWeights: (model) => model.setWeights(model.getWeights()),
  };
  const options = { ...steady, epochs: 3 };

  it.each(Object.entries(changing))('%s is refused', async (name, change) => {
    const model = network();
    const message = `${name}: this network is training; wait for fit(), or abort it first`;
    let refusals = 0;
    const refused = async () => {
      await expect((async () => change(model))()).rejects.toThrow(new Error(message));
      refusals++;
    };
    const everywhere = Object.fromEntries(hooks.split(', ').map((hook) => [hook, refused]));
    const training = model.fit(x, y, { ...options, callbacks: [everywhere] });
    await refused();
    const { stopReason } = await training;
    expect(stopReason).toBe('completed');
    expect(refusals).toBe(1 + 1 + 3 * (1 + 3 + 1) + 1);
    expect(model.getWeights()).toEqual(weightsAfter(9));
    // And then it is free again.
    await change(model);
  });

  it('what changes nothing goes on working', async () => {
    const model = network();
    const losses: number[] = [];
    const look = () => {
      losses.push(model.evaluate(x, y).loss);
      expect(model.predict(x)).toHaveLength(24);
      expect(model.predictClasses(x)).toHaveLength(12);
      expect(model.summary()).toContain('dense');
      expect(model.toJSON().layers).toHaveLength(3);
    };
    await model.fit(x, y, { ...options, callbacks: [{ onBatchEnd: look }] });
    expect(new Set(losses).size).toBe(9);
    expect(model.getWeights()).toEqual(weightsAfter(9));
  });

  it('an epoch is locked only while it is awaited', async () => {
    const model = network();
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const epochs = model.epochs(x, y, { ...options, callbacks: [{ onEpochBegin: () => gate }] });
    const first = epochs.next();
    await expect(model.fit(x, y)).rejects.toThrow('fit: this network is training');
    open();
    await first;
    model.setWeights(model.getWeights());
    await epochs.next();
    await model.fit(x, y, { epochs: 0 });
    await epochs.next();
    expect(await epochs.next()).toMatchObject({ done: true, value: { stopReason: 'completed' } });
    expect(model.getWeights()).toEqual(weightsAfter(9));
  });
});

describe('an error in a callback', () => {
  /** Batches that have been trained when a hook is called for the first time. */
  const trained = { onTrainBegin: 0, onEpochBegin: 0, onBatchEnd: 1, onEpochEnd: 3, onTrainEnd: 3 };
  const error = new Error('by the callback');
  const ways = {
    thrown: () => {
      throw error;
    },
    rejected: async () => {
      await Promise.resolve();
      throw error;
    },
  };

  describe.each(Object.entries(trained))('%s', (hook, batches) => {
    it.each(Object.entries(ways))('%s', async (_, fail) => {
      const model = network();
      const callbacks: Callback[] = [{ [hook]: fail }];
      await expect(model.fit(x, y, { ...steady, callbacks })).rejects.toBe(error);
      expect(model.getWeights()).toEqual(weightsAfter(batches));
      const draining = async () => {
        for await (const _epoch of model.epochs(x, y, { ...steady, callbacks })) {
          // Only the callbacks matter.
        }
      };
      await expect(draining()).rejects.toBe(error);
      // The rest as if nothing had happened.
      const done = { ...steady, epochs: 1 };
      const { history } = await model.fit(x, y, done);
      expect(history.loss).toHaveLength(1);
    });
  });
});

describe('an abort', () => {
  it('between two batches ends the training there', async () => {
    const model = network();
    const controller = new AbortController();
    const onBatchEnd: Callback['onBatchEnd'] = ({ epoch, batch }) => {
      if (epoch === 1 && batch === 1) controller.abort();
    };
    const { signal } = controller;
    const options = { ...steady, epochs: 5, signal, callbacks: [{ onBatchEnd }] };
    const { history, stopReason } = await model.fit(x, y, options);
    expect(stopReason).toBe('aborted');
    expect(history.loss).toHaveLength(1);
    expect(model.getWeights()).toEqual(weightsAfter(5));
    // The state is whole: training goes on from there.
    model.trainOnBatch(x.subarray(8 * 3), y.subarray(8 * 2));
    expect(model.getWeights()).toEqual(weightsAfter(6));
  });

  it('before the start leaves all as it was', async () => {
    const model = network();
    const result = await model.fit(x, y, { signal: AbortSignal.abort(), epochs: 3 });
    expect(result).toMatchObject({ history: { loss: [] }, stopReason: 'aborted' });
    expect(model.getWeights()).toEqual(weightsAfter(0));
  });

  it('by a timer gets its turn', async () => {
    const model = network();
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 1);
    const { signal } = controller;
    const { stopReason, history } = await model.fit(x, y, { epochs: 1e9, signal });
    expect(stopReason).toBe('aborted');
    expect(history.loss.at(-1)).toBeLessThan(history.loss[0]!);
  });

  it.each([
    ['onTrainBegin', 0, 0],
    ['onEpochBegin', 0, 0],
    ['onBatchEnd', 1, 0],
    ['onEpochEnd', 3, 1],
  ] as const)('stop() in %s', async (hook, batches, epochs) => {
    const model = network();
    const stopping: Callback = { [hook]: ({ stop }: { stop(): void }) => stop() };
    const options = { ...steady, epochs: 4, callbacks: [stopping] };
    const { history, stopReason } = await model.fit(x, y, options);
    expect(stopReason).toBe('stopped');
    expect(history.loss).toHaveLength(epochs);
    expect(model.getWeights()).toEqual(weightsAfter(batches));
  });
});
