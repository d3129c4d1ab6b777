import type { ActivationSpec, LossSpec, OptimizerSpec } from '../src/index.js';
import type { LossDefinition } from '../src/ops/definition.js';
import { activations, losses, optimizers } from '../src/ops/index.js';

/*
 * What the catalogues offer, as specs: every entry as it is, and with all of its options off their
 * defaults. A new entry is tested from the moment it exists.
 */

type Entries = Record<string, { readonly options: Readonly<Record<string, number>> }>;

function specsOf(catalogue: Entries): unknown[] {
  return Object.entries(catalogue).flatMap(([type, { options }]) => {
    const names = Object.entries(options);
    if (names.length === 0) return [type];
    const others = names.map(([name, value]) => [name, value * 0.75 + 0.05]);
    return [type, { type, ...Object.fromEntries(others) }];
  });
}

export const activationSpecs = specsOf(activations) as ActivationSpec[];
export const optimizerSpecs = specsOf(optimizers) as OptimizerSpec[];

/** Besides the entries: the textbooks' half sum, and logits from any activation. */
export const lossSpecs = [
  ...specsOf(losses),
  { type: 'meanSquaredError', reduction: 'halfSum' },
  ...Object.entries(losses as Record<string, LossDefinition>)
    .filter(([, { logits }]) => logits)
    .map(([type]) => ({ type, fromLogits: true })),
] as LossSpec[];

export const typeOf = (spec: string | { readonly type: string }): string =>
  typeof spec === 'string' ? spec : spec.type;

export function definitionOfLoss(spec: LossSpec): LossDefinition {
  return losses[typeOf(spec) as keyof typeof losses];
}

/** The activation whose logits a loss insists on; undefined where it takes any. */
export function requiredActivation(spec: LossSpec): 'sigmoid' | 'softmax' | undefined {
  const anyLogits = typeof spec === 'object' && 'fromLogits' in spec && spec.fromLogits;
  return anyLogits ? undefined : definitionOfLoss(spec).logits;
}

/** For test names: `huber {"delta":0.8}`. */
export function nameOf(spec: string | { readonly type: string }): string {
  if (typeof spec === 'string') return spec;
  const { type, ...options } = spec;
  return `${type} ${JSON.stringify(options)}`;
}

/** Random targets such as a loss takes, row-major. */
export function targetsFor(
  spec: LossSpec,
  rows: number,
  outputs: number,
  random: () => number,
): number[] {
  const draw = {
    values: () => 3 * random() - 1.5,
    probabilities: random,
    labels: () => Math.floor(random() * outputs),
  }[definitionOfLoss(spec).targets];
  const width = definitionOfLoss(spec).targets === 'labels' ? 1 : outputs;
  return Array.from({ length: rows * width }, draw);
}
