import { describe, expect, it } from 'vitest';
import { dense, layers, type Network, type NetworkSpec, sequential } from '../src/index.js';
import { generator } from './kernels/core.js';

const [rows, units] = [40, 50];
const size = rows * units;
const ones = new Float32Array(size).fill(1);
/** Far below every output, so that the slope of the absolute error is 1 everywhere. */
const targets = new Float32Array(size).fill(-10);

function network(
  rate: number,
  changes: Partial<NetworkSpec> = {},
  backend: 'wasm' | 'js' = 'wasm',
) {
  const spec: NetworkSpec = {
    inputShape: [units],
    layers: [layers.dropout({ rate })],
    loss: 'meanAbsoluteError',
    ...changes,
  };
  return sequential(spec, { backend });
}

/** The mask of the next step: what goes back through a dropout is the slope times the mask. */
function maskOf(model: Network): Float32Array {
  const { inputs } = model.gradients(ones, targets, { inputs: true });
  return inputs!.map((v) => v * size);
}

describe.each([0.1, 0.25, 0.5, 0.9])('a rate of %d', (rate) => {
  const model = network(rate);
  const mask = maskOf(model);
  const scale = 1 / (1 - rate);

  it('drops that share of the inputs', () => {
    const dropped = mask.filter((m) => m === 0).length / size;
    expect(Math.abs(dropped - rate)).toBeLessThan(5 * Math.sqrt((rate * (1 - rate)) / size));
  });

  it('makes up for it in the others', () => {
    for (const m of mask) if (m !== 0) expect(m / scale).toBeCloseTo(1, 5);
  });

  it('does the same to the inputs going forward', () => {
    // The loss is the mean of y + 10, and y is the mask where the inputs are 1.
    const mean = mask.reduce((sum, m) => sum + m, 0) / size;
    expect(model.gradients(ones, targets).loss).toBeCloseTo(mean + 10, 4);
  });

  it('is the same mask on both backends', () => {
    expect(maskOf(network(rate, {}, 'js'))).toEqual(mask);
  });

  it('does nothing in prediction and evaluation', () => {
    expect(model.predict(ones)).toEqual(ones);
    expect(model.evaluate(ones, targets).loss).toBe(11);
  });
});

it('a rate of 0 does nothing', () => {
  const changes = (rate: number): Partial<NetworkSpec> => ({
    layers: [dense(4), layers.dropout({ rate }), dense(units)],
  });
  const without = network(0, { layers: [dense(4), layers.activation('linear'), dense(units)] });
  const model = network(0, changes(0));
  expect(Object.values(model.gradients(ones, targets).weights)).toEqual(
    Object.values(without.gradients(ones, targets).weights),
  );
  const dropping = network(0.5, changes(0.5)).gradients(ones, targets);
  expect(dropping.weights).not.toEqual(model.gradients(ones, targets).weights);
});

describe('masks', () => {
  it('stay as long as no step is taken', () => {
    const model = network(0.5);
    const mask = maskOf(model);
    model.predict(ones);
    model.evaluate(ones, targets);
    expect(maskOf(model)).toEqual(mask);
  });

  it.each<[string, (model: Network) => unknown]>([
    ['trainOnBatch', (model) => model.trainOnBatch(ones, targets)],
    ['applyGradients', (model) => model.applyGradients({})],
    ['fit', (model) => model.fit(ones, targets, { batchSize: rows })],
  ])('change with a step of %s', async (_, step) => {
    const [model, twin] = [network(0.5), network(0.5)];
    const masks = [maskOf(model)];
    for (let i = 0; i < 3; i++) {
      await step(model);
      twin.trainOnBatch(ones, targets);
      masks.push(maskOf(model));
      expect(masks.at(-1)).toEqual(maskOf(twin));
    }
    expect(new Set(masks.map(String)).size).toBe(4);
    // Half of the elements differ between any two.
    const differing = masks[0]!.filter((m, i) => m !== masks[1]![i]).length / size;
    expect(Math.abs(differing - 0.5)).toBeLessThan(5 * Math.sqrt(0.25 / size));
  });

  it('differ between rows and columns', () => {
    const mask = maskOf(network(0.5));
    const row = (r: number) => mask.subarray(r * units, (r + 1) * units).join();
    expect(new Set(Array.from({ length: rows }, (_, r) => row(r))).size).toBe(rows);
  });

  it('differ from seed to seed', () => {
    expect(maskOf(network(0.5, { seed: 1 }))).not.toEqual(maskOf(network(0.5, { seed: 2 })));
  });

  it('differ from layer to layer', () => {
    const both = network(0.5, {
      layers: [layers.dropout({ rate: 0.5 }), layers.dropout({ rate: 0.5 })],
    });
    const kept = maskOf(both).filter((m) => m !== 0).length / size;
    expect(Math.abs(kept - 0.25)).toBeLessThan(5 * Math.sqrt((0.25 * 0.75) / size));
    // The first layer has the masks that it would have alone.
    const alone = maskOf(network(0.5));
    maskOf(both).forEach((m, i) => {
      if (m !== 0) expect(alone[i]).not.toBe(0);
    });
  });

  it('do not depend on how many rows the batch has', () => {
    const model = network(0.5);
    const mask = maskOf(model);
    const few = 3 * units;
    const { inputs } = model.gradients(ones.subarray(0, few), targets.subarray(0, few), {
      inputs: true,
    });
    expect(inputs!.map((v) => v * few)).toEqual(mask.subarray(0, few));
  });
});

describe('alpha dropout', () => {
  const normal = (seed: number) => {
    const random = generator(seed);
    const one = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return Float32Array.from({ length: 200 * 100 }, one);
  };
  const alphaNetwork = (rate: number, backend: 'wasm' | 'js' = 'wasm') =>
    sequential(
      { inputShape: [100], layers: [layers.alphaDropout({ rate })], loss: 'meanSquaredError' },
      { backend },
    );

  it.each([0.05, 0.2, 0.5, 0.8])('of %d keeps mean 0 and variance 1', (rate) => {
    const inputs = normal(3);
    const size = inputs.length;
    const model = alphaNetwork(rate);
    // The loss of targets t is the mean of (y − t)².
    const square = model.gradients(inputs, new Float32Array(size)).loss;
    const shifted = model.gradients(inputs, new Float32Array(size).fill(1)).loss;
    const mean = (square - shifted + 1) / 2;
    expect(Math.abs(mean)).toBeLessThan(5 / Math.sqrt(size));
    // The fourth moment is below that of twice a normal distribution.
    expect(Math.abs(square - mean ** 2 - 1)).toBeLessThan(5 * Math.sqrt(8 / size));
  });

  it('sets what it drops to the lower end of selu, before shift and scale', () => {
    const rate = 0.4;
    const model = alphaNetwork(rate);
    const inputs = new Float32Array(100 * 10);
    const { inputs: gradients } = model.gradients(inputs, inputs, { inputs: true });
    // At x = 0 the slope of the squared error is 2·a·y for what is kept, and y is b; else it is 0.
    const alpha = -1.0507009873554805 * 1.6732632423543772;
    const a = ((1 - rate) * (1 + rate * alpha ** 2)) ** -0.5;
    const b = -a * rate * alpha;
    const kept = gradients!.filter((g) => g !== 0);
    for (const g of kept) expect((g * inputs.length) / (2 * a * b)).toBeCloseTo(1, 5);
    expect(Math.abs(kept.length / 1000 - 0.6)).toBeLessThan(5 * Math.sqrt(0.24 / 1000));
    const { loss } = model.gradients(inputs, inputs);
    const dropped = 1 - kept.length / 1000;
    expect(loss).toBeCloseTo((1 - dropped) * b ** 2 + dropped * (a * alpha + b) ** 2, 5);
  });

  it('does nothing in prediction, or at a rate of 0', () => {
    const inputs = normal(9).subarray(0, 300);
    expect(alphaNetwork(0.5).predict(inputs)).toEqual(inputs);
    expect(alphaNetwork(0).gradients(inputs, inputs).loss).toBe(0);
  });

  it.each([
    [1, 'layers[0] (alphaDropout): rate: expected a number in [0, 1), got 1'],
    [-0.1, 'layers[0] (alphaDropout): rate: expected a number in [0, 1), got -0.1'],
    ['much', "layers[0] (alphaDropout): rate: expected a number, got 'much'"],
  ])('a rate of %s is refused', (rate, message) => {
    expect(() => alphaNetwork(rate as number)).toThrow(message);
  });
});

describe('Gaussian noise', () => {
  const count = 300 * 70;
  const noisy = (stddev: number, seed = 0, backend: 'wasm' | 'js' = 'wasm') =>
    sequential(
      {
        ...{ inputShape: [70], layers: [layers.gaussianNoise({ stddev })], seed },
        ...{ loss: 'meanSquaredError', optimizer: 'sgd' },
      },
      { backend },
    );
  /** The noise of the next step: the slope of the squared error of 0 is 2·n / count. */
  const noiseOf = (model: Network, rows = 300) => {
    const zeros = new Float32Array(rows * 70);
    return model
      .gradients(zeros, zeros, { inputs: true })
      .inputs!.map((g) => (g * zeros.length) / 2);
  };

  it('is normal, with the deviation asked for', () => {
    const noise = [...noiseOf(noisy(0.5))].map((n) => n / 0.5);
    const moment = (power: number) => noise.reduce((sum, n) => sum + n ** power, 0) / count;
    // Moments of a normal distribution, each within five deviations of its own.
    const moments = [0, 1, 0, 3, 0, 15, 0, 105, 0, 945, 0, 10395];
    [1, 2, 3, 4, 5, 6].forEach((power) => {
      const spread = Math.sqrt(moments[2 * power - 1]! - moments[power - 1]! ** 2);
      expect(Math.abs(moment(power) - moments[power - 1]!)).toBeLessThan(
        (5 * spread) / Math.sqrt(count),
      );
    });
    // Shares below thresholds, against the normal distribution function.
    for (const [z, share] of [
      [-2, 0.02275],
      [-1, 0.15866],
      [-0.5, 0.30854],
      [0.25, 0.59871],
      [1.5, 0.93319],
    ] as const) {
      const below = noise.filter((n) => n < z).length / count;
      expect(Math.abs(below - share)).toBeLessThan(5 * Math.sqrt((share * (1 - share)) / count));
    }
    // Neighbours have nothing to do with each other.
    for (const apart of [1, 2, 70]) {
      const product = noise.reduce((sum, n, i) => sum + n * (noise[i + apart] ?? 0), 0) / count;
      expect(Math.abs(product)).toBeLessThan(5 / Math.sqrt(count));
    }
  });

  it('is the same on both backends, by batch size, and until a step is taken', () => {
    const model = noisy(0.3);
    const noise = noiseOf(model);
    expect(noiseOf(noisy(0.3, 0, 'js'))).toEqual(noise);
    expect(noiseOf(model)).toEqual(noise);
    const few = noiseOf(model, 3);
    few.forEach((n, i) => {
      expect(n).toBeCloseTo(noise[i]!, 6);
    });
    const zeros = new Float32Array(140);
    model.trainOnBatch(zeros, zeros);
    expect(noiseOf(model)).not.toEqual(noise);
    expect(noiseOf(noisy(0.3, 1))).not.toEqual(noise);
  });

  it('does nothing in prediction, or with a deviation of 0', () => {
    const inputs = Float32Array.from({ length: 140 }, (_, i) => i);
    expect(noisy(3).predict(inputs)).toEqual(inputs);
    expect(noisy(0).gradients(inputs, inputs).loss).toBe(0);
  });

  it('of a negative deviation is refused', () => {
    expect(() => noisy(-1)).toThrow(
      'layers[0] (gaussianNoise): stddev: expected a number of at least 0, got -1',
    );
  });
});
