import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import {
  type Callback,
  type CallbackContext,
  callbacks,
  dense,
  layers,
  type NetworkSpec,
  sequential,
} from '../src/index.js';
import { generator } from './kernels/core.js';

const spec: NetworkSpec = {
  inputShape: [2],
  layers: [dense(6, { activation: 'tanh' }), layers.dropout({ rate: 0.2 }), dense(1)],
  task: 'regression',
  optimizer: { type: 'adam', learningRate: 0.05 },
  seed: 2,
};
const random = generator(21);
const x = Float32Array.from({ length: 80 }, () => 2 * random() - 1);
const y = Float32Array.from({ length: 40 }, (_, r) => x[2 * r]! * x[2 * r + 1]! + 0.3 * random());
const validationSplit = 0.25;
const backends = ['wasm', 'js'] as const;

/** Plays logs to a callback as if they came from a training; says after which epoch it stops. */
async function play(callback: Callback, values: readonly number[], name = 'val_loss', from = 0) {
  let reason: string | undefined;
  const contextOf = (epoch: number, logs: Record<string, number>) =>
    ({
      model: { getWeights: () => ({ w: Float32Array.of(epoch) }) },
      epoch,
      epochs: values.length,
      batch: 1,
      logs,
      learningRate: 1,
      stop: (given = 'stopped') => {
        reason ??= given;
      },
      setWeights: (weights: Record<string, Float32Array>) => restored.push(weights.w![0]!),
    }) as unknown as CallbackContext;
  const restored: number[] = [];
  await callback.onTrainBegin?.(contextOf(0, {}));
  let epoch = from;
  for (const value of values) {
    await callback.onEpochEnd?.(contextOf(epoch, { loss: 9, [name]: value }));
    if (reason) break;
    epoch++;
  }
  await callback.onTrainEnd?.(contextOf(epoch, {}));
  return { epoch, reason, restored };
}

describe('early stopping', () => {
  const stopped = (epoch: number, best: number) => ({
    epoch,
    reason: 'earlyStopping',
    restored: [best],
  });
  const unstopped = (epochs: number, best: number) => ({
    epoch: epochs,
    reason: undefined,
    restored: [best],
  });
  const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;

  it.each([
    ['waits so many epochs', { patience: 2 }, [3, 2, 2, 1, 1, 2, 0], stopped(5, 3)],
    ['waits for none', { patience: 0 }, [3, 2, 2, 1], stopped(2, 1)],
    ['waits no less for one', { patience: 1 }, [3, 2, 2, 1], stopped(2, 1)],
    ['never gives up while it gets better', { patience: 1 }, [4, 3, 2, 1], unstopped(4, 3)],
    ['wants more than minDelta', { patience: 2, minDelta: 1 }, [5, 4.5, 4, 3, 2], stopped(2, 0)],
    ['wants no more', { patience: 2, minDelta: 1 }, [5, 4.5, 3.5, 3, 2], unstopped(5, 4)],
    ['takes more for better', { patience: 1, mode: 'max' }, [1, 2, 2, 3], stopped(2, 1)],
    ['waits for the baseline', { patience: 3, baseline: 1 }, [5, 4, 3, 0], stopped(2, 2)],
    ['goes on past the baseline', { patience: 3, baseline: 3.5 }, [5, 4, 3, 3, 0], unstopped(5, 4)],
    ['takes NaN for worse', { patience: 2 }, [nan, 2, nan, infinity, 1], stopped(3, 1)],
  ] as const)('%s', async (_, options, values, expected) => {
    const callback = callbacks.earlyStopping(options);
    expect(await play(callback, values)).toEqual(expected);
    expect(callback.bestEpoch).toBe(expected.restored[0]);
    expect(callback.best).toBe(values[expected.restored[0]!]);
    // And in a second training again.
    expect(await play(callback, values)).toEqual(expected);
  });

  it('restores nothing where nothing was good, or where it is told so', async () => {
    const { NaN: nan } = Number;
    expect(await play(callbacks.earlyStopping({ patience: 2 }), [nan, nan, nan])).toEqual({
      epoch: 1,
      reason: 'earlyStopping',
      restored: [],
    });
    const off = callbacks.earlyStopping({ patience: 1, restoreBestWeights: false });
    expect(await play(off, [1, 2, 3])).toMatchObject({ epoch: 1, restored: [] });
  });

  it('takes more accuracy and less loss for better', async () => {
    const run = (monitor: string) =>
      play(callbacks.earlyStopping({ monitor, patience: 1 }), [1, 2, 1, 0], monitor);
    expect(await run('loss')).toMatchObject({ epoch: 1 });
    expect(await run('val_loss')).toMatchObject({ epoch: 1 });
    expect(await run('val_meanAbsoluteError')).toMatchObject({ epoch: 1 });
    expect(await run('accuracy')).toMatchObject({ epoch: 2 });
    expect(await run('val_accuracy')).toMatchObject({ epoch: 2 });
  });

  it('goes on from its state, by way of text', async () => {
    const options = { patience: 2, minDelta: 0.1 };
    const values = [5, 4, 4, 3, 3.05, 3];
    const whole = await play(callbacks.earlyStopping(options), values);
    for (let cut = 1; cut < 5; cut++) {
      const first = callbacks.earlyStopping(options);
      let state = '';
      const saved: Callback = {
        onEpochEnd: (context) => {
          first.onEpochEnd!(context);
          state = JSON.stringify(first.state());
        },
      };
      await play(saved, values.slice(0, cut));
      const second = callbacks.earlyStopping(options);
      second.restore(JSON.parse(state));
      expect(await play(second, values.slice(cut), 'val_loss', cut)).toEqual(whole);
    }
  });

  describe.each(backends)('on %s', (backend) => {
    it('ends with the weights of the best epoch, to the bit', async () => {
      const model = sequential(spec, { backend });
      const seen: ReturnType<typeof model.getWeights>[] = [];
      const options = { epochs: 400, batchSize: 8, validationSplit };
      const look: Callback = { onEpochEnd: ({ model: m }) => seen.push(m.getWeights()) };
      const stopping = callbacks.earlyStopping({ patience: 8 });
      const { history, stopReason } = await model.fit(x, y, {
        ...options,
        callbacks: [look, stopping],
      });
      expect(stopReason).toBe('earlyStopping');
      const losses = history.val_loss!;
      const best = losses.indexOf(Math.min(...losses));
      expect(losses).toHaveLength(best + 1 + 8);
      expect(stopping.bestEpoch).toBe(best);
      expect(stopping.best).toBe(losses[best]);
      expect(model.getWeights()).toEqual(seen[best]);
      expect(seen[best]).not.toEqual(seen.at(-1));
      // The same as a training of so many epochs.
      const short = sequential(spec, { backend });
      await short.fit(x, y, { ...options, epochs: best + 1 });
      expect(short.getWeights()).toEqual(model.getWeights());
      const last = sequential(spec, { backend });
      const keeping = callbacks.earlyStopping({ patience: 8, restoreBestWeights: false });
      await last.fit(x, y, { ...options, callbacks: [keeping] });
      expect(last.getWeights()).toEqual(seen.at(-1));
    });

    it('restores at the end of the epochs too', async () => {
      const model = sequential(spec, { backend });
      const early = callbacks.earlyStopping({ patience: 99 });
      const options = { epochs: 60, batchSize: 8, validationSplit };
      const { stopReason } = await model.fit(x, y, { ...options, callbacks: [early] });
      expect(stopReason).toBe('completed');
      expect(early.bestEpoch).toBeLessThan(59);
      const short = sequential(spec, { backend });
      await short.fit(x, y, { ...options, epochs: early.bestEpoch! + 1 });
      expect(model.getWeights()).toEqual(short.getWeights());
    });
  });

  it.each([
    [
      'val_loss',
      {},
      "no log is called 'val_loss', only loss, meanAbsoluteError; there are no rows to validate on: " +
        'give fit a validationSplit or validationData',
    ],
    [
      'val_los',
      { validationSplit },
      "no log is called 'val_los', only loss, meanAbsoluteError, val_loss, val_meanAbsoluteError; " +
        "did you mean 'val_loss'?",
    ],
  ])('names the logs that there are in place of %s', async (monitor, options, message) => {
    const model = sequential({ ...spec, metrics: ['meanAbsoluteError'] });
    const twin = sequential({ ...spec, metrics: ['meanAbsoluteError'] });
    const stopping = callbacks.earlyStopping({ monitor, mode: 'min' });
    const fit = model.fit(x, y, { ...options, epochs: 5, callbacks: [stopping] });
    await expect(fit).rejects.toThrow(new RangeError(`earlyStopping: monitor: ${message}`));
    // One epoch has been trained, and the network is whole.
    await twin.fit(x, y, options);
    expect(model.getWeights()).toEqual(twin.getWeights());
    for (const network of [model, twin]) await network.fit(x, y, options);
    expect(model.getWeights()).toEqual(twin.getWeights());
  });
});

describe('setWeights in a callback', () => {
  it('replaces weights while the training goes on', async () => {
    const model = sequential(spec);
    const first = model.getWeights();
    const twin = sequential(spec);
    const reset: Callback = { onEpochEnd: ({ setWeights }) => setWeights(first) };
    await model.fit(x, y, { epochs: 3, callbacks: [reset] });
    expect(model.getWeights()).toEqual(first);
    const refused: Callback = { onEpochEnd: ({ setWeights }) => setWeights({ w: [] as never }) };
    await expect(model.fit(x, y, { callbacks: [refused] })).rejects.toThrow("unknown option 'w'");
    expect(twin.getWeights()).toEqual(first);
  });
});

describe('the time limit', () => {
  it('ends a training that would go on for ever', async () => {
    const model = sequential(spec);
    const limit = callbacks.timeLimit({ seconds: 0.02 });
    const { stopReason, history } = await model.fit(x, y, { epochs: 1e9, callbacks: [limit] });
    expect(stopReason).toBe('timeLimit');
    expect(history.loss.at(-1)).toBeLessThan(history.loss[0]!);
    // A training that goes on has used it up already.
    const next = callbacks.timeLimit({ seconds: 0.02 });
    next.restore(JSON.parse(JSON.stringify(limit.state())));
    expect((await model.fit(x, y, { epochs: 1e9, callbacks: [next] })).stopReason).toBe(
      'timeLimit',
    );
  });

  it('does nothing to a training that keeps within it, nor to the next one', async () => {
    const model = sequential(spec);
    const twin = sequential(spec);
    const options = { epochs: 3 };
    const limit = callbacks.timeLimit({ seconds: 0.2 });
    const { stopReason } = await model.fit(x, y, { ...options, callbacks: [limit] });
    expect(stopReason).toBe('completed');
    await twin.fit(x, y, options);
    expect(model.getWeights()).toEqual(twin.getWeights());
    const slow: Callback = { onEpochEnd: () => sleep(150) };
    expect((await model.fit(x, y, { ...options, callbacks: [slow] })).stopReason).toBe('completed');
  });
});

describe('progress', () => {
  it('writes one line an epoch', async () => {
    const model = sequential({ ...spec, metrics: ['meanAbsoluteError'] });
    const lines: string[] = [];
    const progress = callbacks.progress({ write: (line) => lines.push(line) });
    const { history } = await model.fit(x, y, {
      epochs: 2,
      validationSplit,
      callbacks: [progress],
    });
    const short = (name: string, i: number) => Number(history[name]![i]!.toPrecision(4));
    expect(lines).toEqual(
      [0, 1].map(
        (i) =>
          `epoch ${i + 1}/2: loss ${short('loss', i)}, ` +
          `meanAbsoluteError ${short('meanAbsoluteError', i)}, val_loss ${short('val_loss', i)}, ` +
          `val_meanAbsoluteError ${short('val_meanAbsoluteError', i)}`,
      ),
    );
  });
});

describe('checkpoint', () => {
  it('saves every so many epochs, and the training waits', async () => {
    const model = sequential(spec);
    const saved: [number, object][] = [];
    const save = async ({ model: m, epoch, logs }: CallbackContext) => {
      const before = m.getWeights();
      await sleep(1);
      expect(m.getWeights()).toEqual(before);
      expect(logs.loss).toBeGreaterThan(0);
      saved.push([epoch, before]);
    };
    const checkpoint = callbacks.checkpoint({ every: 3, save });
    await model.fit(x, y, { epochs: 7, callbacks: [checkpoint] });
    expect(saved.map(([epoch]) => epoch)).toEqual([2, 5]);
    const twin = sequential(spec);
    for (const [, weights] of saved) {
      await twin.fit(x, y, { epochs: 3 });
      expect(twin.getWeights()).toEqual(weights);
    }
  });

  it('ends the training when saving fails', async () => {
    const save = () => Promise.reject(new Error('disk full'));
    const checkpoint = callbacks.checkpoint({ save });
    const fit = sequential(spec).fit(x, y, { epochs: 7, callbacks: [checkpoint] });
    await expect(fit).rejects.toThrow('disk full');
  });
});

const anything = callbacks as unknown as Record<string, (options?: unknown) => Callback>;

it.each([
  ['earlyStopping', { wait: 3 }, TypeError, "earlyStopping: unknown option 'wait'"],
  ['earlyStopping', { patience: -1 }, RangeError, 'earlyStopping: patience: expected a whole num'],
  ['earlyStopping', { minDelta: -1 }, RangeError, 'earlyStopping: minDelta: expected a number'],
  ['earlyStopping', { mode: 'most' }, RangeError, "earlyStopping: mode: expected 'min' or 'max'"],
  [
    'earlyStopping',
    { monitor: 1 },
    TypeError,
    'earlyStopping: monitor: expected the name of a log',
  ],
  [
    'earlyStopping',
    { monitor: 'mine' },
    TypeError,
    'earlyStopping: mode: say whether less or more',
  ],
  ['earlyStopping', { baseline: '1' }, TypeError, 'earlyStopping: baseline: expected a number'],
  ['earlyStopping', { restoreBestWeights: 1 }, TypeError, 'earlyStopping: restoreBestWeights: exp'],
  ['timeLimit', {}, TypeError, 'timeLimit: seconds: expected a number, got undefined'],
  ['timeLimit', { seconds: 1e9 }, RangeError, 'timeLimit: seconds: expected a number in [0, 2147'],
  ['timeLimit', undefined, TypeError, 'timeLimit: expected an object, got undefined'],
  ['progress', { write: 'console' }, TypeError, "progress: write: expected a function, got 'conso"],
  ['checkpoint', {}, TypeError, 'checkpoint: save: expected a function, got undefined'],
  ['checkpoint', { save() {}, every: 0 }, RangeError, 'checkpoint: every: expected a whole number'],
] as const)('refuses callbacks.%s(%j)', (name, options, type, message) => {
  const ask = () => anything[name]!(options);
  expect(ask).toThrow(type);
  expect(ask).toThrow(message);
});
