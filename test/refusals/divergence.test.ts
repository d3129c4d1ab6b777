import { describe, expect, it } from 'vitest';
import {
  DivergenceError,
  dense,
  layers,
  type Network,
  type NetworkSpec,
  type OptimizerSpec,
  sequential,
} from '../../src/index.js';
import { nameOf, optimizerSpecs } from '../catalogues.js';

// Trainings that leave the finite numbers.

/** y = w₁·w₀·x, from given w₀ and w₁. */
function chain(
  w0: number,
  w1: number,
  backend: 'wasm' | 'js',
  changes: Partial<NetworkSpec> = {},
): Network {
  const model = sequential(
    {
      inputShape: [1],
      layers: [dense(1, { useBias: false }), dense(1, { useBias: false })],
      loss: 'meanAbsoluteError',
      optimizer: 'sgd',
      ...changes,
    },
    { backend },
  );
  model.setWeights({ 'layers.0.w': [w0], 'layers.1.w': [w1] });
  return model;
}

async function errorOf(ask: () => unknown): Promise<DivergenceError> {
  try {
    await ask();
  } catch (error) {
    expect(error).toBeInstanceOf(DivergenceError);
    return error as DivergenceError;
  }
  throw new Error('nothing was thrown');
}

const scaling =
  'inputs that large make gradients explode: scale them (preprocess: { x: standardScaler() })';

describe.each(['wasm', 'js'] as const)('on %s', (backend) => {
  describe('a loss that is not finite', () => {
    // Where the first infinity shows: behind the first layer, the second, or in the loss alone.
    const places = [
      ['layers.0', 1e20, 1e-20, 1e25, 'meanAbsoluteError', 0.01],
      ['layers.1', 1, 1e20, 1e25, 'meanAbsoluteError', 1e-22],
      ['layers.1', 1, 1, 1e25, 'meanSquaredError', 0.01],
    ] as const;

    it.each(places)(
      'first shows in %s (w %d, %d)',
      async (layer, w0, w1, large, loss, learningRate) => {
        const changes = { loss, optimizer: { type: 'sgd', learningRate } } as const;
        const model = chain(w0, w1, backend, changes);
        const x = Float32Array.of(1, -2, 1, 1, 2, large, 0, 0, 0);
        const y = new Float32Array(9);
        const twin = chain(w0, w1, backend, changes);
        for (const row of [0, 2])
          twin.trainOnBatch(x.subarray(row, row + 2), y.subarray(row, row + 2));
        const error = await errorOf(() => model.fit(x, y, { batchSize: 2, shuffle: false }));
        expect(error).toMatchObject({ epoch: 0, batch: 2, layer, restored: false });
        expect(error.inputRange).toEqual([2, Math.fround(large)]);
        const spoilt = `layers[${layer.at(-1)}] (dense)`;
        expect(error.message).toBe(
          `the loss stopped being finite in epoch 0, batch 2, first in ${spoilt}; ` +
            `inputs were in [2, ${Number(Math.fround(large).toPrecision(3))}]; ${scaling}`,
        );
        // The batch took no step back, and those before it stay.
        expect(model.getWeights()).toEqual(twin.getWeights());
        await model.fit(x.subarray(0, 5), y.subarray(0, 5));
      },
    );

    it('stops at the same batch where metrics and callbacks look on', async () => {
      const model = chain(1, 1, backend, { loss: 'meanSquaredError', metrics: ['r2'] });
      const x = Float32Array.of(1, 1, 1e25);
      const y = new Float32Array(3);
      const seen: number[] = [];
      const onBatchEnd = ({ batch }: { batch: number }) => seen.push(batch);
      const options = { batchSize: 1, shuffle: false, callbacks: [{ onBatchEnd }] };
      const error = await errorOf(() => model.fit(x, y, options));
      expect(error).toMatchObject({ epoch: 0, batch: 2 });
      expect(seen).toEqual([0, 1]);
    });

    it('names a learning rate where the inputs are small', async () => {
      const optimizer: OptimizerSpec = { type: 'sgd', learningRate: 30 };
      const model = chain(1, 1, backend, { loss: 'meanSquaredError', optimizer });
      const x = Float32Array.of(1, 2, 3, -4);
      const started: unknown[] = [];
      const onEpochBegin = () => started.push(model.getWeights());
      const callbacks = [{ onEpochBegin }];
      const error = await errorOf(() =>
        model.fit(x, new Float32Array(4), { epochs: 99, callbacks }),
      );
      expect(error.epoch).toBeGreaterThan(0);
      expect(error.inputRange).toEqual([-4, 3]);
      expect(error.message).toContain('the learning rate 30 is likely too high: try 3');
      expect(model.getWeights()).toEqual(started[error.epoch!]);
    });

    it.each([
      ['trainOnBatch', (model: Network) => model.trainOnBatch([[1e25]], [[0]])],
      ['gradients', (model: Network) => model.gradients([[1e25]], [[0]])],
    ])('%s throws, and nothing is changed', async (_, ask) => {
      const model = chain(1, 1, backend, { loss: 'meanSquaredError' });
      const before = model.getWeights();
      const error = await errorOf(() => ask(model));
      expect(error).toMatchObject({ epoch: undefined, batch: undefined, layer: 'layers.1' });
      expect(error.message).toMatch(
        /^the loss stopped being finite, first in layers\[1\] \(dense\)/,
      );
      expect(model.getWeights()).toEqual(before);
      expect(model.trainOnBatch([[1]], [[1]]).loss).toBe(0);
    });
  });

  it('is found in the same place whether or not anybody looks on', async () => {
    const spec: NetworkSpec = {
      inputShape: [2],
      layers: [dense(8, { activation: 'relu' }), layers.dropout({ rate: 0.5 }), dense(1)],
      loss: 'meanSquaredError',
      optimizer: { type: 'sgd', learningRate: 0.25 },
    };
    const x = Float32Array.from({ length: 32 }, (_, i) => 4 * Math.sin(7 * i));
    const ends = [];
    for (const callbacks of [[], [{ onEpochEnd() {} }], [{ onBatchEnd() {} }]]) {
      const model = sequential(spec, { backend });
      const initial = model.getWeights();
      const options = { epochs: 200, batchSize: 4, callbacks };
      const error = await errorOf(() => model.fit(x, new Float32Array(16).fill(1), options));
      const weights = model.getWeights();
      // The masks that come next tell how many steps were taken.
      model.setWeights(initial);
      const { loss } = model.trainOnBatch(x, new Float32Array(16).fill(1));
      ends.push({ ...error, message: error.message, weights, loss });
    }
    expect(ends[0]!.epoch).toBeGreaterThan(0);
    expect(ends[1]).toEqual(ends[0]);
    expect(ends[2]).toEqual(ends[0]);
  });

  describe('parameters that are not finite', () => {
    // The gradient of w₀ is w₁·x = 5e38, infinite; the loss, w₀ times that, is not.
    const wild = Float32Array.of(5e28, 5e28);
    const tame = Float32Array.of(1e-12, 2e-12, 3e-12);
    // These step by the gradient's sign alone, so that an infinite one leads nowhere.
    const bySign = ['lion', 'rprop'];
    const optimizers = optimizerSpecs
      .map((optimizer) => [nameOf(optimizer), optimizer] as const)
      .filter(([name]) => !bySign.includes(name.split(' ')[0]!));

    it.each(optimizers)('come back from the start of the epoch with %s', async (_, optimizer) => {
      const [model, twin] = [0, 1].map(() => chain(0.1, 1e10, backend, { optimizer }));
      const options = { shuffle: false, batchSize: 2, epochs: 3 };
      for (const network of [model!, twin!]) await network.fit(tame, new Float32Array(3), options);
      const target = new Float32Array(2);
      const error = await errorOf(() => model!.fit(wild, target, options));
      expect(error).toMatchObject({ epoch: 0, batch: undefined, restored: true });
      expect(error.message).toMatch(
        /^the parameters stopped being finite in epoch 0, first in layers/,
      );
      expect(error.message).toMatch(/; the parameters are those of the start of the epoch again$/);
      expect(model!.getWeights()).toEqual(twin!.getWeights());
      // What the optimizer keeps has come back as well.
      for (const network of [model!, twin!]) await network.fit(tame, new Float32Array(3), options);
      expect(model!.getWeights()).toEqual(twin!.getWeights());
    });

    it('come back from the epoch in which they went, not from the first', async () => {
      const optimizer: OptimizerSpec = { type: 'sgd', learningRate: 1e38 };
      const spec: NetworkSpec = {
        inputShape: [1],
        layers: [dense(1, { weightInitializer: 'zeros', useBias: false })],
        loss: 'meanSquaredError',
        optimizer,
      };
      const model = sequential(spec, { backend });
      const started: ReturnType<Network['getWeights']>[] = [];
      const callbacks = [{ onEpochBegin: () => started.push(model.getWeights()) }];
      const fit = () => model.fit([1e-16], [1], { epochs: 9, callbacks });
      const error = await errorOf(fit);
      expect(error).toMatchObject({ epoch: 3, restored: true, layer: 'layers.0' });
      expect(started).toHaveLength(4);
      expect(model.getWeights()).toEqual(started[3]);
      expect(model.getWeights()).not.toEqual(started[0]);
    });

    it('come back also where a callback stops the training', async () => {
      const model = chain(0.1, 1e10, backend);
      const before = model.getWeights();
      const target = new Float32Array(2);
      const stopping = { onBatchEnd: ({ stop }: { stop(): void }) => stop() };
      const options = { batchSize: 1, callbacks: [stopping] };
      const error = await errorOf(() => model.fit(wild, target, options));
      expect(error).toMatchObject({ restored: true, epoch: 0 });
      expect(model.getWeights()).toEqual(before);
      const failing = {
        onBatchEnd: () => {
          throw new Error('by the callback');
        },
      };
      const fit = model.fit(wild, target, { batchSize: 1, callbacks: [failing] });
      await expect(fit).rejects.toThrow('by the callback');
      expect(model.getWeights()).toEqual(before);
    });

    it.each([
      ['trainOnBatch', (model: Network) => model.trainOnBatch(wild, [0, 0])],
      [
        'applyGradients',
        (model: Network) => {
          for (let i = 0; i < 2; i++)
            model.applyGradients({ 'layers.0.w': [3e38], 'layers.1.w': [0] });
        },
      ],
    ])('stay so after %s, which says so', async (name, ask) => {
      const optimizer: OptimizerSpec = {
        type: 'sgd',
        learningRate: name === 'applyGradients' ? 1 : 0.01,
      };
      const model = chain(0.1, 1e10, backend, { optimizer });
      const error = await errorOf(() => ask(model));
      expect(error).toMatchObject({ epoch: undefined, layer: 'layers.0', restored: false });
      expect(error.message).toMatch(/^the parameters stopped being finite, first in layers\[0\]/);
      expect(error.message).not.toContain('again');
      expect(Number.isFinite(model.getWeights()['layers.0.w']![0])).toBe(false);
      model.setWeights({ 'layers.0.w': [1], 'layers.1.w': [1] });
      expect(model.trainOnBatch([[1]], [[1]]).loss).toBe(0);
    });
  });
});
