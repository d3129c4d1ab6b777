import { layers, type NetworkSpec, oneHot, sequential, standardScaler } from 'chainrule';

/** Networks that between them have a bit of everything, to make whole files of. */
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
  await labelled.fit(rows, ['__proto__', 'b', 'constructor'], { epochs: 2 });
  return [...made, labelled];
}
