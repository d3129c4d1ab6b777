import { describe, expect, it } from 'vitest';
import { dense, layers, type Network, type NetworkSpec, sequential } from '../src/index.js';

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
