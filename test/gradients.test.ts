import { beforeAll, describe, expect, it, vi } from 'vitest';
import { jsBackend } from '../src/backends/js.js';
import {
  type ActivationSpec,
  type LayerSpec,
  type LossSpec,
  layers,
  type NetworkSpec,
} from '../src/index.js';
import { resolveModel } from '../src/layers/model.js';
import { fround } from '../src/math.js';
import { activations, losses } from '../src/ops/index.js';
import { Plan, type Request } from '../src/plan.js';
import type { Tensor } from '../src/tensor.js';
import {
  activationSpecs,
  lossSpecs,
  nameOf,
  requiredActivation,
  targetsFor,
  typeOf,
} from './catalogues.js';
import { generator } from './kernels/core.js';

// The chain rule against central differences. The JS kernels run in float64: without rounding, with
// the engine's own functions, on a Float64Array.
vi.mock('../src/math.js', async () => ({ ...(await import('./float64.js')) }));

const h = 1e-5;
const tolerance = 1e-6;
const smallest = 1e-3;
const kinkDistance = 1e-3;
const batch = 2;

const request: Request = {
  batch,
  rows: 'given',
  training: true,
  outputs: false,
  loss: true,
  gradients: 'inputs',
  update: false,
};

/** Indices into the arena of a matrix without its padding. */
function* places({ offset, rows, columns, pitch }: Tensor): Generator<number> {
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) yield offset + r * pitch + c;
}

/** A network on a float64 arena, with random parameters, inputs and targets. */
class Check {
  readonly #plan: Plan;
  readonly #spec: NetworkSpec;

  constructor(spec: NetworkSpec) {
    this.#spec = spec;
    this.#plan = new Plan(resolveModel(spec), jsBackend(Float64Array));
  }

  get #floats(): Float32Array {
    return this.#plan.backend.floats;
  }

  /** Draws all numbers anew until no value is near a kink. */
  draw(random: () => number): void {
    const { rows, targets } = this.#plan.list(request);
    for (let attempt = 0; attempt < 200; attempt++) {
      for (const { tensor } of this.#plan.parameters) {
        for (const i of places(tensor)) this.#floats[i] = 2 * random() - 1;
      }
      for (const i of places(rows)) this.#floats[i] = 4 * random() - 2;
      const { outputs } = this.#plan.model;
      this.#floats.set(targetsFor(this.#spec.loss!, batch, outputs, random), targets.offset);
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
    for (const op of this.#plan.describe(request)) {
      const { kernel, args } = op;
      const run = (one: typeof op) =>
        backend.compile([one], { scratch: this.#plan.sums, records: this.#plan.sums }).run(1);
      const floor = args.at(-1) as number;
      if (kernel === 'denseForward' && floor > Number.NEGATIVE_INFINITY) {
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
    if (this.#plan.list(request).program.run(1) !== 1) throw new Error('the loss is not finite');
    return cell[0]! / batch;
  }

  /** Every partial derivative that differs from its difference quotient; counts those not 0. */
  compare(): { failures: string[]; slopes: number } {
    const { rows, dx } = this.#plan.list(request);
    this.#loss();
    const pairs = [
      ...this.#plan.parameters.map((p) => [p.name, p.tensor, p.gradient] as const),
      ['x', rows, dx!] as const,
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

const { dense, activation, dropout, flatten, activityRegularization } = layers;

/** Stacks with the activation under test in each place; `last` is the one that the loss wants. */
const stacks: Record<string, (f: ActivationSpec, last: ActivationSpec) => LayerSpec[]> = {
  'a hidden dense layer': (f, last) => [
    dense({ units: 5, activation: f }),
    dense({ units: 3, activation: last }),
  ],
  'a hidden layer of its own': (f, last) => [
    dense({ units: 5 }),
    activation(f),
    dense({ units: 3, activation: last }),
  ],
  'the first layer': (f, last) => [activation(f), dense({ units: 3, activation: last })],
  'a layer between dropouts': (f, last) => [
    dropout({ rate: 0.3 }),
    dense({ units: 5, activation: f }),
    dropout({ rate: 0.4 }),
    dense({ units: 3, activation: last }),
  ],
  'two hidden layers': (f, last) => [
    dense({ units: 4, activation: f }),
    dense({ units: 5, activation: f }),
    dense({ units: 3 }),
    activation(last),
  ],
  'the output layer': (f) => [
    dense({ units: 5, activation: 'tanh' }),
    dense({ units: 3, activation: f }),
  ],
  'an output layer of its own': (f) => [
    dense({ units: 5, activation: 'tanh' }),
    dense({ units: 3 }),
    activation(f),
  ],
  'a single output': (f) => [
    dense({ units: 5, activation: 'tanh' }),
    dense({ units: 1, activation: f }),
  ],
  'penalized layers': (f, last) => [
    activityRegularization({ l1: 0.02, l2: 0.01 }),
    dense({
      ...{ units: 5, activation: f, weightRegularizer: { l1: 0.03, l2: 0.02 } },
      ...{ biasRegularizer: { l2: 0.05 }, activityRegularizer: { l1: 0.02, l2: 0.03 } },
    }),
    dense({ units: 3, activation: last, activityRegularizer: { l2: 0.3 } }),
  ],
  'the output under dropout': (f) => [
    dense({ units: 6, activation: f }),
    dropout({ rate: 0.3 }),
    flatten(),
  ],
};

/** The specs of all stacks with and without biases, of flat rows and of rows to be flattened. */
function* specs(f: ActivationSpec, loss: LossSpec): Generator<[string, NetworkSpec]> {
  for (const [place, stack] of Object.entries(stacks)) {
    for (const useBias of [true, false]) {
      const last = requiredActivation(loss) ?? 'linear';
      const made = stack(f, last).map((layer) =>
        layer.type === 'dense' ? { ...layer, useBias } : layer,
      );
      const flat = useBias ? made : [flatten(), ...made];
      const inputShape = useBias ? [8] : [2, 4];
      yield [
        `${place}${useBias ? '' : ', no bias'}`,
        { inputShape, layers: flat, loss, optimizer: 'sgd', seed: 11 },
      ];
    }
  }
}

function outputActivation(spec: NetworkSpec): string {
  const last = spec.layers.at(-1)!;
  if (last.type !== 'dense' && last.type !== 'activation') return 'linear';
  return typeOf(last.activation ?? 'linear');
}

/** Whether the library should refuse a spec: a cross-entropy behind another activation. */
function isRefused(spec: NetworkSpec): boolean {
  const required = requiredActivation(spec.loss!);
  return required !== undefined && required !== outputActivation(spec);
}

beforeAll(() => {
  // Otherwise the differences would be those of float32.
  expect(fround(0.1)).toBe(0.1);
  expect(jsBackend(Float64Array).floats).toBeInstanceOf(Float64Array);
});

describe.each(activationSpecs.map((f) => [nameOf(f), f] as const))('%s', (name, f) => {
  it.each(lossSpecs.map((loss) => [nameOf(loss), loss] as const))('with %s', (lossName, loss) => {
    let slopes = 0;
    const failures: string[] = [];
    let seed = activationSpecs.indexOf(f) * 1000 + lossSpecs.indexOf(loss);
    for (const [place, spec] of specs(f, loss)) {
      if (isRefused(spec)) {
        expect(() => resolveModel(spec), place).toThrow('is computed from the logits');
        continue;
      }
      const check = new Check(spec);
      check.draw(generator((seed += 100_000)));
      const compared = check.compare();
      slopes += compared.slopes;
      failures.push(...compared.failures.map((failure) => `${place}: ${failure}`));
    }
    expect(failures, `${name}, ${lossName}`).toEqual([]);
    expect(slopes).toBeGreaterThan(100);
  });
});

it('takes every kind of layer', () => {
  const kinds = Object.values(stacks).flatMap((stack) => stack('tanh', 'linear'));
  expect(new Set(kinds.map(({ type }) => type))).toEqual(new Set(Object.keys(layers)));
});
