import { describe, expect, it } from 'vitest';
import { stratifiedSplit } from '../src/data.js';
import {
  type Callback,
  dense,
  layers,
  type Network,
  type NetworkSpec,
  sequential,
} from '../src/index.js';
import { Random, streams } from '../src/random.js';
import { generator } from './kernels/core.js';

const spec: NetworkSpec = {
  inputShape: [2],
  layers: [dense(6, { activation: 'tanh' }), layers.dropout({ rate: 0.2 }), dense(3)],
  task: 'multiclass',
  metrics: ['accuracy'],
  seed: 12,
};
const random = generator(4);
const rows = 50;
const x = Float32Array.from({ length: rows * 2 }, () => 2 * random() - 1);
/** Thirty of class 0, fifteen of class 1, five of class 2. */
const y = Int32Array.from({ length: rows }, (_, r) => (r % 10 < 6 ? 0 : r % 10 < 9 ? 1 : 2));

/** The rows and labels that are listed. */
function pick(list: Iterable<number>): [Float32Array, Int32Array] {
  const chosen = [...list];
  return [
    Float32Array.from(chosen.flatMap((r) => [...x.subarray(2 * r, 2 * r + 2)])),
    Int32Array.from(chosen, (r) => y[r]!),
  ];
}

const network = (changes: Partial<NetworkSpec> = {}) => sequential({ ...spec, ...changes });

describe('history', () => {
  it('has a number an epoch for the loss and each metric', async () => {
    const { history, stopReason } = await network().fit(x, y, { epochs: 4 });
    expect(Object.keys(history)).toEqual(['loss', 'accuracy']);
    expect(history.loss).toHaveLength(4);
    expect(history.accuracy).toHaveLength(4);
    expect(stopReason).toBe('completed');
    const bare = await network({ metrics: [] }).fit(x, y, { epochs: 4 });
    expect(bare.history).toEqual({ loss: history.loss });
  });

  it('has the same of validation behind val_', async () => {
    const { history } = await network().fit(x, y, { epochs: 2, validationSplit: 0.2 });
    expect(Object.keys(history)).toEqual(['loss', 'accuracy', 'val_loss', 'val_accuracy']);
    for (const values of Object.values(history)) expect(values).toHaveLength(2);
  });

  it('has the loss and the metrics of training before each step, as the network trained', async () => {
    // One batch an epoch and no dropout: the numbers are those of the network before the epoch.
    const model = network({ layers: [dense(3)] });
    const before: object[] = [];
    const onEpochBegin = () => before.push(model.evaluate(x, y));
    const options = { epochs: 3, batchSize: 50, shuffle: false, callbacks: [{ onEpochBegin }] };
    const { history } = await model.fit(x, y, options);
    const told = history.loss.map((loss, i) => ({ loss, accuracy: history.accuracy![i] }));
    expect(told).toEqual(before);
  });

  it('weighs batches by their rows', async () => {
    const model = network({ layers: [dense(3)] });
    const losses: number[] = [];
    const stepped = network({ layers: [dense(3)] });
    for (const row of [0, 20, 40]) {
      const [bx, by] = [x.subarray(2 * row, 2 * row + 40), y.subarray(row, row + 20)];
      losses.push(stepped.trainOnBatch(bx, by).loss * by.length);
    }
    const { history } = await model.fit(x, y, { batchSize: 20, shuffle: false });
    expect(history.loss[0]).toBeCloseTo(losses.reduce((sum, loss) => sum + loss, 0) / rows, 14);
  });

  it('is empty of epochs that there were not', async () => {
    const model = network();
    const before = model.getWeights();
    expect(await model.fit(x, y, { epochs: 0 })).toEqual({
      history: { loss: [] },
      stopReason: 'completed',
    });
    expect(model.getWeights()).toEqual(before);
  });
});

describe('validation', () => {
  const options = { epochs: 3, batchSize: 8 };

  it('splits each class by the seed, and trains on the rest as if it were all', async () => {
    const split = stratifiedSplit(y, 0.2, new Random(spec.seed!, streams.split));
    const labels = [...split.held].map((r) => y[r]);
    expect(labels.filter((label) => label === 0)).toHaveLength(6);
    expect(labels.filter((label) => label === 1)).toHaveLength(3);
    expect(labels.filter((label) => label === 2)).toHaveLength(1);
    const [model, alone] = [network(), network()];
    const { history } = await model.fit(x, y, { ...options, validationSplit: 0.2 });
    const trained = await alone.fit(...pick(split.training), options);
    expect(model.getWeights()).toEqual(alone.getWeights());
    expect(history).toMatchObject(trained.history);
    const { loss, accuracy } = model.evaluate(...pick(split.held));
    expect([history.val_loss!.at(-1), history.val_accuracy!.at(-1)]).toEqual([loss, accuracy]);
  });

  it('holds the same rows out in a second fit, and other rows under another seed', async () => {
    const seen = async (seed: number) => {
      const model = network({ seed, layers: [dense(3)] });
      const weightless = { epochs: 1, validationSplit: 0.5, batchSize: 64 };
      const told = [];
      for (let i = 0; i < 2; i++) {
        model.setWeights({ 'layers.0.w': [1, 2, 3, 4, 5, 6], 'layers.0.b': [0, 0, 0] });
        told.push((await model.fit(x, y, weightless)).history.loss[0]);
      }
      return told;
    };
    const [first, second] = await seen(1);
    // The same rows in another order: their sum differs in its last digits at most.
    expect(second).toBeCloseTo(first!, 12);
    expect((await seen(2))[0]).not.toBeCloseTo(first!, 6);
  });

  it('takes the last rows where the order is kept', async () => {
    const [model, alone] = [network(), network()];
    const kept = { ...options, shuffle: false };
    const { history } = await model.fit(x, y, { ...kept, validationSplit: 0.3 });
    await alone.fit(...pick(Array.from({ length: 35 }, (_, r) => r)), kept);
    expect(model.getWeights()).toEqual(alone.getWeights());
    const last = pick(Array.from({ length: 15 }, (_, r) => 35 + r));
    expect(history.val_loss!.at(-1)).toBe(model.evaluate(...last).loss);
  });

  it('splits probabilities by what they say, and numbers as they come', async () => {
    const binary = network({ layers: [dense(1)], task: 'binary', metrics: [] });
    const soft = Float32Array.from(y, (label, r) => (label > 0 ? 0.6 : 0.1) + r / 1000);
    const { history } = await binary.fit(x, soft, { validationSplit: 0.2 });
    const split = stratifiedSplit(
      soft.map((p) => Number(p > 0.5)),
      0.2,
      new Random(spec.seed!, streams.split),
    );
    expect(split.held).toHaveLength(10);
    const held = Float32Array.from(split.held, (r) => soft[r]!);
    expect(history.val_loss![0]).toBe(binary.evaluate(pick(split.held)[0], held).loss);
    const numbers = network({ layers: [dense(1)], task: 'regression', metrics: [] });
    const { history: other } = await numbers.fit(x, soft, { validationSplit: 0.2 });
    expect(other.val_loss).toHaveLength(1);
  });

  it('takes rows that are given', async () => {
    const given = pick([3, 1, 4, 1, 5, 9, 2, 6, 5]);
    const [model, alone] = [network(), network()];
    const { history } = await model.fit(x, y, { ...options, validationData: given });
    await alone.fit(x, y, options);
    expect(model.getWeights()).toEqual(alone.getWeights());
    expect(history.val_loss!.at(-1)).toBe(model.evaluate(...given).loss);
  });

  it('goes on where its loss is not finite', async () => {
    const model = network({
      layers: [dense(1)],
      task: 'regression',
      metrics: ['meanAbsoluteError'],
    });
    const validationData = [
      [
        [1, 1],
        [1e30, 1e30],
      ],
      [1, 1],
    ] as const;
    const { history } = await model.fit(x, y, { epochs: 2, validationData });
    expect(history.val_loss).toEqual([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
    expect(history.val_meanAbsoluteError![0]).toBeGreaterThan(1e27);
  });
});

describe('epochs()', () => {
  it('is fit, one epoch at a time', async () => {
    const [fitted, stepped] = [network(), network()];
    const options = { epochs: 3, batchSize: 8, validationSplit: 0.2 };
    const { history } = await fitted.fit(x, y, options);
    const told: object[] = [];
    const epochs = stepped.epochs(x, y, options);
    for (let next = await epochs.next(); ; next = await epochs.next()) {
      if (next.done) {
        expect(next.value).toEqual({ history, stopReason: 'completed' });
        break;
      }
      told.push(next.value);
    }
    const rowsOfHistory = history.loss.map((_, epoch) => ({
      epoch,
      logs: Object.fromEntries(
        Object.entries(history).map(([name, values]) => [name, values[epoch]]),
      ),
    }));
    expect(told).toEqual(rowsOfHistory);
    expect(stepped.getWeights()).toEqual(fitted.getWeights());
  });

  it('ends with break, and keeps what was learnt', async () => {
    const [model, twin] = [network(), network()];
    for await (const { epoch } of model.epochs(x, y, { epochs: 9 })) if (epoch === 1) break;
    await twin.fit(x, y, { epochs: 2 });
    expect(model.getWeights()).toEqual(twin.getWeights());
    for (const network of [model, twin]) await network.fit(x, y);
    expect(model.getWeights()).toEqual(twin.getWeights());
  });

  it('lets the network be used and changed in between', async () => {
    const model = network();
    const twin = network();
    const other = pick([7, 8, 9]);
    for await (const _ of model.epochs(x, y, { epochs: 2 })) {
      model.trainOnBatch(...other);
      // Another training takes the memory that held the rows.
      await model.fit(...other, { batchSize: 2 });
    }
    for (let i = 0; i < 2; i++) {
      await twin.fit(x, y);
      twin.trainOnBatch(...other);
      await twin.fit(...other, { batchSize: 2 });
    }
    expect(model.getWeights()).toEqual(twin.getWeights());
  });

  it('of one network may be interleaved', async () => {
    const model = network({ layers: [dense(3)] });
    const [some, others] = [model.epochs(x, y), model.epochs(...pick([1, 2, 3]))];
    const [a, b] = [await some.next(), await others.next()];
    expect(a.value).toMatchObject({ epoch: 0 });
    expect(b.value).toMatchObject({ epoch: 0 });
    expect((await some.next()).done).toBe(true);
    expect((await others.next()).done).toBe(true);
  });
});

describe('callbacks', () => {
  it('are called in order, with the epoch, the batch and the logs so far', async () => {
    const model = network();
    const calls: unknown[] = [];
    const told =
      (hook: string): Callback['onEpochEnd'] =>
      ({ model: m, epoch, batch, logs }) => {
        expect(m).toBe(model);
        calls.push([hook, epoch, batch, Object.keys(logs).join()]);
      };
    const hooks = [
      'onTrainBegin',
      'onEpochBegin',
      'onBatchEnd',
      'onEpochEnd',
      'onTrainEnd',
    ] as const;
    const callback = Object.fromEntries(hooks.map((hook) => [hook, told(hook)]));
    const options = { epochs: 2, batchSize: 30, validationSplit: 0.2, callbacks: [callback] };
    await model.fit(x, y, options);
    const trained = 'loss,accuracy';
    const all = 'loss,accuracy,val_loss,val_accuracy';
    expect(calls).toEqual([
      ['onTrainBegin', 0, 0, ''],
      ['onEpochBegin', 0, 0, ''],
      ['onBatchEnd', 0, 0, trained],
      ['onBatchEnd', 0, 1, trained],
      ['onEpochEnd', 0, 2, all],
      ['onEpochBegin', 1, 0, ''],
      ['onBatchEnd', 1, 0, trained],
      ['onBatchEnd', 1, 1, trained],
      ['onEpochEnd', 1, 2, all],
      ['onTrainEnd', 2, 2, all],
    ]);
  });

  it('that return promises are awaited, one after another', async () => {
    const order: string[] = [];
    const slow = (name: string): Callback => ({
      async onEpochEnd() {
        order.push(`${name} in`);
        await new Promise((resolve) => setTimeout(resolve, 1));
        order.push(`${name} out`);
      },
    });
    await network().fit(x, y, { epochs: 2, callbacks: [slow('a'), slow('b')] });
    const once = ['a in', 'a out', 'b in', 'b out'];
    expect(order).toEqual([...once, ...once]);
  });

  it('belong to their object', async () => {
    class Counter implements Callback {
      epochs = 0;
      onEpochEnd(): void {
        this.epochs++;
      }
    }
    const counter = new Counter();
    await network().fit(x, y, { epochs: 3, callbacks: [counter] });
    expect(counter.epochs).toBe(3);
  });
});

it('of several networks may run at once', async () => {
  const twin = network();
  await twin.fit(x, y, { epochs: 3, validationSplit: 0.2 });
  const onBatchEnd = () => new Promise((resolve) => setTimeout(resolve, 0));
  const options = { epochs: 3, validationSplit: 0.2, callbacks: [{ onBatchEnd }] };
  const models: Network[] = [network(), network(), network()];
  await Promise.all(models.map((model) => model.fit(x, y, options)));
  for (const model of models) expect(model.getWeights()).toEqual(twin.getWeights());
});
