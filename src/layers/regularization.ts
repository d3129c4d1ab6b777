import { type Choice, choose, type Named, numberWithin, onlyKeys, show } from '../checks.js';
import type { Penalty } from '../lowering.js';
import { constraints } from '../ops/index.js';
import type { LayerDefinition, LayerOptions } from './definition.js';

/**
 * A penalty on the size of numbers v, added to the loss: l1·Σ|v| + l2·Σv², as in Keras. PyTorch's
 * `weight_decay` λ is l2 = λ/2.
 */
export interface RegularizerSpec {
  /** At least 0; default 0. Draws small numbers to 0. */
  readonly l1?: number;
  /** At least 0; default 0. Draws large numbers down. */
  readonly l2?: number;
}

/**
 * What a step of the optimizer is followed by: 'nonNegative', v ← max(v, 0); or
 * { type: 'maxNorm', limit: 2 }, which scales down the weights into one unit where their norm is
 * above the limit (of biases, which are one number a unit, each by itself).
 */
export type ConstraintSpec = Named<typeof constraints>;

export type ConstraintName = keyof typeof constraints;

const mostPenalty = 2 ** 64;

/** The penalty that a spec asks for; undefined where it comes to nothing. */
export function readRegularizer(spec: unknown, where: string): Penalty | undefined {
  if (spec === undefined) return undefined;
  const { l1, l2 }: RegularizerSpec = typeof spec === 'object' && spec ? spec : {};
  if (l1 === undefined && l2 === undefined) {
    throw new TypeError(`${where}: expected a penalty such as { l2: 0.01 }, got ${show(spec)}`);
  }
  onlyKeys(spec, ['l1', 'l2'], where);
  const penalty = {
    l1: numberWithin(l1 ?? 0, `${where}: l1`, 0, mostPenalty),
    l2: numberWithin(l2 ?? 0, `${where}: l2`, 0, mostPenalty),
  };
  return penalty.l1 === 0 && penalty.l2 === 0 ? undefined : penalty;
}

export function readConstraint(spec: unknown, where: string): Choice<ConstraintName> | undefined {
  return spec === undefined ? undefined : choose(constraints, spec, where);
}

/**
 * A penalty on the values that pass through, which stay as they are: loss += (l1·Σ|x| + l2·Σx²) / batch.
 */
export interface ActivityRegularizationSpec extends LayerOptions, RegularizerSpec {
  readonly type: 'activityRegularization';
}

export const activityRegularization: LayerDefinition<ActivityRegularizationSpec> = {
  options: ['l1', 'l2'],
  check({ type: _, trainable: _trainable, ...penalty }, _input, where) {
    readRegularizer(penalty, where);
  },
  output: (_spec, input) => input,
  lower: ({ l1 = 0, l2 = 0 }, build, x) => build.penalize(x, readRegularizer({ l1, l2 }, '')),
};
