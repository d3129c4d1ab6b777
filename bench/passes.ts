import type { Backend, BackendName, Op, Program, Workspace } from '../src/backends/backend.js';
import type { LossSpec, NetworkSpec, OptimizerSpec } from '../src/index.js';
import { adaptive, optimizers } from '../src/ops/index.js';
import { Random } from '../src/random.js';
import { type Effort, expectSameBits, interleave, ratio, type Side } from './measure.js';
import { createBackend, dataFor, parametersOf, stateOf } from './networks.js';
import { optimizerBounds } from './peaks.js';
import type { Row, Table } from './report.js';

/*
 * Losses and optimizers for functions.ts. Their kernels take more than rows and columns, so the ops
 * are those that a plan makes for a small network, taken out of its lists.
 */

/** A network on a backend that shows what the plan compiles. */
function shown(spec: NetworkSpec, name: BackendName) {
  const backend = createBackend(name);
  let compiled: { ops: readonly Op[]; workspace: Workspace; program: Program } | undefined;
  const showing: Backend = {
    name,
    get floats() {
      return backend.floats;
    },
    view: (tensor) => backend.view(tensor),
    reserve: (floats) => backend.reserve(floats),
    compile(ops, workspace) {
      compiled = { ops, workspace, program: backend.compile(ops, workspace) };
      return compiled.program;
    },
  };
  const state = stateOf(spec, showing);
  return { state, backend, compiled: () => compiled! };
}

/** The loss alone, on what the layers of a network have left in memory. */
function lossSide(spec: NetworkSpec, batch: number, name: BackendName) {
  const { state, backend, compiled } = shown(spec, name);
  const { plan } = state;
  const list = plan.list({
    batch,
    rows: 'given',
    training: true,
    outputs: false,
    loss: true,
    gradients: 'parameters',
    update: false,
  });
  const { x, y } = dataFor(spec, batch);
  state.writeInputs(x, backend.floats, list.rows.offset);
  const width = state.model.targetColumns;
  const targets = Float32Array.from({ length: batch * width }, (_, i) =>
    width === 1 ? Math.abs(Math.round(y[i]!)) : Number(i % width === y[Math.floor(i / width)]),
  );
  state.writeTargets(targets, backend.floats, list.targets.offset);
  list.program.run(1);
  const { ops, workspace } = compiled();
  const program = backend.compile(
    ops.filter(({ kernel }) => kernel.endsWith('Loss')),
    workspace,
  );
  const gradients = plan.parameters.map(({ gradient }) => backend.view(gradient) as Float32Array);
  const side: Side = { call: () => program.run(100), units: 100 * batch };
  return { side, bits: gradients.map((floats) => floats.slice()) };
}

export async function lossTable(effort: Effort): Promise<Table> {
  const batch = 128;
  const table: Row[] = [];
  const losses: readonly [string, number, LossSpec, 'softmax' | 'sigmoid' | 'linear'][] = [
    ['sparse labels, 10 classes', 10, 'sparseCategoricalCrossentropy', 'softmax'],
    ['probabilities, 10 classes', 10, 'categoricalCrossentropy', 'softmax'],
    ['one probability', 1, 'binaryCrossentropy', 'sigmoid'],
    ['squared error, 10 outputs', 10, 'meanSquaredError', 'linear'],
  ];
  for (const [name, units, loss, activation] of losses) {
    const layers = [{ type: 'dense', units, activation } as const];
    const spec: NetworkSpec = { inputShape: [16], layers, loss };
    const [wasm, js] = [lossSide(spec, batch, 'wasm'), lossSide(spec, batch, 'js')];
    wasm.bits.forEach((floats, i) => {
      expectSameBits(name, floats, js.bits[i]!);
    });
    const times = await interleave({ wasm: wasm.side, js: js.side }, effort);
    const fast = 1e9 * times.wasm.median;
    const values = { wasm: fast, js: 1e9 * times.js.median, ratio: ratio(times.js, times.wasm) };
    table.push({ name, values: { ...values, element: fast / units } });
  }
  return {
    title: 'Losses with their gradients, ns a row',
    columns: [
      { key: 'wasm', title: 'WASM' },
      { key: 'js', title: 'JS' },
      { key: 'ratio', title: 'WASM / JS' },
      { key: 'element', title: 'WASM, ns an output' },
    ],
    rows: table,
    headline: { key: 'wasm', better: 'less' },
    notes: ['the softmax, or the sigmoid of the one probability, is part of its cross-entropy'],
    drawn: { key: 'ratio' },
  };
}

/** Whole steps of an optimizer over stored gradients. */
function optimizerSide(spec: NetworkSpec, name: BackendName) {
  const { state, backend, compiled } = shown(spec, name);
  const { plan } = state;
  const random = new Random(5, 1);
  for (const { gradient } of plan.parameters) {
    for (let r = 0; r < gradient.rows; r++) {
      const row = gradient.offset + r * gradient.pitch;
      for (let c = 0; c < gradient.columns; c++) {
        backend.floats[row + c] = 2 * random.uniform() - 1;
      }
    }
  }
  plan.applyGradients();
  const { program } = compiled();
  program.run(2);
  const all = backend.view(plan.state) as Float32Array;
  const before = all.slice();
  const parameters = plan.trainable.columns;
  const steps = Math.max(1, Math.round(40000 / parameters));
  const side: Side = {
    call: () => program.run(steps),
    units: steps * parameters,
    before: () => all.set(before),
  };
  return { side, bits: parametersOf(state), slots: state.model.optimizer.slots.length };
}

export async function optimizerTable(effort: Effort): Promise<Table> {
  const table: Row[] = [];
  const bounds = await optimizerBounds();
  const kinds: [string, OptimizerSpec][] = [
    ...Object.keys(optimizers).map((type): [string, OptimizerSpec] => [type, type as 'sgd']),
    ['sgd with momentum', { type: 'sgd', momentum: 0.9 }],
    ['sgd, nesterov', { type: 'sgd', momentum: 0.9, nesterov: true }],
    ['sgd, dampening', { type: 'sgd', momentum: 0.9, dampening: 0.1 }],
    ['sgd, momentum, decay', { type: 'sgd', momentum: 0.9, weightDecay: 0.01 }],
    ['adam, amsgrad', { type: 'adam', amsgrad: true }],
    ['rmsprop, centered', { type: 'rmsprop', centered: true }],
    ['rmsprop, momentum', { type: 'rmsprop', momentum: 0.9 }],
    ['lion, decay', { type: 'lion', weightDecay: 0.01 }],
  ];
  for (const [kind, optimizer] of kinds) {
    // Sizes whose rows need no padding.
    for (const [inputs, units, where] of [
      [40, 112, 'in the cache'],
      [1008, 1040, 'a million'],
    ] as const) {
      const spec: NetworkSpec = {
        inputShape: [inputs],
        layers: [{ type: 'dense', units }],
        loss: 'meanSquaredError',
        optimizer,
      };
      const [wasm, js] = [optimizerSide(spec, 'wasm'), optimizerSide(spec, 'js')];
      expectSameBits(kind, wasm.bits, js.bits);
      const parameters = (inputs + 1) * units;
      const times = await interleave(
        {
          ...{ wasm: wasm.side, js: js.side },
          ...{ move: bounds.move(wasm.slots, parameters), divide: bounds.divide(parameters) },
        },
        effort,
      );
      const type = typeof optimizer === 'string' ? optimizer : optimizer.type;
      const { move, divide } = times;
      const bound = type in adaptive && divide.median > move.median ? divide : move;
      // Parameters and slots are read and written, gradients read.
      const bytes = 4 * (2 + 2 * wasm.slots + 1);
      table.push({
        name: `${kind}, ${where}`,
        values: {
          wasm: 1e9 * times.wasm.median,
          js: 1e9 * times.js.median,
          ratio: ratio(times.js, times.wasm),
          bytes: (1e-9 * bytes) / times.wasm.median,
          bound: 1e9 * bound.median,
          over: ratio(times.wasm, bound),
        },
      });
    }
  }
  return {
    title: 'Optimizers, ns a parameter',
    columns: [
      { key: 'wasm', title: 'WASM' },
      { key: 'js', title: 'JS' },
      { key: 'ratio', title: 'WASM / JS' },
      { key: 'bytes', title: 'WASM GB/s' },
      { key: 'bound', title: 'bound' },
      { key: 'over', title: 'WASM / bound' },
    ],
    rows: table,
    headline: { key: 'wasm', better: 'less' },
    notes: [
      'bound: moving parameters, slots and gradients, or a root and a division, whichever takes longer',
    ],
    drawn: { key: 'ratio', rows: ['sgd, a million', 'adam, a million'] },
  };
}
