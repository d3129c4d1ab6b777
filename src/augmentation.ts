import { show } from './checks.js';
import { indexBelow, isIndex } from './data.js';
import type { Block } from './feeds/window.js';
import type { LossDefinition } from './ops/definition.js';
import { Random, streams } from './random.js';
import type { NetworkState } from './state.js';
import type { Shape } from './tensor.js';
import { isThenable } from './turns.js';

/** Numbers by chance, from the network's seed: the same in every run, and on every engine. */
export interface RandomSource {
  /** Uniform in [0, 1). */
  uniform(): number;
  /** Normal with mean 0 and deviation 1. */
  normal(): number;
  /** A whole number in [0, bound). */
  below(bound: number): number;
}

/** The rows of one batch on their way into a training, in the user's own units: before scaling. */
export interface AugmentedBatch {
  readonly rows: number;
  /** Rows of inputs, dense: rows × size of the inputShape. To be written to. */
  readonly x: Float32Array;
  /** Rows of targets, dense: as many numbers a row as there are outputs, or one class index. */
  readonly y: Float32Array;
  readonly inputShape: Shape;
  /** What y holds: a number, a probability, −1 or 1 for each output, or a class index for each row. */
  readonly targets: LossDefinition['targets'];
}

/** Changes the rows of a batch, in place, before the network is trained on them. */
export type Augmentation = (batch: AugmentedBatch, random: RandomSource) => void;

/** The option `augment` as a list. */
export function readAugmentations(given: unknown): readonly Augmentation[] {
  if (given === undefined) return [];
  const list: readonly unknown[] = Array.isArray(given) ? given : [given];
  list.forEach((one, i) => {
    if (typeof one === 'function') return;
    const where = Array.isArray(given) ? `augment[${i}]` : 'augment';
    throw new TypeError(
      `${where}: expected a function of a batch and a random source, such as augment.noise({ deviation: 0.1 }), got ${show(one)}`,
    );
  });
  return list as readonly Augmentation[];
}

/** What is done to the rows of each batch of one training. */
export class Augmenting {
  readonly #state: NetworkState;
  readonly #augmentations: readonly Augmentation[];

  constructor(state: NetworkState, augmentations: readonly Augmentation[]) {
    this.#state = state;
    this.#augmentations = augmentations;
  }

  /**
   * Changes `rows` rows of a block from `first` on. What is random follows from the seed, the epoch of
   * all that the network has been trained for, and the batch in it.
   */
  apply({ inputs, targets }: Block, first: number, rows: number, epoch: number, batch: number) {
    const { model } = this.#state;
    const { columns, targetColumns, inputShape, seed } = model;
    const part = (values: Float32Array, width: number) =>
      values.subarray(first * width, (first + rows) * width);
    const x = part(inputs.values, columns);
    const y = part(targets.values, targetColumns);
    const random = new Random(seed, streams.augmentation + batch, epoch);
    const given = { rows, x, y, inputShape, targets: model.loss!.targets };
    this.#augmentations.forEach((augmentation, i) => {
      if (!isThenable(augmentation(given, random))) return;
      throw new TypeError(`augment[${i}]: expected a function that is done when it returns`);
    });
    this.#check(x, y, `augment: batch ${batch}`);
  }

  /** What is no class or category would be a place outside of the memory. */
  #check(x: Float32Array, y: Float32Array, where: string): void {
    const { model } = this.#state;
    const { columns, targetColumns, units, indices } = model;
    const scaled = this.#state.fitted.x?.columns;
    const refuse = (what: string, i: number, width: number, expected: string, got: number) => {
      const row = Math.floor(i / width);
      throw new RangeError(
        `${where}: ${what}, row ${row}, column ${i - row * width}: expected ${expected}, got ${got}`,
      );
    };
    for (let i = 0; i < x.length; i++) {
      const value = x[i]!;
      if (value - value !== 0) refuse('x', i, columns, 'a finite number', value);
      if (indices !== undefined && !isIndex(value, indices)) {
        refuse('x', i, columns, indexBelow(indices), value);
      }
      const column = scaled?.[i % columns];
      if (!column || 'scale' in column) continue;
      if (isIndex(value, column.count)) continue;
      refuse('x', i, columns, `the place of one of ${column.count} categories`, value);
    }
    const { targets } = model.loss!;
    for (let i = 0; i < y.length; i++) {
      const value = y[i]!;
      if (value - value !== 0) refuse('y', i, targetColumns, 'a finite number', value);
      if (targets === 'probabilities' && !(value >= 0 && value <= 1)) {
        refuse('y', i, targetColumns, 'a probability from 0 to 1', value);
      }
      if (targets === 'signs' && value * value !== 1) {
        refuse('y', i, targetColumns, '−1 or 1', value);
      }
      if (targets === 'labels' && !isIndex(value, units)) {
        refuse('y', i, targetColumns, `a class index from 0 to ${units - 1}`, value);
      }
    }
  }
}
