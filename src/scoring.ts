import type { Model } from './layers/model.js';
import type { Metric } from './metrics.js';
import type { FittedScaler } from './scalers.js';

/** What is reported of an epoch or an evaluation, by name. */
export type Logs = Record<string, number>;

/** The metrics of a network, gathered over rows in order. */
export class Scores {
  readonly #metrics: readonly (readonly [string, Metric])[];
  readonly #positions: number;
  readonly #units: number;
  readonly #targetColumns: number;
  readonly #scaler: FittedScaler | undefined;

  /** @param scaler that of the targets: metrics are in the targets' own units */
  constructor(model: Model, scaler: FittedScaler | undefined) {
    this.#metrics = model.metrics.map(({ name, create }) => [name, create()]);
    this.#positions = model.positions;
    this.#units = model.units;
    this.#targetColumns = model.targetColumns;
    this.#scaler = scaler;
  }

  /**
   * Adds `count` rows of dense outputs, which are overwritten where they have to be scaled back.
   *
   * @param units whether the targets are scaled, as the outputs are
   * @param rows which row of `targets` belongs to each; in order from 0 if left out
   */
  add(
    outputs: Float32Array,
    count: number,
    targets: Float32Array,
    units: 'scaled' | 'own units',
    rows?: Int32Array,
  ): void {
    const width = this.#targetColumns;
    const positions = this.#positions;
    const scaler = this.#scaler;
    const targetScaler = units === 'scaled' ? scaler : undefined;
    if (scaler) scaler.invert(outputs);
    for (let i = 0; i < count; i++) {
      const row = rows ? rows[i]! : i;
      const truth = targetScaler ? targets.slice(row * width, (row + 1) * width) : targets;
      targetScaler?.invert(truth);
      const at = targetScaler ? 0 : row * width;
      for (let p = 0; p < positions; p++) {
        const output = (i * positions + p) * this.#units;
        const target = at + (p * width) / positions;
        for (const [, metric] of this.#metrics) metric.add(outputs, output, truth, target);
      }
    }
  }

  /** What each metric has gathered. */
  state(): Float64Array[] {
    return this.#metrics.map(([, metric]) => metric.state());
  }

  /** Goes on from there. */
  restore(states: readonly Float64Array[]): void {
    this.#metrics.forEach(([name, metric], i) => {
      if (metric.restore(states[i]!)) return;
      throw new RangeError(`resume: metrics: the sums are not those of ${name}`);
    });
  }

  /** Adds the values to the logs, their names behind a prefix such as 'val_'. */
  report(logs: Logs, prefix = ''): void {
    for (const [name, metric] of this.#metrics) logs[prefix + name] = metric.value();
  }
}
