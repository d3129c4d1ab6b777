import { beforeAll, describe, expect, it, vi } from 'vitest';
import { jsBackend } from '../src/backends/js.js';
import {
  type ActivationSpec,
  type LayerSpec,
  type LossSpec,
  layers,
  type NetworkSpec,
} from '../src/index.js';
import { resolveModel } from '../src/layers/model.js';
import { fround } from '../src/math.js';
import type { ActivationDefinition } from '../src/ops/definition.js';
import { activations } from '../src/ops/index.js';
import {
  activationSpecs,
  definitionOfLoss,
  lossSpecs,
  nameOf,
  requiredActivation,
  typeOf,
} from './catalogues.js';
import { Differences } from './differences.js';
import { generator } from './kernels/core.js';

// The chain rule against central differences. The JS kernels run in float64: without rounding, with
// the engine's own functions, on a Float64Array.
vi.mock('../src/math.js', async () => ({ ...(await import('./float64.js')) }));

const {
  dense,
  activation,
  attention,
  embedding,
  positionalEmbedding,
  dropout,
  flatten,
  activityRegularization,
  residual,
  parallel,
  batchNormalization,
  layerNormalization,
  alphaDropout,
  gaussianNoise,
  gru,
  lstm,
  masking,
  reshape,
  simpleRnn,
  conv1d,
  conv2d,
  conv2dTranspose,
  spatialDropout,
  upSampling2d,
  maxPooling1d,
  maxPooling2d,
  averagePooling1d,
  averagePooling2d,
  globalMaxPooling,
  globalAveragePooling,
} = layers;

/** Stacks with the activation under test in each place; `last` is the one that the loss wants. */
const stacks: Record<string, (f: ActivationSpec, last: ActivationSpec) => LayerSpec[]> = {
  'a hidden dense layer': (f, last) => [
    dense({ units: 5, activation: f }),
    dense({ units: 3, activation: last }),
  ],
  'a hidden layer of its own': (f, last) => [
    dense({ units: 5 }),
    activation(f),
    dense({ units: 3, activation: last }),
  ],
  'the first layer': (f, last) => [activation(f), dense({ units: 3, activation: last })],
  'a layer between dropouts': (f, last) => [
    dropout({ rate: 0.3 }),
    dense({ units: 5, activation: f }),
    dropout({ rate: 0.4 }),
    dense({ units: 3, activation: last }),
  ],
  'two hidden layers': (f, last) => [
    dense({ units: 4, activation: f }),
    dense({ units: 5, activation: f }),
    dense({ units: 3 }),
    activation(last),
  ],
  'the output layer': (f) => [
    dense({ units: 5, activation: 'tanh' }),
    dense({ units: 3, activation: f }),
  ],
  'an output layer of its own': (f) => [
    dense({ units: 5, activation: 'tanh' }),
    dense({ units: 3 }),
    activation(f),
  ],
  'a single output': (f) => [
    dense({ units: 5, activation: 'tanh' }),
    dense({ units: 1, activation: f }),
  ],
  'penalized layers': (f, last) => [
    activityRegularization({ l1: 0.02, l2: 0.01 }),
    dense({
      ...{ units: 5, activation: f, weightRegularizer: { l1: 0.03, l2: 0.02 } },
      ...{ biasRegularizer: { l2: 0.05 }, activityRegularizer: { l1: 0.02, l2: 0.03 } },
    }),
    dense({ units: 3, activation: last, activityRegularizer: { l2: 0.3 } }),
  ],
  'the output under dropout': (f) => [
    dense({ units: 6, activation: f }),
    dropout({ rate: 0.3 }),
    flatten(),
  ],
  'a residual block': (f, last) => [
    residual({ layers: [dense({ units: 4, activation: f }), dense({ units: 8 })] }),
    dense({ units: 3, activation: last }),
  ],
  'branches side by side': (f, last) => [
    dense({ units: 3, activation: f }),
    parallel({
      branches: [[], [dense({ units: 2, activation: f })], [dense({ units: 2 }), activation(f)]],
    }),
    dense({ units: 3, activation: last }),
  ],
  'blocks inside a block': (f, last) => [
    residual({
      layers: [
        parallel({
          branches: [
            [dense({ units: 2, activation: f }), dropout({ rate: 0.2 })],
            [dense({ units: 2 })],
          ],
          merge: 'add',
        }),
        residual({ layers: [activation(f)] }),
        dense({ units: 3, trainable: false }),
      ],
      shortcut: [dense({ units: 3, activation: 'relu' })],
    }),
    dense({ units: 3, activation: last }),
  ],
};

/** The specs of all stacks with and without biases, of flat rows and of rows to be flattened. */
function* specs(f: ActivationSpec, loss: LossSpec): Generator<[string, NetworkSpec]> {
  for (const [place, stack] of Object.entries(stacks)) {
    for (const useBias of [true, false]) {
      const last = requiredActivation(loss) ?? 'linear';
      const made = stack(f, last).map((layer) =>
        layer.type === 'dense' ? { ...layer, useBias } : layer,
      );
      const flat = useBias ? made : [flatten(), ...made];
      const inputShape = useBias ? [8] : [2, 4];
      yield [
        `${place}${useBias ? '' : ', no bias'}`,
        { inputShape, layers: flat, loss, optimizer: 'sgd', seed: 11 },
      ];
    }
  }
}

function outputActivation(spec: NetworkSpec): string {
  const last = spec.layers.at(-1)!;
  if (last.type !== 'dense' && last.type !== 'activation') return 'linear';
  return typeOf(last.activation ?? 'linear');
}

/** What the library should say to a cross-entropy behind another activation, or to rates below 0. */
function refusal(spec: NetworkSpec): string | undefined {
  const last = outputActivation(spec);
  if (definitionOfLoss(spec.loss!).positive) {
    const { positive } = activations[last as keyof typeof activations] as ActivationDefinition;
    return positive ? undefined : 'takes rates, which are not negative';
  }
  const required = requiredActivation(spec.loss!);
  const fits = required === undefined || required === last;
  return fits ? undefined : 'is computed from the logits';
}

beforeAll(() => {
  // Otherwise the differences would be those of float32.
  expect(fround(0.1)).toBe(0.1);
  expect(jsBackend(Float64Array).floats).toBeInstanceOf(Float64Array);
});

describe.each(activationSpecs.map((f) => [nameOf(f), f] as const))('%s', (name, f) => {
  it.each(lossSpecs.map((loss) => [nameOf(loss), loss] as const))('with %s', (lossName, loss) => {
    let slopes = 0;
    const failures: string[] = [];
    // Of the names, so that new entries leave the numbers of others as they are.
    let seed = [...`${name} ${lossName}`].reduce((sum, c) => (sum * 31 + c.charCodeAt(0)) | 0, 0);
    for (const [place, spec] of specs(f, loss)) {
      const refused = refusal(spec);
      if (refused) {
        expect(() => resolveModel(spec), place).toThrow(refused);
        continue;
      }
      const check = new Differences(spec);
      check.draw(generator((seed += 100_000)));
      const compared = check.compare();
      slopes += compared.slopes;
      failures.push(...compared.failures.map((failure) => `${place}: ${failure}`));
    }
    expect(failures, `${name}, ${lossName}`).toEqual([]);
    expect(slopes).toBeGreaterThan(100);
  });
});

/** Stacks with layers whose outputs depend on more than one row, or on chance. */
const normalized: Record<string, LayerSpec[]> = {
  'over the batch': [
    dense({ units: 5 }),
    batchNormalization(),
    activation('tanh'),
    dense({ units: 3 }),
  ],
  'over the batch, first': [batchNormalization({ epsilon: 0.1 }), dense({ units: 3 })],
  'over the batch, without scale or shift': [
    dense({ units: 4, activation: 'softplus' }),
    batchNormalization({ scale: false }),
    dense({ units: 4 }),
    batchNormalization({ shift: false }),
  ],
  'over the batch, frozen': [
    dense({ units: 4 }),
    batchNormalization({ trainable: false }),
    activation('silu'),
    batchNormalization({ scale: false, shift: false }),
  ],
  'over the row': [
    dense({ units: 6 }),
    layerNormalization(),
    activation('gelu'),
    dense({ units: 5, activation: 'tanh' }),
    layerNormalization({ scale: false }),
    dense({ units: 3 }),
  ],
  'over the row, in blocks': [
    residual({ layers: [layerNormalization({ shift: false }), dense({ units: 8 })] }),
    parallel({ branches: [[batchNormalization()], [layerNormalization({ trainable: false })]] }),
    dense({ units: 3 }),
  ],
  'under noise': [
    gaussianNoise({ stddev: 0.3 }),
    dense({ units: 6, activation: 'selu' }),
    alphaDropout({ rate: 0.3 }),
    residual({ layers: [gaussianNoise({ stddev: 0.1 }), dense({ units: 6 })] }),
    dense({ units: 3 }),
  ],
};

describe.each(Object.entries(normalized))('%s', (_, stack) => {
  it.each([3, 5])('in a batch of %i', (batch) => {
    const spec = { inputShape: [8], layers: stack, loss: 'huber', seed: 4 } as const;
    const differences = new Differences(spec, batch);
    differences.draw(generator(batch));
    const { failures, slopes } = differences.compare();
    expect(failures).toEqual([]);
    expect(slopes).toBeGreaterThan(20);
  });
});

/** Stacks on rows of more than one dimension, under each kind of loss. */
const positioned: Record<string, [LossSpec, LayerSpec[]]> = {
  'numbers at each position': [
    'meanSquaredError',
    [
      dense({ units: 5, activation: 'tanh' }),
      layerNormalization(),
      dropout({ rate: 0.2 }),
      residual({ layers: [dense({ units: 5, activation: 'silu' }), batchNormalization()] }),
      parallel({ branches: [[], [dense({ units: 2 })]] }),
    ],
  ],
  'a class at each position': [
    'sparseCategoricalCrossentropy',
    [gaussianNoise({ stddev: 0.1 }), dense({ units: 4, activation: 'softmax' })],
  ],
  'probabilities at each position': [
    'categoricalCrossentropy',
    [dense({ units: 4 }), alphaDropout({ rate: 0.2 }), activation('softmax')],
  ],
  'yes or no at each position': [
    'binaryCrossentropy',
    [residual({ layers: [activation('tanh')] }), activation('sigmoid')],
  ],
  'softmax within': [
    'huber',
    [activation('softmax'), dense({ units: 2 }), flatten(), dense({ units: 3 })],
  ],
  'vectors looked up by number': [
    'sparseCategoricalCrossentropy',
    [
      parallel({
        branches: [
          [embedding({ vocabulary: 5, units: 3 }), activation('tanh')],
          [
            reshape({ shape: [2, 6] }),
            embedding({ vocabulary: 7, units: 2 }),
            reshape({ shape: [3, 4, 2] }),
          ],
        ],
      }),
      dense({ units: 4, activation: 'softmax' }),
    ],
  ],
  'vectors, and nothing else': ['huber', [embedding({ vocabulary: 5, units: 3 })]],
  attention: [
    'meanSquaredError',
    [
      attention({ heads: 2 }),
      residual({ layers: [attention({ heads: 1, causal: true })] }),
      attention({ heads: 3, units: 6, useBias: false }),
    ],
  ],
  'attention to vectors looked up by number': [
    'sparseCategoricalCrossentropy',
    [
      reshape({ shape: [12] }),
      embedding({ vocabulary: 6, units: 4 }),
      positionalEmbedding(),
      residual({ layers: [attention({ heads: 2, causal: true })] }),
      attention({ heads: 4, trainable: false }),
      dense({ units: 3, activation: 'softmax' }),
    ],
  ],
  'attention and a mean past steps that do not count': [
    'meanSquaredError',
    [
      reshape({ shape: [12] }),
      embedding({ vocabulary: 3, units: 4, maskZero: true }),
      positionalEmbedding(),
      attention({ heads: 2 }),
      residual({ layers: [attention({ heads: 1, causal: true })] }),
      globalAveragePooling(),
    ],
  ],
  'a simple recurrent layer': [
    'meanSquaredError',
    [
      simpleRnn({ units: 3, returnSequences: true, biasInitializer: 'randomNormal' }),
      simpleRnn({ units: 2, activation: 'relu', goBackwards: true }),
    ],
  ],
  'long short-term memory': [
    'meanSquaredError',
    [lstm({ units: 3, returnSequences: true }), lstm({ units: 2, goBackwards: true })],
  ],
  'gated recurrent units': [
    'meanSquaredError',
    [gru({ units: 3, returnSequences: true }), gru({ units: 2, useBias: false })],
  ],
  'recurrence both ways': [
    'sparseCategoricalCrossentropy',
    [
      layers.bidirectional(lstm({ units: 2, returnSequences: true })),
      layers.bidirectional(gru({ units: 3, returnSequences: true }), 'add'),
      dense({ units: 3, activation: 'softmax' }),
    ],
  ],
  'recurrence past steps that do not count': [
    'sparseCategoricalCrossentropy',
    [
      reshape({ shape: [12] }),
      embedding({ vocabulary: 3, units: 2, maskZero: true }),
      dense({ units: 3, activation: 'tanh' }),
      lstm({ units: 2, returnSequences: true, goBackwards: true }),
      layers.bidirectional(gru({ units: 2, returnSequences: true })),
      residual({ layers: [simpleRnn({ units: 4, returnSequences: true })] }),
      lstm({ units: 2, returnSequences: true }),
      dense({ units: 3, activation: 'softmax' }),
    ],
  ],
  'the last state behind steps that do not count': [
    'meanSquaredError',
    [
      parallel({
        branches: (['simpleRnn', 'lstm', 'gru'] as const).map((kind) => [
          reshape({ shape: [12] }),
          embedding({ vocabulary: 2, units: 2, maskZero: true }),
          layers[kind]({ units: 2 }),
        ]),
      }),
    ],
  ],
  'a mask of all': [
    'meanSquaredError',
    [masking({ value: 9 }), gru({ units: 2, returnSequences: true }), lstm({ units: 2 })],
  ],
  'one shape and another': [
    'meanSquaredError',
    [
      reshape({ shape: [2, 2, 3] }),
      dense({ units: 2, activation: 'tanh' }),
      reshape({ shape: [-1] }),
      dense({ units: 4 }),
    ],
  ],
};

describe.each(Object.entries(positioned))('%s', (_, [loss, stack]) => {
  it.each([1, 3])('in a batch of %i', (batch) => {
    const differences = new Differences(
      { inputShape: [3, 4], layers: stack, loss, seed: 9 },
      batch,
    );
    differences.draw(generator(batch));
    const { failures, slopes } = differences.compare();
    expect(failures).toEqual([]);
    expect(slopes).toBeGreaterThan(4);
  });
});

/** Stacks on images and sequences, with the shapes of their rows. */
const windowed: Record<string, [number[], LayerSpec[]]> = {
  'a convolution': [
    [4, 5, 2],
    [conv2d({ filters: 3, kernelSize: 3 }), flatten()],
  ],
  'a convolution behind relu': [
    [5, 4, 1],
    [
      conv2d({ filters: 2, kernelSize: 2, activation: 'relu' }),
      conv2d({ filters: 3, kernelSize: [2, 3], padding: 'same', activation: 'tanh' }),
      flatten(),
      dense({ units: 2 }),
    ],
  ],
  'strides, dilation and padding': [
    [6, 7, 2],
    [
      conv2d({ filters: 2, kernelSize: [3, 2], strides: [2, 3], padding: [2, 1] }),
      activation('silu'),
      conv2d({ filters: 3, kernelSize: 2, strides: 2, dilation: 2, padding: 'same' }),
    ],
  ],
  'strides past values': [[7, 7, 1], [conv2d({ filters: 2, kernelSize: 2, strides: 3 })]],
  transposes: [
    [3, 2, 4],
    [
      conv2dTranspose({ filters: 5, kernelSize: 3, strides: 2, activation: 'relu' }),
      spatialDropout({ rate: 0.3 }),
      conv2dTranspose({ filters: 2, kernelSize: [2, 3], padding: 1, activation: 'tanh' }),
      conv2dTranspose({ filters: 2, kernelSize: 2, strides: [3, 1], padding: 'same' }),
      upSampling2d({ size: [1, 2] }),
      globalAveragePooling(),
    ],
  ],
  groups: [
    [4, 4, 4],
    [
      conv2d({ filters: 6, kernelSize: 2, groups: 2, activation: 'tanh' }),
      conv2d({ filters: 6, kernelSize: 3, groups: 6, padding: 'same', useBias: false }),
      globalAveragePooling(),
    ],
  ],
  'a sequence': [
    [9, 2],
    [
      conv1d({ filters: 3, kernelSize: 3, dilation: 2, padding: 'same', activation: 'relu' }),
      maxPooling1d({ poolSize: 3, strides: 2, padding: 1 }),
      conv1d({ filters: 2, kernelSize: 2, padding: 1 }),
      averagePooling1d({ poolSize: 2 }),
      globalMaxPooling(),
    ],
  ],
  pooling: [
    [7, 6, 3],
    [
      conv2d({ filters: 3, kernelSize: 1 }),
      maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' }),
      averagePooling2d({ poolSize: [3, 2], strides: 1, padding: 1 }),
      batchNormalization(),
      flatten(),
      dense({ units: 2 }),
    ],
  ],
};

describe.each(Object.entries(windowed))('windows: %s', (_, [inputShape, stack]) => {
  it.each([1, 3])('in a batch of %i', (batch) => {
    const spec: NetworkSpec = { inputShape, layers: stack, loss: 'meanSquaredError', seed: 2 };
    const differences = new Differences(spec, batch);
    differences.draw(generator(batch));
    const { failures, slopes } = differences.compare();
    expect(failures).toEqual([]);
    expect(slopes).toBeGreaterThan(4);
  });
});

it('takes every kind of layer', () => {
  const plain = Object.values(stacks).flatMap((stack) => stack('tanh', 'linear'));
  const kinds = [
    ...plain,
    ...Object.values(normalized).flat(),
    ...Object.values(positioned).flatMap(([, stack]) => stack),
    ...Object.values(windowed).flatMap(([, stack]) => stack),
  ];
  expect(new Set(kinds.map(({ type }) => type))).toEqual(
    new Set(Object.keys(layers).filter((name) => name !== 'bidirectional')),
  );
});
