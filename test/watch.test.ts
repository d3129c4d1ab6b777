import { describe, expect, it } from 'vitest';
import {
  dense,
  type FitOptions,
  layers,
  type NetworkSpec,
  sequential,
  standardScaler,
} from '../src/index.js';
import { engines, hexOf, networkOn } from './engines.js';

const count = 64;
const x = Array.from({ length: count }, (_, i) => [Math.sin(i), Math.cos(3 * i), Math.sin(7 * i)]);
const y = x.map(([a, b]) => [a! * b!]);

const spec = (changes: Partial<NetworkSpec> = {}): NetworkSpec => ({
  inputShape: [3],
  layers: [dense(12, { activation: 'relu' }), dense(1)],
  loss: 'meanSquaredError',
  seed: 1,
  ...changes,
});

/** What is said in a training. */
async function warnings(given: NetworkSpec, rows = x, targets = y, options: FitOptions = {}) {
  const said: string[] = [];
  const model = sequential(given, { onWarning: (message) => said.push(message) });
  await model.fit(rows, targets, { epochs: 12, batchSize: 4, ...options });
  await model.fit(rows, targets, { epochs: 100, batchSize: 4, ...options });
  return said;
}

const large = x.map((row) => row.map((v) => 200 * v));
const constant = (value: number) => ({ type: 'constant', value }) as const;

describe('warns once', () => {
  it('of large inputs, unless there is a scaler', async () => {
    const said = await warnings(spec(), large);
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(
      /^chainrule: inputs reach 200, beyond ±10: .* scale them \(preprocess: \{ x: standardScaler\(\) \}\)$/,
    );
    expect(await warnings(spec({ preprocess: { x: standardScaler() } }), large)).toEqual([]);
  });

  it('of dead units', async () => {
    const said = await warnings(
      spec({
        layers: [dense(12, { activation: 'relu', biasInitializer: constant(-9) }), dense(1)],
      }),
    );
    expect(said[0]).toMatch(
      /^chainrule: layers\.0 \(dense\): 100 % of the units are 0 for all of 64 rows.*lower the learning rate, or take activation: 'leakyRelu'$/,
    );
    // All units dead, the output is constant too.
    expect(said[1]).toMatch(/^chainrule: the outputs are the same for all of 64 rows/);
    expect(said).toHaveLength(2);
  });

  it('of constant outputs', async () => {
    const zeros = { weightInitializer: 'zeros' } as const;
    const said = await warnings(spec({ layers: [dense(4, zeros), dense(1, zeros)] }));
    expect(said.some((message) => message.includes('the outputs are the same'))).toBe(true);
    expect(said.some((message) => message.includes('weightInitializer'))).toBe(true);
    // Which is right where there is nothing else to learn.
    const same = x.map(() => [0]);
    const plain = await warnings(spec({ layers: [dense(4, zeros), dense(1, zeros)] }), x, same);
    expect(plain).toEqual([]);
  });

  it('of gradients that vanish', async () => {
    const deep = Array.from({ length: 10 }, () => dense(8, { activation: 'sigmoid' }));
    const said = await warnings(spec({ layers: [...deep, dense(1)] }));
    const found = said.filter((message) => message.includes('vanish'));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(
      /their norms are layers\.0 \S+e-\d+, .*layers\.10 .*: take relu or its kin/,
    );
    const shallow = await warnings(
      spec({ layers: [dense(8, { activation: 'sigmoid' }), dense(1)] }),
    );
    expect(shallow).toEqual([]);
  });

  it('of gradients that explode', async () => {
    const said = await warnings(
      spec(),
      x,
      y.map(([v]) => [1e6 * v! + 3e6]),
    );
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(/^chainrule: gradients explode; .*clip \(clipping: 'globalNorm'\)$/);
  });

  it('of a loss that does not move', async () => {
    const optimizer = { type: 'sgd', learningRate: 1e-9 } as const;
    const said = await warnings(spec({ optimizer }));
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(
      /^chainrule: the loss has not moved in 1\d* epochs, .*findLearningRate/,
    );
    // Nor where few steps were made yet, or another training came to its end before.
    expect(await warnings(spec({ optimizer }), x, y, { batchSize: 64, epochs: 5 })).toEqual([]);
  });
});

it('says nothing of trainings that go well', async () => {
  const healthy: Partial<NetworkSpec>[] = [
    {},
    { optimizer: { type: 'sgd', learningRate: 0.05 } },
    { layers: [dense(12, { activation: 'relu' }), layers.dropout({ rate: 0.5 }), dense(1)] },
    { layers: [1, 2, 3, 4, 5].map(() => dense(16, { activation: 'relu' })).concat(dense(1)) },
    { layers: [1, 2, 3].map(() => dense(16, { activation: 'tanh' })).concat(dense(1)) },
    { layers: [dense(1)] },
  ];
  for (const changes of healthy) expect(await warnings(spec(changes))).toEqual([]);
});

it('says nothing of a network that has learnt all there is', async () => {
  const line = x.map(([a]) => [2 * a!]);
  const learnt = spec({ layers: [dense(1)], optimizer: { type: 'sgd', learningRate: 0.3 } });
  expect(await warnings(learnt, x, line, { epochs: 300 })).toEqual([]);
});

it.each(engines)('looking changes no bit on %s', async (engine) => {
  const options = { epochs: 30, batchSize: 7 };
  const busy = spec({
    layers: [dense(9, { activation: 'relu' }), layers.dropout({ rate: 0.3 }), dense(1)],
    optimizer: 'sgd',
  });
  const once = networkOn(engine, busy);
  const { history } = await once.fit(x, y, options);
  // Step by step, where nobody looks.
  const stepped = networkOn(engine, busy);
  const losses: number[] = [];
  for await (const { logs } of stepped.epochs(x, y, { ...options, learningRate: 0.01 })) {
    losses.push(logs.loss!);
  }
  const scheduled = networkOn(engine, busy);
  await scheduled.fit(x, y, { ...options, learningRate: 0.01 });
  expect(hexOf(stepped)).toEqual(hexOf(once));
  expect(hexOf(scheduled)).toEqual(hexOf(once));
  expect(losses).toEqual(history.loss);
});
