import { describe, expect, it } from 'vitest';
import {
  type Callback,
  type Checkpoint,
  callbacks,
  dense,
  type FitOptions,
  type FitResult,
  layers,
  load,
  type Network,
  type NetworkSpec,
  type OptimizerSpec,
  readSnapshot,
  save,
  schedules,
  sequential,
  standardScaler,
} from '../src/index.js';
import { nameOf, optimizerSpecs } from './catalogues.js';
import { hex } from './engines.js';
import { generator } from './kernels/core.js';

const random = generator(17);
const rows = 26;
const x = Float32Array.from({ length: rows * 3 }, () => 4 * random() - 1);
const y = Array.from({ length: rows }, (_, r) =>
  x[3 * r]! > 1 ? 'up' : r % 3 === 0 ? 'on' : 'by',
);
const spec: NetworkSpec = {
  inputShape: [3],
  layers: [dense(5, { activation: 'tanh' }), layers.dropout({ rate: 0.3 }), dense(3)],
  task: 'multiclass',
  metrics: ['accuracy', 'rocAuc', 'logLoss', { type: 'f1', average: 'weighted' }],
  preprocess: { x: standardScaler() },
  seed: 7,
};
const backends = ['wasm', 'js'] as const;

/** All that can be told of a training's end, to the last bit. */
function told(model: Network, { history, stopReason }: FitResult) {
  const { optimizer, weights } = model.snapshot({ optimizer: true });
  const bits = (table: Readonly<Record<string, Float32Array>>) =>
    Object.entries(table).map(([name, values]) => `${name} ${hex(values)}`);
  return {
    history,
    stopReason,
    weights: Object.entries(weights).map(([name, { values }]) => `${name} ${hex(values)}`),
    slots: Object.entries(optimizer!.slots).map(([slot, table]) => [slot, bits(table)]),
    kept: optimizer!.kept,
    steps: [optimizer!.steps, optimizer!.epochs],
    scalers: model.snapshot().scalers,
    classes: model.classes,
  };
}

/** Options made anew for each training: callbacks and some schedules remember. */
type Options = () => FitOptions;

/** A training that is not stopped, and a checkpoint behind each of its batches. */
async function whole(given: NetworkSpec, options: Options, backend: 'wasm' | 'js') {
  const model = sequential(given, { backend });
  const checkpoints: Checkpoint[] = [];
  const taking: Callback = {
    onBatchEnd: ({ checkpoint }) => checkpoints.push(checkpoint()),
  };
  const { callbacks: others = [], ...rest } = options();
  const result = await model.fit(x, y, { ...rest, callbacks: [...others, taking] });
  return { end: told(model, result), checkpoints };
}

/** A checkpoint as it comes back from a file. */
function fromFile(checkpoint: Checkpoint): Checkpoint {
  const file = save(checkpoint);
  const read = readSnapshot(file) as Checkpoint;
  expect(save(read)).toEqual(file);
  return read;
}

/** The end of a training that goes on from a checkpoint which has been in a file. */
async function resumed(
  given: NetworkSpec,
  options: Options,
  checkpoint: Checkpoint,
  backend: 'wasm' | 'js',
) {
  const resume = fromFile(checkpoint);
  const model = sequential(given, { backend });
  const { callbacks: others = [], ...rest } = options();
  const none: Callback = { onBatchEnd() {} };
  const result = await model.fit(x, y, { ...rest, callbacks: [...others, none], resume });
  return told(model, result);
}

describe('a training resumed behind any batch ends with the bits of one never stopped', () => {
  const options: Options = () => ({ epochs: 3, batchSize: 7, validationSplit: 0.2 });
  describe.each(optimizerSpecs.map((o) => [nameOf(o), o] as const))('%s', (_, optimizer) => {
    it('stopped on one backend and resumed on the other', async () => {
      const given = { ...spec, optimizer: optimizer as OptimizerSpec };
      for (const [from, to] of [backends, [...backends].reverse()] as const) {
        const { end, checkpoints } = await whole(given, options, from!);
        expect(checkpoints).toHaveLength(9);
        for (const checkpoint of checkpoints) {
          expect(await resumed(given, options, checkpoint, to!)).toEqual(end);
        }
      }
    });
  });

  it('with a schedule, early stopping and a time limit, which remember', async () => {
    const busy: Options = () => ({
      epochs: 40,
      batchSize: 9,
      validationSplit: 0.25,
      learningRate: schedules.reduceOnPlateau({ learningRate: 0.05, patience: 1 }),
      callbacks: [
        callbacks.timeLimit({ seconds: 3600 }),
        callbacks.earlyStopping({ patience: 4, monitor: 'val_loss', restoreBestWeights: true }),
      ],
    });
    const { end, checkpoints } = await whole(spec, busy, 'wasm');
    // The best weights are among what is remembered, as numbers and not as text.
    const [, stopping] = checkpoints.at(-1)!.training.callbacks as { best?: object }[];
    expect(JSON.stringify(stopping)).toContain('layers.0.w');
    expect(end.stopReason).toBe('earlyStopping');
    expect(checkpoints.length).toBeGreaterThan(20);
    for (const checkpoint of checkpoints) {
      expect(await resumed(spec, busy, checkpoint, 'js')).toEqual(end);
    }
  });

  it.each([
    ['by steps', () => schedules.cosine({ per: 'step' })],
    ['by epochs', () => schedules.exponential({ factor: 0.7 })],
    [
      'warming up to a plateau',
      () =>
        schedules.warmUp({
          length: 2,
          before: schedules.reduceOnPlateau({ monitor: 'loss', patience: 0, threshold: 0.2 }),
        }),
    ],
  ])('under a schedule %s', async (_, learningRate) => {
    const scheduled: Options = () => ({ epochs: 4, batchSize: 8, learningRate: learningRate() });
    const { end, checkpoints } = await whole(spec, scheduled, 'js');
    for (const checkpoint of checkpoints) {
      expect(await resumed(spec, scheduled, checkpoint, 'wasm')).toEqual(end);
    }
  });

  it('with running statistics, noise, penalties and a frozen layer', async () => {
    const given: NetworkSpec = {
      inputShape: [3],
      layers: [
        layers.gaussianNoise({ stddev: 0.2 }),
        layers.batchNormalization({ momentum: 0.3 }),
        layers.residual({
          layers: [
            layers.dense({ units: 3, activation: 'selu', weightRegularizer: { l2: 0.01 } }),
            layers.alphaDropout({ rate: 0.2 }),
          ],
        }),
        layers.dense({ units: 6, activation: 'gelu', trainable: false }),
        layers.layerNormalization(),
        layers.dense({ units: 3, activation: 'softmax', weightConstraint: 'nonNegative' }),
      ],
      loss: 'sparseCategoricalCrossentropy',
      optimizer: { type: 'nadam', weightDecay: 0.01 },
      clipping: { type: 'globalNorm', limit: 0.5 },
      seed: 2 ** 32 - 1,
    };
    const { end, checkpoints } = await whole(given, options, 'js');
    for (const checkpoint of checkpoints) {
      expect(await resumed(given, options, checkpoint, 'wasm')).toEqual(end);
    }
  });

  it('in the order of the rows, with rows of its own to validate on', async () => {
    const kept: Options = () => ({
      epochs: 2,
      batchSize: 4,
      shuffle: false,
      validationData: [x.subarray(0, 9), y.slice(0, 3)],
    });
    const { end, checkpoints } = await whole(spec, kept, 'wasm');
    for (const checkpoint of checkpoints) {
      expect(await resumed(spec, kept, checkpoint, 'wasm')).toEqual(end);
    }
  });
});

describe('a checkpoint', () => {
  const options: FitOptions = { epochs: 4, batchSize: 8 };
  const network = () => sequential(spec);

  it('of a hook stands behind the call of its callback, and in front of the rest', async () => {
    const log: string[] = [];
    const taken: Checkpoint[] = [];
    const hooks = ['onEpochBegin', 'onBatchEnd', 'onEpochEnd'] as const;
    const telling = (name: string): Callback =>
      Object.fromEntries(
        hooks.map((hook) => [
          hook,
          ({
            epoch,
            batch,
            logs,
            learningRate,
            checkpoint,
          }: Parameters<NonNullable<Callback['onEpochEnd']>>[0]) => {
            log.push(`${name} ${hook} ${epoch} ${batch} ${learningRate} ${JSON.stringify(logs)}`);
            if (name === 'b' && resuming === undefined) taken.push(checkpoint());
          },
        ]),
      );
    let resuming: Checkpoint | undefined;
    const all = ['a', 'b', 'c'].map(telling);
    const more: FitOptions = {
      ...options,
      epochs: 2,
      learningRate: schedules.cosine({ per: 'step' }),
    };
    const model = network();
    const end = told(model, await model.fit(x, y, { ...more, callbacks: all }));
    const never = log.splice(0);
    expect(taken).toHaveLength(2 * (1 + 4 + 1));
    for (const [i, checkpoint] of taken.entries()) {
      resuming = checkpoint;
      const other = network();
      const result = await other.fit(x, y, { ...more, callbacks: all, resume: checkpoint });
      expect(told(other, result)).toEqual(end);
      // Each event has three lines, and the second of them took the checkpoint.
      expect(log.splice(0)).toEqual(never.slice(3 * i + 2));
    }
  });

  it('comes with the result of a training that was aborted, between any two batches', async () => {
    const whole = network();
    const end = told(whole, await whole.fit(x, y, options));
    for (let batches = 0; batches < 16; batches++) {
      const control = new AbortController();
      let left = batches;
      if (left === 0) control.abort();
      const onBatchEnd = () => {
        if (--left === 0) control.abort();
      };
      const model = network();
      const { signal } = control;
      const stopped = await model.fit(x, y, { ...options, signal, callbacks: [{ onBatchEnd }] });
      if (!stopped.checkpoint) {
        expect(stopped.stopReason).toBe('completed');
        continue;
      }
      expect(stopped.stopReason).toBe('aborted');
      const other = sequential(spec, { backend: 'js' });
      // Without anybody told of batches, epochs may run together.
      const result = await other.fit(x, y, {
        ...options,
        callbacks: [{ onTrainEnd() {} }],
        resume: stopped.checkpoint,
      });
      expect(told(other, result)).toEqual(end);
    }
  });

  it('goes on in the same network, and can be gone on from again and again', async () => {
    const model = network();
    const untouched = network();
    const end = told(untouched, await untouched.fit(x, y, options));
    const control = new AbortController();
    const onEpochEnd: Callback['onEpochEnd'] = ({ epoch }) => {
      if (epoch === 1) control.abort();
    };
    const stopping = { ...options, signal: control.signal, callbacks: [{ onEpochEnd }] };
    const { checkpoint } = await model.fit(x, y, stopping);
    const going = { ...options, callbacks: [{ onEpochEnd() {} }], resume: checkpoint! };
    expect(told(model, await model.fit(x, y, going))).toEqual(end);
    await model.fit(x, y, options);
    expect(told(model, await model.fit(x, y, going))).toEqual(end);
  });

  it('counts the total of epochs, and a second fit trains that many more', async () => {
    const [once, twice] = [network(), network()];
    await once.fit(x, y, { epochs: 3 });
    await twice.fit(x, y, { epochs: 1 });
    const second = await twice.fit(x, y, { epochs: 2 });
    expect(second.history.loss).toHaveLength(2);
    expect(twice.getWeights()).toEqual(once.getWeights());
    let resume: Checkpoint | undefined;
    const onEpochEnd: Callback['onEpochEnd'] = ({ checkpoint }) => {
      resume = checkpoint();
    };
    const [first, last] = [network(), network()];
    await first.fit(x, y, { epochs: 1, callbacks: [{ onEpochEnd }] });
    const result = await last.fit(x, y, {
      epochs: 3,
      callbacks: [{ onEpochEnd }],
      resume: resume!,
    });
    expect(result.history.loss).toHaveLength(3);
    expect(last.getWeights()).toEqual(once.getWeights());
  });

  it('is refused by another training, and nothing has changed', async () => {
    const control = new AbortController();
    const onBatchEnd: Callback['onBatchEnd'] = ({ epoch, batch }) => {
      if (epoch === 1 && batch === 1) control.abort();
    };
    const early = () => callbacks.earlyStopping({ monitor: 'loss' });
    const { checkpoint: resume } = await network().fit(x, y, {
      ...options,
      signal: control.signal,
      validationData: [x, y],
      callbacks: [{ onBatchEnd }, early()],
    });
    const same = () => ({
      ...options,
      validationData: [x, y] as const,
      callbacks: [{ onBatchEnd }, early()],
      resume: resume!,
    });
    const moved = x.slice();
    moved[40] = -moved[40]!;
    moved[50] = -moved[50]!;
    const relabelled = y.map((label, r) => (r === 3 ? y[4]! : r === 4 ? y[3]! : label));
    expect(y[3]).not.toBe(y[4]);
    const refusals: [string, () => Promise<unknown>][] = [
      ['resume: x and y: other data', () => network().fit(moved, y, same())],
      ['resume: x and y: other data', () => network().fit(x, relabelled, same())],
      [
        "resume: rows: the checkpoint's is 26, got 25",
        () => network().fit(x.subarray(3), y.slice(1), same()),
      ],
      [
        'resume: validationData: other data',
        () => network().fit(x, y, { ...same(), validationData: [moved, y] }),
      ],
      [
        "resume: batchSize: the checkpoint's is 8, got 9",
        () => network().fit(x, y, { ...same(), batchSize: 9 }),
      ],
      [
        "resume: shuffle: the checkpoint's is true, got false",
        () => network().fit(x, y, { ...same(), shuffle: false }),
      ],
      [
        "resume: callbacks: the checkpoint's training has 2, got 1",
        () => network().fit(x, y, { ...same(), callbacks: [early()] }),
      ],
      [
        'resume: callbacks[1]: the checkpoint has what it remembers',
        () => network().fit(x, y, { ...same(), callbacks: [early(), { onBatchEnd }] }),
      ],
      [
        'resume: the checkpoint is of a network with another optimizer: "adam"',
        () => sequential({ ...spec, optimizer: 'sgd' }).fit(x, y, same()),
      ],
      [
        'resume: the checkpoint is of a network with another seed: 7',
        () => sequential({ ...spec, seed: 8 }).fit(x, y, same()),
      ],
      [
        "resume: expected a checkpoint, as a callback's checkpoint()",
        () => network().fit(x, y, { ...same(), resume: network().snapshot() }),
      ],
      [
        'resume: training: done: expected whole batches of 8 of 26 rows, got 9',
        () =>
          network().fit(x, y, {
            ...same(),
            resume: { ...resume!, training: { ...resume!.training, done: 9 } },
          }),
      ],
      [
        'resume: training: hook: expected one of',
        () =>
          network().fit(x, y, {
            ...same(),
            resume: { ...resume!, training: { ...resume!.training, hook: 'x' } },
          }),
      ],
      [
        'resume: history: loss: expected 1 numbers',
        () => network().fit(x, y, { ...same(), resume: { ...resume!, history: { loss: [] } } }),
      ],
      [
        'weights: layers.0.b is missing',
        () =>
          network().fit(x, y, {
            ...same(),
            resume: { ...resume!, weights: { 'layers.0.w': resume!.weights['layers.0.w']! } },
          }),
      ],
    ];
    for (const [message, attempt] of refusals)
      await expect(attempt(), message).rejects.toThrow(message);
    const model = network();
    await model.fit(x, y, { epochs: 1 });
    const before = told(model, { history: { loss: [] }, stopReason: 'completed' });
    await expect(model.fit(moved, y, same())).rejects.toThrow('other data');
    expect(told(model, { history: { loss: [] }, stopReason: 'completed' })).toEqual(before);
  });

  it('is taken in hooks of epochs and batches only, and not behind them', async () => {
    let late: (() => Checkpoint) | undefined;
    const keep: Callback['onEpochEnd'] = ({ checkpoint }) => {
      late = checkpoint;
    };
    await network().fit(x, y, { callbacks: [{ onEpochEnd: keep }] });
    expect(late).toThrow('expected to be called while onEpochBegin');
    const begin: Callback = { onTrainBegin: ({ checkpoint }) => checkpoint() };
    await expect(network().fit(x, y, { callbacks: [begin] })).rejects.toThrow(
      'expected to be called while onEpochBegin',
    );
  });

  it('makes a network that predicts as the one it is of', async () => {
    let taken: Checkpoint | undefined;
    let predicted: Float32Array | undefined;
    const save = ({ checkpoint, model }: { checkpoint(): Checkpoint; model: Network }) => {
      taken = checkpoint();
      predicted = model.predict(x);
    };
    await network().fit(x, y, { callbacks: [callbacks.checkpoint({ save })] });
    expect(load(taken!, { backend: 'js' }).predict(x)).toEqual(predicted);
  });

  it('serves epochs() too', async () => {
    const untouched = network();
    const end = told(untouched, await untouched.fit(x, y, options));
    const taken: Checkpoint[] = [];
    const onBatchEnd: Callback['onBatchEnd'] = ({ checkpoint }) => taken.push(checkpoint());
    for await (const _ of network().epochs(x, y, { ...options, callbacks: [{ onBatchEnd }] }));
    for (const resume of taken.splice(0)) {
      const model = network();
      const seen: number[] = [];
      const run = model.epochs(x, y, { ...options, callbacks: [{ onBatchEnd }], resume });
      let next = await run.next();
      for (; !next.done; next = await run.next()) seen.push(next.value.epoch);
      expect(told(model, next.value as FitResult)).toEqual(end);
      expect(seen).toEqual([0, 1, 2, 3].slice(resume.training.epoch));
    }
  });
});
