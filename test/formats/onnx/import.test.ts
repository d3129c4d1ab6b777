import { describe, expect, it } from 'vitest';
import type {
  OnnxGraph,
  OnnxModel,
  OnnxNode,
  OnnxTensor,
} from '../../../src/formats/onnx/schema.js';
import {
  FormatError,
  layers,
  load,
  minMaxScaler,
  type NetworkSpec,
  oneHot,
  sequential,
  standardScaler,
} from '../../../src/index.js';
import { fromOnnx, toOnnx } from '../../../src/onnx.js';
import { activationSpecs, nameOf } from '../../catalogues.js';
import pytorch from '../../fixtures/pytorch.json';
import { shaken } from '../../shaken.js';
import { shapedCase } from '../../shaped.js';
import { floats } from '../draw.js';
import { fileOf, floatTensor, node, rows } from './graphs.js';

function roundTrip(spec: NetworkSpec) {
  const model = sequential(spec);
  const numbers = floats(7 * spec.inputShape.reduce((a, b) => a * b, 1));
  const words = spec.layers[0]!.type === 'embedding';
  const x = words ? numbers.map((v) => Math.floor(Math.abs(v) * 8) % 9) : numbers;
  const again = fromOnnx(toOnnx(model));
  expect(again.predict(x)).toEqual(model.predict(x));
  expect(toOnnx(again)).toEqual(toOnnx(model));
  return again;
}

describe('export and import give the same bits', () => {
  it.each(activationSpecs.map((activation) => [nameOf(activation), activation] as const))(
    'with %s',
    (_name, activation) => {
      const again = roundTrip({
        inputShape: [4],
        layers: [
          layers.dense({ units: 5, activation, biasInitializer: 'randomNormal' }),
          layers.dense({ units: 3, useBias: false, activation }),
        ],
      });
      expect(again.toJSON().layers.length).toBe(2);
      roundTrip({ inputShape: [4], layers: [layers.activation(activation)] });
    },
  );

  it('with rows of more than one dimension', () => {
    const list = [layers.activation('relu'), layers.flatten(), layers.dense({ units: 2 })];
    roundTrip({ inputShape: [2, 3], layers: list });
  });

  it.each([0, 150, 300])('with random layers on images, from seed %i on', (first) => {
    for (let seed = first; seed < first + 150; seed += 3) {
      const { spec, x } = shapedCase(seed, { masks: false });
      const model = load(shaken(spec, seed), { backend: 'js', onWarning() {} });
      const again = fromOnnx(toOnnx(model), { backend: 'js', onWarning() {} });
      expect(again.predict(x), `seed ${seed}: ${JSON.stringify(spec)}`).toEqual(model.predict(x));
    }
  });

  it('with vectors for words, and layers at each position', () => {
    roundTrip({
      inputShape: [5],
      layers: [
        layers.embedding({ vocabulary: 9, units: 4 }),
        layers.positionalEmbedding(),
        layers.residual({ layers: [layers.layerNormalization(), layers.dense({ units: 4 })] }),
        layers.dense({ units: 3, activation: 'softmax' }),
        layers.reshape({ shape: [3, 5] }),
        layers.flatten(),
        layers.dense({ units: 2 }),
      ],
    });
  });

  it('with layers inside layers', () => {
    const wide = layers.dense({ units: 4, activation: 'gelu' });
    const list = [
      layers.residual({ layers: [wide, layers.dense({ units: 3 })] }),
      layers.residual({ layers: [wide], shortcut: [layers.dense({ units: 4 })] }),
      layers.parallel({ branches: [[wide], [], [layers.residual({ layers: [wide] })]] }),
      layers.activation('silu'),
      layers.parallel({ branches: [[], []], merge: 'add' }),
    ];
    const again = roundTrip({ inputShape: [3], layers: list });
    expect(again.toJSON().layers.map(({ type }) => type)).toEqual(list.map(({ type }) => type));
    const sums = layers.parallel({ branches: [[wide], [wide], [wide]], merge: 'add' });
    const model = sequential({ inputShape: [3], layers: [sums] });
    const x = floats(21);
    expect(fromOnnx(toOnnx(model)).predict(x)).toEqual(model.predict(x));
  });

  it('with normalization', () => {
    const list = [
      layers.batchNormalization({ momentum: 0.25, epsilon: 2 ** -7 }),
      layers.dense({ units: 5 }),
      layers.layerNormalization({ epsilon: 2 ** -5 }),
      layers.batchNormalization({ scale: false }),
    ];
    const again = roundTrip({ inputShape: [3], layers: list });
    const [first, , third, last] = again.toJSON().layers;
    expect(first).toEqual({ type: 'batchNormalization', momentum: 0.25, epsilon: 2 ** -7 });
    expect(third).toEqual({ type: 'layerNormalization', epsilon: 2 ** -5 });
    // A scale that is not learnt comes back as one that is 1.
    expect(last).toMatchObject({ type: 'batchNormalization', momentum: 0.1 });
  });

  it('with names of classes', () => {
    const classes = ['yes', '__proto__'];
    const list = [layers.dense({ units: 2, activation: 'softmax' })];
    expect(roundTrip({ inputShape: [2], layers: list, classes }).classes).toEqual(classes);
  });
});

it('scalers come back, with what a float32 holds of them', async () => {
  const model = sequential({
    inputShape: [3],
    layers: [layers.dense({ units: 4, activation: 'tanh' }), layers.dense({ units: 2 })],
    loss: 'meanSquaredError',
    preprocess: { x: standardScaler(), y: minMaxScaler() },
  });
  const x = floats(60).map((value) => 100 + value);
  await model.fit(x, floats(40), { epochs: 2 });
  const again = fromOnnx(toOnnx(model));
  const [y, other] = [model.predict(x), again.predict(x)];
  y.forEach((value, i) => {
    expect(Math.abs(value - other[i]!)).toBeLessThan(2e-6);
  });
  const { x: before, y: outputs } = model.snapshot().scalers;
  const { x: after } = again.snapshot().scalers;
  expect(outputs?.length).toBe(2);
  before!.forEach((column, c) => {
    if (!('center' in column)) throw new Error();
    const { center, scale } = after![c] as typeof column;
    expect(center).toBeCloseTo(column.center, 12);
    expect(scale).toBe(Math.fround(column.scale));
  });
});

it('scalers of rows of more than one dimension come back', async () => {
  const model = sequential({
    inputShape: [2, 2],
    layers: [layers.flatten(), layers.dense({ units: 1 })],
    loss: 'meanSquaredError',
    preprocess: { x: standardScaler(), y: standardScaler() },
  });
  const x = floats(40);
  await model.fit(x, floats(10), { epochs: 1 });
  const again = fromOnnx(toOnnx(model)).predict(x);
  model.predict(x).forEach((value, i) => {
    expect(Math.abs(value - again[i]!)).toBeLessThan(2e-6);
  });
});

describe('categories come back', () => {
  const colours = ['red', '__proto__', 'blue'];
  const rows = [
    ['blue', 1.5, -2, 10],
    ['red', -0.5, 0.25, 20],
    ['__proto__', 2, 1, 10],
  ];

  it('among columns of numbers, with their names, as the same file', async () => {
    const model = sequential({
      inputShape: [4],
      layers: [layers.dense({ units: 2, activation: 'softmax' })],
      loss: 'sparseCategoricalCrossentropy',
      preprocess: { x: [oneHot(colours), standardScaler(), null, oneHot(3)] },
    });
    await model.fit(rows, ['no', 'yes', 'no'], { epochs: 3 });
    const file = toOnnx(model);
    const again = fromOnnx(file);
    expect(toOnnx(again)).toEqual(file);
    const [y, other] = [model.predict(rows), again.predict(rows)];
    y.forEach((value, i) => {
      expect(Math.abs(value - other[i]!)).toBeLessThan(2e-6);
    });
    expect(again.predictClasses(rows)).toEqual(model.predictClasses(rows));
    expect(again.toJSON().preprocess!.x).toEqual([
      { type: 'oneHot', categories: 3 },
      { type: 'standardScaler' },
      null,
      { type: 'oneHot', categories: 3 },
    ]);
    expect(() => again.predict([['green', 1, 2, 10]])).toThrow(
      "'green' is none of the categories known: 'red', '__proto__', 'blue'",
    );
  });

  it('by themselves, behind which ways part and meet', () => {
    const model = sequential({
      inputShape: [1],
      layers: [
        layers.residual({ layers: [layers.dense({ units: 2 })] }),
        layers.parallel({ branches: [[], [layers.dense({ units: 3 })]] }),
      ],
      preprocess: { x: oneHot(['a', 'b']) },
    });
    const x = [['b'], ['a']];
    expect(fromOnnx(toOnnx(model)).predict(x)).toEqual(model.predict(x));
  });

  const int = (name: string, ...numbers: number[]): OnnxTensor => ({
    ...{ name, dims: [numbers.length], type: 7 },
    ints64: numbers,
  });
  const column = (c: number, name: string) => [
    node('Slice', ['x', `c${c}`, `c${c + 1}`, 'c1'], `column ${name}`),
    node('Cast', [`column ${name}`], `codes ${name}`, [{ name: 'to', int: 7 }]),
    node('OneHot', [`codes ${name}`, 'depth', 'values'], `wide ${name}`),
    node('Reshape', [`wide ${name}`, 'flat'], name),
  ];
  const tensors = [
    ...[0, 1, 2, 3, 9].map((n) => int(`c${n}`, n)),
    int('flat', 0, 2),
    int('depth', 2),
    floatTensor('values', [2], 0, 1),
  ];
  const join = (...names: string[]) => node('Concat', names, 'y', [{ name: 'axis', int: 1 }]);
  const all = [...column(0, 'a'), ...column(1, 'b'), ...column(2, 'c')];

  it('as their places where a file does not name them', () => {
    const model = fromOnnx(fileOf({ nodes: [...all, join('a', 'b', 'c')], tensors }));
    expect([...model.predict([1, 0, 1])]).toEqual([0, 1, 1, 0, 0, 1]);
    expect(() => model.predict([2, 0, 0])).toThrow('2 is none of the categories known: 0, 1');
  });

  it.each<[string, OnnxGraph, string, OnnxModel?]>([
    [
      'in another order',
      { nodes: [...all, join('b', 'a', 'c')] },
      'all of them and in their order',
    ],
    ['left out', { nodes: [...all, join('a', 'b')] }, 'expected 3 columns, got 2'],
    ['twice', { nodes: [...all, join('a', 'a', 'c')] }, 'all of them and in their order'],
    ['beside layers', { nodes: [...all, join('a', 'b', 'x')] }, 'puts layers and inputs together'],
    [
      'that go into a layer',
      { nodes: [...all, node('Relu', ['a'], 'y')] },
      'expected rows that depend',
    ],
    [
      'that are added to',
      { nodes: [...all, node('Add', ['a', 'values'], 'y')] },
      'adds what no layer does',
    ],
    [
      'that are the outputs',
      { nodes: [...all, node('Identity', ['a'], 'y')] },
      "the output 'y' does not depend",
    ],
    [
      'of rows in the middle',
      { nodes: [node('Tanh', ['x'], 't'), node('Slice', ['t', 'c0', 'c1', 'c1'], 'y')] },
      'takes columns out of rows, which no layer does',
    ],
    [
      'out of nothing',
      { nodes: [node('Slice', ['x', 'c2', 'c1', 'c1'], 'y')] },
      'expected at least one column',
    ],
    [
      'along the batch',
      { nodes: [node('Slice', ['x', 'c0', 'c1', 'c0'], 'y')] },
      'axes: expected 1',
    ],
    [
      'every second one',
      { nodes: [node('Slice', ['x', 'c0', 'c3', 'c1', 'c2'], 'y')] },
      'steps: expected 1',
    ],
    [
      'several at once',
      {
        nodes: [
          node('Slice', ['x', 'c0', 'c2', 'c1'], 's'),
          node('Cast', ['s'], 'y', [{ name: 'to', int: 7 }]),
        ],
      },
      'expected one column of the inputs, cast to whole numbers',
    ],
    [
      'of other values',
      {
        nodes: all.slice(0, 3),
        tensors: [...tensors.slice(0, -1), floatTensor('values', [2], 1, 0)],
      },
      'values: expected 0 and 1',
    ],
    [
      'in another shape',
      {
        nodes: all.slice(0, 4),
        tensors: [int('flat', 2, 0), ...tensors.filter(({ name }) => name !== 'flat')],
      },
      'expected one-hot rows, and the shape [0, 2]',
    ],
    [
      'more than there may be',
      {
        nodes: [...all, join('a', 'b', 'c')],
        tensors: [
          int('depth', 2 ** 30),
          int('flat', 0, -1),
          ...tensors.filter(({ name }) => name !== 'depth' && name !== 'flat'),
        ],
      },
      'makes 3221225472 columns, more than 262144',
    ],
    [
      'whose names are none',
      { nodes: [...all, join('a', 'b', 'c')] },
      'scalers.x[0]: categories',
      { properties: [{ key: 'chainrule.categories', value: '[5, null, null]' }] },
    ],
  ])('refused: columns %s', (_name, graph, message, model) => {
    const file = fileOf({ tensors, ...graph }, model);
    expect(() => fromOnnx(file)).toThrow(FormatError);
    expect(() => fromOnnx(file)).toThrow(message);
  });
});

describe('what PyTorch wrote', () => {
  it.each(pytorch.models.map((model) => [model.name, model] as const))(
    'predicts the same: %s',
    (_name, { onnx, x, y }) => {
      const ours = fromOnnx(Buffer.from(onnx, 'base64')).predict(Float32Array.from(x));
      expect(ours.length).toBe(y.length);
      ours.forEach((value, i) => {
        expect(Math.abs(value - y[i]!)).toBeLessThan(1e-5);
      });
    },
  );

  it.each(pytorch.images.map((model) => [model.name, model] as const))(
    'predicts the same of rows with channels last: %s',
    (_name, { onnx, x, y, inputShape }) => {
      const network = fromOnnx(Buffer.from(onnx, 'base64'));
      expect(network.toJSON().inputShape).toEqual(inputShape);
      const ours = network.predict(Float32Array.from(x));
      expect(ours.length).toBe(y.length);
      ours.forEach((value, i) => {
        expect(Math.abs(value - y[i]!), `output ${i}`).toBeLessThan(1e-5);
      });
    },
  );

  it('has its activations as one layer each, though some are written out', () => {
    const { onnx } = pytorch.models.find(({ name }) => name === 'geluTanh')!;
    const [first, second] = fromOnnx(Buffer.from(onnx, 'base64')).toJSON().layers;
    expect(first).toEqual({ type: 'dense', units: 4, activation: 'geluTanh' });
    expect(second).toEqual({ type: 'dense', units: 2, useBias: false });
  });
});

describe('files by hand', () => {
  const predict = (graph: OnnxGraph, model?: OnnxModel) => [
    ...fromOnnx(fileOf(graph, model)).predict([1, 2, 3]),
  ];
  const w = floatTensor('w', [2, 3], 1, 2, 3, 4, 5, 6);

  it('scale the matrix and the bias of a Gemm', () => {
    const attributes = [
      { name: 'transB', int: 1 },
      { name: 'alpha', float: 2 },
      { name: 'beta', float: 0.5 },
    ];
    const nodes = [node('Gemm', ['x', 'w', 'b'], 'y', attributes)];
    expect(predict({ nodes, tensors: [w, floatTensor('b', [1], 8)] })).toEqual([32, 68]);
  });

  it('add a bias behind a product, on either side', () => {
    const nodes = [node('MatMul', ['x', 'w'], 'z'), node('Add', ['b', 'z'], 'y')];
    const tensors = [floatTensor('w', [3, 1], 1, 10, 100), floatTensor('b', [1, 1], 7)];
    expect(predict({ nodes, tensors })).toEqual([328]);
  });

  it('hold numbers as constants, and in each of the ways of a tensor', () => {
    const nodes = [
      node('Constant', [], 'shape', [{ name: 'value_ints', ints: [-1, 3] }]),
      node('Reshape', ['x', 'shape'], 'flat'),
      node('Constant', [], 'w', [
        { name: 'value', tensor: { dims: [3, 1], type: 11, doubles: Float64Array.of(1, 2, 3) } },
      ]),
      node('Gemm', ['flat', 'w', 'b'], 'y'),
    ];
    const tensors = [{ name: 'b', dims: [1], type: 1, floats: Float32Array.of(5) }];
    expect(predict({ nodes, tensors, inputs: [rows('x', 3), rows('b')] })).toEqual([19]);
  });

  const refused: [string, OnnxGraph, string, OnnxModel?][] = [
    [
      'an operator that no layer stands for',
      { nodes: [node('Einsum', ['x', 'w'], 'y')] },
      "graph.nodes[0] ('y'): no layer stands for the operator 'Einsum'",
    ],
    [
      'an operator named as what objects inherit',
      { nodes: [node('constructor', ['x'], 'y'), node('__proto__', ['x'], 'z')] },
      "no layer stands for the operator 'constructor'",
    ],
    [
      'operators of others',
      { nodes: [{ ...node('Relu', ['x'], 'y'), domain: 'com.microsoft' }] },
      "no layer stands for the operator 'com.microsoft.Relu'",
    ],
    [
      'numbers in another file',
      {
        nodes: [node('MatMul', ['x', 'w'], 'y')],
        tensors: [{ name: 'w', dims: [3, 1], type: 1, location: 1 }],
      },
      "tensor 'w': its numbers are in another file, which is never opened",
    ],
    [
      'half floats',
      {
        nodes: [node('MatMul', ['x', 'w'], 'y')],
        tensors: [{ name: 'w', dims: [3, 1], type: 10, raw: new Uint8Array(6) }],
      },
      "tensor 'w': expected float32 or float64 numbers, got the element type 10",
    ],
    [
      'fewer numbers than there should be',
      { nodes: [node('MatMul', ['x', 'w'], 'y')], tensors: [floatTensor('w', [3, 9], 1)] },
      "tensor 'w': expected 27 numbers of 4 bytes, got 4 bytes",
    ],
    [
      'sizes whose product is beyond all numbers',
      { nodes: [node('MatMul', ['x', 'w'], 'y')], tensors: [floatTensor('w', [2 ** 40, 2 ** 40])] },
      'are no sizes',
    ],
    [
      'a matrix for other rows',
      { nodes: [node('MatMul', ['x', 'w'], 'y')], tensors: [w] },
      "graph.nodes[0] (MatMul, 'y'): input 1: expected a matrix for rows of 3 numbers, got one for 2",
    ],
    [
      'a name from nowhere',
      { nodes: [node('Relu', ['later'], 'y'), node('Relu', ['x'], 'later')] },
      "graph.nodes[0] ('y'): its input 'later' comes from nowhere",
    ],
    [
      'a name twice',
      { nodes: [node('Relu', ['x'], 'y'), node('Tanh', ['x'], 'y')] },
      "graph.nodes[1] ('y'): 'y' comes twice",
    ],
    ['no output', { nodes: [node('Relu', ['x'], 'z')] }, "the output 'y' does not depend"],
    [
      'two inputs',
      { nodes: [node('Add', ['x', 'b'], 'y')], inputs: [rows('x', 3), rows('b', 3)] },
      "expected one input, got 2: 'x', 'b'",
    ],
    [
      'inputs of open sizes',
      { nodes: [node('Relu', ['x'], 'y')], inputs: [rows('x', 0)] },
      "input 'x': expected [batch, …sizes] with fixed sizes, got [0] behind the batch",
    ],
    [
      'rows wider than memory',
      { nodes: [node('Relu', ['x'], 'y')], inputs: [rows('x', 2 ** 40)] },
      'ONNX file: inputShape: numbers in a row: expected at most',
    ],
    [
      'few numbers that scale many columns',
      {
        nodes: [node('Sub', ['x', 'c'], 'y')],
        tensors: [floatTensor('c', [1], 2)],
        inputs: [rows('x', 2 ** 31)],
      },
      "graph.nodes[0] (Sub, 'y'): scales 2147483648 columns, more than 262144",
    ],
    [
      'another hardSigmoid',
      { nodes: [node('HardSigmoid', ['x'], 'y')] },
      "graph.nodes[0] (HardSigmoid, 'y'): expected alpha 1/6 and beta 0.5, got 0.2 and 0.5",
    ],
    [
      'statistics of another width',
      {
        nodes: [node('BatchNormalization', ['x', 's', 's', 's', 'm'], 'y')],
        tensors: [floatTensor('s', [3], 1, 2, 3), floatTensor('m', [1], 1)],
      },
      "graph.nodes[0] (BatchNormalization, 'y'): input 4: expected a constant of dimensions [3], got [1]",
    ],
    [
      'negative variances',
      {
        nodes: [node('BatchNormalization', ['x', 's', 's', 's', 'v'], 'y')],
        tensors: [floatTensor('s', [3], 1, 2, 3), floatTensor('v', [3], 1, -1, 1)],
      },
      'layers.0.variance: expected numbers of at least 0, got -1 at place 1',
    ],
    [
      'normalization in training',
      { nodes: [node('BatchNormalization', ['x'], 'y', [{ name: 'training_mode', int: 1 }])] },
      'training_mode: expected 0: export the network for inference',
    ],
    [
      'normalization along the batch',
      { nodes: [node('LayerNormalization', ['x'], 'y', [{ name: 'axis', int: 0 }])] },
      "graph.nodes[0] (LayerNormalization, 'y'): axis: expected 1, or −1, got 0",
    ],
    [
      'normalization without a scale',
      { nodes: [node('LayerNormalization', ['x'], 'y')] },
      'input 1: expected a constant of dimensions [3], got nothing',
    ],
    [
      'a product of rows',
      { nodes: [node('Relu', ['x'], 'a'), node('Tanh', ['x'], 'b'), node('Mul', ['a', 'b'], 'y')] },
      "graph.nodes[2] (Mul, 'y'): multiplies what no layer does",
    ],
    [
      'rows of different widths added',
      {
        nodes: [node('MatMul', ['x', 'w'], 'z'), node('Add', ['x', 'z'], 'y')],
        tensors: [floatTensor('w', [3, 1], 1, 2, 3)],
      },
      "graph.nodes[1] (Add, 'y'): adds rows of different shapes, [3] and [1]",
    ],
    [
      'rows that are their own double, again and again',
      {
        nodes: Array.from({ length: 40 }, (_, i) => {
          const from = i === 0 ? 'x' : `z${i - 1}`;
          return node('Concat', [from, from], i === 39 ? 'y' : `z${i}`, [{ name: 'axis', int: 1 }]);
        }),
      },
      'numbers in a row of outputs: expected at most',
    ],
    [
      'ways that share what comes before them, over and over',
      {
        nodes: Array.from({ length: 30 }, (_, i) => {
          const from = i === 0 ? 'x' : `sum${i - 1}`;
          const sum = i === 29 ? 'y' : `sum${i}`;
          return [node('Tanh', [from], `t${i}`), node('Add', ['x', `t${i}`], sum)];
        }).flat(),
      },
      'ONNX file: layers inside layers, more than 16 deep',
    ],
    [
      'a piece of an activation',
      { nodes: [node('Erf', ['x'], 'y')] },
      "the output 'y' is a piece of no activation that is known, from erf on",
    ],
    [
      'layers behind outputs in their own units',
      {
        nodes: [node('Mul', ['x', 's'], 'z'), node('Relu', ['z'], 'y')],
        tensors: [floatTensor('s', [1], 2)],
      },
      'rows that are scaled by constants can only be the outputs',
    ],
    [
      'weights that are not finite',
      {
        nodes: [node('MatMul', ['x', 'w'], 'y')],
        tensors: [floatTensor('w', [3, 1], 1, Number.NaN, 2)],
      },
      'ONNX file: weights: layers.0.w: expected finite numbers, got NaN at place 1',
    ],
    [
      'classes that are none',
      { nodes: [node('Softmax', ['x'], 'y')] },
      'ONNX file: classes: expected 3 names',
      { properties: [{ key: 'chainrule.classes', value: '["a"]' }] },
    ],
    [
      'an operator set of the future',
      { nodes: [node('Relu', ['x'], 'y')] },
      'expected an operator set from 7 to 25, got 99',
      { operators: [{ version: 99 }] },
    ],
  ];

  it.each(refused)('are refused with %s', (_name, graph, message, model) => {
    const file = fileOf(graph, model);
    expect(() => fromOnnx(file)).toThrow(FormatError);
    expect(() => fromOnnx(file)).toThrow(message);
  });

  const kernel = floatTensor('w', [2, 2, 2, 2], ...new Array(16).fill(0.5));
  const ints = (name: string, ...values: number[]) => ({ name, ints: values });
  const conv = (...attributes: OnnxNode['attributes'] & object) =>
    node('Conv', ['x', 'w'], 'z', attributes);
  const images: [string, OnnxNode[], string][] = [
    [
      'pads as no layer has them',
      [conv(ints('pads', 2, 0, 0, 0)), node('Flatten', ['z'], 'y')],
      'pads: there is no such padding here: 2, 0, 0, 0',
    ],
    [
      'weights for other channels',
      [conv({ name: 'group', int: 3 }), node('Flatten', ['z'], 'y')],
      'expected weights for 2 channels in 3 groups',
    ],
    [
      'an image at its end',
      [conv(), node('Relu', ['z'], 'y')],
      "the output 'y' has its channels first",
    ],
    [
      'an image at its end that was made flat',
      [conv(), node('Flatten', ['z'], 'y')],
      "the output 'y' has its channels first: expected one with channels last, or flat",
    ],
    [
      'kernels larger than the image',
      [conv(ints('dilations', 4, 4)), node('Flatten', ['z'], 'y')],
      'no window of 2×2 fits into rows of shape [3, 4, 2]',
    ],
    [
      'dimensions in another order',
      [conv(), node('Transpose', ['z'], 'y', [ints('perm', 0, 2, 1, 3)])],
      'perm: expected the channels to go first or last, got 0, 2, 1, 3',
    ],
    [
      'windows that reach over the end',
      [node('MaxPool', ['x'], 'y', [ints('kernel_shape', 2, 2), { name: 'ceil_mode', int: 1 }])],
      'ceil_mode: expected 0',
    ],
    [
      'padding that counts',
      [
        node('AveragePool', ['x'], 'y', [
          ...[ints('kernel_shape', 3, 3), ints('pads', 1, 1, 1, 1)],
          { name: 'count_include_pad', int: 1 },
        ]),
      ],
      'count_include_pad: expected 0',
    ],
    [
      'means over channels',
      [node('ReduceMean', ['x'], 'y', [ints('axes', 1)])],
      'axes: expected 2, 3, got 1',
    ],
    [
      'a product with channels first',
      [conv(), node('MatMul', ['z', 'm'], 'y')],
      'expected rows whose channels come last',
    ],
    [
      'flat images side by side',
      [conv(), node('Flatten', ['z'], 'f'), node('Concat', ['f', 'f'], 'y')],
      'expected rows whose channels come last',
    ],
    ['recurrence', [node('LSTM', ['x', 'w', 'w'], 'y')], "no layer stands for the operator 'LSTM'"],
  ];

  it.each(images)('of images are refused with %s', (_name, nodes, message) => {
    const m = floatTensor('m', [2, 1], 1, 2);
    const file = fileOf({ nodes, tensors: [kernel, m], inputs: [rows('x', 2, 3, 4)] });
    expect(() => fromOnnx(file)).toThrow(FormatError);
    expect(() => fromOnnx(file)).toThrow(message);
  });

  it('are refused where few numbers become many weights', () => {
    const square = { ...w, dims: [512, 512], raw: new Uint8Array(2 ** 20) };
    const nodes = Array.from({ length: 9 }, (_, i) => {
      return node('MatMul', [i === 0 ? 'x' : `z${i}`, 'w'], i === 8 ? 'y' : `z${i + 1}`);
    });
    const file = fileOf({ nodes, tensors: [square], inputs: [rows('x', 512)] });
    expect(() => fromOnnx(file)).toThrow('the same weights are used by too many layers');
  });

  it('are refused where they are no files', () => {
    expect(() => fromOnnx(Uint8Array.of(1, 2, 3))).toThrow(FormatError);
    expect(() => fromOnnx(new Uint8Array())).toThrow('ONNX file: no graph');
    expect(() => fromOnnx('model.onnx' as never)).toThrow(
      "fromOnnx: expected the bytes of an ONNX file: got 'model.onnx'",
    );
  });
});
