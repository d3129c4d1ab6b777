import { type MetricContext, type MetricDefinition, summing, targetOf } from './definition.js';

/* Metrics of numbers: y predicted, t true. */

const everything = ['values', 'binary', 'classes', 'flags'] as const;

/** Below this a target counts as this large in `meanAbsolutePercentageError`: 2⁻⁵². */
const leastTarget = 2 ** -52;

export const relativeError = (y: number, t: number): number =>
  Math.abs(y - t) / Math.max(Math.abs(t), leastTarget);

/** The mean of an error over rows and outputs. */
function meanError(
  fits: MetricDefinition['fits'],
  error: (y: number, t: number) => number,
  finish = (mean: number) => mean,
) {
  return {
    fits,
    options: {},
    create(context: MetricContext) {
      const { outputs } = context;
      const sums = new Float64Array(2);
      return summing(sums, {
        add(y, o, targets, t) {
          for (let i = 0; i < outputs; i++)
            sums[0]! += error(y[o + i]!, targetOf(context, targets, t, i));
          sums[1]! += outputs;
        },
        value: () => finish(sums[0]! / sums[1]!),
      });
    },
  } as const satisfies MetricDefinition;
}

const square = (y: number, t: number) => (y - t) * (y - t);

export const meanAbsoluteError = meanError(everything, (y, t) => Math.abs(y - t));
export const meanSquaredError = meanError(everything, square);
export const rootMeanSquaredError = meanError(everything, square, Math.sqrt);
export const meanAbsolutePercentageError = meanError(['values'], relativeError);

/**
 * 1 − Σ(y − t)² / Σ(t − mean)² of one column, in one pass (Welford 1962). Where t never changes it
 * is 1 for no error and 0 for any; NaN for fewer than two rows.
 */
export class Determination {
  /** The count, the mean of t, its variation, and that of y from t. */
  readonly #sums: Float64Array;

  constructor(sums = new Float64Array(4)) {
    this.#sums = sums;
  }

  add(y: number, t: number): void {
    const sums = this.#sums;
    sums[0]!++;
    const distance = t - sums[1]!;
    sums[1]! += distance / sums[0]!;
    sums[2]! += distance * (t - sums[1]!);
    sums[3]! += (y - t) * (y - t);
  }

  value(): number {
    const [count, , variation, residual] = this.#sums as unknown as [number, 0, number, number];
    if (count < 2) return Number.NaN;
    if (variation > 0) return 1 - residual / variation;
    return Number.isNaN(residual) ? Number.NaN : Number(residual === 0);
  }
}

export const r2 = {
  fits: ['values'],
  options: {},
  create({ outputs }) {
    const sums = new Float64Array(4 * outputs);
    const columns = Array.from(
      { length: outputs },
      (_, i) => new Determination(sums.subarray(4 * i, 4 * i + 4)),
    );
    return summing(sums, {
      add(y, o, targets, t) {
        columns.forEach((column, i) => {
          column.add(y[o + i]!, targets[t + i]!);
        });
      },
      value: () => columns.reduce((sum, column) => sum + column.value(), 0) / outputs,
    });
  },
} as const satisfies MetricDefinition;
