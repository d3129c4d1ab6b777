import type { Label } from '../data.js';
import type { ModelLoss } from '../layers/model.js';
import type { LossDefinition } from '../ops/definition.js';
import { losses } from '../ops/losses.js';

/** How a row of outputs names what it predicts. */
export interface Decision {
  /** The largest output is the class; or each output is yes or no by itself. */
  readonly decision: 'largest' | 'threshold';
  /** Where 'threshold' decides: 0.5 of a probability, 0 of a logit. */
  readonly threshold: number;
}

/**
 * What a network predicts: numbers, one yes or no, one of several classes, or several times yes or
 * no.
 */
export type Kind = 'values' | 'binary' | 'classes' | 'flags';

/** What a metric must know of the network and its loss. */
export interface MetricContext extends Decision {
  readonly kind: Kind;
  /** Outputs a row. */
  readonly outputs: number;
  /** Whether a row of targets is one class index; otherwise it has a number for each output. */
  readonly labels: boolean;
  /** Whether the outputs are logits and not probabilities. */
  readonly logits: boolean;
}

/** A metric under way. Rows are added in order. */
export interface Metric {
  /** @param o where the row of outputs begins, @param t where its targets do */
  add(outputs: Float32Array, o: number, targets: Float32Array, t: number): void;
  value(): number;
  /** All that it has gathered so far. */
  state(): Float64Array;
  /** Goes on from such a state; false where it is of another metric. */
  restore(state: Float64Array): boolean;
}

/** A metric that gathers a fixed number of sums. */
export function summing(sums: Float64Array, { add, value }: Pick<Metric, 'add' | 'value'>): Metric {
  return {
    add,
    value,
    state: () => sums.slice(),
    restore(state) {
      if (state.length !== sums.length) return false;
      sums.set(state);
      return true;
    },
  };
}

/** Options by name, every default filled in; a list's first choice stands for none. */
export type MetricOptions = Readonly<Record<string, number | string>>;

export interface MetricDefinition {
  /** What the network may predict. */
  readonly fits: readonly Kind[];
  /** Options: a whole number's default, or the list of choices. */
  readonly options: Readonly<Record<string, number | readonly string[]>>;
  /** What is wrong with these options for this network, and the remedy. */
  problem?(context: MetricContext, options: MetricOptions): string | undefined;
  create(context: MetricContext, options: MetricOptions): Metric;
}

/** The index of the largest of `count` numbers from `start` on; the first of equals. */
export function largest(values: ArrayLike<number>, start: number, count: number): number {
  let best = 0;
  for (let i = 1; i < count; i++) if (values[start + i]! > values[start + best]!) best = i;
  return best;
}

/** How outputs that were learnt under a loss, if under any, are read. */
export function decisionOf(
  loss: Pick<ModelLoss, 'type' | 'outputsAreLogits'> | undefined,
  outputs: number,
): Decision {
  const { targets, logits }: Partial<LossDefinition> = loss ? losses[loss.type] : {};
  const signs = targets === 'signs';
  const each = signs || logits === 'sigmoid';
  return {
    decision: targets === 'labels' || (outputs > 1 && !each) ? 'largest' : 'threshold',
    threshold: loss?.outputsAreLogits || signs ? 0 : 0.5,
  };
}

/** The class that each row of outputs says: its name where there are names, else its index. */
export function classesOf(
  outputs: Float32Array,
  width: number,
  { decision, threshold }: Decision,
  names: readonly Label[] | undefined,
): Label[] {
  const single = decision === 'threshold' && width === 1;
  return Array.from({ length: outputs.length / width }, (_, r) => {
    const index = single ? Number(outputs[r]! > threshold) : largest(outputs, r * width, width);
    return names?.[index] ?? index;
  });
}

/** The true class of a row, where the largest output decides. */
export function trueClass(context: MetricContext, targets: ArrayLike<number>, t: number): number {
  return context.labels ? targets[t]! : largest(targets, t, context.outputs);
}

/** The target of an output; a class index stands for 1 at its place and 0 elsewhere. */
export function targetOf(
  context: MetricContext,
  targets: ArrayLike<number>,
  t: number,
  output: number,
): number {
  if (context.labels) return targets[t] === output ? 1 : 0;
  return targets[t + output]!;
}
