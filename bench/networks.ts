import { readFileSync } from 'node:fs';
import type { Backend, KernelArray } from '../src/backends/backend.js';
import { embeddedModule } from '../src/backends/embedded.js';
import { jsBackend } from '../src/backends/js.js';
import { wasmBackend } from '../src/backends/wasm.js';
import {
  type BackendName,
  type NetworkSpec,
  type OptimizerSpec,
  sequential,
} from '../src/index.js';
import { resolveModel } from '../src/layers/model.js';
import { counter, type List } from '../src/lists.js';
import { Random } from '../src/random.js';
import { NetworkState } from '../src/state.js';
import { sizeOf } from '../src/tensor.js';

/** The networks that are measured: small ones that calls dominate, and large ones that products do. */

export interface Workload {
  readonly name: string;
  readonly spec: NetworkSpec;
  readonly batch: number;
  /** Steps of an epoch: enough of them that a step's cost shows apart from an epoch's. */
  readonly steps: number;
  /** The share of the inputs that is 0, as most pixels are; default none. */
  readonly zeros?: number;
}

type Task = 'classes' | 'values' | 'xor';

/** The spec of a network of dense layers; `sizes` are inputs, hidden units, outputs. */
export function networkOf(
  sizes: readonly number[],
  task: Task,
  optimizer: OptimizerSpec,
  hidden: 'relu' | 'sigmoid' = task === 'xor' ? 'sigmoid' : 'relu',
): NetworkSpec {
  const [inputs, ...units] = sizes;
  const last = { classes: 'softmax', values: 'linear', xor: 'sigmoid' } as const;
  return {
    inputShape: [inputs!],
    layers: units.map((count, i) => ({
      type: 'dense',
      units: count,
      activation: i === units.length - 1 ? last[task] : hidden,
    })),
    loss:
      task === 'classes'
        ? 'sparseCategoricalCrossentropy'
        : { type: 'meanSquaredError', reduction: 'halfSum' },
    optimizer,
  };
}

const sgd = { type: 'sgd', learningRate: 0.05 } as const;
const xor = networkOf([2, 2, 1], 'xor', { type: 'sgd', learningRate: 0.5 });
const small = (optimizer: OptimizerSpec) => networkOf([16, 64, 64, 1], 'values', optimizer);
const large = (optimizer: OptimizerSpec) => networkOf([784, 512, 512, 10], 'classes', optimizer);

const recurrent: NetworkSpec = {
  inputShape: [50, 64],
  layers: [
    { type: 'lstm', units: 64 },
    { type: 'dense', units: 10, activation: 'softmax' },
  ],
  loss: 'sparseCategoricalCrossentropy',
  optimizer: sgd,
};

export const workloads: readonly Workload[] = [
  { name: 'XOR 2-2-1, batch 1', spec: xor, batch: 1, steps: 4096 },
  { name: 'XOR 2-2-1, batch 4', spec: xor, batch: 4, steps: 2048 },
  {
    name: 'iris 4-16-3, batch 16',
    spec: networkOf([4, 16, 3], 'classes', sgd),
    batch: 16,
    steps: 1024,
  },
  { name: '16-64-64-1, batch 64', spec: small(sgd), batch: 64, steps: 64 },
  { name: '16-64-64-1, batch 64, Adam', spec: small('adam'), batch: 64, steps: 64 },
  {
    name: '64-32-10, batch 32',
    spec: networkOf([64, 32, 10], 'classes', sgd),
    batch: 32,
    steps: 256,
  },
  {
    name: '784-128-10, batch 32',
    spec: networkOf([784, 128, 10], 'classes', sgd),
    batch: 32,
    steps: 128,
  },
  {
    name: '784-128-10, batch 32, pixels',
    spec: networkOf([784, 128, 10], 'classes', sgd),
    ...{ batch: 32, steps: 128, zeros: 0.8 },
  },
  { name: '784-512-512-10, batch 128', spec: large(sgd), batch: 128, steps: 16 },
  { name: '784-512-512-10, batch 128, Adam', spec: large('adam'), batch: 128, steps: 16 },
  { name: 'LSTM 64-64, 50 steps, batch 32', spec: recurrent, batch: 32, steps: 16 },
];

export interface Data {
  readonly x: Float32Array;
  readonly y: Float32Array;
}

/** Rows for a spec: XOR's four over and over, otherwise noise with targets that depend on it. */
export function dataFor({ layers, inputShape }: NetworkSpec, rows: number, zeros = 0): Data {
  const inputs = sizeOf(inputShape);
  const last = layers.at(-1)!;
  const units = last.type === 'dense' ? last.units : 1;
  const random = new Random(1, 2);
  const x = new Float32Array(rows * inputs);
  const y = new Float32Array(rows);
  for (let r = 0; r < rows; r++) {
    if (inputs === 2) {
      x.set([(r >> 1) & 1, r & 1], 2 * r);
      y[r] = ((r >> 1) ^ r) & 1;
      continue;
    }
    let sum = 0;
    for (let i = r * inputs; i < (r + 1) * inputs; i++) {
      const zero = zeros > 0 && random.uniform() < zeros;
      if (!zero) sum += x[i] = 2 * random.uniform() - 1;
    }
    // A sum of many numbers from −1 to 1 that is seldom beyond ±3 once it has been scaled.
    const scaled = Math.min(Math.max(sum / Math.sqrt(inputs / 3) / 3, -0.999), 0.999);
    y[r] = units === 1 ? scaled : Math.floor(((scaled + 1) / 2) * units);
  }
  return { x, y };
}

/** The module with fused multiply-adds, where this engine takes it. */
export function fusedModule(): WebAssembly.Module | undefined {
  const bytes = readFileSync(new URL('../build/core.fused.wasm', import.meta.url));
  return WebAssembly.validate(bytes) ? new WebAssembly.Module(bytes) : undefined;
}

export const createBackend = (name: BackendName): Backend =>
  name === 'wasm' ? wasmBackend(embeddedModule()) : jsBackend();

/** A network's state with the weights that `sequential` gives it. */
export function stateOf(spec: NetworkSpec, backend: BackendName | Backend): NetworkState {
  const made = typeof backend === 'string' ? createBackend(backend) : backend;
  const state = new NetworkState(resolveModel(spec), made);
  writeWeights(state, sequential(spec, { backend: 'js' }).getWeights());
  return state;
}

export function writeWeights(state: NetworkState, weights: Readonly<Record<string, Float32Array>>) {
  for (const { name, tensor } of state.plan.parameters) {
    const { offset, rows, columns, pitch } = tensor;
    for (let r = 0; r < rows; r++) {
      const row = weights[name]!.subarray(r * columns, (r + 1) * columns);
      state.plan.backend.floats.set(row, offset + r * pitch);
    }
  }
}

/** All that training changes, with its padding. */
export const parametersOf = ({ plan }: NetworkState): Float32Array =>
  (plan.backend.view(plan.trainable) as Float32Array).slice();

/** The list of a training step by itself, with nothing of `fit` around it. */
export class BareList {
  readonly list: List;
  readonly state: NetworkState;
  readonly #parameters: Float32Array;
  readonly #start: Float32Array;
  readonly #counters: KernelArray;
  readonly #sums: KernelArray;

  /** @param shuffled whether rows are visited in the order of a shuffle, always the same one */
  constructor(state: NetworkState, { x, y }: Data, batch: number, shuffled = false) {
    this.state = state;
    const { plan, model } = state;
    const rows = x.length / model.inputs;
    const held = plan.hold(rows, rows, rows, 0, {});
    state.writeInputs(x, plan.backend.floats, held.x.offset);
    state.writeTargets(y, plan.backend.floats, held.targets.offset);
    const indices = plan.backend.view(held.indices);
    for (let i = 0; i < indices.length; i++) indices[i] = i;
    if (shuffled) new Random(1, 3).shuffle(indices as Int32Array);
    this.list = plan.list({
      batch,
      rows: 'held',
      training: true,
      outputs: false,
      loss: true,
      gradients: 'parameters',
      update: true,
    });
    // The memory has its size now, and stays where it is.
    this.#parameters = plan.backend.view(plan.state) as Float32Array;
    this.#start = this.#parameters.slice();
    this.#counters = plan.backend.view(plan.counters);
    this.#sums = plan.backend.view(plan.sums);
  }

  /** So many steps from the first row on. */
  run(steps: number): void {
    const { cursor, appended, epoch, left, rows } = counter;
    const counters = this.#counters;
    // All in one epoch, however many steps.
    counters[cursor] = counters[appended] = counters[epoch] = counters[left] = counters[rows] = 0;
    this.#sums[0] = 0;
    const done = this.list.program.run(steps);
    if (done !== steps) throw new Error(`the list stopped at step ${done}`);
  }

  /** Makes the network what it was in the beginning. */
  reset(): void {
    this.#parameters.set(this.#start);
  }
}
