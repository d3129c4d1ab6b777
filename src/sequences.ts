import { show } from './checks.js';
import { ShapeError } from './errors.js';
import type { FitOptions } from './fit-options.js';
import type { Model } from './layers/model.js';
import type { Plan } from './plan.js';

/*
 * Networks with layers that keep the states of sequences from one batch to the next: each row of a
 * batch goes on from its row of the batch before.
 */

/** How many rows batches have, in words. */
export const rowsOf = ({ sequences, where }: NonNullable<Model['stateful']>) =>
  `batches of ${sequences} rows, since ${where} keeps the states of ${sequences} sequences`;

/** Refuses rows that are not whole batches, or, if it is to be `one`, more than one. */
export function checkSequences({ stateful }: Model, rows: number, name: string, one = false): void {
  if (!stateful) return;
  const { sequences } = stateful;
  if (one ? rows === sequences : rows % sequences === 0) return;
  throw new ShapeError(
    `${name}: expected ${one ? 'one of the ' : ''}${rowsOf(stateful)}, got ${rows} rows`,
  );
}

/** The options of a training, which goes through such batches in order: by default, and else refused. */
export function inSequence<Options extends FitOptions>(
  { stateful }: Model,
  options: Options,
  ofRows: boolean,
): Options {
  if (!stateful || typeof options !== 'object' || options === null) return options;
  const { sequences } = stateful;
  const { batchSize = sequences, shuffle = false, microBatchSize = sequences } = options;
  for (const [name, size] of Object.entries({ batchSize, microBatchSize })) {
    if (size === sequences) continue;
    throw new RangeError(`${name}: expected ${rowsOf(stateful)}, got ${show(size)}`);
  }
  if (shuffle !== false) {
    throw new RangeError(
      `shuffle: expected false, since rows go on from those before them: ${rowsOf(stateful)}`,
    );
  }
  return ofRows ? { ...options, batchSize, shuffle } : options;
}

/** States beside those of a network, 0 at first, for a walk over rows that have nothing to do with them. */
export class States {
  readonly #plan: Plan;
  #kept: readonly Float32Array[];

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#kept = plan.states.map((state) => new Float32Array(plan.backend.view(state).length));
  }

  /** Runs with these states in the place of the network's, and keeps what becomes of them. */
  during<Result>(run: () => Result): Result {
    this.#exchange();
    try {
      return run();
    } finally {
      this.#exchange();
    }
  }

  #exchange(): void {
    const { states, backend } = this.#plan;
    this.#kept = states.map((state, i) => {
      const view = backend.view(state) as Float32Array;
      const before = view.slice();
      view.set(this.#kept[i]!);
      return before;
    });
  }
}
