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
 * A random network of one to five dense layers. The seeds run through the catalogues in turn, so
 * that a few hundred of them in a row meet every activation, loss and optimizer several times.
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
  const depth = 1 + below(5);
  for (let i = 0; i < depth; i++) {
    const last = i === depth - 1;
    if (often(0.2)) stack.push(layers.dropout({ rate: one([0.1, 0.5, 0.8]) }));
    const activation = last
      ? (requiredActivation(loss) ?? one(activationSpecs))
      : i === 0
        ? inTurn(activationSpecs)
        : one(activationSpecs);
    // A single class has no gradient.
    const fewest = [typeOf(activation), definitionOfLoss(loss).logits].includes('softmax') ? 2 : 1;
    const units = last ? fewest + below(12) : width();
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
  const outputs = stack.findLast((layer) => layer.type === 'dense')!.units;

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
