import { describe, expect, it } from 'vitest';
import { fromKeras, fromPyTorch } from '../../../src/convert.js';
import { bytesOf, type DType, writeSafetensors } from '../../../src/formats/safetensors.js';
import { FormatError, layers, type Network, type NetworkSpec } from '../../../src/index.js';
import keras from '../../fixtures/keras.json';
import pytorch from '../../fixtures/pytorch.json';

const fileOf = (text: string) => Buffer.from(text, 'base64');
const named = (name: string) => pytorch.models.find((model) => model.name === name)!;

function predictsTheSame(model: Network, { x, y }: { x: number[]; y: number[] }): void {
  const ours = model.predict(Float32Array.from(x));
  expect(ours.length).toBe(y.length);
  ours.forEach((value, i) => {
    expect(Math.abs(value - y[i]!), `output ${i}`).toBeLessThan(1e-5);
  });
}

const relu: NetworkSpec = {
  inputShape: [3],
  layers: [
    layers.dense({ units: 4, activation: 'relu' }),
    layers.dense({ units: 2, useBias: false }),
  ],
};

describe('weights of PyTorch', () => {
  const numbered = named('relu');
  const file = fileOf(numbered.safetensors);

  it('find their layers by their numbers, and are transposed', () => {
    predictsTheSame(fromPyTorch(file, relu), numbered);
  });

  it('find their layers by names, also inside others', () => {
    const { safetensors, x, y } = named('residual and concatenation');
    const spec: NetworkSpec = {
      inputShape: [3],
      layers: [
        layers.dense({ units: 4, activation: 'relu' }),
        layers.parallel({
          branches: [
            [layers.residual({ layers: [layers.dense({ units: 4, activation: 'tanh' })] })],
            [],
          ],
        }),
        layers.dense({ units: 2 }),
      ],
    };
    const names = {
      'layers.0': 'enter',
      'layers.1.branches.0.0.layers.0': 'inner',
      'layers.2': 'leave',
    };
    predictsTheSame(fromPyTorch(fileOf(safetensors), spec, { names }), { x, y });
    expect(() => fromPyTorch(fileOf(safetensors), spec)).toThrow(
      "say which layer has which: names: { 'layers.0': …, … }; the file has 'enter', 'inner', 'leave'",
    );
  });

  it('include those of normalization', () => {
    const batch = named('batch normalisation');
    const spec: NetworkSpec = {
      inputShape: [3],
      layers: [
        layers.dense({ units: 4 }),
        layers.batchNormalization(),
        layers.activation('relu'),
        layers.dense({ units: 4, activation: 'tanh' }),
        layers.batchNormalization({ epsilon: 1e-3 }),
        layers.dense({ units: 2 }),
      ],
    };
    predictsTheSame(fromPyTorch(fileOf(batch.safetensors), spec), batch);
    const layer = named('layer normalisation');
    const list = [
      layers.dense({ units: 4 }),
      layers.layerNormalization(),
      layers.activation('gelu'),
      layers.dense({ units: 2 }),
    ];
    const model = fromPyTorch(fileOf(layer.safetensors), { inputShape: [3], layers: list });
    predictsTheSame(model, layer);
  });

  const weightsOf = (name: string) => pytorch.weights.find((one) => one.name === name)!;

  it('of convolutions are turned to channels last, behind a flatten too', () => {
    const images = weightsOf('convolutions');
    const list = [
      layers.conv2d({ filters: 4, kernelSize: 3, padding: 1 }),
      layers.batchNormalization(),
      layers.activation('relu'),
      layers.maxPooling2d(),
      layers.conv2d({
        ...{ filters: 8, kernelSize: [2, 1], groups: 4, useBias: false },
        activation: 'tanh',
      }),
      layers.conv2dTranspose({ filters: 2, kernelSize: 2 }),
      layers.spatialDropout({ rate: 0.1 }),
      layers.flatten(),
      layers.batchNormalization(),
      layers.dense({ units: 16, activation: 'silu' }),
      layers.dense({ units: 2 }),
    ];
    const names = {
      ...{ 'layers.0': 'features.0', 'layers.1': 'features.1', 'layers.4': 'features.4' },
      ...{ 'layers.5': 'features.6', 'layers.8': 'head.1', 'layers.9': 'head.2' },
      'layers.10': 'head.4',
    };
    const spec = { inputShape: [4, 6, 3], layers: list };
    predictsTheSame(fromPyTorch(fileOf(images.safetensors), spec, { names }), images);
  });

  it('of recurrence have one bias for two, of any layer and in both directions', () => {
    const sequence = weightsOf('a sequence');
    const all = { returnSequences: true };
    const spec: NetworkSpec = {
      inputShape: [4, 3],
      layers: [
        layers.conv1d({ filters: 4, kernelSize: 2, activation: 'relu' }),
        layers.lstm({ units: 3, ...all }),
        layers.lstm({ units: 3, ...all }),
        layers.bidirectional(layers.gru({ units: 2, ...all })),
        layers.simpleRnn({ units: 3, ...all, useBias: false, stateful: 5 }),
        layers.flatten(),
        layers.dense({ units: 2 }),
      ],
    };
    const names = {
      ...{ 'layers.0': 'conv', 'layers.1': 'lstm', 'layers.2': 'lstm.*_l1' },
      ...{ 'layers.3.branches.0.0': 'gru', 'layers.3.branches.1.0': 'gru' },
      ...{ 'layers.4': 'rnn', 'layers.6': 'top' },
    };
    predictsTheSame(fromPyTorch(fileOf(sequence.safetensors), spec, { names }), sequence);
    expect(() =>
      fromPyTorch(fileOf(sequence.safetensors), spec, {
        names: { ...names, 'layers.2': 'lstm.*_l2' },
      }),
    ).toThrow("'lstm.weight_ih_l2', for layers[2] (lstm), is missing");
  });

  it('of layers side by side behind a flatten', () => {
    const steps = weightsOf('flattened steps');
    const conv = layers.conv1d({
      ...{ filters: 3, kernelSize: 3, dilation: 2, padding: 'same' },
      activation: 'tanh',
    });
    const left = layers.dense({ units: 15, activation: 'tanh' });
    const right = layers.dense({ units: 2 });
    const stack = (branches: Parameters<typeof layers.parallel>[0]['branches']): NetworkSpec => ({
      inputShape: [5, 2],
      layers: [conv, layers.flatten(), layers.parallel({ branches })],
    });
    const names = {
      ...{ 'layers.0': 'conv', 'layers.2.branches.0.0': 'left' },
      'layers.2.branches.1.0': 'right',
    };
    const file = fileOf(steps.safetensors);
    predictsTheSame(fromPyTorch(file, stack([[left], [right]]), { names }), steps);
    expect(() =>
      fromPyTorch(file, stack([[left], []]), {
        names: { 'layers.0': 'conv', 'layers.2.branches.0.0': 'left' },
      }),
    ).toThrow(
      'fromPyTorch: layers[2] (parallel) puts rows that a flatten has made together with others',
    );
  });

  it('are refused where numbers do not say which is which', () => {
    const bytes = bytesOf(new Float32Array(4));
    const files = (...prefixes: string[]) =>
      writeSafetensors({
        metadata: new Map(),
        tensors: new Map(
          prefixes.map((prefix) => [`${prefix}.weight`, { dtype: 'F32', shape: [2, 2], bytes }]),
        ),
      });
    const square = layers.dense({ units: 2, useBias: false });
    const flat: NetworkSpec = { inputShape: [2], layers: [square, square] };
    const nested: NetworkSpec = {
      inputShape: [2],
      layers: [layers.residual({ layers: [square] }), square],
    };
    expect(() => fromPyTorch(files('fc1', 'fc01'), flat)).toThrow(
      "the number 1 comes twice; say which layer has which: names: { 'layers.0': …, … }",
    );
    expect(() => fromPyTorch(files('enter', 'leave'), flat)).toThrow(
      'the names in the file differ in more than their numbers',
    );
    expect(() => fromPyTorch(files('0', '1'), nested)).toThrow(
      'layers[0].layers[0] (dense) is inside another layer, and numbers do not tell which is which',
    );
    expect(fromPyTorch(files('fc10', 'fc9'), flat).getWeights()['layers.1.w']).toHaveLength(4);
  });

  it('may be half floats, of either kind, or doubles', () => {
    const spec: NetworkSpec = { inputShape: [1], layers: [layers.dense({ units: 3 })] };
    const tensors = (dtype: DType, w: ArrayBufferView, b: ArrayBufferView) =>
      writeSafetensors({
        metadata: new Map(),
        tensors: new Map([
          ['fc.weight', { dtype, shape: [3, 1], bytes: bytesOf(w) }],
          ['fc.bias', { dtype, shape: [3], bytes: bytesOf(b) }],
        ]),
      });
    // 1, −2.5 and 2⁻²⁴, the smallest; 0, 65504, the largest, and 0.
    const halves = tensors(
      'F16',
      Uint16Array.of(0x3c00, 0xc100, 0x0001),
      Uint16Array.of(0, 0x7bff, 0),
    );
    expect([...fromPyTorch(halves, spec).predict([1])]).toEqual([1, 65501.5, 2 ** -24]);
    const brains = tensors('BF16', Uint16Array.of(0x3f80, 0xc020, 0), Uint16Array.of(0, 0, 0x4049));
    expect([...fromPyTorch(brains, spec).predict([1])]).toEqual([1, -2.5, 3.140625]);
    const doubles = tensors('F64', Float64Array.of(1, 2, 1 / 3), new Float64Array(3));
    expect([...fromPyTorch(doubles, spec).predict([1])]).toEqual([1, 2, Math.fround(1 / 3)]);
  });

  it.each<[string, NetworkSpec, string]>([
    [
      'of other sizes',
      { ...relu, layers: [layers.dense({ units: 5 }), ...relu.layers.slice(1)] },
      "fromPyTorch: '0.weight': expected the shape [5, 3], got [4, 3]",
    ],
    [
      'that are missing',
      { ...relu, layers: [relu.layers[0]!, layers.dense({ units: 2 })] },
      "fromPyTorch: '2.bias', for layers[1] (dense), is missing",
    ],
    [
      'that no layer takes',
      { ...relu, layers: [layers.dense({ units: 4, useBias: false }), relu.layers[1]!] },
      "fromPyTorch: no layer of the spec takes '0.bias'",
    ],
    [
      'for more layers than there are',
      { ...relu, layers: relu.layers.slice(0, 1) },
      'fromPyTorch: 2 names in the file for 1 layers with weights',
    ],
  ])('are refused: %s', (_name, spec, message) => {
    expect(() => fromPyTorch(file, spec)).toThrow(FormatError);
    expect(() => fromPyTorch(file, spec)).toThrow(message);
  });

  it('are refused with names that do not fit', () => {
    expect(() => fromPyTorch(file, relu, { names: { 'layers.0': '0' } })).toThrow(
      'fromPyTorch: names: expected text for layers.1, got undefined',
    );
    expect(() => fromPyTorch(file, relu, { names: { fc1: 'layers.0' } })).toThrow(
      "fromPyTorch: names: unknown option 'fc1'",
    );
    expect(() => fromPyTorch('file' as never, relu)).toThrow(
      "fromPyTorch: expected the bytes of a safetensors file, got 'file'",
    );
  });
});

it.each([
  ['PyTorch', fromPyTorch, 'words.weight'],
  ['Keras', fromKeras, 'words/embeddings'],
] as const)('vectors of %s are those of an embedding', (_, from, name) => {
  const w = Float32Array.of(1, 2, 3, 4, 5, 6);
  const file = writeSafetensors({
    metadata: new Map(),
    tensors: new Map([[name, { dtype: 'F32', shape: [3, 2], bytes: bytesOf(w) }]]),
  });
  const spec = { inputShape: [2], layers: [layers.embedding({ vocabulary: 3, units: 2 })] };
  const model = from(file, spec, { names: { 'layers.0': 'words' } });
  expect([...model.predict([2, 0])]).toEqual([5, 6, 1, 2]);
});

it('weights of nn.MultiheadAttention are those of attention', () => {
  const lie = (rows: number, columns: number) =>
    Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(7 * i + rows));
  const given = {
    in_proj_weight: [12, 4],
    in_proj_bias: [12],
    'out_proj.weight': [4, 4],
    'out_proj.bias': [4],
  };
  const tensors = Object.entries(given).map(([name, shape]) => {
    const values = lie(shape[0]!, shape[1] ?? 1);
    return [`mha.${name}`, { dtype: 'F32' as const, shape, bytes: bytesOf(values) }] as const;
  });
  const file = writeSafetensors({ metadata: new Map(), tensors: new Map(tensors) });
  const spec = { inputShape: [2, 4], layers: [layers.attention({ heads: 2 })] };
  const weights = fromPyTorch(file, spec, { names: { 'layers.0': 'mha' } }).getWeights();
  const turned = (rows: number, columns: number) => {
    const values = lie(rows, columns);
    return Float32Array.from(
      values,
      (_, i) => values[(i % rows) * columns + Math.floor(i / rows)]!,
    );
  };
  expect(weights).toEqual({
    'layers.0.w': turned(12, 4),
    'layers.0.b': lie(12, 1),
    'layers.0.wOut': turned(4, 4),
    'layers.0.bOut': lie(4, 1),
  });
});

it('weights of Keras lie as they do here, depthwise ones with filters behind their channels', () => {
  const { convolutions } = keras;
  const spec: NetworkSpec = {
    inputShape: [4, 5, 3],
    layers: [
      layers.conv2d({ filters: 4, kernelSize: [3, 2], padding: 'same', activation: 'relu' }),
      layers.conv2d({ filters: 8, kernelSize: 2, groups: 4, activation: 'tanh' }),
      layers.conv2dTranspose({ filters: 2, kernelSize: [2, 3], strides: 2 }),
      layers.flatten(),
      layers.dense({ units: 2 }),
    ],
  };
  const names = {
    ...{ 'layers.0': 'conv2d', 'layers.1': 'depthwise_conv2d', 'layers.2': 'conv2d_transpose' },
    'layers.4': 'dense',
  };
  predictsTheSame(fromKeras(fileOf(convolutions.safetensors), spec, { names }), convolutions);
});

it('gates of a GRU of Keras have another order, and its biases are one matrix', () => {
  const { recurrent } = keras;
  const spec: NetworkSpec = {
    inputShape: [5, 2],
    layers: [
      layers.lstm({ units: 3, returnSequences: true }),
      layers.gru({ units: 4, returnSequences: true }),
      layers.simpleRnn({ units: 2 }),
    ],
  };
  const names = {
    ...{ 'layers.0': 'lstm/lstm_cell', 'layers.1': 'gru/gru_cell' },
    'layers.2': 'simple_rnn/simple_rnn_cell',
  };
  predictsTheSame(fromKeras(fileOf(recurrent.safetensors), spec, { names }), recurrent);
});

it('weights of Keras find their layers kind by kind', () => {
  const spec: NetworkSpec = {
    inputShape: [3],
    layers: [
      layers.dense({ units: 4, useBias: false }),
      layers.batchNormalization({ epsilon: 1e-3 }),
      layers.activation('tanh'),
      layers.dense({ units: 4, useBias: false }),
      layers.layerNormalization({ epsilon: 1e-3 }),
      layers.activation('relu'),
      layers.dense({ units: 2, useBias: false }),
      layers.batchNormalization({ epsilon: 1e-3, scale: false, shift: false }),
    ],
  };
  predictsTheSame(fromKeras(fileOf(keras.normalized.safetensors), spec), keras.normalized);
  expect(() =>
    fromKeras(fileOf(keras.normalized.safetensors), { ...spec, layers: spec.layers.slice(0, 7) }),
  ).toThrow('fromKeras: 6 names in the file for 5 layers with weights');
});

it('weights of Keras find their layers, and stay as they lie', () => {
  const spec: NetworkSpec = {
    inputShape: [3],
    layers: [
      layers.dense({ units: 5, activation: 'relu' }),
      layers.dense({ units: 2, useBias: false }),
    ],
  };
  predictsTheSame(fromKeras(fileOf(keras.safetensors), spec), keras);
  const names = { 'layers.0': 'dense', 'layers.1': 'dense_1' };
  predictsTheSame(fromKeras(fileOf(keras.safetensors), spec, { names, backend: 'js' }), keras);
});
