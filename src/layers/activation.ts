import { type Choice, choose, type Named } from '../checks.js';
import { activations } from '../ops/index.js';
import { type Shape, sizeOf } from '../tensor.js';
import type { LayerDefinition, LayerOptions } from './definition.js';

/** An activation by name, or with options: 'relu', { type: 'leakyRelu', slope: 0.2 }. */
export type ActivationSpec = Named<typeof activations>;

export type ActivationName = keyof typeof activations;

/** An activation as a layer of its own: y = f(x), element by element (softmax: row by row). */
export interface ActivationLayerSpec extends LayerOptions {
  readonly type: 'activation';
  /** f. */
  readonly activation: ActivationSpec;
}

export function chooseActivation(spec: unknown, where: string): Choice<ActivationName> {
  return choose(activations, spec, `${where}: activation`);
}

export const activation: LayerDefinition<ActivationLayerSpec> = {
  options: ['activation'],
  check(spec, _input, where) {
    chooseActivation(spec.activation, where);
  },
  output: (_spec, input: Shape) => input,
  activation: (spec) => chooseActivation(spec.activation, 'activation layer').type,
  lower(spec, build, x) {
    return build.activate(x, chooseActivation(spec.activation, 'activation layer'));
  },
};

/** Reshapes each row to one dimension. Rows are stored flat, so nothing is computed. */
export interface FlattenSpec extends LayerOptions {
  readonly type: 'flatten';
}

export const flatten: LayerDefinition<FlattenSpec> = {
  options: [],
  check() {},
  output: (_spec, input) => [sizeOf(input)],
  lower: (_spec, _build, x) => x,
};
