import type { FitOptions, LayerSpec, LossSpec, MetricSpec, NetworkSpec } from '../src/index.js';
import { layers } from '../src/index.js';
import {
  activationSpecs,
  clippingSpecs,
  definitionOfLoss,
  lossSpecs,
  optimizerSpecs,
  requiredActivation,
  targetsFor,
  typeOf,
} from './catalogues.js';
import { generator } from './kernels/core.js';

/** A network with data to train it on, all of it from one seed. */
export interface Case {
  readonly seed: number;
  readonly spec: NetworkSpec;
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly rows: number;
  readonly inputs: number;
  readonly targetColumns: number;
  readonly fit: FitOptions;
}

/** Sizes on both sides of the kernels' thresholds: pitch, panels, blocks of the inputs. */
const awkward = [63, 64, 65, 66, 127, 128, 129, 320, 321];

/** Metrics that go with what a loss's targets are. */
function metricsFor(loss: LossSpec): readonly MetricSpec[] {
  const numbers = definitionOfLoss(loss).targets === 'values';
  return [numbers ? 'r2' : 'accuracy', 'meanAbsoluteError'];
}

/**
 * A random network of one to five dense layers, with blocks of layers in between, some inside others,
 * and some frozen. The seeds run through the catalogues in turn, so that a few hundred of them in a
 * row meet every activation, loss and optimizer several times.
 */
export function randomCase(seed: number): Case {
  const random = generator(seed);
  const below = (bound: number) => Math.floor(random() * bound);
  const inTurn = <T>(list: readonly T[]) => list[seed % list.length]!;
  const one = <T>(list: readonly T[]) => list[below(list.length)]!;
  const often = (share: number) => random() < share;
  // At most two wide layers, because the twin in plain JavaScript and the debug build are slow.
  let wide = 2;
  const width = () => (often(0.25) && wide-- > 0 ? one(awkward) : 1 + below(40));

  const loss = inTurn(lossSpecs);
  const inputs = width();
  const stack: LayerSpec[] = [];
  let inputShape = [inputs];
  if (inputs % 2 === 0 && often(0.3)) {
    inputShape = [2, inputs / 2];
    stack.push(layers.flatten());
  }
  /** A layer that keeps the width, and normalises or adds noise. */
  const between = (): LayerSpec => {
    const options = { ...(often(0.2) && { scale: false }), ...(often(0.2) && { shift: false }) };
    return one<LayerSpec>([
      layers.batchNormalization({ ...options, ...(often(0.1) && { trainable: false }) }),
      layers.batchNormalization({ ...options, momentum: 0.4, epsilon: 0.01 }),
      layers.layerNormalization(options),
      layers.alphaDropout({ rate: one([0.1, 0.5]) }),
      layers.gaussianNoise({ stddev: one([0.02, 0.3]) }),
    ]);
  };
  /** Layers of a block, from one width to another. */
  const inside = (from: number, to: number, nesting: number): LayerSpec[] => {
    const made: LayerSpec[] = often(0.3) ? [layers.activation(one(activationSpecs))] : [];
    if (often(0.2)) made.push(between());
    if (often(0.2)) made.push(layers.dropout({ rate: 0.3 }));
    const nested = nesting > 0 && often(0.4) ? block(from, nesting - 1) : undefined;
    if (nested) made.push(nested.spec);
    if (from !== to || nested?.width !== to || often(0.7)) {
      const frozen = often(0.15) ? { trainable: false } : {};
      made.push(layers.dense({ units: to, activation: one(activationSpecs), ...frozen }));
    }
    return made;
  };
  const block = (from: number, nesting: number): { spec: LayerSpec; width: number } => {
    const to = 1 + below(12);
    const frozen = often(0.1) ? { trainable: false } : {};
    if (often(0.3)) {
      const spec = { layers: inside(from, from, nesting), ...frozen };
      return { spec: layers.residual(spec), width: from };
    }
    if (often(0.3)) {
      const spec = { layers: inside(from, to, nesting), shortcut: inside(from, to, nesting) };
      return { spec: layers.residual({ ...spec, ...frozen }), width: to };
    }
    if (often(0.5)) {
      const widths = [to, 1 + below(9), ...(often(0.2) ? [1 + below(70)] : [])];
      const branches = [...widths.map((width) => inside(from, width, nesting)), []];
      const width = widths.reduce((sum, w) => sum + w, from);
      return { spec: layers.parallel({ branches, ...frozen }), width };
    }
    const branches = Array.from({ length: 1 + below(3) }, () => inside(from, to, nesting));
    return { spec: layers.parallel({ branches, merge: 'add', ...frozen }), width: to };
  };
  let from = inputs;
  const depth = 1 + below(5);
  for (let i = 0; i < depth; i++) {
    const last = i === depth - 1;
    if (often(0.2)) stack.push(layers.dropout({ rate: one([0.1, 0.5, 0.8]) }));
    if (often(0.2)) stack.push(between());
    const activation = last
      ? (requiredActivation(loss) ?? one(activationSpecs))
      : i === 0
        ? inTurn(activationSpecs)
        : one(activationSpecs);
    // A single class has no gradient.
    const fewest = [typeOf(activation), definitionOfLoss(loss).logits].includes('softmax') ? 2 : 1;
    if (often(0.3)) {
      const { spec, width } = block(from, 1);
      stack.push(spec);
      from = width;
    }
    const units = last ? fewest + below(12) : width();
    from = units;
    const penalty = () => one([{ l1: 0.01 }, { l2: 0.02 }, { l1: 0.003, l2: 0.01 }]);
    const constraint = () => one(['nonNegative', { type: 'maxNorm', limit: 0.7 }] as const);
    const options = {
      ...{ units, useBias: often(0.8), biasInitializer: 'randomNormal' as const },
      ...(often(0.1) ? { weightRegularizer: penalty() } : {}),
      ...(often(0.1) ? { biasRegularizer: penalty() } : {}),
      ...(often(0.1) ? { activityRegularizer: penalty() } : {}),
      ...(often(0.1) ? { weightConstraint: constraint() } : {}),
      ...(often(0.1) ? { biasConstraint: constraint() } : {}),
    };
    if (often(0.05)) stack.push(layers.activityRegularization(penalty()));
    if (often(0.25)) stack.push(layers.dense(options), layers.activation(activation));
    else stack.push(layers.dense({ ...options, activation }));
    if (last && !requiredActivation(loss) && often(0.1)) stack.push(layers.dropout({ rate: 0.3 }));
  }
  const outputs = from;
  if (!requiredActivation(loss) && often(0.15)) {
    stack.push(layers.residual({ layers: inside(outputs, outputs, 1) }));
  }

  const rows = often(0.1) ? 1 + below(3) : 4 + below(wide < 2 ? 30 : 60);
  const validation = rows >= 8 && often(0.5) ? { validationSplit: 0.25 } : {};
  return {
    seed,
    spec: {
      inputShape,
      layers: stack,
      loss,
      optimizer: inTurn(optimizerSpecs),
      ...(often(0.25) ? { clipping: one(clippingSpecs) } : {}),
      metrics: metricsFor(loss).filter(() => often(0.6)),
      seed: below(2 ** 32),
    },
    x: Float32Array.from({ length: rows * inputs }, () => 3 * random() - 1.5),
    y: Float32Array.from(targetsFor(loss, rows, outputs, random)),
    rows,
    inputs,
    targetColumns: definitionOfLoss(loss).targets === 'labels' ? 1 : outputs,
    fit: {
      epochs: 1 + below(3),
      batchSize: often(0.2) ? rows + 5 : 1 + below(rows),
      shuffle: often(0.7),
      ...validation,
    },
  };
}
