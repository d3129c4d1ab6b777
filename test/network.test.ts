import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  dense,
  layers,
  type Network,
  type NetworkSpec,
  type Rows,
  sequential,
} from '../src/index.js';

const spec: NetworkSpec = {
  inputShape: [3],
  layers: [dense(5, { activation: 'tanh' }), dense(2)],
  loss: 'meanSquaredError',
  seed: 3,
};
const rows = [
  [0.5, -1, 2],
  [1.5, 0.25, -0.75],
];

describe.each(['wasm', 'js'] as const)('predict on %s', (backend) => {
  const model = sequential(spec, { backend });
  const expected = model.predict(rows);
  const one = expected.slice(0, 2);

  it('works out y = w₁ᵀ·tanh(w₀ᵀ·x + b₀) + b₁', () => {
    const w = model.getWeights();
    rows.forEach((row, r) => {
      const hidden = Array.from({ length: 5 }, (_, j) =>
        Math.tanh(row.reduce((sum, x, i) => sum + x * w['layers.0.w']![i * 5 + j]!, 0)),
      );
      for (let k = 0; k < 2; k++) {
        const y = hidden.reduce((sum, h, j) => sum + h * w['layers.1.w']![j * 2 + k]!, 0);
        expect(expected[r * 2 + k]).toBeCloseTo(y, 6);
      }
    });
  });

  it.each<[string, Rows]>([
    ['arrays', rows],
    ['one flat array', Float32Array.from(rows.flat())],
    ['float64', Float64Array.from(rows.flat())],
    ['typed rows', rows.map((row) => Float32Array.from(row))],
  ])('takes rows as %s', (_, given) => {
    expect(model.predict(given)).toEqual(expected);
  });

  it.each<[string, Rows]>([
    ['an array', rows[0]!],
    ['an array in an array', [rows[0]!]],
    ['a typed array', Float32Array.from(rows[0]!)],
    ['a typed array of float64', Float64Array.from(rows[0]!)],
    ['a part of a larger array', Float32Array.from(rows.flat()).subarray(0, 3)],
  ])('takes one row as %s', (_, given) => {
    expect(model.predict(given)).toEqual(one);
  });

  it('takes whole numbers', () => {
    expect(model.predict(Int8Array.of(1, -2, 3))).toEqual(model.predict([1, -2, 3]));
    expect(model.predict(Uint8Array.of(1, 2, 3, 4, 5, 6))).toHaveLength(4);
  });

  it('writes into an array that it is given', () => {
    for (const [given, length, outputs] of [
      [rows, 4, expected],
      [rows[0]!, 2, one],
    ] as const) {
      const out = new Float32Array(length);
      expect(model.predict(given, out)).toBe(out);
      expect(out).toEqual(outputs);
    }
    const middle = new Float32Array(8);
    model.predict(rows, middle.subarray(2, 6));
    expect(middle).toEqual(Float32Array.of(0, 0, ...expected, 0, 0));
  });

  it('leaves what it is given as it was', () => {
    const given = Float32Array.from(rows.flat());
    model.predict(given);
    expect(given).toEqual(Float32Array.from(rows.flat()));
  });

  it('takes rows of two dimensions, nested or flat', () => {
    const flat = sequential({ ...spec, inputShape: [6] }, { backend });
    const square = { ...spec, inputShape: [2, 3], layers: [layers.flatten(), ...spec.layers] };
    const shaped = sequential(square, { backend });
    shaped.setWeights({
      'layers.1.w': flat.getWeights()['layers.0.w']!,
      'layers.2.w': flat.getWeights()['layers.1.w']!,
    });
    const nested = [rows, rows.map((row) => row.map((value) => -value))];
    const y = flat.predict(Float32Array.from(nested.flat(2)));
    expect(shaped.predict(nested)).toEqual(y);
    expect(shaped.predict(Float32Array.from(nested.flat(2)))).toEqual(y);
    expect(shaped.predict(nested.map((row) => row.map((r) => Float32Array.from(r))))).toEqual(y);
    expect(shaped.predict(nested[0]!)).toEqual(y.slice(0, 2));
    expect(shaped.predict(Float32Array.from(rows.flat()))).toEqual(y.slice(0, 2));
  });
});

describe('predictClasses', () => {
  /** Outputs are the inputs, behind an activation. */
  function mirror(units: number, changes: Partial<NetworkSpec>): Network {
    const model = sequential({ inputShape: [units], layers: [dense(units)], ...changes });
    const w = new Float32Array(units * units);
    for (let i = 0; i < units; i++) w[i * units + i] = 1;
    model.setWeights({ 'layers.0.w': w });
    return model;
  }
  const three = [
    [1, 5, 2],
    [3, 3, 1],
    [-3, -2, -1],
  ];
  const single = [[-0.1], [0.1], [0], [7]];

  it('takes the largest output, the first of equals', () => {
    expect(mirror(3, { task: 'multiclass' }).predictClasses(three)).toEqual([1, 0, 2]);
    expect(mirror(3, {}).predictClasses(three[2]!)).toEqual([2]);
  });

  it('takes a single output for yes above one half', () => {
    expect(mirror(1, { task: 'binary' }).predictClasses(single)).toEqual([0, 1, 0, 1]);
    const raw = mirror(1, { loss: { type: 'binaryCrossentropy', fromLogits: true } });
    expect(raw.predictClasses(single)).toEqual([0, 1, 0, 1]);
    expect(mirror(1, { loss: 'meanSquaredError' }).predictClasses(single)).toEqual([0, 0, 0, 1]);
  });

  it('gives names that the spec lists', () => {
    const classes = ['ant', 'bee', 'cat'];
    const model = mirror(3, { task: 'multiclass', classes });
    expect(model.predictClasses(three)).toEqual(['bee', 'ant', 'cat']);
    expect(model.classes).toEqual(classes);
    expect(mirror(1, { task: 'binary', classes: [10, 20] }).predictClasses(single)).toEqual([
      10, 20, 10, 20,
    ]);
  });

  it('gives names learnt from the targets, in ascending order', async () => {
    const model = mirror(3, { task: 'multiclass' });
    expect(model.classes).toBeUndefined();
    await model.fit(three, ['bee', 'ant', 'cat'], { epochs: 0 });
    expect(model.classes).toEqual(['ant', 'bee', 'cat']);
    expect(model.predictClasses(three)).toEqual(['bee', 'ant', 'cat']);
    expect(model.toJSON().classes).toEqual(['ant', 'bee', 'cat']);
    const yesNo = mirror(1, { task: 'binary' });
    yesNo.trainOnBatch([[1], [2]], [true, false]);
    expect(yesNo.predictClasses(single)).toContain(true);
    expect(yesNo.classes).toEqual([false, true]);
  });
});

describe('the spec', () => {
  it('writes the short form out', () => {
    const short = {
      inputShape: [4],
      layers: [dense(8), layers.dropout({ rate: 0.1 }), dense(3, { useBias: false })],
    };
    const written = (
      task: 'multiclass' | 'binary' | 'regression',
      output: object,
      loss: string,
    ) => {
      expect(sequential({ ...short, task }).toJSON()).toEqual({
        inputShape: [4],
        layers: [
          { type: 'dense', units: 8, activation: 'relu' },
          { type: 'dropout', rate: 0.1 },
          { type: 'dense', units: 3, useBias: false, ...output },
        ],
        loss,
        optimizer: 'adam',
        seed: 0,
      });
    };
    written('multiclass', { activation: 'softmax' }, 'sparseCategoricalCrossentropy');
    written('binary', { activation: 'sigmoid' }, 'binaryCrossentropy');
    const zeros = { activation: 'linear', weightInitializer: 'zeros' };
    written('regression', zeros, 'meanSquaredError');
    const own = sequential({
      ...short,
      task: 'regression',
      loss: 'huber',
      optimizer: 'sgd',
    }).toJSON();
    expect(own).toMatchObject({ loss: 'huber', optimizer: 'sgd' });
  });

  it('makes the same network again, by way of text', async () => {
    const model = sequential({
      ...spec,
      layers: [
        dense(6, { activation: { type: 'leakyRelu', slope: 0.2 }, weightInitializer: 'heNormal' }),
        layers.dropout({ rate: 0.3 }),
        dense(2, { biasInitializer: { type: 'constant', value: 0.1 } }),
      ],
      optimizer: { type: 'sgd', momentum: 0.9 },
    });
    const again = sequential(JSON.parse(JSON.stringify(model)));
    expect(again.toJSON()).toEqual(model.toJSON());
    for (const network of [model, again])
      await network.fit(
        rows,
        rows.map((row) => row.slice(1)),
        { epochs: 5 },
      );
    expect(again.getWeights()).toEqual(model.getWeights());
  });

  it('is not shared with its user', () => {
    const mine = structuredClone(spec);
    const model = sequential(mine);
    (model.toJSON().layers as unknown[]).length = 0;
    expect(model.toJSON().layers).toHaveLength(2);
  });
});

describe('weights', () => {
  it('have names and shapes, and go round', () => {
    const model = sequential(spec);
    const weights = model.getWeights();
    const sizes = Object.entries(weights).map(([name, { length }]) => [name, length]);
    expect(sizes).toEqual([
      ['layers.0.w', 15],
      ['layers.0.b', 5],
      ['layers.1.w', 10],
      ['layers.1.b', 2],
    ]);
    const other = sequential({ ...spec, seed: 4 });
    other.setWeights(weights);
    expect(other.getWeights()).toEqual(weights);
    expect(other.predict(rows)).toEqual(model.predict(rows));
  });

  it('are copies', () => {
    const model = sequential(spec);
    model.getWeights()['layers.1.b']![0] = 7;
    const given = Float32Array.of(1, 2);
    model.setWeights({ 'layers.1.b': given });
    given[0] = 9;
    expect(model.getWeights()['layers.1.b']).toEqual(Float32Array.of(1, 2));
  });

  it('may be set in part, from plain arrays', () => {
    const model = sequential(spec);
    const before = model.getWeights();
    model.setWeights({ 'layers.1.b': [0.5, -0.5] });
    expect(model.getWeights()).toEqual({ ...before, 'layers.1.b': Float32Array.of(0.5, -0.5) });
  });

  it('and their gradients have the same names', () => {
    const model = sequential(spec);
    const y = [
      [1, 2],
      [3, 4],
    ];
    const { loss, weights, inputs } = model.gradients(rows, y, { inputs: true });
    expect(loss).toBe(model.evaluate(rows, y).loss);
    expect(Object.keys(weights)).toEqual(Object.keys(model.getWeights()));
    expect(inputs).toHaveLength(6);
    expect(model.gradients(rows, y)).toEqual({ loss, weights, buffers: {} });
    // The last bias has the gradient of the outputs themselves: Σ_r 2(y − t) / (rows × outputs).
    const outputs = model.predict(rows);
    for (const k of [0, 1]) {
      const slope = (outputs[k]! - y[0]![k]! + outputs[2 + k]! - y[1]![k]!) / 2;
      expect(weights['layers.1.b']![k]).toBeCloseTo(slope, 5);
    }
  });
});

it('prints what it is made of', () => {
  const model = sequential({
    inputShape: [28, 28],
    layers: [layers.flatten(), dense(128), layers.dropout({ rate: 0.2 }), dense(10)],
    task: 'multiclass',
  });
  expect(model.summary()).toBe(
    [
      '   layer    activation  output    parameters',
      '────────────────────────────────────────────',
      '   input                [28, 28]',
      '0  flatten              [784]              0',
      '1  dense    relu        [128]        100,480',
      '2  dropout              [128]              0',
      '3  dense    softmax     [10]           1,290',
      '',
      '101,770 parameters, loss sparseCategoricalCrossentropy, optimizer adam, backend wasm',
    ].join('\n'),
  );
});

describe('the backend', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
  });

  it('is WebAssembly, or what was asked for', () => {
    expect(sequential(spec).backend).toBe('wasm');
    expect(sequential(spec, { backend: 'js' }).backend).toBe('js');
  });

  it('is JS with a warning where there is no WebAssembly', () => {
    const expected = sequential(spec).predict(rows);
    vi.stubGlobal('WebAssembly', undefined);
    const warnings: string[] = [];
    const model = sequential(spec, { onWarning: (message) => warnings.push(message) });
    expect(model.backend).toBe('js');
    expect(model.predict(rows)).toEqual(expected);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(
      /^chainrule: WebAssembly cannot be used here, the JS backend runs instead/,
    );
    const console = vi.spyOn(globalThis.console, 'warn').mockImplementation(() => {});
    sequential(spec);
    expect(console).toHaveBeenCalledTimes(1);
    sequential(spec, { backend: 'js' });
    expect(console).toHaveBeenCalledTimes(1);
    expect(() => sequential(spec, { backend: 'wasm' })).toThrow();
  });
});
