/** What a metric must know of the network and its loss. */
export interface MetricContext {
  /** Outputs a row. */
  readonly outputs: number;
  /** How a row of outputs names what it predicts; see `decisionOf`. */
  readonly decision: Decision;
  /** Where 'threshold' decides: 0.5 of a probability, 0 of a logit. */
  readonly threshold: number;
}

/** The largest output is the class; or each output is yes or no by itself. */
export type Decision = 'largest' | 'threshold';

/** A metric under way. Rows are added in order. */
export interface Metric {
  /** @param o where the row of outputs begins, @param t where its targets do */
  add(outputs: Float32Array, o: number, targets: Float32Array, t: number): void;
  value(): number;
}

interface MetricDefinition {
  create(context: MetricContext, labels: boolean): Metric;
}

export type MetricName = keyof typeof metrics;

/** The index of the largest of `count` numbers from `start` on; the first of equals. */
export function largest(values: ArrayLike<number>, start: number, count: number): number {
  let best = 0;
  for (let i = 1; i < count; i++) if (values[start + i]! > values[start + best]!) best = i;
  return best;
}

/**
 * - `accuracy`: the share of rows whose predicted class is the true one; where each output decides by
 *   itself, the share of outputs.
 * - `meanAbsoluteError`: Σ |y − t| / (rows × outputs), in the targets' own units.
 */
export const metrics = {
  accuracy: {
    create({ outputs, decision, threshold }, labels) {
      let right = 0;
      let all = 0;
      return {
        add(y, o, targets, t) {
          if (decision === 'largest') {
            const truth = labels ? targets[t] : largest(targets, t, outputs);
            if (largest(y, o, outputs) === truth) right++;
            all++;
            return;
          }
          for (let i = 0; i < outputs; i++) {
            if (y[o + i]! > threshold === targets[t + i]! > 0.5) right++;
          }
          all += outputs;
        },
        value: () => right / all,
      };
    },
  },
  meanAbsoluteError: {
    create({ outputs }, labels) {
      let sum = 0;
      let all = 0;
      return {
        add(y, o, targets, t) {
          for (let i = 0; i < outputs; i++) {
            // A class index stands for 1 at its place and 0 elsewhere.
            const truth = labels ? (targets[t] === i ? 1 : 0) : targets[t + i]!;
            sum += Math.abs(y[o + i]! - truth);
          }
          all += outputs;
        },
        value: () => sum / all,
      };
    },
  },
} as const satisfies Record<string, MetricDefinition>;
