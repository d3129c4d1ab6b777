import { describe, expect, it } from 'vitest';
import { dense, type LayerSpec, layers, type NetworkSpec } from '../src/index.js';
import { engines, hex, networkOn } from './engines.js';
import { generator } from './kernels/core.js';

const random = generator(5);
const x = Float32Array.from({ length: 6 * 4 }, () => 2 * random() - 1);
const y = Float32Array.from({ length: 6 * 3 }, () => 2 * random() - 1);

const spec = (stack: LayerSpec[], changes: Partial<NetworkSpec> = {}): NetworkSpec => ({
  inputShape: [4],
  layers: stack,
  loss: 'meanSquaredError',
  optimizer: 'sgd',
  ...changes,
});

describe.each(engines)('on %s', (engine) => {
  const on = (stack: LayerSpec[], changes: Partial<NetworkSpec> = {}) =>
    networkOn(engine, spec(stack, changes));

  it('a residual block adds what its layers give to its inputs', () => {
    const alone = on([dense(4, { activation: 'tanh' })]);
    const block = on([layers.residual({ layers: [dense(4, { activation: 'tanh' })] })]);
    const f = alone.predict(x);
    block.setWeights({
      'layers.0.layers.0.w': alone.getWeights()['layers.0.w']!,
      'layers.0.layers.0.b': alone.getWeights()['layers.0.b']!,
    });
    expect(block.predict(x)).toEqual(x.map((v, i) => v + f[i]!));
  });

  it('branches are concatenated in order, or added up from the left', () => {
    const part = (width: number) => dense(width, { activation: 'tanh' });
    const both = on([layers.parallel({ branches: [[part(3)], [], [part(2)]] })]);
    const { 'layers.0.branches.0.0.w': w0, 'layers.0.branches.2.0.w': w2 } = both.getWeights();
    const left = on([part(3)]);
    left.setWeights({ 'layers.0.w': w0! });
    const right = on([part(2)]);
    right.setWeights({ 'layers.0.w': w2! });
    const [a, b] = [left.predict(x), right.predict(x)];
    const rows = Array.from({ length: 6 }, (_, r) => [
      ...a.subarray(3 * r, 3 * r + 3),
      ...x.subarray(4 * r, 4 * r + 4),
      ...b.subarray(2 * r, 2 * r + 2),
    ]);
    expect([...both.predict(x)]).toEqual(rows.flat());

    const sum = on([layers.parallel({ branches: [[], [part(4)], []], merge: 'add' })]);
    const middle = on([part(4)]);
    middle.setWeights({ 'layers.0.w': sum.getWeights()['layers.0.branches.1.0.w']! });
    const f = middle.predict(x);
    expect(sum.predict(x)).toEqual(x.map((v, i) => Math.fround(v + f[i]!) + v));
  });

  it('a tensor with several readers has the sum of their gradients', () => {
    // y = x + x + x: the gradient of x is three times that of y.
    const thrice = on([layers.parallel({ branches: [[], [], []], merge: 'add' })]);
    const once = on([layers.flatten()]);
    const targets = x.map((v) => 3 * v - 1);
    const { inputs } = thrice.gradients(x, targets, { inputs: true });
    const plain = once.gradients(
      x.map((v) => 3 * v),
      targets,
      { inputs: true },
    );
    inputs!.forEach((v, i) => {
      expect(v).toBeCloseTo(3 * plain.inputs![i]!, 6);
    });
  });

  it.each<[string, LayerSpec[]]>([
    ['a shared relu', [dense(4, { activation: 'relu' }), layers.residual({ layers: [dense(4)] })]],
    [
      'a shared activation in place',
      [dense(4, { activation: 'tanh' }), layers.residual({ layers: [layers.activation('relu')] })],
    ],
    [
      'shared values that an activation must not overwrite',
      [dense(4), layers.residual({ layers: [layers.activation('tanh'), dense(4)] })],
    ],
  ])('a block and the same by hand: %s', (_, stack) => {
    // Once more inside a block of one branch, which shares nothing but must change nothing either.
    const model = on([...stack, dense(3)]);
    const wrapped = on([layers.parallel({ branches: [stack] }), dense(3)]);
    const names = Object.keys(model.getWeights());
    const inner = Object.keys(wrapped.getWeights());
    const given = Object.fromEntries(inner.map((n, i) => [n, model.getWeights()[names[i]!]!]));
    wrapped.setWeights(given);
    for (let step = 0; step < 3; step++) {
      expect(wrapped.trainOnBatch(x, y)).toEqual(model.trainOnBatch(x, y));
    }
    expect(Object.values(wrapped.getWeights()).map(hex)).toEqual(
      Object.values(model.getWeights()).map(hex),
    );
  });
});

describe('names and order', () => {
  const model = networkOn(
    'js',
    spec([
      dense(4),
      layers.parallel({ branches: [[dense(2)], [layers.residual({ layers: [dense(4)] })]] }),
      layers.residual({ layers: [dense(3)], shortcut: [dense(3, { useBias: false })] }),
    ]),
  );

  it('follow the tree', () => {
    expect(Object.keys(model.getWeights())).toEqual([
      'layers.0.w',
      'layers.0.b',
      'layers.1.branches.0.0.w',
      'layers.1.branches.0.0.b',
      'layers.1.branches.1.0.layers.0.w',
      'layers.1.branches.1.0.layers.0.b',
      'layers.2.layers.0.w',
      'layers.2.layers.0.b',
      'layers.2.shortcut.0.w',
    ]);
  });

  it('are those of the summary', () => {
    expect(model.summary().split('\n')).toEqual([
      '                         layer       activation  output  parameters',
      '───────────────────────────────────────────────────────────────────',
      '                         input                   [4]',
      '0                        dense       linear      [4]             20',
      '1                        parallel                [6]              0',
      '1.branches.0.0             dense     linear      [2]             10',
      '1.branches.1.0             residual              [4]              0',
      '1.branches.1.0.layers.0      dense   linear      [4]             20',
      '2                        residual                [3]              0',
      '2.layers.0                 dense     linear      [3]             21',
      '2.shortcut.0               dense     linear      [3]             18',
      '',
      '89 parameters, loss meanSquaredError, optimizer sgd, backend js',
    ]);
  });

  it('are those of a divergence', () => {
    const huge = new Float32Array(4).fill(3e38);
    const block = networkOn(
      'js',
      spec([
        dense(4),
        layers.residual({
          layers: [dense(4, { activation: 'tanh' }), dense(1)],
          shortcut: [dense(1)],
        }),
      ]),
    );
    block.setWeights({
      'layers.1.layers.1.w': huge,
      'layers.1.layers.0.b': new Float32Array(4).fill(9),
    });
    expect(() => block.trainOnBatch([[1, 1, 1, 1]], [[0]])).toThrow(
      'the loss stopped being finite, first in layers[1].layers[1] (dense)',
    );
  });
});

describe('the short form', () => {
  it('keeps the end of what is added up linear, and gives relu to what is concatenated', () => {
    const { layers: stack } = networkOn('js', {
      inputShape: [4],
      task: 'multiclass',
      layers: [
        layers.residual({ layers: [dense(8), dense(4)] }),
        layers.parallel({ branches: [[dense(3)], [dense(2, { activation: 'tanh' })]] }),
        layers.parallel({
          branches: [[dense(3)], [dense(3), layers.dropout({ rate: 0.1 })]],
          merge: 'add',
        }),
        dense(3),
      ],
    }).toJSON();
    const relu = { activation: 'relu' } as const;
    const linear = { activation: 'linear' } as const;
    expect(stack).toEqual([
      layers.residual({ layers: [dense(8, relu), dense(4, linear)] }),
      layers.parallel({ branches: [[dense(3, relu)], [dense(2, { activation: 'tanh' })]] }),
      layers.parallel({
        branches: [[dense(3, linear)], [dense(3, linear), layers.dropout({ rate: 0.1 })]],
        merge: 'add',
      }),
      dense(3, { activation: 'softmax' }),
    ]);
  });

  it('leaves the outputs of a block that comes last as they are', () => {
    const model = networkOn('js', {
      inputShape: [4],
      task: 'regression',
      layers: [dense(4), layers.residual({ layers: [dense(4)] })],
    });
    expect(model.toJSON().layers[0]).toEqual(dense(4, { activation: 'relu' }));
  });
});

describe('JSON', () => {
  it('says the same network', () => {
    const model = networkOn(
      'release',
      spec([
        layers.residual({ layers: [dense(4), layers.dropout({ rate: 0.4 })] }),
        layers.parallel({ branches: [[], [dense(2, { trainable: false })]], trainable: true }),
        dense(3),
      ]),
    );
    const twin = networkOn('release', JSON.parse(JSON.stringify(model)));
    expect(twin.toJSON()).toEqual(model.toJSON());
    for (let step = 0; step < 2; step++) {
      expect(twin.trainOnBatch(x, y)).toEqual(model.trainOnBatch(x, y));
    }
    expect(twin.getWeights()).toEqual(model.getWeights());
  });
});

describe('refused', () => {
  const { residual, parallel } = layers;
  it.each<[string, unknown]>([
    [
      'layers[0] (residual): layers gives rows of shape [3], and shortcut rows of shape [4], which cannot be added up; let its shortcut change the shape too: shortcut: [layers.dense({ units: 3 })]',
      residual({ layers: [dense(3)] }),
    ],
    ['layers[0] (residual): layers: expected at least one layer', residual({ layers: [] })],
    [
      'layers[0] (residual): layers: expected a list of layers such as [layers.dense({ units: 8 })], got 3',
      { type: 'residual', layers: 3 },
    ],
    [
      "layers[0].layers[1]: type: unknown name 'dens'; did you mean 'dense'?",
      { type: 'residual', layers: [dense(4), { type: 'dens' }] },
    ],
    [
      'layers[0] (residual): shortcut: expected a list of layers',
      { type: 'residual', layers: [dense(4)], shortcut: {} },
    ],
    [
      'layers[0] (parallel): branches: expected lists of layers, one for each branch, got an array of 0',
      parallel({ branches: [] }),
    ],
    [
      'layers[0] (parallel): branches[0]: expected a list of layers',
      { type: 'parallel', branches: [dense(3)] },
    ],
    [
      "layers[0] (parallel): merge: unknown name 'sum'; known: concatenate, add",
      { type: 'parallel', branches: [[]], merge: 'sum' },
    ],
    [
      'layers[0] (parallel): branches[0] gives rows of shape [3], and branches[1] rows of shape [4], which cannot be added up',
      parallel({ branches: [[dense(3)], []], merge: 'add' }),
    ],
    [
      'layers[0].branches[0][0].layers[0] (dense): units: expected a whole number of at least 1, got 0',
      parallel({ branches: [[residual({ layers: [dense(0)] })]] }),
    ],
    [
      "layers[0]: unknown option 'branches'",
      { type: 'residual', layers: [dense(4)], branches: [] },
    ],
  ])('%s', (message, layer) => {
    expect(() => networkOn('js', spec([layer as LayerSpec]))).toThrow(message);
  });

  it('are branches to be concatenated that differ in another dimension than the last', () => {
    const changes = { inputShape: [2, 2] };
    const branches = [[], [layers.reshape({ shape: [4, 1] })]];
    expect(() => networkOn('js', spec([layers.parallel({ branches })], changes))).toThrow(
      'layers[0] (parallel): branches[0] gives rows of shape [2, 2], and branches[1] rows of shape [4, 1]: ' +
        'only in the last dimension may they differ to be concatenated',
    );
  });
});
