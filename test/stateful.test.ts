import { describe, expect, it } from 'vitest';
import {
  type FitOptions,
  type LayerSpec,
  layers,
  load,
  type Network,
  type NetworkSpec,
  ShapeError,
  save,
  sequential,
} from '../src/index.js';
import { toModule } from '../src/module.js';
import { toOnnx } from '../src/onnx.js';
import { threadsWith } from '../src/threads/backend.js';
import { engines, hexOf, networkOn } from './engines.js';
import { generator } from './kernels/core.js';

// Recurrent layers that keep their states from batch to batch. PyTorch's numbers: test/recurrent.test.ts.

const kinds = ['simpleRnn', 'lstm', 'gru'] as const;
type Kind = (typeof kinds)[number];

const random = generator(31);
const numbers = (count: number) => Float32Array.from({ length: count }, () => 2 * random() - 1);

const [sequences, steps, inputs, units] = [3, 4, 2, 5];
const width = steps * inputs;

/** Two layers, one behind the other, of rows of so many steps. */
const spec = (
  kind: Kind,
  stateful: number | undefined,
  length = steps,
  changes: Partial<NetworkSpec> = {},
): NetworkSpec => ({
  inputShape: [length, inputs],
  layers: [
    layers[kind]({ units, returnSequences: true, ...(stateful && { stateful }) }),
    layers[kind]({ units: 3, ...(stateful && { stateful }) }),
  ],
  loss: 'meanSquaredError',
  optimizer: { type: 'sgd', learningRate: 0.1 },
  seed: 6,
  ...changes,
});

/** Two networks with the same weights. */
function alike(kind: Kind, engine: Parameters<typeof networkOn>[0]): [Network, Network] {
  const whole = networkOn(engine, spec(kind, undefined, 3 * steps));
  const parts = networkOn(engine, spec(kind, sequences));
  parts.setWeights(whole.getWeights());
  return [whole, parts];
}

/** Batches of rows of one part of each of the sequences, from long rows. */
function partsOf(long: Float32Array, count: number): Float32Array[] {
  return Array.from({ length: count }, (_, part) =>
    Float32Array.from({ length: sequences * width }, (_, i) => {
      const n = Math.floor(i / width);
      return long[n * count * width + part * width + (i % width)]!;
    }),
  );
}

const joined = (parts: readonly Float32Array[]) => Float32Array.from(parts.flatMap((p) => [...p]));

describe.each(kinds)('%s', (kind) => {
  describe.each(engines)('on %s', (engine) => {
    it('goes on where the batch before ended, to the bit', () => {
      const [whole, parts] = alike(kind, engine);
      const long = numbers(sequences * 3 * width);
      const expected = whole.predict(long);
      const batches = partsOf(long, 3);
      const last = () => batches.map((x) => parts.predict(x)).at(-1);
      expect(last()).toEqual(expected);
      expect(last()).not.toEqual(expected);
      parts.resetState();
      expect(last()).toEqual(expected);
      // Several batches in one call are walked one after another.
      parts.resetState();
      expect(parts.predict(joined(batches)).subarray(-expected.length)).toEqual(expected);
    });

    it('one row at a time, in the fast way and the slow one', () => {
      const whole = networkOn(engine, spec(kind, undefined, 3 * steps));
      const one = networkOn(engine, spec(kind, 1));
      one.setWeights(whole.getWeights());
      const long = numbers(3 * width);
      const expected = whole.predict(long);
      for (const nested of [false, true]) {
        one.resetState();
        let y: Float32Array | undefined;
        for (let part = 0; part < 3; part++) {
          const row = long.subarray(part * width, (part + 1) * width);
          const rows = Array.from({ length: steps }, (_, t) => [
            ...row.subarray(t * inputs, (t + 1) * inputs),
          ]);
          y = one.predict(nested ? rows : row);
        }
        expect(y).toEqual(expected);
      }
    });

    it('a step is that along the gradients, and on to their states', () => {
      const [one, two] = [0, 1].map(() => networkOn(engine, spec(kind, sequences))) as [
        Network,
        Network,
      ];
      const y = numbers(sequences * 3);
      for (let step = 0; step < 3; step++) {
        const x = numbers(sequences * width);
        one.trainOnBatch(x, y);
        const before = hexOf(two);
        const { weights, buffers } = two.gradients(x, y);
        expect(hexOf(two)).toEqual(before);
        two.applyGradients(weights, buffers);
        expect(hexOf(two)).toEqual(hexOf(one));
      }
    });
  });

  const x = numbers(4 * sequences * width);
  const y = numbers(4 * sequences * 3);
  const held = [numbers(2 * sequences * width), numbers(2 * sequences * 3)] as const;

  it('each epoch begins anew, in order', async () => {
    const model = sequential(spec(kind, sequences));
    const { history } = await model.fit(x, y, { epochs: 3 });
    const other = sequential(spec(kind, sequences));
    const losses = [0, 1, 2].map(() => {
      other.resetState();
      let sum = 0;
      for (let batch = 0; batch < 4; batch++) {
        const part = (rows: Float32Array, size: number) =>
          rows.subarray(batch * sequences * size, (batch + 1) * sequences * size);
        sum += other.trainOnBatch(part(x, width), part(y, 3)).loss;
      }
      return sum / 4;
    });
    expect(hexOf(model)).toEqual(hexOf(other));
    history.loss.forEach((loss, i) => {
      expect(loss).toBeCloseTo(losses[i]!, 12);
    });
  });

  it('what looks at other rows leaves the states of a training alone', async () => {
    const [plain, watched] = [0, 1].map(() =>
      sequential(spec(kind, sequences, steps, { metrics: ['meanAbsoluteError'] })),
    ) as [Network, Network];
    await plain.fit(x, y, { epochs: 2 });
    const seen: unknown[] = [];
    const { history } = await watched.fit(x, y, {
      epochs: 2,
      validationData: held,
      callbacks: [
        {
          onBatchEnd({ model }) {
            seen.push([...model.predict(held[0])], model.evaluate(...held));
          },
        },
      ],
    });
    expect(hexOf(watched)).toEqual(hexOf(plain));
    // They begin at 0, and so say what a network says that does.
    watched.resetState();
    const again = [[...watched.predict(held[0])], watched.evaluate(...held)];
    expect(seen.slice(-2)).toEqual(again);
    expect(history.val_loss!.at(-1)).toBeCloseTo(watched.evaluate(...held).loss, 12);
    const before = hexOf(watched);
    await watched.evaluateBatches([{ x: held[0], y: held[1] }]);
    expect(hexOf(watched)).toEqual(before);
  });

  it('a training that was stopped after any batch goes on to the same bits', async () => {
    const whole = sequential(spec(kind, sequences));
    await whole.fit(x, y, { epochs: 2 });
    for (const stopAt of [1, 4, 6]) {
      const first = sequential(spec(kind, sequences));
      let batches = 0;
      const { checkpoint } = await first.fit(x, y, {
        epochs: 2,
        callbacks: [{ onBatchEnd: ({ stop }) => void (++batches === stopAt && stop()) }],
      });
      const second = sequential(spec(kind, sequences), { backend: 'js' });
      second.predict(held[0]);
      await second.fit(x, y, {
        epochs: 2,
        resume: checkpoint!,
        callbacks: [{ onBatchEnd() {} }],
      });
      expect(hexOf(second)).toEqual(hexOf(whole));
    }
  });

  it('threads, chunks, streams and files give the same bits', async () => {
    const learn = async (backend: Parameters<typeof networkOn>[0], options: FitOptions = {}) => {
      const model = networkOn(backend, spec(kind, sequences));
      await model.fit(x, y, { epochs: 2, ...options });
      return hexOf(model);
    };
    const expected = await learn('js');
    expect(await learn(threadsWith(2, { leastProducts: 0 }))).toEqual(expected);
    expect(await learn('release', { memoryBudget: 0, validationData: held })).toEqual(expected);
    const streamed = sequential(spec(kind, sequences));
    const batches = Array.from({ length: 4 }, (_, batch) => ({
      x: x.subarray(batch * sequences * width, (batch + 1) * sequences * width),
      y: y.subarray(batch * sequences * 3, (batch + 1) * sequences * 3),
    }));
    await streamed.fit(batches, { epochs: 2, validationData: held });
    expect(hexOf(streamed)).toEqual(expected);
    const again = load(save(streamed));
    expect(hexOf(again)).toEqual(expected);
    expect(again.predict(held[0])).toEqual(streamed.predict(held[0]));
  });

  it('padding leaves the state as it is', () => {
    const stack = (stateful?: number): LayerSpec[] => [
      layers.masking(),
      layers[kind]({ units, ...(stateful && { stateful }) }),
    ];
    const model = sequential({ inputShape: [steps, inputs], layers: stack(2) });
    const [padded, row] = [new Float32Array(2 * width), numbers(2 * width)];
    const state = model.predict(row).slice();
    expect(model.predict(padded)).toEqual(state);
    expect(model.predict(padded)).toEqual(state);
  });
});

it('numbers the states among the buffers, which no optimizer steps', () => {
  const model = sequential(spec('lstm', sequences, steps, { optimizer: 'adam' }));
  const { weights, buffers } = model.gradients(numbers(sequences * width), numbers(sequences * 3));
  expect(Object.keys(buffers)).toEqual(['layers.0.h', 'layers.0.c', 'layers.1.h', 'layers.1.c']);
  expect(Object.keys(weights)).not.toContain('layers.0.h');
  expect(model.getWeights()['layers.0.h']!.length).toBe(sequences * units);
  const plain = sequential(spec('lstm', undefined)).summary();
  expect(model.summary()).toBe(plain.replace('optimizer sgd', 'optimizer adam'));
});

describe('refuses', () => {
  const model = () => sequential(spec('gru', sequences));
  const said = 'of 3 rows, since layers[0] (gru) keeps the states of 3 sequences';
  const [x, y] = [numbers(6 * width), numbers(6 * 3)];

  it('rows that are not whole batches', async () => {
    const few = x.subarray(0, 4 * width);
    const targets = y.subarray(0, 4 * 3);
    const message = `x: expected batches ${said}, got 4 rows`;
    expect(() => model().predict(few)).toThrow(message);
    expect(() => model().predict(x.subarray(0, width))).toThrow(ShapeError);
    expect(() => model().evaluate(few, targets)).toThrow(message);
    await expect(model().fit(few, targets)).rejects.toThrow(message);
    await expect(model().fit(x, y, { validationSplit: 0.3 })).rejects.toThrow(
      'x: expected batches',
    );
    await expect(model().fit(x, y, { validationData: [few, targets] })).rejects.toThrow(
      `validationData[0]: expected batches ${said}, got 4 rows`,
    );
    await expect(model().evaluateBatches([[few, targets]])).rejects.toThrow(`batch 0: ${message}`);
    const one = `x: expected one of the batches ${said}, got 6 rows`;
    expect(() => model().trainOnBatch(x, y)).toThrow(one);
    expect(() => model().gradients(x, y)).toThrow(one);
    await expect(model().fit([[x, y]])).rejects.toThrow(`batch 0: ${one}`);
  });

  it.each<[string, FitOptions]>([
    ['batchSize: expected batches', { batchSize: 6 }],
    ['microBatchSize: expected batches', { microBatchSize: 1 }],
    [
      'shuffle: expected false, since rows go on from those before them: batches',
      { shuffle: true },
    ],
  ])('%s', async (message, options) => {
    const network = model();
    const before = hexOf(network);
    await expect(network.fit(x, y, options)).rejects.toThrow(`${message} ${said}`);
    expect(hexOf(network)).toEqual(before);
    await network.fit(x, y, { batchSize: 3, shuffle: false });
  });

  it('specs that do not hold together', () => {
    const made =
      (...stack: LayerSpec[]) =>
      () =>
        sequential({ inputShape: [steps, inputs], layers: stack });
    expect(made(layers.lstm({ units: 2, stateful: true as never }))).toThrow(
      'layers[0] (lstm): stateful: expected a whole number, got true',
    );
    expect(made(layers.lstm({ units: 2, stateful: 0 }))).toThrow('stateful');
    expect(made(layers.bidirectional(layers.gru({ units: 2, stateful: 2 })))).toThrow(
      'layers[0].branches[1][0] (gru): stateful: expected a layer that walks forward',
    );
    expect(
      made(
        layers.gru({ units: 2, stateful: 2, returnSequences: true }),
        layers.lstm({ units: 2, stateful: 3 }),
      ),
    ).toThrow('layers[1] (lstm): stateful: expected 2, as layers[0] (gru) has, got 3');
  });

  it('to write what keeps nothing', () => {
    expect(() => toOnnx(model())).toThrow('toOnnx: layers[0] (gru) keeps its state');
    expect(() => toModule(model())).toThrow('toModule: layers[0] (gru) keeps its state');
  });

  it('to begin anew where nothing is kept', () => {
    expect(() => sequential(spec('gru', undefined)).resetState()).toThrow(
      'resetState: expected a recurrent layer with stateful',
    );
  });
});
