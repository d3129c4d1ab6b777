import { describe, expect, it } from 'vitest';
import { DivergenceError, dense, layerStatistics, layers, sequential } from '../src/index.js';
import { engines, hexOf, networkOn } from './engines.js';

const constant = (value: number) => ({ weightInitializer: { type: 'constant', value } as const });

/** relu of 2x and of −2x, then the sum of both: 2·|x|. */
const by = (backend: 'wasm' | 'js') => {
  const model = sequential(
    {
      inputShape: [1],
      layers: [dense(2), layers.activation('relu'), dense(1, { ...constant(1), useBias: false })],
      loss: 'meanSquaredError',
      optimizer: { type: 'sgd', learningRate: 0.1 },
    },
    { backend },
  );
  model.setWeights({ 'layers.0.w': [2, -2] });
  return model;
};

describe.each(['wasm', 'js'] as const)('on %s', (backend) => {
  it('tells what each layer puts out, and how large weights and gradients are', () => {
    const { loss, layers: told } = layerStatistics(by(backend), [[1], [3]], [[1], [5]]);
    // 2 and 6, one too much each.
    expect(loss).toBe(1);
    const [linear, relu, last] = told;
    // 2, −2, 6, −6, not yet those of the activation behind it.
    expect(linear).toEqual({
      ...{ layer: 'layers.0', type: 'dense' },
      activations: { mean: 0, deviation: Math.sqrt(20), zeros: 0, dead: 0, spread: 4 },
      weightNorm: Math.sqrt(8),
      // The slopes of the outputs are 1 each, of the first unit too: 1·1 + 1·3 and 1 + 1.
      gradientNorm: Math.sqrt(20),
      parameters: [
        { name: 'w', norm: Math.sqrt(8), gradientNorm: 4 },
        { name: 'b', norm: 0, gradientNorm: 2 },
      ],
    });
    // 2, 0, 6, 0.
    expect(relu).toEqual({
      ...{ layer: 'layers.1', type: 'activation' },
      activations: { mean: 2, deviation: Math.sqrt(6), zeros: 0.5, dead: 0.5, spread: 4 },
      ...{ weightNorm: undefined, gradientNorm: undefined, parameters: [] },
    });
    // ∂loss/∂w = 2·1 + 6·1 and 0.
    expect(last!.parameters).toEqual([{ name: 'w', norm: Math.sqrt(2), gradientNorm: 8 }]);
  });

  it('knows no gradients without targets', () => {
    const { loss, layers: told, text } = layerStatistics(by(backend), [[1], [3]]);
    expect(loss).toBeUndefined();
    expect(told.map(({ gradientNorm }) => gradientNorm)).toEqual([undefined, undefined, undefined]);
    expect(told[0]!.activations.spread).toBe(4);
    expect(text.split('\n')[2]).toMatch(/^layers\.0 +dense +0 +4\.47 +0\.0 % +0\.0 % +2\.83$/);
  });

  it('says what is wrong', () => {
    const model = by(backend);
    expect(() => layerStatistics(model, [[1, 2]])).toThrow(
      'x: row 0: expected rows of 1 numbers, got 2',
    );
    expect(() => layerStatistics(model, [[1]], [[1], [2]])).toThrow(
      'y: expected 1 rows, as many as x has, got 2',
    );
    expect(() => layerStatistics({} as never, [[1]])).toThrow(
      'layerStatistics: expected a network made by sequential(), got an object',
    );
    model.setWeights({ 'layers.0.w': [1e30, 1e30] });
    expect(() => layerStatistics(model, [[1e30]], [[0]])).toThrow(DivergenceError);
  });
});

it.each(engines)('changes nothing between the batches of a training on %s', async (engine) => {
  const spec = {
    inputShape: [2],
    layers: [dense(9, { activation: 'tanh' }), layers.dropout({ rate: 0.4 }), dense(1)],
    loss: 'meanSquaredError',
    seed: 4,
  } as const;
  const x = Array.from({ length: 20 }, (_, i) => [Math.sin(i), Math.cos(3 * i)]);
  const y = x.map(([a, b]) => [a! * b!]);
  const [alone, watched] = [networkOn(engine, spec), networkOn(engine, spec)];
  const expected = await alone.fit(x, y, { epochs: 4, batchSize: 6 });
  const shares: number[] = [];
  const look = () => {
    shares.push(layerStatistics(watched, x, y).layers[1]!.activations.zeros);
    layerStatistics(watched, [...x, ...x, ...x]);
  };
  const callbacks = [{ onEpochBegin: look, onBatchEnd: look, onTrainEnd: look }];
  const { history } = await watched.fit(x, y, { epochs: 4, batchSize: 6, callbacks });
  expect(hexOf(watched)).toEqual(hexOf(alone));
  expect(history).toEqual(expected.history);
  // Dropout as in training, and other masks for other steps.
  expect(Math.min(...shares)).toBeGreaterThan(0.2);
  expect(new Set(shares).size).toBeGreaterThan(5);
});
