import type { LayerSpec, NetworkSpec } from '../src/index.js';
import { layers } from '../src/index.js';
import { resolveModel } from '../src/layers/model.js';
import type { Case } from './architectures.js';
import {
  activationSpecs,
  clippingSpecs,
  definitionOfLoss,
  lossSpecs,
  optimizerSpecs,
  requiredActivation,
  targetsFor,
} from './catalogues.js';
import { generator } from './kernels/core.js';

/** The draws of one seed. */
class Draws {
  readonly random: () => number;

  constructor(seed: number) {
    this.random = generator(seed);
  }

  below(bound: number): number {
    return Math.floor(this.random() * bound);
  }

  one<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  often(share: number): boolean {
    return this.random() < share;
  }

  /** Channels, filters, units: on both sides of vectors and of what blocks hold. */
  width(): number {
    return this.one([1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 17, 33]);
  }

  pair(most: number): number | [number, number] {
    const side = () => 1 + this.below(most);
    return this.often(0.5) ? side() : [side(), side()];
  }
}

/** Layers by what they take: images, or sequences; some do not fit what stands before them. */
const candidates = {
  image: (draws: Draws, channels: number): LayerSpec => {
    const { one, often } = { one: draws.one.bind(draws), often: draws.often.bind(draws) };
    const padding = one(['valid', 'same', 1] as const);
    const common = {
      useBias: often(0.8),
      biasInitializer: 'randomNormal' as const,
      activation: one(activationSpecs),
      ...(often(0.1) && { trainable: false }),
    };
    const windows = { strides: draws.pair(2), padding };
    return one<() => LayerSpec>([
      () => {
        const groups = often(0.4) ? channels : 1;
        const filters = groups * (groups > 1 ? 1 + draws.below(2) : draws.width());
        const dilation = often(0.3) ? draws.pair(2) : 1;
        const kernelSize = draws.pair(3);
        return layers.conv2d({ ...common, ...windows, filters, kernelSize, dilation, groups });
      },
      () => {
        const kernelSize = draws.pair(3);
        const sizes = { filters: 1 + draws.below(6), kernelSize, strides: draws.pair(2) };
        return layers.conv2dTranspose({ ...common, ...sizes });
      },
      () => layers.maxPooling2d({ poolSize: draws.pair(3), ...(often(0.5) && windows) }),
      () => layers.averagePooling2d({ poolSize: draws.pair(3), ...(often(0.5) && windows) }),
      () => layers.upSampling2d({ size: draws.pair(2) }),
      () => layers.spatialDropout({ rate: 0.3 }),
      () => layers.batchNormalization(),
      () =>
        layers.residual({
          layers: [layers.conv2d({ filters: channels, kernelSize: 3, padding: 'same' })],
        }),
    ])();
  },

  sequence: (draws: Draws, features: number): LayerSpec => {
    const { one, often } = { one: draws.one.bind(draws), often: draws.often.bind(draws) };
    const recurrent = {
      units: draws.width(),
      returnSequences: true,
      ...(often(0.2) && { goBackwards: true }),
      ...(often(0.2) && { truncate: 1 + draws.below(4) }),
    };
    return one<() => LayerSpec>([
      () => layers.simpleRnn({ ...recurrent, activation: one(['tanh', 'relu'] as const) }),
      () => layers.lstm(recurrent),
      () => layers.gru(recurrent),
      () => layers.bidirectional(layers.gru(recurrent)),
      () =>
        layers.attention({
          heads: one([1, 2, 3].filter((heads) => features % heads === 0)),
          causal: often(0.5),
        }),
      () => layers.residual({ layers: [layers.attention({ heads: 1, units: 4 })] }),
      () => layers.positionalEmbedding(),
      () => layers.layerNormalization(),
      () => layers.dense({ units: draws.width(), activation: one(activationSpecs) }),
      () =>
        layers.conv1d({
          filters: draws.width(),
          kernelSize: 1 + draws.below(3),
          padding: one(['valid', 'same'] as const),
        }),
      () => layers.maxPooling1d({ poolSize: 2 }),
      () => layers.averagePooling1d({ poolSize: 1 + draws.below(3), strides: 1 }),
      () => layers.dropout({ rate: 0.2 }),
    ])();
  },
};

/** The shape that a stack makes of rows; undefined where its layers do not fit one another. */
function shapeOf(inputShape: readonly number[], stack: readonly LayerSpec[]) {
  try {
    return resolveModel({ inputShape, layers: [...stack] } as NetworkSpec).outputShape;
  } catch {
    return undefined;
  }
}

/**
 * A random network on images, or on sequences of numbers or of places in a list, some of them padding,
 * with data to train it on. It ends in one row of outputs, or in outputs at each position.
 *
 * @param options masks: whether padding is left out where there is some
 */
export function shapedCase(seed: number, { masks = true } = {}): Case {
  const draws = new Draws(seed);
  const { random } = draws;
  const kind = (['image', 'sequence', 'words'] as const)[seed % 3]!;
  const steps = 1 + draws.below(9);
  const vocabulary = 2 + draws.below(5);
  const inputShape = {
    image: [2 + draws.below(7), 2 + draws.below(7), draws.width()],
    sequence: [steps, draws.width()],
    words: [steps],
  }[kind];
  const stack: LayerSpec[] = [];
  if (kind === 'words') {
    const units = draws.width();
    stack.push(layers.embedding({ vocabulary, units, maskZero: draws.often(0.6) && masks }));
  }
  if (kind === 'sequence' && draws.often(0.4) && masks) stack.push(layers.masking({ value: 1 }));
  let shape = shapeOf(inputShape, stack.length > 0 ? stack : [layers.activation('linear')])!;
  const depth = 1 + draws.below(4);
  for (let tries = 0; tries < 40 && stack.length < depth + 1; tries++) {
    const candidate = candidates[kind === 'image' ? 'image' : 'sequence'](draws, shape.at(-1)!);
    const next = shapeOf(inputShape, [...stack, candidate]);
    if (!next || next.reduce((size, n) => size * n, 1) > 4000) continue;
    stack.push(candidate);
    shape = next;
  }
  const ends: LayerSpec[] = [
    layers.globalAveragePooling(),
    layers.globalMaxPooling(),
    layers.flatten(),
    layers.lstm({ units: 4 }),
  ];
  const fitting = ends.filter((end) => shapeOf(inputShape, [...stack, end]));
  const everywhere = draws.often(0.3);
  if (!everywhere) stack.push(draws.one(fitting));
  const loss = everywhere ? 'sparseCategoricalCrossentropy' : lossSpecs[seed % lossSpecs.length]!;
  const activation = requiredActivation(loss) ?? draws.one(activationSpecs);
  const units = 2 + draws.below(4);
  stack.push(layers.dense({ units, activation }));

  const rows = 1 + draws.below(12);
  const inputs = inputShape.reduce((size, n) => size * n, 1);
  const positions = everywhere ? shape.slice(0, -1).reduce((size, n) => size * n, 1) : 1;
  const x = Float32Array.from({ length: rows * inputs }, () =>
    kind === 'words' ? draws.below(vocabulary) : 3 * random() - 1.5,
  );
  if (kind === 'sequence') {
    for (let step = 0; step < rows * steps; step++) {
      const width = inputShape[1]!;
      if (draws.often(0.2)) x.fill(1, step * width, (step + 1) * width);
    }
  }
  return {
    seed,
    spec: {
      inputShape,
      layers: stack,
      loss,
      optimizer: optimizerSpecs[seed % optimizerSpecs.length]!,
      ...(draws.often(0.2) && { clipping: draws.one(clippingSpecs) }),
      seed: draws.below(2 ** 32),
    },
    x,
    y: Float32Array.from(targetsFor(loss, rows * positions, units, random)),
    rows,
    inputs,
    targetColumns: definitionOfLoss(loss).targets === 'labels' ? positions : units,
    fit: {
      epochs: 2,
      batchSize: 1 + draws.below(rows),
      ...(draws.often(0.2) && { microBatchSize: 1 + draws.below(4) }),
    },
  };
}
