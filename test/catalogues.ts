import type {
  ActivationSpec,
  ClippingSpec,
  ConstraintSpec,
  LossSpec,
  OptimizerSpec,
} from '../src/index.js';
import type { LossDefinition } from '../src/ops/definition.js';
import { activations, clippings, constraints, losses, optimizers } from '../src/ops/index.js';

/*
 * What the catalogues offer, as specs: every entry as it is; with all of its numbers off their
 * defaults; and so for each of its flags turned over. A new entry is tested from the moment it
 * exists.
 */

type Options = Readonly<Record<string, number | boolean>>;

type Entries = Record<
  string,
  {
    readonly options: Options;
    readonly ranges?: Readonly<Record<string, readonly [number, number]>>;
    conflict?(options: Readonly<Record<string, number>>): string | undefined;
  }
>;

/** A number other than `value`, in its range. */
function moved(value: number, [least, below]: readonly [number, number]): number {
  const others = [value * 0.75 + 0.05, value * 1.25 + 0.05];
  return others.find((other) => other >= least && other < below)!;
}

/** Numbers off their defaults, then the same with one flag turned over. */
function changesOf({ options, ranges }: Entries[string]): Options[] {
  const names = Object.keys(options);
  const numbers: Record<string, number> = {};
  for (const name of names) {
    const value = options[name]!;
    const range = ranges?.[name] ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
    if (typeof value === 'number') numbers[name] = moved(value, range);
  }
  const flags = names.filter((name) => typeof options[name] === 'boolean');
  return [numbers, ...flags.map((name) => ({ ...numbers, [name]: !options[name] }))];
}

function specsOf(catalogue: Entries): unknown[] {
  return Object.entries(catalogue).flatMap(([type, entry]) => {
    if (Object.keys(entry.options).length === 0) return [type];
    const fitting = changesOf(entry).filter((changes) => {
      const all = Object.entries({ ...entry.options, ...changes });
      return !entry.conflict?.(Object.fromEntries(all.map(([name, v]) => [name, Number(v)])));
    });
    return [type, ...fitting.map((changes) => ({ type, ...changes }))];
  });
}

export const activationSpecs = specsOf(activations) as ActivationSpec[];

export const clippingSpecs = specsOf(clippings) as ClippingSpec[];
export const constraintSpecs = specsOf(constraints) as ConstraintSpec[];

/** Besides the entries: kernels that they leave out, and a decay that keeps a step from fusing. */
export const optimizerSpecs = [
  ...specsOf(optimizers),
  { type: 'sgd', weightDecay: 0.02 },
  { type: 'sgd', momentum: 0.8 },
  { type: 'sgd', momentum: 0.8, nesterov: true },
  { type: 'rmsprop', momentum: 0.5 },
  { type: 'rmsprop', centered: true },
] as OptimizerSpec[];

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

/** The activation whose logits a loss insists on, or one it can take; undefined where it takes any. */
export function requiredActivation(spec: LossSpec): 'sigmoid' | 'softmax' | 'softplus' | undefined {
  if (definitionOfLoss(spec).positive) return 'softplus';
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
    values: () => (definitionOfLoss(spec).positive ? 3 * random() : 3 * random() - 1.5),
    probabilities: random,
    signs: () => (random() < 0.5 ? -1 : 1),
    labels: () => Math.floor(random() * outputs),
  }[definitionOfLoss(spec).targets];
  const width = definitionOfLoss(spec).targets === 'labels' ? 1 : outputs;
  return Array.from({ length: rows * width }, draw);
}
