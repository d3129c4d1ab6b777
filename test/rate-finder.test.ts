import { describe, expect, it } from 'vitest';
import { dense, findLearningRate, type Network, sequential, standardScaler } from '../src/index.js';
import { backends, network, rows, spec, stateOf, weightsOf, x, y } from './noisy-sine.js';

describe.each(backends)('findLearningRate on %s', (backend) => {
  it('gives a curve over geometric rates, and a rate that learns', async () => {
    const model = network(backend, { optimizer: 'sgd' });
    const curve = await findLearningRate(model, x, y, {
      from: 1e-4,
      to: 10,
      steps: 60,
      batchSize: 8,
    });
    const { rates, losses, smoothed, suggestion } = curve;
    expect(losses).toHaveLength(rates.length);
    expect(smoothed).toHaveLength(rates.length);
    rates.forEach((rate, i) => {
      expect(rate / (1e-4 * 10 ** ((5 * i) / 59))).toBeCloseTo(1, 12);
    });
    let sum = 0;
    let weight = 0;
    losses.forEach((loss, i) => {
      sum = 0.9 * sum + loss;
      weight = 0.9 * weight + 1;
      expect(smoothed[i]).toBeCloseTo(sum / weight, 12);
    });
    expect(suggestion).toBe(rates[smoothed.indexOf(Math.min(...smoothed))]! / 10);
    const { history } = await model.fit(x, y, { epochs: 60, learningRate: suggestion! });
    expect(history.loss.at(-1)! / history.loss[0]!).toBeLessThan(0.7);
  });

  it.each(['sgd', 'adam', { type: 'sgd', momentum: 0.9 }] as const)(
    'leaves every bit as it was, with %j',
    async (optimizer) => {
      const changes = {
        optimizer,
        preprocess: { x: standardScaler() },
        task: 'multiclass',
      } as const;
      const { loss: _, ...rest } = spec;
      const make = () => sequential({ ...rest, ...changes }, { backend });
      const labels = Array.from({ length: rows }, (_, r) => (r % 3 === 0 ? 'yes' : 'no'));
      const [model, twin] = [make(), make()];
      await findLearningRate(model, x, labels);
      expect(model.classes).toBeUndefined();
      expect(() => model.predict(x)).toThrow('the scaler of x has not been fitted');
      expect(await stateOf(model, [x, labels])).toEqual(await stateOf(twin, [x, labels]));
      // In the middle of its training as well, with what the optimizer has gathered.
      await findLearningRate(model, x, labels, { from: 1e-3, steps: 20, batchSize: 7 });
      expect(model.predict(x)).toEqual(twin.predict(x));
      expect(await stateOf(model, [x, labels])).toEqual(await stateOf(twin, [x, labels]));
    },
  );

  it('ends before the numbers do', async () => {
    const model = network(backend, { optimizer: 'sgd', layers: [dense(64), dense(64), dense(2)] });
    const twin = network(backend, { optimizer: 'sgd', layers: [dense(64), dense(64), dense(2)] });
    const { rates, losses, smoothed } = await findLearningRate(model, x, y, {
      from: 0.1,
      to: 1e30,
    });
    expect(rates.length).toBeLessThan(100);
    for (const value of [...losses, ...smoothed]) expect(Number.isFinite(value)).toBe(true);
    expect(await stateOf(model)).toEqual(await stateOf(twin));
  });

  it('suggests nothing where the loss only grows', async () => {
    const model = network(backend, { optimizer: 'sgd', layers: [dense(2)] });
    const { suggestion } = await findLearningRate(model, x, y, {
      from: 50,
      to: 100,
      batchSize: rows,
    });
    expect(suggestion).toBeUndefined();
  });
});

describe('findLearningRate', () => {
  it('gives the same curve on both backends, and each time', async () => {
    const curves = [];
    for (const backend of [...backends, ...backends]) {
      curves.push(await findLearningRate(network(backend), x, y, { batchSize: 5 }));
    }
    for (const curve of curves) expect(curve).toEqual(curves[0]);
  });

  it('goes between two epochs', async () => {
    const [model, twin] = [network(), network()];
    for await (const _ of model.epochs(x, y, { epochs: 3, batchSize: 5 })) {
      await findLearningRate(model, x, y, { steps: 12 });
    }
    await twin.fit(x, y, { epochs: 3, batchSize: 5 });
    expect(await stateOf(model)).toEqual(await stateOf(twin));
  });

  it('locks the network while it runs', async () => {
    const model = network();
    // So much work that the event loop has a turn.
    const wide = network('wasm', { layers: [dense(900), dense(900), dense(2)] });
    const many = Array.from({ length: 512 }, (_, r) => [
      ...x.subarray((r % rows) * 3, (r % rows) * 3 + 3),
    ]);
    const targets = many.map((row) => row.slice(1));
    const before = weightsOf(wide);
    let running = true;
    const search = findLearningRate(wide, many, targets, { batchSize: 512, steps: 10 }).then(() => {
      running = false;
    });
    await expect(wide.fit(many, targets)).rejects.toThrow('fit: this network is training');
    expect(running).toBe(true);
    await search;
    expect(weightsOf(wide)).toEqual(before);
    const training = model.fit(x, y, {
      epochs: 2,
      callbacks: [{ onEpochEnd: () => Promise.resolve() }],
    });
    await expect(findLearningRate(model, x, y)).rejects.toThrow(
      'findLearningRate: this network is training',
    );
    await training;
  });

  it.each([
    ['rates', { rates: 3 }, TypeError, "findLearningRate: unknown option 'rates'"],
    ['from', { from: 0 }, RangeError, 'findLearningRate: from: expected a number'],
    ['to', { from: 1, to: 0.1 }, RangeError, 'findLearningRate: to: expected a number'],
    [
      'steps',
      { steps: 3 },
      RangeError,
      'findLearningRate: steps: expected a whole number of at least 10',
    ],
    ['batchSize', { batchSize: 0 }, RangeError, 'batchSize: expected a whole number of at least 1'],
  ] as [string, object, ErrorConstructor, string][])(
    'refuses %s',
    async (_, options, type, message) => {
      const [model, twin] = [network(), network()];
      await expect(findLearningRate(model, x, y, options)).rejects.toThrow(type);
      await expect(findLearningRate(model, x, y, options)).rejects.toThrow(message);
      await expect(findLearningRate(model, x, [1])).rejects.toThrow(RangeError);
      expect(await stateOf(model)).toEqual(await stateOf(twin));
    },
  );

  it('refuses what is no network', async () => {
    const made = findLearningRate(spec as unknown as Network, x, y);
    await expect(made).rejects.toThrow(
      'findLearningRate: expected a network made by sequential(), got an object',
    );
  });
});
