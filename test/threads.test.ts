import { describe, expect, it } from 'vitest';
import { jsBackend } from '../src/backends/js.js';
import { dense, layers, type NetworkSpec, sequential } from '../src/index.js';
import { resolveModel } from '../src/layers/model.js';
import { Plan } from '../src/plan.js';
import type { Tensor } from '../src/tensor.js';
import { threadsWith } from '../src/threads/backend.js';
import { isWhole, productsOf, shareOf } from '../src/threads/shares.js';
import { ThreadError, threads } from '../src/threads.js';
import { worker } from '../src/worker.js';
import { randomCase } from './architectures.js';
import { networkOn, resultsOn } from './engines.js';
import { shapedCase } from './shaped.js';

/** However small the lists. */
const always = (n: number) => threadsWith(n, { leastProducts: 0 });

describe('threads', () => {
  it.each([1, 2, 3, 4])('%i of them give the bits of one', async (n) => {
    for (let seed = 500; seed < 520; seed++) {
      const made = randomCase(seed);
      const where = `seed ${seed}: ${JSON.stringify({ ...made.spec, fit: made.fit })}`;
      expect(await resultsOn(always(n), made), where).toEqual(await resultsOn('release', made));
    }
  });

  it.each([2, 3])('%i of them do so on images and sequences', async (n) => {
    const many = always(n);
    for (let seed = 500; seed < 530; seed++) {
      const made = shapedCase(seed);
      const where = `seed ${seed}: ${JSON.stringify({ ...made.spec, fit: made.fit })}`;
      expect(await resultsOn(many, made), where).toEqual(await resultsOn('release', made));
    }
  });

  it('do so at the sizes at which kernels change', async () => {
    for (const optimizer of ['sgd', 'adam'] as const) {
      for (const [inputs, units, batch] of [
        [33, 40, 17],
        [16, 8, 8],
        [200, 70, 130],
        [3, 130, 2],
      ] as const) {
        const spec: NetworkSpec = {
          inputShape: [inputs],
          layers: [
            dense(units, { activation: 'relu' }),
            dense(units, { activation: 'gelu' }),
            dense(5),
          ],
          task: 'multiclass',
          optimizer,
          seed: inputs,
        };
        const rows = 2 * batch + 1;
        const x = Float32Array.from({ length: rows * inputs }, (_, i) =>
          i % 7 < 4 ? 0 : Math.sin(i),
        );
        const y = Float32Array.from({ length: rows }, (_, i) => i % 5);
        const networks = [
          networkOn('release', spec),
          ...[2, 3].map((n) => networkOn(always(n), spec)),
        ];
        for (const network of networks) await network.fit(x, y, { epochs: 3, batchSize: batch });
        const [one, ...others] = networks.map((network) => network.getWeights());
        for (const other of others) expect(other).toEqual(one);
      }
    }
  });

  it('are not woken for lists that are too small for it', () => {
    const model = resolveModel({
      inputShape: [4],
      layers: [dense(16), dense(3)],
      task: 'multiclass',
    });
    const request = {
      ...({ rows: 'given', training: true, outputs: false, loss: true } as const),
      ...({ gradients: 'parameters', update: true } as const),
    };
    const iris = new Plan(model, jsBackend()).describe({ batch: 16, ...request });
    expect(productsOf(iris)).toBe(16 * 3 * (4 * 16 + 16 * 3) - 16 * 4 * 16);
    const wide = resolveModel({
      inputShape: [784],
      layers: [dense(512), dense(10)],
      task: 'multiclass',
    });
    const large = new Plan(wide, jsBackend()).describe({ batch: 128, ...request });
    expect(productsOf(large)).toBeGreaterThan(1e8);
    // Each row is somebody's, once.
    for (const op of large) {
      if (isWhole(op)) {
        expect(shareOf(op, 0, 3)).toBe(op);
        expect(shareOf(op, 1, 3)).toBeUndefined();
        continue;
      }
      const shares = [0, 1, 2].map((t) => shareOf(op, t, 3)).filter((share) => share !== undefined);
      const starts = shares.map(({ args }) => (args[0] as Tensor).offset);
      expect(new Set(starts).size).toBe(starts.length);
    }
  });

  it('are as many as asked for', () => {
    expect(() => threads(0)).toThrow('threads: expected a whole number of at least 1, got 0');
    expect(() => threads(1.5)).toThrow(RangeError);
    expect(() => threads(65)).toThrow('threads: expected at most 64, got 65');
    const network = sequential({ inputShape: [1], layers: [dense(1)] }, { backend: threads(2) });
    expect(network.backend).toBe('threads');
  });
});

it('work in a worker, too', async () => {
  const spec: NetworkSpec = {
    inputShape: [64],
    layers: [dense(512), dense(1)],
    task: 'regression',
  };
  const x = Float32Array.from({ length: 128 * 64 }, (_, i) => Math.sin(i));
  const y = Float32Array.from({ length: 128 }, (_, i) => Math.cos(i));
  const [one, two] = [sequential(spec), sequential(spec, { backend: threadsWith(2, {}) })];
  await one.fit(x, y, { epochs: 3, batchSize: 64 });
  await two.fit(x, y, { epochs: 3, batchSize: 64, worker });
  expect(two.getWeights()).toEqual(one.getWeights());
});

describe('a thread that is lost ends the training, and the network is whole', () => {
  const spec: NetworkSpec = {
    inputShape: [6],
    layers: [dense(20), layers.dropout({ rate: 0.1 }), dense(1)],
    task: 'regression',
    seed: 2,
  };
  const x = Float32Array.from({ length: 64 * 6 }, (_, i) => Math.sin(i));
  const y = Float32Array.from({ length: 64 }, (_, i) => Math.cos(i));

  it.each([
    [
      'fails in the middle',
      `function serve(workerData) { const words = new Int32Array(workerData.control); Atomics.wait(words, 0, 0);
       const meeting = new Int32Array(workerData.memory.buffer, workerData.sync, 3);
       Atomics.store(words, 2, 1); Atomics.store(meeting, 2, 1); Atomics.notify(meeting, 1);
       Atomics.add(words, 1, 1); Atomics.notify(words, 1); }`,
      'threads: one of 2 has failed',
    ],
    [
      'ends without a word, and the others with it',
      `function serve(workerData) { const words = new Int32Array(workerData.control); Atomics.wait(words, 0, 0);
       const meeting = new Int32Array(workerData.memory.buffer, workerData.sync, 3);
       Atomics.store(meeting, 2, 2); Atomics.notify(meeting, 1); }`,
      'threads: one of 2 does not answer',
    ],
  ])('%s', async (_, program, message) => {
    const backend = threadsWith(2, { leastProducts: 0, patience: 200, program });
    const network = sequential(spec, { backend });
    const before = network.getWeights();
    await expect(network.fit(x, y, { epochs: 3, batchSize: 16 })).rejects.toThrow(
      new ThreadError(message),
    );
    expect(network.getWeights()).toEqual(before);
    await expect(network.fit(x, y)).rejects.toThrow('threads: one has been lost');
    const again = sequential(spec);
    again.setWeights(network.getWeights());
    await again.fit(x, y);
  });
});
