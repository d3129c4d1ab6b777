import { describe, expect, it } from 'vitest';
import {
  dense,
  type NetworkSpec,
  ShapeError,
  sequential,
  standardScaler,
  type Targets,
} from '../../src/index.js';
import { doors, Pair, type Refusal, x, y } from './pair.js';

// Targets that a loss does not take, and networks that cannot take any yet.

const none = 'expected at least one row, got none';
const classes: Partial<NetworkSpec> = {
  layers: [dense(2, { activation: 'softmax' })],
  loss: 'sparseCategoricalCrossentropy',
};
const index = 'expected a class index from 0 to 1';
const probability = 'expected a probability from 0 to 1';
const remedy = 'name them all with the option `classes` if some do not occur';
const many = 'expected 2 classes, as many as the network tells apart';
const oneHot = { layers: classes.layers!, loss: 'categoricalCrossentropy' } as const;
const yesNo = {
  layers: [dense(1, { activation: 'sigmoid' })],
  loss: 'binaryCrossentropy',
} as const;
const named = { ...classes, classes: ['cat', 'dog'] };
const numbers = [[1, 2], [3]];

const badTargets: [...Refusal, Partial<NetworkSpec>, Targets][] = [
  ['fewer rows', [[1, 2]], ShapeError, 'expected 2 rows, as many as x has, got 1', {}, y],
  ['ragged rows', numbers, ShapeError, 'row 1: expected rows of 2 numbers, got 1', {}, y],
  ['none', [], RangeError, none, {}, y],
  [
    'NaN',
    [
      [1, 2],
      [Number.NaN, 0],
    ],
    RangeError,
    'row 1, column 0: expected a finite number, got NaN',
    {},
    y,
  ],
  ['names', ['a', 'b'], TypeError, "row 0, column 0: expected a number, got 'a'", {}, y],
  ['a class too high', [0, 2], RangeError, `row 1: ${index}, got 2`, classes, [0, 1]],
  ['a class below 0', Int8Array.of(-1, 0), RangeError, `row 0: ${index}, got -1`, classes, [0, 1]],
  ['half a class', [0, 0.5], RangeError, `row 1: ${index}, got 0.5`, classes, [0, 1]],
  ['a class that is NaN', [0, Number.NaN], RangeError, `row 1: ${index}, got NaN`, classes, [0, 1]],
  ['no class', [0, null], TypeError, `row 1: ${index}, got null`, classes, [0, 1]],
  ['no list of classes', 7, TypeError, 'expected an array of class labels, got 7', classes, [0, 1]],
  ['no classes', [], RangeError, none, classes, [0, 1]],
  ['fewer labels', [0], ShapeError, 'expected 2 rows, as many as x has, got 1', classes, [0, 1]],
  ['one name', ['a', 'a'], RangeError, `${many}, got 1: 'a'; ${remedy}`, classes, [0, 1]],
  [
    'three names',
    ['c', 'a', 'b'],
    RangeError,
    `${many}, got 3: 'a', 'b', 'c'; ${remedy}`,
    classes,
    [0, 1],
  ],
  [
    'rows in place of labels',
    [
      [1, 0],
      [0, 1],
    ],
    TypeError,
    `row 0: ${index}, got an array of 2; for one row of probabilities each, use categoricalCrossentropy`,
    classes,
    [0, 1],
  ],
  [
    'an unknown name',
    ['dog', 'kat'],
    RangeError,
    "row 1: 'kat' is none of the 2 classes; did you mean 'cat'?",
    named,
    ['cat', 'dog'],
  ],
  [
    'more than certain',
    [
      [0, 1],
      [0, 1.5],
    ],
    RangeError,
    `row 1, column 1: ${probability}, got 1.5`,
    oneHot,
    y.map(() => [0, 1]),
  ],
  [
    'less than impossible',
    [
      [0, 1],
      [-1, 1],
    ],
    RangeError,
    `row 1, column 0: ${probability}, got -1`,
    oneHot,
    y.map(() => [0, 1]),
  ],
  [
    'indices in place of rows',
    [0, 1, 1],
    ShapeError,
    'expected rows of 2 probabilities, got single numbers; for class indices, use sparseCategoricalCrossentropy',
    oneHot,
    y.map(() => [0, 1]),
  ],
  [
    'neither yes nor no',
    [1, 2],
    RangeError,
    `row 1, column 0: ${probability}, got 2`,
    yesNo,
    [0, 1],
  ],
  [
    'three answers',
    ['y', 'n', 'maybe'],
    RangeError,
    `${many}, got 3: 'maybe', 'n', 'y'; ${remedy}`,
    yesNo,
    [0, 1],
  ],
];

describe.each(badTargets)('targets: %s', (_, given, type, message, changes, fitting) => {
  const targets = given as Targets;
  it.each(Object.entries(doors))('%s refuses them', async (_door, open) => {
    const pair = new Pair(changes, [x, fitting]);
    await pair.refuses((model) => open(model, x, targets), type, `y: ${message}`);
    const validationData = [x, targets] as const;
    const where = 'validationData[1]: ';
    await pair.refuses(
      (model) => model.fit(x, fitting, { validationData }),
      type,
      where + message.replace('x has', 'validationData[0] has'),
    );
    await pair.isWhole();
  });
});

it.each(Object.entries(doors))('%s without a loss', async (_, open) => {
  const model = sequential({ inputShape: [3], layers: [dense(2)] });
  const message =
    'this network has no loss, so it can only predict: give sequential() a loss, or a task';
  await expect((async () => open(model, x, y))()).rejects.toThrow(new TypeError(message));
  expect(model.predict(x)).toHaveLength(4);
});

it.each(['x', 'y'] as const)('a scaler of %s that has not been fitted', async (which) => {
  const pair = new Pair({ preprocess: { [which]: standardScaler() } });
  const message = `the scaler of ${which} has not been fitted: call fit() first`;
  for (const name of ['evaluate', 'trainOnBatch', 'gradients']) {
    await pair.refuses((model) => doors[name]!(model, x, y), Error, message);
  }
  await pair.refuses((model) => model.predict(x), Error, message);
  await pair.model.fit(x, y, { epochs: 0 });
  expect(pair.model.predict(x)).toHaveLength(4);
});
