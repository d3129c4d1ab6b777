import {
  layers,
  minMaxScaler,
  type NetworkSpec,
  oneHot,
  sequential,
  standardScaler,
} from 'chainrule';

/** Networks on images and on sequences. */
export function shaped() {
  const specs: NetworkSpec[] = [
    {
      inputShape: [4, 5, 2],
      layers: [
        layers.conv2d({ filters: 4, kernelSize: [3, 2], strides: 2, padding: 'same', groups: 2 }),
        layers.batchNormalization(),
        layers.maxPooling2d({ strides: 1, padding: 1 }),
        layers.spatialDropout({ rate: 0.2 }),
        layers.upSampling2d({ size: [1, 2] }),
        layers.conv2dTranspose({ filters: 2, kernelSize: 2, activation: 'relu' }),
        layers.globalAveragePooling(),
        layers.reshape({ shape: [2, 1] }),
        layers.conv1d({ filters: 2, kernelSize: 2, dilation: 1 }),
        layers.flatten(),
      ],
      loss: 'meanSquaredError',
    },
    {
      inputShape: [5],
      layers: [
        layers.embedding({ vocabulary: 4, units: 4 }),
        layers.positionalEmbedding(),
        layers.residual({ layers: [layers.attention({ heads: 2, causal: true })] }),
        layers.bidirectional(layers.lstm({ units: 3, returnSequences: true, truncate: 2 })),
        layers.simpleRnn({ units: 3, returnSequences: true, activation: 'relu' }),
        layers.gru({ units: 2, goBackwards: true, useBias: false }),
        layers.dense({ units: 2, activation: 'softmax' }),
      ],
      loss: 'sparseCategoricalCrossentropy',
      classes: ['a', 'b'],
    },
  ];
  return specs.map((spec) => sequential(spec, { backend: 'js' }));
}

/** Networks that step over padding, and that keep their state. */
export function masked() {
  const specs: NetworkSpec[] = [
    {
      inputShape: [3, 2],
      layers: [
        layers.masking({ value: -1 }),
        layers.attention({ heads: 1 }),
        layers.globalAveragePooling(),
      ],
    },
    { inputShape: [2, 2], layers: [layers.lstm({ units: 2, stateful: 2 })], loss: 'huber' },
  ];
  return specs.map((spec) => sequential(spec, { backend: 'js' }));
}

/** Networks, all but one fitted, that between them have a bit of everything, to make whole files of. */
export async function models() {
  const specs: NetworkSpec[] = [
    { inputShape: [2], layers: [layers.dense({ units: 3 })] },
    {
      inputShape: [2, 3],
      layers: [
        layers.flatten(),
        layers.dense({ units: 5, activation: { type: 'leakyRelu', slope: 0.2 }, useBias: false }),
        layers.dropout({ rate: 0.5 }),
        layers.activation('tanh'),
        layers.dense({ units: 2, activation: 'linear', weightInitializer: 'orthogonal' }),
      ],
      loss: { type: 'huber', delta: 0.5 },
      optimizer: { type: 'sgd', momentum: 0.9, nesterov: true },
      metrics: ['r2', { type: 'meanAbsoluteError', name: 'off' }],
      preprocess: { y: standardScaler() },
      seed: 7,
    },
    {
      inputShape: [3],
      layers: [
        layers.batchNormalization({ momentum: 0.3 }),
        layers.residual({
          layers: [
            layers.layerNormalization({ epsilon: 0.01, shift: false }),
            layers.dense({ units: 4, activation: 'selu', weightConstraint: 'nonNegative' }),
            layers.alphaDropout({ rate: 0.1 }),
          ],
          shortcut: [layers.dense({ units: 4, weightRegularizer: { l2: 0.01 }, trainable: false })],
        }),
        layers.parallel({
          branches: [
            [layers.activation({ type: 'elu', alpha: 0.7 }), layers.gaussianNoise({ stddev: 0.1 })],
            [],
            [layers.parallel({ branches: [[], [layers.activation('gelu')]], merge: 'add' })],
          ],
        }),
        layers.activityRegularization({ l1: 0.01 }),
        layers.dense({ units: 1, activation: 'sigmoid' }),
      ],
      loss: 'binaryCrossentropy',
      optimizer: { type: 'rmsprop', centered: true },
      clipping: { type: 'globalNorm', limit: 2 },
      preprocess: { x: minMaxScaler({ min: -1 }) },
      classes: ['no', 'yes'],
    },
  ];
  const made = specs.map((spec) => sequential(spec, { backend: 'js' }));
  const rows = [
    ['red', 1],
    ['blue', 2],
    ['red', 4],
  ];
  const labelled = sequential(
    {
      inputShape: [2],
      task: 'multiclass',
      layers: [layers.dense({ units: 4 }), layers.dense({ units: 3 })],
      preprocess: { x: [oneHot(3), standardScaler()] },
      metrics: ['accuracy'],
    },
    { backend: 'js' },
  );
  const numbers = [1, 2, 4, -1, 0.5, 7, 3, 3, 0];
  await made[2]!.fit(Float32Array.from(numbers), ['no', 'yes', 'no'], { epochs: 2 });
  await labelled.fit(rows, ['__proto__', 'b', 'constructor'], { epochs: 2 });
  return [...made, labelled];
}
