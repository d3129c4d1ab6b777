import { describe, expect, it } from 'vitest';
import { holdOut, readCsv } from '../../examples/dataset.js';
import { dense, type NetworkSpec, sequential, standardScaler } from '../../src/index.js';

// Real data, a fifth of it held out by the seed.

describe('iris', () => {
  const flowers = readCsv('data/iris.csv').map((row) => ({
    sizes: row.slice(0, 4).map(Number),
    species: row[4]!,
  }));

  it('has 150 flowers of three species', () => {
    expect(flowers).toHaveLength(150);
    expect(new Set(flowers.map(({ species }) => species)).size).toBe(3);
  });

  it.each(['wasm', 'js'] as const)('is told apart on %s', async (backend) => {
    let right = 0;
    let all = 0;
    for (const seed of [1, 2, 3]) {
      const { training, test } = holdOut(flowers, ({ species }) => species, 0.2, seed);
      const spec: NetworkSpec = {
        inputShape: [4],
        layers: [dense(16), dense(3)],
        task: 'multiclass',
        optimizer: { type: 'adam', learningRate: 0.01 },
        preprocess: { x: standardScaler() },
        metrics: ['accuracy'],
        seed,
      };
      const model = sequential(spec, { backend });
      await model.fit(
        training.map(({ sizes }) => sizes),
        training.map(({ species }) => species),
        { epochs: 60, batchSize: 16 },
      );
      const found = model.predictClasses(test.map(({ sizes }) => sizes));
      right += test.filter(({ species }, i) => species === found[i]).length;
      all += test.length;
      expect(model.classes).toEqual(['setosa', 'versicolor', 'virginica']);
    }
    expect(all).toBe(90);
    // Two of the species overlap: some 96 % is what other methods reach as well.
    expect(right / all).toBeGreaterThanOrEqual(0.93);
  });
});

describe('handwritten digits', () => {
  const digits = readCsv('data/digits.csv').map((row) => ({
    pixels: row.slice(0, 64).map((value) => Number(value) / 16),
    label: Number(row[64]),
  }));
  const { training, test } = holdOut(digits, ({ label }) => label, 0.2, 42);
  const dataOf = (part: typeof digits) =>
    [part.map(({ pixels }) => pixels), part.map(({ label }) => label)] as const;
  const spec: NetworkSpec = {
    inputShape: [64],
    layers: [dense(64), dense(10)],
    task: 'multiclass',
    metrics: ['accuracy'],
    optimizer: { type: 'sgd', learningRate: 0.1, momentum: 0.9 },
    seed: 42,
  };

  it('has 1,797 digits of ten kinds', () => {
    expect(digits).toHaveLength(1797);
    expect(test).toHaveLength(359);
    expect(new Set(digits.map(({ label }) => label)).size).toBe(10);
  });

  it('are read, 97 of 100', async () => {
    const model = sequential(spec);
    const options = { epochs: 30, validationData: dataOf(test) };
    const { history } = await model.fit(...dataOf(training), options);
    expect(history.accuracy!.at(-1)).toBeGreaterThanOrEqual(0.995);
    const { accuracy } = model.evaluate(...dataOf(test));
    expect(accuracy).toBe(history.val_accuracy!.at(-1));
    expect(accuracy).toBeGreaterThanOrEqual(0.97);
  });

  it('are learnt alike on both backends, to the last bit', async () => {
    const models = (['wasm', 'js'] as const).map((backend) => sequential(spec, { backend }));
    const [wasm, js] = models;
    const results = [];
    for (const model of models) results.push(await model.fit(...dataOf(training), { epochs: 2 }));
    expect(results[0]).toEqual(results[1]);
    for (const [name, weights] of Object.entries(wasm!.getWeights())) {
      expect(Buffer.from(js!.getWeights()[name]!.buffer)).toEqual(Buffer.from(weights.buffer));
    }
  });
});
