import type { DenseRows } from '../data.js';
import type { Digest } from '../digest.js';
import type { Held } from '../lists.js';
import type { NetworkState } from '../state.js';
import type { Tensor } from '../tensor.js';
import type { Part } from './feed.js';

/** Rows and their targets, dense and as the user gave them. */
export interface Block {
  readonly inputs: DenseRows;
  readonly targets: DenseRows;
  /** What each row counts in the loss; undefined where all count the same. */
  readonly weights?: Float32Array | undefined;
}

/** Adds a block to a digest. */
export function addTo(digest: Digest, { inputs, targets, weights }: Block): void {
  digest.add(inputs.values);
  digest.add(targets.values);
  if (weights) digest.add(weights);
}

/** Room in a network's memory for a few rows, which others take the place of as they come. */
export class Window {
  readonly #state: NetworkState;
  readonly #scheduled: boolean;
  /** Whether rows have come that do not all count the same. */
  #weighted = false;
  #rows: number;
  #held: Held | undefined;
  /** Rows of the last part. */
  #filled = 0;

  constructor(state: NetworkState, rows: number, scheduled: boolean) {
    this.#state = state;
    this.#rows = rows;
    this.#scheduled = scheduled;
  }

  /** The place in memory: made anew where another training had its rows there. */
  ready(): Held {
    const { plan, model } = this.#state;
    if (this.#held && plan.held === this.#held) return this.#held;
    const rows = this.#rows;
    const room = model.metrics.length > 0 ? rows : 0;
    const [scheduled, weighted] = [this.#scheduled, this.#weighted];
    const held = plan.hold(rows, rows, rows, room, { scheduled, weighted });
    const view = (tensor: Tensor) => plan.backend.view(tensor);
    // Whatever stood there before might be no label.
    view(held.x).fill(0);
    view(held.targets).fill(0);
    const indices = view(held.indices);
    for (let r = 0; r < rows; r++) indices[r] = r;
    view(held.training).set(indices);
    this.#held = held;
    this.#filled = rows;
    return held;
  }

  /** Puts rows there, scaled, in place of those before. */
  put({ inputs, targets, weights }: Block): Part {
    const { plan } = this.#state;
    const { rows } = inputs;
    if (rows > this.#rows) {
      this.#rows = rows;
      this.#held = undefined;
    }
    if (weights && !this.#weighted) {
      this.#weighted = true;
      this.#held = undefined;
    }
    const { x, targets: y, weights: w, training } = this.ready();
    const { floats } = plan.backend;
    // Who looks for training rows finds those that there are.
    const listed = plan.backend.view(training);
    if (rows !== this.#filled) for (let r = 0; r < this.#rows; r++) listed[r] = r % rows;
    this.#filled = rows;
    this.#state.writeInputs(inputs.values, floats, x.offset);
    this.#state.writeTargets(targets.values, floats, y.offset);
    if (w) writeWeights(weights, rows * this.#state.model.positions, floats, w.offset);
    return { cursor: 0, rows };
  }
}

/** Writes what positions count behind `at`: 1 where nothing else is said. */
export function writeWeights(
  weights: Float32Array | undefined,
  positions: number,
  out: Float32Array,
  at: number,
): void {
  if (weights) out.set(weights, at);
  else out.fill(1, at, at + positions);
}

/** Rows picked out of others, by their places. */
export function pickRows(
  { inputs, targets, weights }: Block,
  rows: Int32Array,
  columns: number,
  targetColumns: number,
): Block {
  const pick = ({ values }: DenseRows, width: number): DenseRows => {
    const picked = new Float32Array(rows.length * width);
    for (let r = 0; r < rows.length; r++) {
      const from = rows[r]! * width;
      const to = r * width;
      for (let c = 0; c < width; c++) picked[to + c] = values[from + c]!;
    }
    return { values: picked, rows: rows.length };
  };
  return {
    inputs: pick(inputs, columns),
    targets: pick(targets, targetColumns),
    weights: weights && pick({ ...inputs, values: weights }, weights.length / inputs.rows).values,
  };
}
