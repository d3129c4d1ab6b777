import { type MetricContext, type MetricDefinition, targetOf } from './definition.js';

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
      let sum = 0;
      let all = 0;
      return {
        add(y: Float32Array, o: number, targets: Float32Array, t: number) {
          for (let i = 0; i < outputs; i++)
            sum += error(y[o + i]!, targetOf(context, targets, t, i));
          all += outputs;
        },
        value: () => finish(sum / all),
      };
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
  #count = 0;
  #mean = 0;
  #variation = 0;
  #residual = 0;

  add(y: number, t: number): void {
    this.#count++;
    const distance = t - this.#mean;
    this.#mean += distance / this.#count;
    this.#variation += distance * (t - this.#mean);
    this.#residual += (y - t) * (y - t);
  }

  value(): number {
    if (this.#count < 2) return Number.NaN;
    if (this.#variation > 0) return 1 - this.#residual / this.#variation;
    return Number.isNaN(this.#residual) ? Number.NaN : Number(this.#residual === 0);
  }
}

export const r2 = {
  fits: ['values'],
  options: {},
  create({ outputs }) {
    const columns = Array.from({ length: outputs }, () => new Determination());
    return {
      add(y, o, targets, t) {
        columns.forEach((column, i) => {
          column.add(y[o + i]!, targets[t + i]!);
        });
      },
      value: () => columns.reduce((sum, column) => sum + column.value(), 0) / outputs,
    };
  },
} as const satisfies MetricDefinition;
