import { describe, expect, it } from 'vitest';
import { modelMessage } from '../../../src/formats/onnx/schema.js';
import { readMessage } from '../../../src/formats/onnx/wire.js';
import {
  type InputRows,
  type LayerSpec,
  layers,
  load,
  minMaxScaler,
  type Network,
  type NetworkSpec,
  oneHot,
  robustScaler,
  sequential,
  standardScaler,
} from '../../../src/index.js';
import { toOnnx } from '../../../src/onnx.js';
import { activationSpecs, nameOf } from '../../catalogues.js';
import { shapedCase } from '../../shaped.js';
import { floats } from '../draw.js';
import { largestDifference } from './difference.js';
import { runOnnx } from './onnxruntime.js';

/** Holds predictions against those of onnxruntime, for one row and for many. */
async function compare(model: Network, rows: InputRows, codes?: Float32Array) {
  const { inputShape } = model.toJSON();
  const y = model.predict(rows);
  const file = toOnnx(model);
  const x = codes ?? (rows as Float32Array);
  const size = inputShape.reduce((a, b) => a * b, 1);
  const all = await runOnnx(file, x, inputShape);
  const one = await runOnnx(file, x.slice(0, size), inputShape);
  expect(all.dims[0]).toBe(x.length / size);
  expect(all.y.length).toBe(y.length);
  expect(one.y).toEqual(all.y.slice(0, one.y.length));
  y.forEach((value, i) => {
    expect(Math.abs(value - all.y[i]!), `output ${i}`).toBeLessThan(1e-5);
  });
}

const compareSpec = (spec: NetworkSpec, rows = 17) => {
  const model = sequential(spec);
  // Not as they start: normalization would do nothing.
  const learnt = Object.entries(model.getWeights()).filter(([name]) =>
    /scale|shift|mean|variance/.test(name),
  );
  const drawn = learnt.map(([name, { length }]) => [
    name,
    floats(length).map((v) => 0.5 + Math.abs(v)),
  ]);
  model.setWeights(Object.fromEntries(drawn));
  return compare(model, floats(rows * spec.inputShape.reduce((a, b) => a * b, 1)));
};

describe('onnxruntime predicts the same', () => {
  const { conv2d, conv1d, maxPooling2d, maxPooling1d, averagePooling2d, averagePooling1d } = layers;
  const windowed: Record<string, [number[], LayerSpec[]]> = {
    'a convolutional network': [
      [8, 9, 3],
      [
        conv2d({ filters: 4, kernelSize: 3, padding: 'same', activation: 'relu' }),
        layers.batchNormalization(),
        conv2d({ filters: 6, kernelSize: [2, 3], strides: 2, groups: 2, useBias: false }),
        layers.activation('tanh'),
        maxPooling2d({ poolSize: 2, padding: 'same' }),
        layers.flatten(),
        layers.dense({ units: 3, activation: 'softmax' }),
      ],
    ],
    'strides, dilation and padding': [
      [11, 10, 2],
      [
        conv2d({ filters: 2, kernelSize: 3, strides: [3, 2], padding: [2, 1], dilation: 2 }),
        conv2d({ filters: 3, kernelSize: 2, strides: 2, padding: 'same', activation: 'softmax' }),
      ],
    ],
    pooling: [
      [9, 8, 3],
      [
        maxPooling2d({ poolSize: 3, strides: 2, padding: 1 }),
        averagePooling2d({ poolSize: [2, 3], strides: 1, padding: 'same' }),
        averagePooling2d({ poolSize: 2 }),
      ],
    ],
    transposes: [
      [3, 4, 2],
      [
        layers.conv2dTranspose({ filters: 3, kernelSize: 3, strides: 2, activation: 'relu' }),
        layers.conv2dTranspose({
          filters: 4,
          kernelSize: [2, 4],
          strides: [3, 2],
          padding: 'same',
        }),
        layers.conv2dTranspose({ filters: 2, kernelSize: 3, padding: 2, useBias: false }),
        layers.spatialDropout({ rate: 0.3 }),
        layers.upSampling2d({ size: [2, 3] }),
      ],
    ],
    sequences: [
      [13, 2],
      [
        conv1d({ filters: 4, kernelSize: 3, strides: 2, padding: 2, activation: 'silu' }),
        maxPooling1d({ poolSize: 2, strides: 1 }),
        averagePooling1d({ poolSize: 3, padding: 'same' }),
        layers.parallel({
          branches: [[layers.globalMaxPooling()], [layers.globalAveragePooling()]],
        }),
      ],
    ],
  };
  it.each(Object.entries(windowed))('with windows: %s', (_name, [inputShape, stack]) =>
    compareSpec({ inputShape, layers: stack, seed: 3 }),
  );

  it('and channels are moved where they must be, and not back and forth', () => {
    const [inputShape, stack] = windowed['a convolutional network']!;
    const { graph } = readMessage(modelMessage, toOnnx(sequential({ inputShape, layers: stack })));
    const operators = graph!.nodes!.map(({ operator }) => operator);
    expect(operators.slice(0, 5)).toEqual([
      'Transpose',
      'Conv',
      'Relu',
      'BatchNormalization',
      'Conv',
    ]);
    expect(operators.filter((operator) => operator === 'Transpose').length).toBe(4);
  });

  it.each(activationSpecs.map((activation) => [nameOf(activation), activation] as const))(
    'with %s',
    async (_name, activation) => {
      const biasInitializer = 'randomNormal';
      await compareSpec({
        inputShape: [5],
        layers: [
          layers.dense({ units: 6, activation, biasInitializer }),
          layers.dense({ units: 4, useBias: false }),
          layers.activation(activation),
        ],
      });
      await compareSpec({
        inputShape: [3, 2],
        layers: [layers.activation(activation), layers.flatten(), layers.dense({ units: 2 })],
      });
    },
  );

  it.each<[string, readonly number[], LayerSpec[]]>([
    ['flatten', [2, 3], [layers.flatten()]],
    ['flatten of what is flat', [3], [layers.flatten()]],
    ['dropout', [3], [layers.dropout({ rate: 0.5 }), layers.dense({ units: 2 })]],
    ['dropout alone', [2, 2], [layers.dropout({ rate: 0.5 })]],
    ['many units', [130], [layers.dense({ units: 70, activation: 'relu' })]],
    ['noise', [3], [layers.gaussianNoise({ stddev: 1 }), layers.alphaDropout({ rate: 0.5 })]],
    [
      'normalization',
      [5],
      [
        layers.batchNormalization({ epsilon: 0.01 }),
        layers.dense({ units: 7 }),
        layers.layerNormalization({ scale: false }),
        layers.batchNormalization({ shift: false, scale: false }),
        layers.layerNormalization({ epsilon: 0.1 }),
      ],
    ],
    ...[false, true].map((returnSequences): [string, readonly number[], LayerSpec[]] => [
      `recurrence, ${returnSequences ? 'every step' : 'the last step'}`,
      [6, 3],
      [
        layers.simpleRnn({ units: 5, returnSequences: true }),
        layers.bidirectional(
          layers.lstm({ units: 4, returnSequences: true, biasInitializer: 'randomNormal' }),
        ),
        layers.gru({ units: 3, goBackwards: true, returnSequences: true, useBias: false }),
        layers.simpleRnn({ units: 5, activation: 'relu', returnSequences: true }),
        layers.bidirectional(layers.gru({ units: 4, returnSequences: true }), 'add'),
        layers.lstm({ units: 4, goBackwards: true, returnSequences, truncate: 2 }),
      ],
    ]),
    [
      'rows of several positions',
      [3, 2, 5],
      [
        layers.batchNormalization(),
        layers.dense({ units: 6, activation: 'softmax' }),
        layers.layerNormalization(),
        layers.parallel({
          branches: [[], [layers.dense({ units: 2, useBias: false, activation: 'tanh' })]],
        }),
        layers.residual({ layers: [layers.dense({ units: 8 })] }),
        layers.reshape({ shape: [8, -1] }),
        layers.dense({ units: 3 }),
      ],
    ],
    [
      'attention',
      [7, 6],
      [
        layers.attention({ heads: 2 }),
        layers.residual({
          layers: [layers.layerNormalization(), layers.attention({ heads: 3, causal: true })],
        }),
        layers.attention({ heads: 2, units: 10, useBias: false }),
      ],
    ],
    [
      'blocks of layers',
      [5],
      [
        layers.residual({ layers: [layers.dense({ units: 5, activation: 'relu' })] }),
        layers.parallel({
          branches: [
            [],
            [
              layers.residual({
                layers: [layers.dense({ units: 3 })],
                shortcut: [layers.dense({ units: 3, useBias: false })],
              }),
            ],
          ],
        }),
        layers.parallel({
          branches: [[layers.dense({ units: 2 })], [layers.dense({ units: 2 })]],
          merge: 'add',
        }),
      ],
    ],
  ])('with %s', (_name, inputShape, list) => compareSpec({ inputShape, layers: list }));

  it('with vectors looked up by number', async () => {
    const model = sequential({
      inputShape: [6],
      layers: [
        layers.reshape({ shape: [2, 3] }),
        layers.embedding({ vocabulary: 50, units: 5 }),
        layers.positionalEmbedding(),
        layers.dense({ units: 3, activation: 'tanh' }),
      ],
    });
    await compare(
      model,
      Float32Array.from({ length: 60 }, (_, i) => (i * 17) % 50),
    );
  });

  it.each([
    ['standardScaler', standardScaler()],
    ['minMaxScaler', minMaxScaler({ min: -1 })],
    ['robustScaler', robustScaler()],
    ['one for each column', [standardScaler(), null, minMaxScaler()]],
  ] as const)('with %s', async (_name, scaler) => {
    const model = sequential({
      inputShape: [3],
      layers: [layers.dense({ units: 4, activation: 'tanh' }), layers.dense({ units: 3 })],
      loss: 'meanSquaredError',
      preprocess: { x: scaler, y: scaler },
    });
    const x = floats(60);
    await model.fit(x, floats(60), { epochs: 2 });
    await compare(model, x);
  });

  it('with a column far from 0, whose digits a float32 does not hold', async () => {
    const model = sequential({
      inputShape: [1],
      layers: [layers.dense({ units: 1 })],
      preprocess: { x: standardScaler() },
    });
    const { spec, weights } = model.snapshot();
    const scalers = { x: [{ center: 2000.123456789, scale: 1.5 }] };
    const fitted = load({ spec, weights, scalers });
    await compare(fitted, Float32Array.of(1998.5, 2000.125, 2003.25));
  });

  it('with rows of more than one dimension, scaled', async () => {
    const model = sequential({
      inputShape: [2, 2],
      layers: [layers.activation('tanh')],
      loss: 'meanSquaredError',
      preprocess: { x: standardScaler(), y: minMaxScaler() },
    });
    const x = floats(40);
    await model.fit(x, floats(40), { epochs: 0 });
    await compare(model, x);
  });

  it('with categories, given as their places', async () => {
    const colours = ['red', 'green', 'blue'];
    const model = sequential({
      inputShape: [4],
      layers: [layers.dense({ units: 2, activation: 'softmax' })],
      loss: 'sparseCategoricalCrossentropy',
      preprocess: { x: [oneHot(colours), standardScaler(), null, oneHot(3)] },
    });
    const rows = [
      ['green', 1.5, -2, 10],
      ['red', -0.5, 0.25, 20],
      ['blue', 2, 1, 10],
    ];
    await model.fit(rows as unknown as InputRows, ['no', 'yes', 'no'], { epochs: 3 });
    const codes = rows.map(([colour, a, b, size]) => [
      colours.indexOf(colour as string),
      a as number,
      b as number,
      [10, 20].indexOf(size as number),
    ]);
    await compare(model, rows as unknown as InputRows, Float32Array.from(codes.flat()));
    const { properties } = readMessage(modelMessage, toOnnx(model));
    expect(properties).toEqual([
      { key: 'chainrule.classes', value: '["no","yes"]' },
      { key: 'chainrule.categories', value: '[["red","green","blue"],null,null,[10,20]]' },
    ]);
  });

  it('with a column of categories alone', async () => {
    const model = sequential({
      inputShape: [1],
      layers: [layers.dense({ units: 2 })],
      preprocess: { x: oneHot(['a', 'b']) },
    });
    await compare(model, ['b', 'a', 'b'] as unknown as InputRows, Float32Array.of(1, 0, 1));
  });
});

// `npm run check:onnx` says how much it is, over thousands.
it.each([0, 50, 100, 150])(
  'onnxruntime predicts the same for 50 random architectures from seed %i on',
  async (first) => {
    const { largest, seed } = await largestDifference(first, first + 50);
    expect(largest, `seed ${seed}`).toBeLessThan(1e-5);
  },
);

it.each([0, 50])(
  'onnxruntime predicts the same for 50 random architectures on images and sequences from seed %i on',
  async (first) => {
    const unmasked = (seed: number) => shapedCase(seed, { masks: false });
    const { largest, seed } = await largestDifference(first, first + 50, unmasked);
    expect(largest, `seed ${seed}`).toBeLessThan(1e-5);
  },
);

describe('an exported file', () => {
  const model = sequential({ inputShape: [2], layers: [layers.dense({ units: 1 })] });

  it('says operator set 20, and leaves the batch open', () => {
    const { version, operators, graph } = readMessage(modelMessage, toOnnx(model));
    expect(version).toBe(9);
    expect(operators).toEqual([{ domain: '', version: 20 }]);
    const shape = { dimensions: [{ symbol: 'batch' }, { size: 2 }] };
    expect(graph!.inputs).toEqual([{ name: 'x', type: { tensor: { element: 1, shape } } }]);
  });

  it('is the same every time', () => {
    expect(toOnnx(model)).toEqual(toOnnx(model));
  });

  it('is refused where a scaler has not been fitted', () => {
    const raw = sequential({
      inputShape: [2],
      layers: [layers.dense({ units: 1 })],
      preprocess: { x: standardScaler() },
    });
    expect(() => toOnnx(raw)).toThrow('toOnnx: the scaler of x has not been fitted: call fit()');
  });
});
