import { show, wholeNumber } from '../checks.js';
import { chooseInitializer, type InitializerSpec } from '../initializers.js';
import type { ListBuilder } from '../lowering.js';
import { activations } from '../ops/index.js';
import type { Tensor } from '../tensor.js';
import { type ActivationSpec, chooseActivation } from './activation.js';
import type { LayerDefinition, LayerOptions, ParameterDeclaration } from './definition.js';
import {
  type ConstraintSpec,
  type RegularizerSpec,
  readConstraint,
  readRegularizer,
} from './regularization.js';

/**
 * A fully connected layer: y = f(x·w + b), with x [inputs], w [inputs, units] and b [units]. On rows of
 * more than one dimension it works on the last one, with the same weights at each position: from
 * [steps, inputs] to [steps, units].
 */
export interface DenseSpec extends LayerOptions {
  readonly type: 'dense';
  /** Number of outputs, at least 1. */
  readonly units: number;
  /** f; default 'linear', or what the short form with `task` supplies. */
  readonly activation?: ActivationSpec;
  /** Whether there is a b; default true. */
  readonly useBias?: boolean;
  /**
   * How w is drawn. Default by activation: heUniform before relu and its kin, lecunNormal before
   * selu, otherwise glorotUniform.
   */
  readonly weightInitializer?: InitializerSpec;
  /** How b is drawn; default 'zeros'. */
  readonly biasInitializer?: InitializerSpec;
  /** A penalty on w, added to the loss: { l1, l2 }; default none. */
  readonly weightRegularizer?: RegularizerSpec;
  /** A penalty on b; default none. */
  readonly biasRegularizer?: RegularizerSpec;
  /** A penalty on y, divided by the rows of the batch; default none. */
  readonly activityRegularizer?: RegularizerSpec;
  /** What w is held to after every step: 'nonNegative' or { type: 'maxNorm', limit }; default none. */
  readonly weightConstraint?: ConstraintSpec;
  /** The same for b. */
  readonly biasConstraint?: ConstraintSpec;
}

const regularizers = ['weightRegularizer', 'biasRegularizer', 'activityRegularizer'] as const;
const constraints = ['weightConstraint', 'biasConstraint'] as const;

/** The initializer that a spec names, or else the default. */
function weightInitializer(spec: DenseSpec) {
  const { type } = chooseActivation(spec.activation ?? 'linear', 'dense');
  return chooseInitializer(
    spec.weightInitializer ?? activations[type].initializer,
    'weightInitializer',
  );
}

export const dense: LayerDefinition<DenseSpec> = {
  options: [
    ...['units', 'activation', 'useBias', 'weightInitializer', 'biasInitializer'],
    ...regularizers,
    ...constraints,
  ],

  check(spec, _input, where) {
    wholeNumber(spec.units, `${where}: units`);
    chooseActivation(spec.activation ?? 'linear', where);
    if (spec.useBias !== undefined && typeof spec.useBias !== 'boolean') {
      throw new TypeError(`${where}: useBias: expected true or false, got ${show(spec.useBias)}`);
    }
    if (spec.weightInitializer !== undefined) {
      chooseInitializer(spec.weightInitializer, `${where}: weightInitializer`);
    }
    if (spec.biasInitializer !== undefined) {
      chooseInitializer(spec.biasInitializer, `${where}: biasInitializer`);
    }
    for (const name of regularizers) readRegularizer(spec[name], `${where}: ${name}`);
    for (const name of constraints) readConstraint(spec[name], `${where}: ${name}`);
  },

  output: (spec, input) => [...input.slice(0, -1), spec.units],

  parameters(spec, input) {
    const fanIn = input.at(-1)!;
    const units = spec.units;
    const parameters: Record<string, ParameterDeclaration> = {
      w: {
        rows: fanIn,
        columns: units,
        shape: [fanIn, units],
        initializer: weightInitializer(spec),
        fanIn,
        fanOut: units,
        decays: true,
        penalty: readRegularizer(spec.weightRegularizer, 'weightRegularizer'),
        constraint: readConstraint(spec.weightConstraint, 'weightConstraint'),
      },
    };
    if (spec.useBias ?? true) {
      parameters.b = {
        rows: 1,
        columns: units,
        shape: [units],
        initializer: chooseInitializer(spec.biasInitializer ?? 'zeros', 'biasInitializer'),
        fanIn,
        fanOut: units,
        decays: false,
        penalty: readRegularizer(spec.biasRegularizer, 'biasRegularizer'),
        constraint: readConstraint(spec.biasConstraint, 'biasConstraint'),
      };
    }
    return parameters;
  },

  activation: (spec) => chooseActivation(spec.activation ?? 'linear', 'dense').type,

  // A layer that names an activation of its own keeps its own start as well.
  withDefaults: (spec, defaults) =>
    spec.activation === undefined
      ? ({ ...defaults, ...spec, activation: defaults.activation } as DenseSpec)
      : spec,

  lower(spec, build, given, { w, b }) {
    const chosen = chooseActivation(spec.activation ?? 'linear', 'dense');
    const floor = build.lowerBound(chosen);
    const z = lowerProduct(build, build.regroup(given, w!.rows), w!, b, floor);
    const y = floor === undefined ? build.activate(z, chosen) : build.bounded(z, chosen);
    return build.penalize(y, readRegularizer(spec.activityRegularizer, 'activityRegularizer'));
  },
};

/** Operations of a row up to which the steps of weights and biases are one op: 16 kB of weights. */
const mostRowProducts = 2 * 4096;

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
    const row = rows === 1 && products <= mostRowProducts;
    const rowSizes = [inputs, units, dz.pitch];
    if (row && b && build.stepTogether('denseBackwardRow', [w, b], [x, dz], rowSizes)) return;
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
