import { flag } from '../checks.js';
import { chooseInitializer, type InitializerSpec } from '../initializers.js';
import { activations } from '../ops/index.js';
import type { Shape } from '../tensor.js';
import { type ActivationSpec, chooseActivation } from './activation.js';
import type { LayerDefaults, LayerOptions, ParameterDeclaration } from './definition.js';
import {
  type ConstraintSpec,
  type RegularizerSpec,
  readConstraint,
  readRegularizer,
} from './regularization.js';

/** What layers take that multiply by weights w, add biases b and apply an activation f. */
export interface WeightedOptions extends LayerOptions {
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

export const weightedOptions = [
  ...['activation', 'useBias', 'weightInitializer', 'biasInitializer'],
  ...regularizers,
  ...constraints,
];

export function checkWeighted(spec: WeightedOptions, where: string): void {
  chooseActivation(spec.activation ?? 'linear', where);
  if (spec.useBias !== undefined) flag(spec.useBias, `${where}: useBias`);
  if (spec.weightInitializer !== undefined) {
    chooseInitializer(spec.weightInitializer, `${where}: weightInitializer`);
  }
  if (spec.biasInitializer !== undefined) {
    chooseInitializer(spec.biasInitializer, `${where}: biasInitializer`);
  }
  for (const name of regularizers) readRegularizer(spec[name], `${where}: ${name}`);
  for (const name of constraints) readConstraint(spec[name], `${where}: ${name}`);
}

/** f of a spec that has been checked. */
export const activationOf = ({ activation }: WeightedOptions) =>
  chooseActivation(activation ?? 'linear', 'layer');

/** w of a shape whose last dimension is the units, unless there are `units` else, and b where there is one. */
export function weightsAndBiases(
  spec: WeightedOptions,
  shape: Shape,
  fanIn: number,
  fanOut: number,
  units = shape.at(-1)!,
): Record<string, ParameterDeclaration> {
  const { initializer } = activations[activationOf(spec).type];
  const w: ParameterDeclaration = {
    rows: shape.slice(0, -1).reduce((product, size) => product * size, 1),
    columns: shape.at(-1)!,
    shape,
    initializer: chooseInitializer(spec.weightInitializer ?? initializer, 'weightInitializer'),
    ...{ fanIn, fanOut },
    decays: true,
    penalty: readRegularizer(spec.weightRegularizer, 'weightRegularizer'),
    constraint: readConstraint(spec.weightConstraint, 'weightConstraint'),
  };
  if (!(spec.useBias ?? true)) return { w };
  const b: ParameterDeclaration = {
    rows: 1,
    columns: units,
    shape: [units],
    initializer: chooseInitializer(spec.biasInitializer ?? 'zeros', 'biasInitializer'),
    ...{ fanIn, fanOut },
    decays: false,
    penalty: readRegularizer(spec.biasRegularizer, 'biasRegularizer'),
    constraint: readConstraint(spec.biasConstraint, 'biasConstraint'),
  };
  return { w, b };
}

/** A layer that names an activation of its own keeps its own start as well. */
export const withActivation = <Spec extends WeightedOptions>(
  spec: Spec,
  defaults: LayerDefaults,
): Spec =>
  spec.activation === undefined ? { ...defaults, ...spec, activation: defaults.activation } : spec;
