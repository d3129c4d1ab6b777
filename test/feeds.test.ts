import { describe, expect, it } from 'vitest';
import {
  type AugmentedBatch,
  augment,
  type Batch,
  type Callback,
  type Checkpoint,
  callbacks,
  dense,
  type FitOptions,
  layers,
  type Network,
  type NetworkSpec,
  schedules,
  sequential,
  standardScaler,
} from '../src/index.js';
import { generator } from './kernels/core.js';

const random = generator(8);
const rows = 45;
const x = Float32Array.from({ length: rows * 3 }, () => 6 * random() - 2);
const y = Float32Array.from({ length: rows }, (_, r) => 10 * x[3 * r]! - x[3 * r + 1]! ** 2);
const spec: NetworkSpec = {
  inputShape: [3],
  layers: [dense(7, { activation: 'tanh' }), layers.dropout({ rate: 0.2 }), dense(1)],
  task: 'regression',
  metrics: ['r2', 'meanAbsoluteError'],
  preprocess: { x: standardScaler(), y: standardScaler() },
  seed: 3,
};
const network = (backend: 'wasm' | 'js' = 'wasm') => sequential(spec, { backend });
/** One whose scalers have been fitted to all rows, and that has not been trained. */
async function scaled(backend: 'wasm' | 'js' = 'wasm'): Promise<Network> {
  const model = network(backend);
  await model.fit(x, y, { epochs: 0 });
  return model;
}
const bits = (model: Network) => model.snapshot({ optimizer: true });
const part = (from: number, to: number) =>
  [x.subarray(3 * from, 3 * to), y.subarray(from, to)] as const;

/** The rows in order, in batches of so many. */
function* batchesOf(size: number): Generator<Batch> {
  for (let r = 0; r < rows; r += size) yield part(r, Math.min(r + size, rows));
}

describe('rows beyond the memory budget', () => {
  it.each([
    ['shuffled, with a split', { validationSplit: 0.2 }],
    ['in order', { shuffle: false }],
    ['with rows of their own to validate on', { validationData: part(3, 20) }],
    ['under a schedule', { learningRate: schedules.cosine({ per: 'step' }) }],
  ] as const)('give the same bits chunk by chunk: %s', async (_, more) => {
    const options: FitOptions = { epochs: 3, batchSize: 4, ...more };
    const [held, chunked, js] = [network(), network(), network('js')];
    const { history } = await held.fit(x, y, options);
    for (const model of [chunked, js]) {
      const result = await model.fit(x, y, { ...options, memoryBudget: 100 });
      expect(result.history).toEqual(history);
      expect(bits(model)).toEqual(bits(held));
    }
  });

  it('come in several chunks where there are many', async () => {
    // 4 MiB are put into memory at a time: here 700 rows of 1501 floats.
    const many = 1500;
    const width = 1500;
    const wide = Float32Array.from({ length: many * width }, () => random() - 0.5);
    const one = Float32Array.from({ length: many }, () => random());
    const plain: NetworkSpec = {
      inputShape: [width],
      layers: [dense(1)],
      loss: 'meanSquaredError',
    };
    const [held, chunked] = [sequential(plain), sequential(plain)];
    const options: FitOptions = { epochs: 2, batchSize: 50, validationSplit: 0.5 };
    const { history } = await held.fit(wide, one, options);
    const result = await chunked.fit(wide, one, { ...options, memoryBudget: 2 ** 20 });
    expect(result.history).toEqual(history);
    expect(chunked.getWeights()).toEqual(held.getWeights());
  });
});

describe('batches from an iterable', () => {
  const inOrder: FitOptions = { epochs: 3, batchSize: 8, shuffle: false };
  const told = async (train: (model: Network) => Promise<{ history: object }>) => {
    const model = await scaled();
    const { history } = await train(model);
    return { history, state: bits(model) };
  };

  it('give the bits of the same rows in arrays, however they come', async () => {
    const expected = await told((model) => model.fit(x, y, inOrder));
    async function* later() {
      for (const batch of batchesOf(8)) {
        await new Promise((resolve) => setTimeout(resolve, 0));
        yield batch;
      }
    }
    const epochs = { epochs: 3 };
    const list = [...batchesOf(8)];
    const objects = list.map((b) => ({
      x: (b as [Float32Array, Float32Array])[0],
      y: (b as [Float32Array, Float32Array])[1],
    }));
    expect(await told((model) => model.fit(() => batchesOf(8), epochs))).toEqual(expected);
    expect(await told((model) => model.fit(later, epochs))).toEqual(expected);
    expect(await told((model) => model.fit(list, epochs))).toEqual(expected);
    expect(await told((model) => model.fit(new Set(objects), epochs))).toEqual(expected);
    const promised = {
      *[Symbol.iterator]() {
        for (const b of list) yield Promise.resolve(b) as unknown as Batch;
      },
    };
    expect(await told((model) => model.fit(promised, epochs))).toEqual(expected);
  });

  it('validate on rows in arrays, and give single epochs', async () => {
    const validationData = part(0, 30);
    const expected = await told((model) => model.fit(x, y, { ...inOrder, validationData }));
    expect(
      await told((model) => model.fit(() => batchesOf(8), { epochs: 3, validationData })),
    ).toEqual(expected);
    const model = await scaled();
    const seen: number[] = [];
    for await (const { logs } of model.epochs(() => batchesOf(8), { epochs: 3, validationData }))
      seen.push(logs.val_loss!);
    expect({ val_loss: seen }).toMatchObject({
      val_loss: (expected.history as { val_loss: number[] }).val_loss,
    });
    expect(bits(model)).toEqual(expected.state);
  });

  it('may have different sizes: each is a step', async () => {
    const cuts = [0, 3, 20, 21, 45];
    const sizes = () => cuts.slice(1).map((to, i) => part(cuts[i]!, to));
    const [model, stepped] = [await scaled(), await scaled()];
    const { history } = await model.fit(sizes, { epochs: 1 });
    let sum = 0;
    for (const [bx, by] of sizes()) sum += stepped.trainOnBatch(bx, by).loss * by.length;
    expect(model.getWeights()).toEqual(stepped.getWeights());
    expect(history.loss[0]).toBeCloseTo(sum / rows, 12);
  });

  it('take so many as an epoch is said to have, and go on where there is no end', async () => {
    let closed = 0;
    function* endless(): Generator<Batch> {
      try {
        for (;;) yield* batchesOf(9);
      } finally {
        closed++;
      }
    }
    const expected = await told((model) =>
      model.fit(x, y, {
        ...inOrder,
        epochs: 2,
        batchSize: 9,
        learningRate: schedules.cosine({ per: 'step' }),
      }),
    );
    const options = {
      epochs: 2,
      stepsPerEpoch: 5,
      learningRate: schedules.cosine({ per: 'step' }),
    };
    expect(await told((model) => model.fit(endless(), options))).toEqual(expected);
    expect(closed).toBe(1);
    expect(await told((model) => model.fit(endless, options))).toEqual(expected);
    expect(closed).toBe(3);
  });

  it('keep names of classes', async () => {
    const named = sequential({ inputShape: [1], layers: [dense(2)], task: 'multiclass' });
    await named.fit([
      { x: [1, 2], y: ['a', 'b'] },
      { x: [3], y: ['a'] },
    ]);
    expect(named.classes).toEqual(['a', 'b']);
  });

  it('resume behind any batch, with the same bits', async () => {
    const untouched = await scaled();
    const { history } = await untouched.fit(() => batchesOf(8), { epochs: 2 });
    const taken: Checkpoint[] = [];
    const onBatchEnd: Callback['onBatchEnd'] = ({ checkpoint }) => taken.push(checkpoint());
    await (await scaled()).fit(() => batchesOf(8), { epochs: 2, callbacks: [{ onBatchEnd }] });
    expect(taken).toHaveLength(12);
    const callbacks = [{ onBatchEnd() {} }];
    for (const resume of taken) {
      const model = network('js');
      const result = await model.fit(() => batchesOf(8), { epochs: 2, callbacks, resume });
      expect(result.history).toEqual(history);
      expect(bits(model)).toEqual(bits(untouched));
    }
    const other = network();
    const before = bits(other);
    const attempts = [
      () => other.fit(() => batchesOf(7), { epochs: 2, callbacks, resume: taken[2]! }),
      () =>
        other.fit(() => [part(8, 16), part(0, 8), part(16, 24)], {
          epochs: 2,
          callbacks,
          resume: taken[2]!,
        }),
      () => other.fit(() => [part(0, 8)], { epochs: 2, callbacks, resume: taken[2]! }),
    ];
    for (const attempt of attempts) {
      await expect(attempt()).rejects.toThrow('resume: batches: other ones');
      expect(bits(other)).toEqual(before);
    }
    await expect(other.fit(x, y, { callbacks, resume: taken[2]! })).rejects.toThrow(
      "resume: the checkpoint's training is on batches from an iterable",
    );
  });

  it('end with an abort, also while one is waited for', async () => {
    const control = new AbortController();
    let returned = 0;
    const sequence = {
      [Symbol.asyncIterator]: () => {
        const list = batchesOf(8);
        let left = 3;
        return {
          next: () => (left-- > 0 ? Promise.resolve(list.next()) : new Promise<never>(() => {})),
          return: () => {
            returned++;
            return new Promise<never>(() => {});
          },
        };
      },
    };
    const model = await scaled();
    const running = model.fit(sequence, { epochs: 2, signal: control.signal });
    setTimeout(() => control.abort(), 20);
    const { stopReason, checkpoint } = await running;
    expect([stopReason, returned]).toEqual(['aborted', 1]);
    expect(checkpoint!.training).toMatchObject({ epoch: 0, batch: 3, done: 24 });
    const [untouched, resumed] = [await scaled(), network()];
    await untouched.fit(() => batchesOf(8), { epochs: 2 });
    await resumed.fit(() => batchesOf(8), { epochs: 2, resume: checkpoint! });
    expect(bits(resumed)).toEqual(bits(untouched));
  });

  it('whose errors are those of fit, leave the network whole and are closed', async () => {
    const model = await scaled();
    const twin = await scaled();
    let closed = 0;
    function* bad(last: unknown): Generator<Batch> {
      try {
        yield part(0, 8);
        yield part(8, 16);
        yield last as Batch;
      } finally {
        closed++;
      }
    }
    const broken = function* (): Generator<Batch> {
      yield part(0, 8);
      throw new Error('the disk is gone');
    };
    const refusals: [string, () => Promise<unknown>][] = [
      ['the disk is gone', () => model.fit(broken)],
      [
        'the disk is gone',
        () =>
          model.fit(async function* () {
            yield* broken();
          }),
      ],
      [
        'batch 2: x: expected rows of 3 numbers, got 4 numbers',
        () => model.fit(bad([x.subarray(0, 4), [1]])),
      ],
      [
        'batch 2: y: expected 2 rows, as many as x has, got 3',
        () => model.fit(bad([x.subarray(0, 6), [1, 2, 3]])),
      ],
      [
        'batch 2: x: row 0, column 1: expected a finite number, got NaN',
        () => model.fit(bad([[[1, Number.NaN, 2]], [1]])),
      ],
      ['batch 2: expected { x, y } or [x, y], got 5', () => model.fit(bad(5))],
      ["batch 2: unknown option 'z'", () => model.fit(bad({ x: 1, z: 2 }))],
      ['batches: expected at least one in an epoch, got none', () => model.fit(() => [])],
      [
        'give a function that makes one for each, () => batches()',
        () => model.fit(batchesOf(9), { epochs: 2 }),
      ],
      ['the function gave 5', () => model.fit((() => 5) as never)],
      [
        'batchSize: an iterable gives its batches as they are to be',
        () => model.fit(() => batchesOf(8), { batchSize: 3 } as never),
      ],
      [
        'validationSplit: an iterable gives its batches as they are to be: give validationData',
        () => model.fit(() => batchesOf(8), { validationSplit: 0.5 } as never),
      ],
      [
        'this schedule needs to know how many steps there are: give fit `stepsPerEpoch`',
        () => model.fit(() => batchesOf(8), { learningRate: schedules.cosine({ per: 'step' }) }),
      ],
      ['preprocess.x: the scaler has not been fitted', () => network().fit(() => batchesOf(8))],
    ];
    for (const [message, attempt] of refusals)
      await expect(attempt(), message).rejects.toThrow(message);
    expect(closed).toBe(5);
    expect(model.predict(x).every(Number.isFinite)).toBe(true);
    // It can be trained on: from the same weights, to the same bits.
    model.setWeights(twin.getWeights());
    await model.fit(() => batchesOf(8), {
      epochs: 1,
      learningRate: schedules.exponential({ factor: 0.5 }),
    });
    expect(model.predict(x).every(Number.isFinite)).toBe(true);
  });

  it('are closed when epochs() are left by break, and when a callback fails', async () => {
    let closed = 0;
    function* endless(): Generator<Batch> {
      try {
        for (;;) yield* batchesOf(9);
      } finally {
        closed++;
      }
    }
    const model = await scaled();
    for await (const { epoch } of model.epochs(endless(), { epochs: 9, stepsPerEpoch: 2 }))
      if (epoch === 1) break;
    expect(closed).toBe(1);
    const onBatchEnd = () => {
      throw new Error('no more');
    };
    await expect(model.fit(endless(), { callbacks: [{ onBatchEnd }] })).rejects.toThrow('no more');
    expect(closed).toBe(2);
    await model.fit(x, y);
  });

  it('are told from rows whose targets were forgotten', async () => {
    await expect(network().fit(x as never)).rejects.toThrow('y: expected');
    await expect(network().fit([[1, 2, 3]] as never)).rejects.toThrow('y: expected');
  });
});

describe('evaluateBatches', () => {
  it('gives what evaluate gives over all rows', async () => {
    const model = await scaled();
    const whole = model.evaluate(x, y);
    for (const batches of [
      batchesOf(7),
      [...batchesOf(50)],
      (async function* () {
        yield* batchesOf(1);
      })(),
    ]) {
      expect(await model.evaluateBatches(batches)).toEqual(whole);
    }
  });

  it('refuses bad batches by their number', async () => {
    const model = await scaled();
    await expect(model.evaluateBatches([])).rejects.toThrow(
      'batches: expected at least one, got none',
    );
    await expect(model.evaluateBatches([part(0, 2), [[1], [2]]])).rejects.toThrow('batch 1: x: ');
    await expect(model.evaluateBatches(5 as never)).rejects.toThrow(
      'expected an iterable or an async iterable of { x, y }, got 5',
    );
    await expect(network().evaluateBatches([part(0, 2)])).rejects.toThrow('call fit() first');
  });
});

describe('augmentation', () => {
  const options: FitOptions = { epochs: 3, batchSize: 8, validationSplit: 0.2 };

  it('that changes nothing changes nothing', async () => {
    const [plain, augmented] = [network(), network()];
    const { history } = await plain.fit(x, y, options);
    const result = await augmented.fit(x, y, { ...options, augment: () => {} });
    expect(result.history).toEqual(history);
    expect(bits(augmented)).toEqual(bits(plain));
  });

  it('sees raw rows of each training batch, once, and may change them', async () => {
    const seen: number[][] = [];
    const spy = ({ x: bx, y: by, rows: n, targets, inputShape }: AugmentedBatch) => {
      expect([targets, inputShape, bx.length, by.length]).toEqual(['values', [3], 3 * n, n]);
      seen.push([...by]);
    };
    await network().fit(x, y, { ...options, validationSplit: 0, epochs: 1, augment: spy });
    expect(seen.map((b) => b.length)).toEqual([8, 8, 8, 8, 8, 5]);
    expect(seen.flat().sort((a, b) => a - b)).toEqual([...y].sort((a, b) => a - b));
    const [doubled, other] = [await scaled(), await scaled()];
    const twice = (values: Float32Array) => values.map((v) => 2 * v);
    await doubled.fit(x, y, { augment: ({ x: bx }) => bx.set(twice(bx)) });
    await other.fit(twice(x), y);
    expect(doubled.getWeights()).toEqual(other.getWeights());
    expect(x[0]).not.toBe(2 * x[0]!);
  });

  it('draws the same on both backends, and after a resume', async () => {
    const augmenting = {
      ...options,
      augment: [augment.noise({ deviation: [0.1, 0, 1] }), augment.mixup()],
    };
    const [wasm, js] = [network(), network('js')];
    const { history } = await wasm.fit(x, y, augmenting);
    expect((await js.fit(x, y, augmenting)).history).toEqual(history);
    expect(bits(js)).toEqual(bits(wasm));
    const taken: Checkpoint[] = [];
    const onBatchEnd: Callback['onBatchEnd'] = ({ checkpoint }) => taken.push(checkpoint());
    await network().fit(x, y, { ...augmenting, callbacks: [{ onBatchEnd }] });
    for (const resume of taken.slice()) {
      const model = network('js');
      const result = await model.fit(x, y, {
        ...augmenting,
        callbacks: [callbacks.progress({ write() {} })],
        resume,
      });
      expect(result.history).toEqual(history);
      expect(bits(model)).toEqual(bits(wasm));
    }
  });

  it('draws anew in each epoch and each batch', async () => {
    const drawn: number[] = [];
    await network().fit(x, y, {
      ...options,
      augment: (_, source) => drawn.push(source.uniform()) && undefined,
    });
    expect(new Set(drawn).size).toBe(drawn.length);
    expect(drawn.length).toBe(15);
  });

  it('serves batches from an iterable, which stay as they are', async () => {
    const augmenting = { epochs: 2, augment: augment.noise({ deviation: 1 }) };
    const [arrays, stream] = [await scaled(), await scaled()];
    const { history } = await arrays.fit(x, y, { ...augmenting, batchSize: 8, shuffle: false });
    const before = x.slice();
    expect((await stream.fit(() => batchesOf(8), augmenting)).history).toEqual(history);
    expect(bits(stream)).toEqual(bits(arrays));
    expect(x).toEqual(before);
  });

  it('that leaves what cannot be trained on is refused', async () => {
    const classes = sequential({ inputShape: [1], layers: [dense(3)], task: 'multiclass' });
    const given = [
      [1, 2, 3],
      [0, 1, 2],
    ] as const;
    const refused: [string, () => Promise<unknown>][] = [
      [
        'augment: batch 0: x, row 2, column 1: expected a finite number, got NaN',
        () => network().fit(x, y, { augment: ({ x: b }) => b.fill(Number.NaN, 7, 8) }),
      ],
      [
        'augment: batch 0: y, row 1, column 0: expected a class index from 0 to 2, got 3',
        () => classes.fit(...given, { augment: ({ y: b }) => b.fill(3, 1, 2) }),
      ],
      [
        'augment.mixup: classes cannot be mixed: use the loss categoricalCrossentropy',
        () => classes.fit(...given, { augment: augment.mixup() }),
      ],
      [
        'augment[1]: expected a function of a batch',
        () => network().fit(x, y, { augment: [() => {}, 5 as never] }),
      ],
      [
        'augment[0]: expected a function that is done when it returns',
        () => network().fit(x, y, { augment: (async () => {}) as never }),
      ],
      [
        'augment.noise: deviation: expected 3 numbers, one a column, got 2',
        () => network().fit(x, y, { augment: augment.noise({ deviation: [1, 2] }) }),
      ],
      [
        'augment.rotation: expected images, of the inputShape [height, width]',
        () => network().fit(x, y, { augment: augment.rotation({ by: 9 }) }),
      ],
      [
        'augment.noise: deviation: expected a number of at least 0, got -1',
        async () => augment.noise({ deviation: -1 }),
      ],
      ["augment.mixup: unknown option 'alfa'", async () => augment.mixup({ alfa: 1 } as never)],
      [
        'augment.shift: by: expected a number, got undefined',
        async () => augment.shift({} as never),
      ],
      [
        'x, row 0, column 0: expected the place of one of 2 categories, got 0.5',
        () =>
          sequential({
            inputShape: [1],
            layers: [dense(1)],
            task: 'regression',
            preprocess: { x: [{ type: 'oneHot', categories: ['a', 'b'] }] },
          }).fit([['a'], ['b']], [1, 2], {
            shuffle: false,
            augment: ({ x: b }) => b.fill(0.5, 0, 1),
          }),
      ],
    ];
    for (const [message, attempt] of refused)
      await expect(attempt(), message).rejects.toThrow(message);
  });
});
