import { describe, it } from 'vitest';
import { type Rows, ShapeError } from '../../src/index.js';
import { doors, Pair, type Refusal, x, y } from './pair.js';

// Rows that no network takes, at every way in.

const none = 'expected at least one row, got none';
const beyond = 'is beyond the range of float32, ±3.40e+38';

const badRows: Refusal[] = [
  ['nothing', undefined, TypeError, 'x: expected an array of rows of 3 numbers, got undefined'],
  ['text', 'abc', TypeError, "x: expected an array of rows of 3 numbers, got 'abc'"],
  ['a set', new Set([1]), TypeError, 'x: expected an array of rows of 3 numbers, got an object'],
  [
    'integers of 64 bits',
    new BigInt64Array(3),
    TypeError,
    'x: expected an array of rows of 3 numbers, got a BigInt64Array',
  ],
  ['no rows', [], RangeError, `x: ${none}`],
  ['an empty typed array', new Float32Array(0), RangeError, `x: ${none}`],
  [
    'a short row',
    [
      [1, 2, 3],
      [4, 5],
    ],
    ShapeError,
    'x: row 1: expected rows of 3 numbers, got 2',
  ],
  ['a long row', [[1, 2, 3, 4]], ShapeError, 'x: row 0: expected rows of 3 numbers, got 4'],
  ['an empty row', [[1, 2, 3], []], ShapeError, 'x: row 1: expected rows of 3 numbers, got 0'],
  [
    'a short typed row',
    [new Float32Array(3), new Float32Array(2)],
    ShapeError,
    'x: row 1: expected rows of 3 numbers, got 2',
  ],
  [
    'a number in place of a row',
    [[1, 2, 3], 4],
    TypeError,
    'x: row 1: expected an array of 3 numbers, got 4',
  ],
  [
    'half a row behind the last',
    new Float32Array(7),
    ShapeError,
    'x: expected rows of 3 numbers, got 7 numbers, which is not a whole number of rows',
  ],
  [
    'text in a row',
    [
      [1, 2, 3],
      [4, '5', 6],
    ],
    TypeError,
    "x: row 1, column 1: expected a number, got '5'",
  ],
  [
    'a gap in the only row',
    [1, null, 3],
    TypeError,
    'x: row 0, column 1: expected a number, got null',
  ],
  [
    'a row too deep',
    [[1, 2, [3]]],
    TypeError,
    'x: row 0, column 2: expected a number, got an array of 1',
  ],
  [
    'NaN',
    [
      [1, 2, 3],
      [4, 5, Number.NaN],
    ],
    RangeError,
    'x: row 1, column 2: expected a finite number, got NaN',
  ],
  [
    'NaN in the only row',
    [Number.NaN, 1, 2],
    RangeError,
    'x: row 0, column 0: expected a finite number, got NaN',
  ],
  [
    'NaN in a typed row',
    [new Float64Array(3), Float64Array.of(0, Number.NaN, 0)],
    RangeError,
    'x: row 1, column 1: expected a finite number, got NaN',
  ],
  [
    'an infinity in a flat array',
    Float32Array.of(1, 2, 3, Number.NEGATIVE_INFINITY, 5, 6),
    RangeError,
    'x: row 1, column 0: expected a finite number, got -Infinity',
  ],
  ['too large for a float32', [[1, 1e39, 3]], RangeError, `x: row 0, column 1: 1e+39 ${beyond}`],
  [
    'too large in a flat array',
    Float64Array.of(1, 2, 3, 4, 5, -1e200),
    RangeError,
    `x: row 1, column 2: -1e+200 ${beyond}`,
  ],
];

describe.each(badRows)('rows: %s', (_, given, type, message) => {
  const rows = given as Rows;
  it.each(Object.entries(doors))('%s refuses them', async (_door, open) => {
    const pair = new Pair();
    await pair.refuses((model) => open(model, rows, y), type, message);
    await pair.isWhole();
  });

  it('so do predictions and validation', async () => {
    const pair = new Pair();
    const validationData = [rows, y] as const;
    await pair.refuses((model) => model.predict(rows), type, message);
    await pair.refuses((model) => model.predictClasses(rows), type, message);
    await pair.refuses(
      (model) => model.fit(x, y, { validationData }),
      type,
      message.replace('x:', 'validationData[0]:'),
    );
    await pair.isWhole();
  });
});

it.each([
  [
    'too short',
    new Float32Array(3),
    ShapeError,
    'out: expected a Float32Array of 4 numbers, got 3',
  ],
  ['too long', new Float32Array(5), ShapeError, 'out: expected a Float32Array of 4 numbers, got 5'],
  [
    'of another type',
    new Float64Array(4),
    TypeError,
    'out: expected a Float32Array, got a Float64Array',
  ],
  ['no array', [], TypeError, 'out: expected a Float32Array, got an array of 0'],
] as Refusal[])('an array for the outputs that is %s', async (_, out, type, message) => {
  const pair = new Pair();
  await pair.refuses((model) => model.predict(x, out as Float32Array), type, message);
  if (!out || (out as Float32Array).length !== 3) return;
  await pair.refuses(
    (model) => model.predict(x[0]!, out as Float32Array),
    type,
    'out: expected a Float32Array of 2 numbers, got 3',
  );
});
