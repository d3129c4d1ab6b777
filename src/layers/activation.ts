import { type Choice, choose, type Named } from '../checks.js';
import type { ActivationDefinition } from '../ops/definition.js';
import { activations } from '../ops/index.js';
import type { Shape } from '../tensor.js';
import type { LayerDefinition, LayerOptions } from './definition.js';

/** An activation by name, or with options: 'relu', { type: 'leakyRelu', slope: 0.2 }. */
export type ActivationSpec = Named<typeof activations>;

export type ActivationName = keyof typeof activations;

/** An activation as a layer of its own: y = f(x), element by element (softmax: over the last dimension). */
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
  masks: () => 'keeps',
  output: (_spec, input: Shape) => input,
  activation: (spec) => chooseActivation(spec.activation, 'activation layer').type,
  lower(spec, build, x, _tensors, { input }) {
    const chosen = chooseActivation(spec.activation, 'activation layer');
    const { mixes }: ActivationDefinition = activations[chosen.type];
    return build.activate(mixes ? build.regroup(x, input.at(-1)!) : x, chosen);
  },
};
