import { jsBackend } from '../src/backends/js.js';
import type { NetworkSpec } from '../src/index.js';
import { resolveModel } from '../src/layers/model.js';
import type { Request } from '../src/lists.js';
import { activations, losses } from '../src/ops/index.js';
import { Plan } from '../src/plan.js';
import type { Tensor } from '../src/tensor.js';
import { targetsFor } from './catalogues.js';

/*
 * The chain rule against central differences. A test that takes this runs the JS kernels in float64,
 * without rounding and with the engine's own functions:
 * vi.mock('../src/math.js', async () => ({ ...(await import('./float64.js')) })).
 */

const h = 1e-5;
const tolerance = 1e-6;
const smallest = 1e-3;
const kinkDistance = 1e-3;
/** A list that goes there and back, down to the inputs. */
const requestFor = (batch: number): Request => ({
  batch,
  rows: 'given',
  training: true,
  outputs: false,
  loss: true,
  gradients: 'inputs',
  update: false,
});

/** Indices into the arena of a matrix without its padding. */
function* places({ offset, rows, columns, pitch }: Tensor): Generator<number> {
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) yield offset + r * pitch + c;
}

/** A network on a float64 arena, with random parameters, inputs and targets. */
export class Differences {
  readonly #plan: Plan;
  readonly #spec: NetworkSpec;
  readonly #request: Request;

  constructor(spec: NetworkSpec, batch = 2) {
    this.#spec = spec;
    this.#request = requestFor(batch);
    this.#plan = new Plan(resolveModel(spec), jsBackend(Float64Array));
  }

  get #floats(): Float32Array {
    return this.#plan.backend.floats;
  }

  /** Draws all numbers anew until no value is near a kink. */
  draw(random: () => number): void {
    const { rows, targets } = this.#plan.list(this.#request);
    for (let attempt = 0; attempt < 200; attempt++) {
      for (const { tensor, least } of this.#plan.weights) {
        for (const i of places(tensor)) {
          this.#floats[i] = least === 0 ? 0.5 + random() : 2 * random() - 1;
        }
      }
      const { units, positions, indices } = this.#plan.model;
      for (const i of places(rows)) {
        this.#floats[i] = indices ? Math.floor(indices * random()) : 4 * random() - 2;
      }
      this.#floats.set(
        targetsFor(this.#spec.loss!, this.#request.batch * positions, units, random),
        targets.offset,
      );
      if (this.#isSmooth()) return;
    }
    throw new Error('every draw came near a kink');
  }

  /** Walks the list op by op, looking at what goes into each one that has kinks. */
  #isSmooth(): boolean {
    const { backend } = this.#plan;
    let smooth = true;
    const keepAway = (tensor: Tensor, kinks: readonly number[], from?: Tensor) => {
      const origin = from && [...places(from)];
      [...places(tensor)].forEach((i, k) => {
        const value = this.#floats[i]! - (origin ? this.#floats[origin[k]!]! : 0);
        if (kinks.some((kink) => Math.abs(value - kink) < kinkDistance)) smooth = false;
      });
    };
    const kinksOf = (entry: object) => ('kinks' in entry ? (entry.kinks as number[]) : []);
    for (const op of this.#plan.describe(this.#request)) {
      const { kernel, args } = op;
      const run = (one: typeof op) =>
        backend
          .compile([one], { work: 0, scratch: this.#plan.sums, records: this.#plan.sums })
          .run(1);
      const floor = args.at(-1) as number;
      if (
        /^(dense|convolution|convolutionTransposed)Forward$/.test(kernel) &&
        floor > Number.NEGATIVE_INFINITY
      ) {
        run({ kernel, args: [...args.slice(0, -1), Number.NEGATIVE_INFINITY] });
        keepAway(args[0] as Tensor, [floor]);
      }
      // What an activation has bounded at 0 stays there, so only what lies beside it is at a kink.
      if (kernel === 'addPenalty' && (args[7] as number) > 0) {
        for (const i of places(args[1] as Tensor)) {
          const size = Math.abs(this.#floats[i]!);
          if (size > 0 && size < kinkDistance) smooth = false;
        }
      }
      for (const [name, entry] of Object.entries(activations)) {
        if (kernel === `${name}Forward`) keepAway(args[1] as Tensor, kinksOf(entry));
      }
      for (const [name, entry] of Object.entries(losses)) {
        const kinks = kinksOf(entry);
        if (kernel === `${name}Loss` && kinks.length > 0) {
          keepAway(args[2] as Tensor, kinks, args[3] as Tensor);
        }
      }
      run(op);
    }
    return smooth;
  }

  #loss(): number {
    const cell = this.#plan.backend.view(this.#plan.sums);
    cell[0] = 0;
    if (this.#plan.list(this.#request).program.run(1) !== 1)
      throw new Error('the loss is not finite');
    return cell[0]! / this.#request.batch;
  }

  /** Every partial derivative that differs from its difference quotient; counts those not 0. */
  compare(): { failures: string[]; slopes: number } {
    const { rows, dx } = this.#plan.list(this.#request);
    this.#loss();
    const pairs = [
      ...this.#plan.parameters.map((p) => [p.name, p.tensor, p.gradient] as const),
      // Places in a list have no gradient.
      ...(dx ? [['x', rows, dx] as const] : []),
    ].map(([name, values, gradient]) => ({
      name,
      at: [...places(values)],
      analytic: [...places(gradient)].map((i) => this.#floats[i]!),
    }));
    const failures: string[] = [];
    let slopes = 0;
    for (const { name, at, analytic } of pairs) {
      at.forEach((i, k) => {
        const value = this.#floats[i]!;
        this.#floats[i] = value + h;
        const above = this.#loss();
        this.#floats[i] = value - h;
        const below = this.#loss();
        this.#floats[i] = value;
        const a = analytic[k]!;
        const n = (above - below) / (2 * h);
        if (Math.abs(a) > smallest) slopes++;
        if (Math.abs(a - n) <= tolerance * Math.max(Math.abs(a), Math.abs(n), smallest)) return;
        failures.push(`∂loss/∂${name}[${k}]: ${a} by the chain rule, ${n} by differences`);
      });
    }
    return { failures, slopes };
  }
}
