import { expect } from 'vitest';
import {
  dense,
  layers,
  type Network,
  type NetworkSpec,
  type Rows,
  sequential,
  type Targets,
} from '../../src/index.js';

// Whatever is refused, the network is as it was: so is checked after every refusal, against a twin
// that was never asked.

export const spec: NetworkSpec = {
  inputShape: [3],
  layers: [dense(4, { activation: 'tanh' }), layers.dropout({ rate: 0.5 }), dense(2)],
  loss: 'meanSquaredError',
};
export const x = [
  [1, 2, 3],
  [4, 5, 6],
];
export const y = [
  [1, 2],
  [3, 4],
];

export type Refusal = [what: string, given: unknown, type: new () => Error, message: string];

/** A network, with the promise that refusals leave it exactly as its twin. */
export class Pair {
  readonly model: Network;
  readonly #twin: Network;
  readonly #x: Rows;
  readonly #y: Targets;

  constructor(changes: Partial<NetworkSpec> = {}, data: [Rows, Targets] = [x, y]) {
    this.model = sequential({ ...spec, ...changes });
    this.#twin = sequential({ ...spec, ...changes });
    [this.#x, this.#y] = data;
  }

  /** Refused by a throw, or by a promise that rejects. */
  async refuses(
    ask: (model: Network) => unknown,
    type: new () => Error,
    message: string,
  ): Promise<void> {
    let error: unknown;
    try {
      await ask(this.model);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(type);
    expect((error as Error).message).toBe(message);
    expect(this.model.getWeights()).toEqual(this.#twin.getWeights());
  }

  /** Trains both on: so the slots, the step and the random state are the same as well. */
  async isWhole(): Promise<void> {
    for (const model of [this.model, this.#twin]) {
      model.trainOnBatch(this.#x, this.#y);
      await model.fit(this.#x, this.#y, { epochs: 2 });
    }
    expect(this.model.classes).toEqual(this.#twin.classes);
    expect(this.model.getWeights()).toEqual(this.#twin.getWeights());
  }
}

/** Every way into a network for rows and their targets. */
export const doors: Record<string, (model: Network, x: Rows, y: Targets) => unknown> = {
  evaluate: (model, x, y) => model.evaluate(x, y),
  trainOnBatch: (model, x, y) => model.trainOnBatch(x, y),
  gradients: (model, x, y) => model.gradients(x, y, { inputs: true }),
  fit: (model, x, y) => model.fit(x, y),
  epochs: (model, x, y) => model.epochs(x, y).next(),
};
