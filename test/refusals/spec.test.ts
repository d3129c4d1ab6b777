import { describe, expect, it } from 'vitest';
import {
  dense,
  layers,
  type NetworkSpec,
  ShapeError,
  sequential,
  standardScaler,
} from '../../src/index.js';
import { activations, losses, optimizers } from '../../src/ops/index.js';

// What `sequential` refuses, and how it says so.

const good = {
  inputShape: [4],
  layers: [{ type: 'dense', units: 3 }],
  loss: 'meanSquaredError',
};

/** Changes to a good spec, whatever their type, and what must come of them. */
type Refusal = [changes: Record<string, unknown>, type: new () => Error, message: string];

const build = (changes: Record<string, unknown>) =>
  sequential({ ...good, ...changes } as unknown as NetworkSpec, { backend: 'js' });

/** @param where how all the messages begin */
function refuses(where: string, refusals: Refusal[]): void {
  it.each(refusals)('%j', (changes, type, message) => {
    let error: unknown;
    try {
      build(changes);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(type);
    expect((error as Error).message).toBe(where + message);
  });
}

const layer = (spec: unknown) => ({ layers: [spec] });
const units = (value: unknown) => layer({ type: 'dense', units: value });
const initializer = (value: unknown) =>
  layer({ type: 'dense', units: 2, weightInitializer: value });

it('takes the spec that the others are made from', () => {
  expect(build({}).toJSON()).toMatchObject(good);
});

describe('the shape of the inputs', () => {
  const example = 'expected an array such as [4] or [28, 28]';
  refuses('inputShape', [
    [{ inputShape: undefined }, TypeError, `: ${example}, got undefined`],
    [{ inputShape: 4 }, TypeError, `: ${example}, got 4`],
    [{ inputShape: [] }, TypeError, `: ${example}, got an array of 0`],
    [{ inputShape: ['4'] }, TypeError, "[0]: expected a whole number, got '4'"],
    [{ inputShape: [2, 0] }, RangeError, '[1]: expected a whole number of at least 1, got 0'],
    [{ inputShape: [2.5] }, RangeError, '[0]: expected a whole number of at least 1, got 2.5'],
  ]);
});

describe('layers', () => {
  const least = 'expected at least one layer';
  const example = 'expected a layer such as layers.dense({ units: 8 })';
  refuses('layers', [
    [{ layers: [] }, TypeError, `: ${least}, got an array of 0`],
    [{ layers: {} }, TypeError, `: ${least}, got an object`],
    [{ layers: undefined, task: 'binary' }, TypeError, `: ${least}, got undefined`],
    [layer(null), TypeError, `[0]: ${example}, got null`],
    [layer('dense'), TypeError, `[0]: ${example}, got 'dense'`],
    [
      layer({ type: 'dens', units: 3 }),
      RangeError,
      "[0]: type: unknown name 'dens'; did you mean 'dense'?",
    ],
    [layer({ units: 3 }), TypeError, "[0]: type: expected a name such as 'dense', got undefined"],
    [
      layer({ type: 'dense', units: 3, activatoin: 'relu' }),
      TypeError,
      "[0]: unknown option 'activatoin'; did you mean 'activation'?",
    ],
    [units(0), RangeError, '[0] (dense): units: expected a whole number of at least 1, got 0'],
    [units(-3), RangeError, '[0] (dense): units: expected a whole number of at least 1, got -3'],
    [units(1.5), RangeError, '[0] (dense): units: expected a whole number of at least 1, got 1.5'],
    [
      units(Number.NaN),
      RangeError,
      '[0] (dense): units: expected a whole number of at least 1, got NaN',
    ],
    [units('3'), TypeError, "[0] (dense): units: expected a whole number, got '3'"],
    [units(undefined), TypeError, '[0] (dense): units: expected a whole number, got undefined'],
    [
      layer({ type: 'dense', units: 2, useBias: 1 }),
      TypeError,
      '[0] (dense): useBias: expected true or false, got 1',
    ],
    [
      layer({ type: 'dense', units: 2, activation: 'rleu' }),
      RangeError,
      "[0] (dense): activation: unknown name 'rleu'; did you mean 'relu'?",
    ],
    [
      layer({ type: 'activation', activation: { type: 'elu', alhpa: 1 } }),
      TypeError,
      "[0] (activation): activation: unknown option 'alhpa'; did you mean 'alpha'?",
    ],
    [
      layer({ type: 'activation' }),
      TypeError,
      "[0] (activation): activation: expected a name such as 'linear', got undefined",
    ],
    [
      layer({ type: 'dropout', rate: 1 }),
      RangeError,
      '[0] (dropout): rate: expected a number in [0, 1), got 1',
    ],
    [
      layer({ type: 'dropout', rate: -0.1 }),
      RangeError,
      '[0] (dropout): rate: expected a number in [0, 1), got -0.1',
    ],
    [
      layer({ type: 'dropout', rate: '0.5' }),
      TypeError,
      "[0] (dropout): rate: expected a number, got '0.5'",
    ],
    [
      layer({ type: 'reshape', shape: [] }),
      TypeError,
      '[0] (reshape): shape: expected an array such as [28, 28, 1], got an array of 0',
    ],
    [
      layer({ type: 'reshape', shape: [-1, -1] }),
      RangeError,
      '[0] (reshape): shape: expected one −1 at most, got 2',
    ],
    [
      layer({ type: 'reshape', shape: [2, 0] }),
      RangeError,
      '[0] (reshape): shape[1]: expected a whole number of at least 1, got 0',
    ],
    ...[[5], [-1, 5], [2, 2, 2]].map(
      (shape): Refusal => [
        { inputShape: [2, 3], layers: [layers.reshape({ shape })] },
        ShapeError,
        `[0] (reshape): rows of shape [2, 3] hold 6 numbers, which [${shape.join(', ')}] does not`,
      ],
    ),
  ]);
});

describe('initializers', () => {
  const where = 'weightInitializer';
  refuses('layers[0] (dense): ', [
    [
      initializer('heUnifrom'),
      RangeError,
      `${where}: unknown name 'heUnifrom'; did you mean 'heUniform'?`,
    ],
    [
      initializer({ type: 'constant', value: Number.POSITIVE_INFINITY }),
      RangeError,
      `${where}: value: expected a finite number, got Infinity`,
    ],
    [
      initializer({ type: 'randomUniform', min: 1, max: 0 }),
      RangeError,
      `${where}: expected min ≤ max, got min 1 and max 0`,
    ],
    [
      initializer({ type: 'randomNormal', stddev: -1 }),
      RangeError,
      `${where}: stddev: expected a number of at least 0, got -1`,
    ],
    [
      layer({ type: 'dense', units: 2, biasInitializer: 7 }),
      TypeError,
      "biasInitializer: expected a name such as 'glorotUniform', got 7",
    ],
  ]);
});

describe('losses', () => {
  const remedy = (type: string, wanted: string, last: string) =>
    `${type} is computed from the logits of a ${wanted}, and the last activation is '${last}': ` +
    `make it '${wanted}', or, if the outputs are logits, write { type: '${type}', fromLogits: true }`;
  refuses('loss: ', [
    [
      { loss: 'meanSquareError' },
      RangeError,
      "unknown name 'meanSquareError'; did you mean 'meanSquaredError'?",
    ],
    [{ loss: null }, TypeError, "expected a name such as 'meanSquaredError', got null"],
    [
      { loss: { type: 'huber', delta: -1 } },
      RangeError,
      'delta: expected a number of at least 0, got -1',
    ],
    [
      { loss: { type: 'meanAbsoluteError', reduction: 'halfSum' } },
      RangeError,
      "reduction: 'mean' and 'halfSum' are for meanSquaredError, got 'halfSum' for meanAbsoluteError",
    ],
    [
      { loss: { type: 'meanSquaredError', reduction: 'sum' } },
      RangeError,
      "reduction: 'mean' and 'halfSum' are for meanSquaredError, got 'sum' for meanSquaredError",
    ],
    [
      { loss: { type: 'huber', fromLogits: true } },
      TypeError,
      'fromLogits: expected true or false for a cross-entropy, got true for huber',
    ],
    [
      { loss: { type: 'binaryCrossentropy', fromLogits: 1 } },
      TypeError,
      'fromLogits: expected true or false for a cross-entropy, got 1 for binaryCrossentropy',
    ],
    ...Object.entries(losses).flatMap(([loss, definition]): Refusal[] => {
      if (!('logits' in definition)) return [];
      const { logits } = definition;
      const others = Object.keys(activations).filter((name) => name !== logits);
      return [
        ...others.map(
          (last): Refusal => [
            { loss, layers: [{ type: 'dense', units: 3, activation: last }] },
            RangeError,
            remedy(loss, logits, last),
          ],
        ),
        [{ loss: { type: loss, fromLogits: false } }, RangeError, remedy(loss, logits, 'linear')],
        [
          { loss, layers: [dense(3, { activation: logits }), layers.dropout({ rate: 0.5 })] },
          RangeError,
          remedy(loss, logits, 'linear'),
        ],
      ];
    }),
  ]);
});

describe('optimizers', () => {
  const positive = 'a number above 0';
  refuses('optimizer: ', [
    [{ optimizer: 'adma' }, RangeError, "unknown name 'adma'; did you mean 'adam'?"],
    [
      { optimizer: { type: 'sgd', beta1: 0.9 } },
      TypeError,
      "unknown option 'beta1'; known: learningRate, weightDecay, decoupled, decayBiases, momentum, dampening, nesterov",
    ],
    [
      { optimizer: { type: 'sgd', momentum: 1 } },
      RangeError,
      'momentum: expected a number in [0, 1), got 1',
    ],
    [{ optimizer: { type: 'adam', beta2: null } }, TypeError, 'beta2: expected a number, got null'],
    [
      { optimizer: { type: 'adam', beta2: 1 } },
      RangeError,
      'beta2: expected a number in [0, 1), got 1',
    ],
    [
      { optimizer: { type: 'adam', epsilon: 0 } },
      RangeError,
      `epsilon: expected ${positive}, got 0`,
    ],
    ...Object.keys(optimizers).flatMap((type): Refusal[] => [
      ...[0, -0.1, Number.NaN, Number.POSITIVE_INFINITY].map(
        (rate): Refusal => [
          { optimizer: { type, learningRate: rate } },
          RangeError,
          `learningRate: expected ${positive}, got ${rate}`,
        ],
      ),
      [
        { optimizer: { type, learningRate: '0.1' } },
        TypeError,
        "learningRate: expected a number, got '0.1'",
      ],
    ]),
  ]);
});

describe('the rest of the spec', () => {
  const scalers = [standardScaler()];
  const classification = {
    layers: [dense(3, { activation: 'softmax' })],
    loss: 'sparseCategoricalCrossentropy',
  };
  refuses('', [
    [{ losss: 'huber' }, TypeError, "the spec: unknown option 'losss'; did you mean 'loss'?"],
    [{ task: 'multi' }, RangeError, "task: unknown name 'multi'; did you mean 'multiclass'?"],
    [{ metrics: 'accuracy' }, TypeError, "metrics: expected an array, got 'accuracy'"],
    [
      { metrics: ['acuracy'] },
      RangeError,
      "metrics[0]: unknown name 'acuracy'; did you mean 'accuracy'?",
    ],
    [{ seed: -1 }, RangeError, 'seed: expected a whole number of at least 0, got -1'],
    [{ seed: 2 ** 32 }, RangeError, 'seed: expected less than 2³², got 4294967296'],
    [{ seed: '7' }, TypeError, "seed: expected a whole number, got '7'"],
    [
      { preprocess: { z: standardScaler() } },
      TypeError,
      "preprocess: unknown option 'z'; did you mean 'x'?",
    ],
    [{ preprocess: null }, TypeError, 'preprocess: expected an object, got null'],
    [
      { preprocess: { x: { type: 'standardScalar' } } },
      RangeError,
      "preprocess.x: unknown name 'standardScalar'; did you mean 'standardScaler'?",
    ],
    [
      { preprocess: { x: scalers } },
      ShapeError,
      'preprocess.x: expected 4 scalers, one a column, got 1',
    ],
    [
      { preprocess: { y: [null, 5, null] } },
      TypeError,
      "preprocess.y[1]: expected a name such as 'standardScaler', got 5",
    ],
    [
      { ...classification, preprocess: { y: standardScaler() } },
      RangeError,
      'preprocess.y: the targets of sparseCategoricalCrossentropy are classes or probabilities, which are not scaled',
    ],
    [{ classes: 'abc' }, TypeError, "classes: expected an array of names, got 'abc'"],
    [
      { classes: ['a', null, 'b'] },
      TypeError,
      'classes[1]: expected text, a number or a boolean, got null',
    ],
    [{ ...classification, classes: ['a', 'b', 'a'] }, RangeError, "classes: 'a' comes twice"],
    [
      { ...classification, classes: ['a', 'b', 'c', 'd'] },
      RangeError,
      'classes: expected 3 names, as many as the network tells apart, got 4',
    ],
    [
      { layers: [dense(1)], classes: [true] },
      RangeError,
      'classes: expected 2 names, as many as the network tells apart, got 1',
    ],
  ]);

  it.each([null, undefined, 'dense', [good]])('a spec that is %j', (spec) => {
    expect(() => sequential(spec as unknown as NetworkSpec)).toThrow(
      'the spec: expected an object',
    );
  });
});
