import { describe, expect, it } from 'vitest';
import { dense, type NetworkSpec, type OptimizerSpec, sequential } from '../../src/index.js';

// Small tasks that no straight line solves, learnt from several seeds.

describe.each(['wasm', 'js'] as const)('on %s', (backend) => {
  const optimizers: OptimizerSpec[] = [
    { type: 'sgd', learningRate: 0.5 },
    { type: 'sgd', learningRate: 0.1, momentum: 0.9 },
    { type: 'adam', learningRate: 0.05 },
  ];

  it.each(optimizers)('%j learns exclusive or', async (optimizer) => {
    const x = [
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ];
    const y = [0, 1, 1, 0];
    for (const seed of [1, 2, 3, 4, 5]) {
      const spec: NetworkSpec = {
        inputShape: [2],
        layers: [dense(8, { activation: 'tanh' }), dense(1)],
        task: 'binary',
        optimizer,
        metrics: ['accuracy'],
        seed,
      };
      const model = sequential(spec, { backend });
      const { history } = await model.fit(x, y, { epochs: 600 });
      expect(model.predictClasses(x), `seed ${seed}`).toEqual(y);
      expect(history.loss.at(-1), `seed ${seed}`).toBeLessThan(0.05);
      expect(history.accuracy!.at(-1)).toBe(1);
    }
  });
});

/** Points along two spirals that wind round each other, and the arm that each belongs to. */
function spirals(count: number, shift: number) {
  const x: number[][] = [];
  const y: number[] = [];
  for (let i = 0; i < count; i++) {
    const angle = ((i + shift) / count) * 3 * Math.PI + 0.5;
    for (const arm of [0, 1]) {
      const turn = angle + arm * Math.PI;
      x.push([(angle / 3) * Math.cos(turn), (angle / 3) * Math.sin(turn)]);
      y.push(arm);
    }
  }
  return [x, y] as const;
}

it.each([1, 2, 3])(
  'two spirals are told apart, also between the points seen, seed %i',
  async (seed) => {
    const model = sequential({
      inputShape: [2],
      layers: [dense(24, { activation: 'silu' }), dense(24, { activation: 'silu' }), dense(1)],
      task: 'binary',
      optimizer: { type: 'adam', learningRate: 0.01 },
      metrics: ['accuracy'],
      seed,
    });
    const { history } = await model.fit(...spirals(97, 0), { epochs: 150, batchSize: 16 });
    expect(history.accuracy!.at(-1)).toBeGreaterThanOrEqual(0.99);
    expect(model.evaluate(...spirals(96, 0.5)).accuracy).toBeGreaterThanOrEqual(0.99);
  },
);

it('a curve is fitted, also between the points seen', async () => {
  const points = Array.from({ length: 64 }, (_, i) => (i / 63) * 2 * Math.PI - Math.PI);
  const model = sequential({
    inputShape: [1],
    layers: [dense(20, { activation: 'tanh' }), dense(20, { activation: 'tanh' }), dense(1)],
    task: 'regression',
    optimizer: { type: 'adam', learningRate: 0.005 },
    seed: 3,
  });
  await model.fit(points, points.map(Math.sin), { epochs: 800, batchSize: 64 });
  const between = points.slice(1).map((p) => p - Math.PI / 63);
  const errors = model.predict(between).map((v, i) => Math.abs(v - Math.sin(between[i]!)));
  expect(Math.max(...errors)).toBeLessThan(0.05);
});
