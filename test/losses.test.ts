import { describe, expect, it, test } from 'vitest';
import {
  type ClassWeight,
  dense,
  type FitOptions,
  type LossSpec,
  layers,
  type NetworkSpec,
  sequential,
  standardScaler,
  type Targets,
} from '../src/index.js';
import { losses } from '../src/ops/index.js';
import { nameOf } from './catalogues.js';
import golden from './fixtures/losses.json' with { type: 'json' };

const { rows, outputs } = golden;
const z = Float32Array.from(golden.z);

interface Case {
  loss: LossSpec;
  last: 'linear' | 'sigmoid' | 'softmax' | 'softplus';
  targets: Targets;
  sampleWeight?: number[];
  classWeight?: number[];
  made: string;
  value: number;
  gradient: number[];
}
const cases = golden.cases as unknown as Case[];

describe.each(['wasm', 'js'] as const)(
  `against ${golden.tool} ${golden.version} on %s`,
  (backend) => {
    // x passes through weights of 1, whose gradient the step below shows.
    const network = ({ loss, last }: Case) => {
      const identity = Array.from({ length: outputs ** 2 }, (_, i) =>
        Number(i % (outputs + 1) === 0),
      );
      const model = sequential(
        {
          inputShape: [outputs],
          layers: [dense(outputs), layers.activation(last)],
          loss,
          optimizer: { type: 'sgd', learningRate: 1 },
        },
        { backend },
      );
      model.setWeights({ 'layers.0.w': identity });
      return model;
    };
    const near = (actual: ArrayLike<number>, truth: readonly number[]) => {
      expect(actual.length).toBe(truth.length);
      for (const [i, t] of truth.entries()) expect(Math.abs(actual[i]! - t)).toBeLessThan(2e-6);
    };

    test.each(cases.filter((c) => !c.classWeight).map((c) => [nameOf(c.loss), c.made, c] as const))(
      '%s is %s',
      (_, __, given) => {
        const { targets, sampleWeight, value, gradient } = given;
        const model = network(given);
        const options = sampleWeight ? { sampleWeight } : {};
        const { loss, inputs } = model.gradients(z, targets, { ...options, inputs: true });
        near([loss], [value]);
        near(inputs!, gradient);
        near([model.evaluate(z, targets, options).loss], [value]);
        expect(model.trainOnBatch(z, targets, options).loss).toBe(loss);
      },
    );

    test.each(cases.map((c) => [nameOf(c.loss), c.made, c] as const))(
      '%s is %s, by fit',
      async (_, __, given) => {
        const { targets, sampleWeight, classWeight, value, gradient } = given;
        const model = network(given);
        const options: FitOptions = {
          batchSize: rows,
          ...(sampleWeight && { sampleWeight }),
          ...(classWeight && { classWeight }),
        };
        const { history } = await model.fit(z, targets, options);
        near(history.loss!, [value]);
        // One step at a rate of 1 takes the gradient of the biases off: the sum over the rows.
        const columns = Array.from({ length: outputs }, (_, j) =>
          gradient.reduce((sum, g, i) => sum - (i % outputs === j ? g : 0), 0),
        );
        near(model.getWeights()['layers.0.b']!, columns);
      },
    );
  },
);

test('every loss and option that PyTorch or a paper has is among them', () => {
  const here = new Set(cases.map(({ loss }) => (typeof loss === 'string' ? loss : loss.type)));
  for (const name of Object.keys(losses)) {
    // These are in the trajectories.
    if (!['meanAbsoluteError'].includes(name)) expect(here).toContain(name);
  }
});

const names: NetworkSpec = {
  inputShape: [2],
  layers: [dense(4, { activation: 'tanh' }), dense(1)],
  loss: 'hinge',
  optimizer: { type: 'adam', learningRate: 0.05 },
  seed: 3,
};
const x = [
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
];

describe('hinge', () => {
  it.each(['hinge', 'squaredHinge'] as const)('learns classes by name: %s', async (loss) => {
    const model = sequential({ ...names, loss, metrics: ['accuracy', 'rocAuc'] });
    const { history } = await model.fit(x, ['no', 'yes', 'yes', 'no'], { epochs: 300 });
    expect(history.accuracy!.at(-1)).toBe(1);
    expect(history.rocAuc!.at(-1)).toBe(1);
    expect(model.predictClasses(x)).toEqual(['no', 'yes', 'yes', 'no']);
  });

  it('takes 0 for −1', async () => {
    const [one, other] = [sequential(names), sequential(names)];
    await one.fit(x, [0, 1, 1, 0], { epochs: 5 });
    await other.fit(x, [-1, 1, 1, -1], { epochs: 5 });
    expect(one.getWeights()).toEqual(other.getWeights());
  });
});

describe('poisson', () => {
  const spec: NetworkSpec = {
    inputShape: [1],
    layers: [dense(8), dense(1, { activation: 'softplus' })],
    loss: 'poisson',
    optimizer: { type: 'adam', learningRate: 0.05 },
  };

  it('learns rates', async () => {
    const model = sequential(spec);
    const counts = [0, 0, 1, 2, 2, 3, 4, 4, 5, 5];
    const at = counts.map((_, i) => [i / 5 - 1]);
    await model.fit(at, counts, { epochs: 400 });
    const rates = model.predict(at);
    const sum = (list: ArrayLike<number>) => Array.from(list).reduce((a, b) => a + b, 0);
    expect(Math.abs(sum(rates) - sum(counts))).toBeLessThan(1);
  });

  it('refuses counts below 0, and outputs that may be', () => {
    const model = sequential(spec);
    expect(() => model.evaluate([[1]], [-1])).toThrow(
      'y: row 0, column 0: expected a count of at least 0, got -1',
    );
    expect(() => sequential({ ...spec, layers: [dense(1)] })).toThrow(
      "loss: poisson takes rates, which are not negative, and the last activation is 'linear': make it 'softplus'",
    );
    expect(() => sequential({ ...spec, preprocess: { y: standardScaler() } })).toThrow(
      'preprocess.y: the targets of poisson are counts, which are not scaled',
    );
  });
});

describe('weights of classes', () => {
  const labels = ['a', 'a', 'a', 'b', 'a', 'b', 'c', 'a'];
  const points = labels.map((_, i) => [Math.sin(i), Math.cos(3 * i)]);
  const spec: NetworkSpec = {
    inputShape: [2],
    layers: [dense(5), dense(3)],
    task: 'multiclass',
    metrics: ['accuracy'],
    seed: 8,
  };
  const trained = async (options: FitOptions) => {
    const model = sequential(spec);
    const { history } = await model.fit(points, labels, { epochs: 3, batchSize: 3, ...options });
    return { weights: model.getWeights(), history };
  };

  it('are weights of rows', async () => {
    const factors = { a: 0.5, c: 3 } as const;
    const sampleWeight = labels.map((name) => (name === 'b' ? 1 : factors[name as 'a']));
    expect(await trained({ classWeight: factors })).toEqual(await trained({ sampleWeight }));
    expect(await trained({ classWeight: [0.5, 1, 3] })).toEqual(await trained({ sampleWeight }));
  });

  it('balance: n / (k·nₖ) each', async () => {
    const classWeight = [8 / (3 * 5), 8 / (3 * 2), 8 / 3];
    expect(await trained({ classWeight: 'balanced' })).toEqual(await trained({ classWeight }));
  });

  it('count where rows are, wherever they come from', async () => {
    const options = { sampleWeight: labels.map((_, i) => i / 4), classWeight: [1, 2, 3] };
    const whole = await trained(options);
    expect(await trained({ ...options, memoryBudget: 0 })).toEqual(whole);
    expect(await trained({ ...options, microBatchSize: 2 })).toEqual(whole);
    const ordered = await trained({ ...options, shuffle: false });
    const model = sequential({ ...spec, classes: ['a', 'b', 'c'] });
    await model.fit(
      function* () {
        for (let r = 0; r < 8; r += 3) {
          const y = labels.slice(r, r + 3);
          yield {
            x: points.slice(r, r + 3),
            y,
            sampleWeight: options.sampleWeight.slice(r, r + 3),
          };
        }
      },
      { epochs: 3, classWeight: { b: 2, c: 3 } },
    );
    expect(model.getWeights()).toEqual(ordered.weights);
  });

  it('of 1 change no bit', async () => {
    expect(await trained({ classWeight: [1, 1, 1] })).toEqual(await trained({}));
  });

  it('do not count where rows are held out, whose own weights do', async () => {
    const held = { validationData: [points, labels] } as const;
    const plain = await trained(held);
    const weighted = await trained({ ...held, classWeight: { c: 4 } });
    const model = sequential({ ...spec, classes: ['a', 'b', 'c'] });
    model.setWeights(weighted.weights);
    expect(weighted.history.val_loss!.at(-1)).toBeCloseTo(model.evaluate(points, labels).loss, 6);
    expect(plain.history.val_loss).not.toEqual(weighted.history.val_loss);
    const sampleWeight = labels.map((_, i) => i % 3);
    const own = await trained({ validationData: [points, labels, sampleWeight] });
    model.setWeights(own.weights);
    const { loss } = model.evaluate(points, labels, { sampleWeight });
    expect(own.history.val_loss!.at(-1)).toBeCloseTo(loss, 6);
    expect(own.weights).toEqual(plain.weights);
  });

  it('must be the same when a training is resumed', async () => {
    const options = {
      epochs: 4,
      classWeight: [1, 2, 3],
      sampleWeight: labels.map((_, i) => i + 1),
    };
    const whole = sequential(spec);
    await whole.fit(points, labels, options);
    const model = sequential(spec);
    const stopping = {
      onEpochEnd: ({ epoch, stop }: { epoch: number; stop(): void }) => {
        if (epoch === 1) stop();
      },
    };
    const { checkpoint } = await model.fit(points, labels, { ...options, callbacks: [stopping] });
    const resume = checkpoint!;
    await expect(
      sequential(spec).fit(points, labels, { ...options, classWeight: [1, 2, 4], resume }),
    ).rejects.toThrow('resume');
    const resumed = sequential(spec);
    await resumed.fit(points, labels, { ...options, resume, callbacks: [stopping] });
    expect(resumed.getWeights()).toEqual(whole.getWeights());
  });
});

describe('refuses', () => {
  const model = sequential({ inputShape: [1], layers: [dense(2)], task: 'multiclass' });
  const one = [[1], [2]];
  const cases: [string, unknown, string][] = [
    ['sampleWeight', 3, 'sampleWeight: expected an array of a number for each row, got 3'],
    ['sampleWeight', [1], 'sampleWeight: expected 2 numbers, one for each row, got 1'],
    ['sampleWeight', [1, -1], 'sampleWeight: row 1: expected a number of at least 0, got -1'],
    [
      'sampleWeight',
      [1, Number.NaN],
      'sampleWeight: row 1: expected a number of at least 0, got NaN',
    ],
    ['sampleWeight', [1, 1e39], 'sampleWeight: row 1: expected a number of at least 0, got 1e+39'],
    ['sampleWeight', [1, '2'], "sampleWeight: row 1: expected a number of at least 0, got '2'"],
    ['sampleWeight', [0, 0], 'sampleWeight: expected one above 0 at least, all are 0'],
    [
      'classWeight',
      'balance',
      "classWeight: expected 'balanced', or a number for each class, got 'balance'",
    ],
    ['classWeight', [1, 2, 3], 'classWeight: expected 2 numbers, one for each class, got 3'],
    ['classWeight', [1, -2], 'classWeight: 1: expected a number of at least 0, got -2'],
    ['classWeight', { 7: 1 }, "classWeight: '7' is none of the 2 classes; did you mean '0'?"],
    [
      'classWeight',
      JSON.parse('{"__proto__": 1}'),
      "classWeight: '__proto__' is none of the 2 classes",
    ],
  ];

  it.each(cases)('%s %j', async (name, given, message) => {
    const before = model.getWeights();
    await expect(model.fit(one, [0, 1], { [name]: given })).rejects.toThrow(message);
    expect(model.getWeights()).toEqual(before);
  });

  it('weights of classes where there are none', async () => {
    const numbers = sequential({ inputShape: [1], layers: [dense(1)], task: 'regression' });
    await expect(numbers.fit(one, [1, 2], { classWeight: [1, 2] })).rejects.toThrow(
      'classWeight: the targets of meanSquaredError are numbers: use sampleWeight',
    );
    const flags = sequential({ inputShape: [1], layers: [dense(2)], task: 'binary' });
    await expect(
      flags.fit(
        one,
        one.map(() => [0, 1]),
        { classWeight: [1, 2] },
      ),
    ).rejects.toThrow('classWeight: the targets of binaryCrossentropy say yes or no several times');
  });

  it('weights that an iterable cannot have', async () => {
    const batches = () => [{ x: one, y: [0, 1] }];
    const classWeight: ClassWeight = 'balanced';
    await expect(model.fit(batches, { classWeight })).rejects.toThrow(
      "classWeight: 'balanced' needs to know all rows, and an iterable goes by: give numbers",
    );
    await expect(model.fit(batches, { sampleWeight: [1, 2] } as never)).rejects.toThrow(
      'sampleWeight: an iterable gives its batches as they are to be: give it with each, { x, y, sampleWeight }',
    );
    await expect(model.fit(() => [{ x: one, y: [0, 1], sampleWeight: [1] }])).rejects.toThrow(
      'batch 0: sampleWeight: expected 2 numbers, one for each row, got 1',
    );
  });

  it('what a hinge has no sign for', () => {
    const hinge = sequential(names);
    expect(() => hinge.evaluate(x, [1, 1, 0.5, 0])).toThrow(
      'y: row 2, column 0: expected −1 or 1 (0 stands for −1), got 0.5',
    );
  });
});
