import { wholeNumber } from '../checks.js';
import type { ListBuilder } from '../lowering.js';
import type { Tensor } from '../tensor.js';
import type { LayerDefinition } from './definition.js';
import { readRegularizer } from './regularization.js';
import {
  activationOf,
  checkWeighted,
  type WeightedOptions,
  weightedOptions,
  weightsAndBiases,
  withActivation,
} from './weighted.js';

/**
 * A fully connected layer: y = f(x·w + b), with x [inputs], w [inputs, units] and b [units]. On rows of
 * more than one dimension it works on the last one, with the same weights at each position: from
 * [steps, inputs] to [steps, units].
 */
export interface DenseSpec extends WeightedOptions {
  readonly type: 'dense';
  /** Number of outputs, at least 1. */
  readonly units: number;
}

export const dense: LayerDefinition<DenseSpec> = {
  options: ['units', ...weightedOptions],

  check(spec, _input, where) {
    wholeNumber(spec.units, `${where}: units`);
    checkWeighted(spec, where);
  },

  masks: () => 'keeps',
  output: (spec, input) => [...input.slice(0, -1), spec.units],

  parameters(spec, input) {
    const inputs = input.at(-1)!;
    return weightsAndBiases(spec, [inputs, spec.units], inputs, spec.units);
  },

  activation: (spec) => activationOf(spec).type,
  withDefaults: withActivation,

  lower(spec, build, given, { w, b }) {
    const chosen = activationOf(spec);
    const floor = build.lowerBound(chosen);
    const x = build.regroup(given, w!.rows);
    const z = lowerProduct(build, x, w!, b, floor);
    const { rows: inputs, columns: units, pitch } = w!;
    const row = isSmallRow(x, w!)
      ? [x, w!, b ?? build.zeros(units), inputs, units, pitch]
      : undefined;
    const y = floor === undefined ? build.activate(z, chosen, row) : build.bounded(z, chosen);
    return build.penalize(y, readRegularizer(spec.activityRegularizer, 'activityRegularizer'));
  },
};

/**
 * Whether x is one row and w so small that calling a kernel costs as much as what it computes: at most
 * 16 kB, which kernels of one row may walk through in any direction.
 */
const isSmallRow = (x: Tensor, w: Tensor) => x.rows === 1 && w.rows * w.columns <= 4096;

/** Adds z = max(x·w + b, floor) to a list, and the way back. Each row of x has as many columns as w rows. */
export function lowerProduct(
  build: ListBuilder,
  x: Tensor,
  w: Tensor,
  b: Tensor | undefined,
  floor = Number.NEGATIVE_INFINITY,
): Tensor {
  const { rows: inputs, columns: units } = w;
  const { rows } = x;
  const z = build.value(units, build.needsGradient(x, w, b), rows);
  const products = 2 * rows * inputs * units;
  build.scratch(packedFloats(rows, inputs, units));
  build.count(products);
  build.emit(
    'denseForward',
    ...([z, x, w, b ?? build.zeros(units)] as const),
    ...([rows, inputs, units, x.pitch, z.pitch, floor] as const),
  );
  build.onBackward(z, (dz) => {
    const sizes = [rows, inputs, units, x.pitch, dz.pitch] as const;
    // The gradient of the inputs reads the weights, which a fused step then overwrites.
    build.contribute(x, (dx, takeMask) => {
      build.count(products);
      build.emit('denseBackwardInput', dx, dz, w, x, ...sizes, takeMask());
    });
    if (build.needsGradient(w)) build.count(products);
    const row = [inputs, units, dz.pitch];
    const small = isSmallRow(x, w);
    if (small && b && build.stepTogether('denseBackwardRow', [w, b], [x, dz], row)) return;
    build.accumulate('denseBackwardWeights', w, [x, dz], [...sizes]);
    if (b) build.accumulate('denseBackwardBias', b, [dz], [rows, units, dz.pitch]);
  });
  return z;
}

/** The most floats that a dense kernel packs into scratch: as assembly/internal says. */
export function packedFloats(batch: number, inputs: number, units: number): number {
  const columns = Math.ceil(inputs / 8) * 8;
  const transposed = units <= 12 && inputs >= 8 && batch >= 2 ? 12 * columns : 0;
  const panels =
    batch >= 16 && inputs >= 32 && units >= 32 ? batch * (Math.min(columns, 256) + 8) : 0;
  const lists =
    batch >= 8 && inputs >= 32 && units >= 24
      ? 32 + Math.max(64 * (inputs + 4), 8 * (batch + 1))
      : 0;
  return Math.max(transposed, panels, lists);
}
