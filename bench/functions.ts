import type { KernelName } from '../src/backends/backend.js';
import * as twins from '../src/math.js';
import type { ActivationDefinition } from '../src/ops/definition.js';
import { activations } from '../src/ops/index.js';
import { Random } from '../src/random.js';
import { Arena } from '../src/tensor.js';
import * as float64 from '../test/float64.js';
import { largestUlp } from '../test/ulp.js';
import {
  type Effort,
  expectSameBits,
  interleave,
  ratio,
  type Side,
  type Timing,
} from './measure.js';
import { createBackend } from './networks.js';
import { lossTable, optimizerTable } from './passes.js';
import type { Row, Table } from './report.js';

/*
 * The passes that are not matrix products: activations, losses and optimizers in time an element on
 * both backends, and how exact the functions in them are. Both backends give the same bits, which
 * is checked here, so one error holds for both.
 */

/** What an array holds before the kernel runs, from a number in [0, 1). */
type Draw = (uniform: number) => number;

/** One elementwise kernel on both backends, once they agree: out ← kernel(…inputs). */
function kernelSides(kernel: string, inputs: readonly Draw[], options: readonly number[]) {
  const arena = new Arena();
  const out = arena.matrix(rows, columns);
  const read = inputs.map((draw) => ({ tensor: arena.matrix(rows, columns), draw }));
  const records = arena.dense(1, 16, 'i32');
  const args = [out, ...read.map(({ tensor }) => tensor), rows, columns, out.pitch, ...options];
  const [wasm, js] = (['wasm', 'js'] as const).map((name) => {
    const backend = createBackend(name);
    backend.reserve(arena.mark);
    const random = new Random(5, 0);
    for (const { tensor, draw } of read) {
      for (let r = 0; r < rows; r++) {
        for (let c = 0; c < columns; c++) {
          backend.floats[tensor.offset + r * tensor.pitch + c] = draw(random.uniform());
        }
      }
    }
    const op = { kernel: kernel as KernelName, args };
    const program = backend.compile([op], { work: 0, scratch: records, records });
    program.run(1);
    const side: Side = { call: () => program.run(20), units: 20 * rows * columns };
    return { side, bits: (backend.view(out) as Float32Array).slice() };
  });
  expectSameBits(kernel, wasm!.bits, js!.bits);
  return { wasm: wasm!.side, js: js!.side };
}

const nanoseconds = ({ median }: Timing) => 1e9 * median;

const around =
  (limit: number): Draw =>
  (uniform) =>
    limit * (2 * uniform - 1);

/** A row is 64 wide, and all arrays fit into the first cache. */
const [rows, columns] = [16, 64];

async function activationTable(effort: Effort): Promise<Table> {
  const table: Row[] = [];
  const entries: [string, ActivationDefinition][] = Object.entries(activations);
  for (const [name, { options, slopeFrom, lowerBound }] of entries) {
    if (lowerBound === Number.NEGATIVE_INFINITY) continue;
    const values = Object.values(options).map(Number);
    const forward = kernelSides(`${name}Forward`, [around(4)], values);
    // Outputs are drawn from (0, 1), where those of every activation may be.
    const from: Draw = slopeFrom === 'y' ? (uniform) => uniform : around(4);
    const backward = kernelSides(`${name}Backward`, [around(1), from], values);
    const times = await interleave(
      {
        forward: forward.wasm,
        forwardJs: forward.js,
        backward: backward.wasm,
        backwardJs: backward.js,
      },
      effort,
    );
    table.push({
      name,
      values: {
        forward: nanoseconds(times.forward),
        forwardJs: nanoseconds(times.forwardJs),
        ratio: ratio(times.forwardJs, times.forward),
        backward: nanoseconds(times.backward),
        backwardJs: nanoseconds(times.backwardJs),
        backwardRatio: ratio(times.backwardJs, times.backward),
      },
    });
  }
  return {
    title: 'Activations, ns an element',
    columns: [
      { key: 'forward', title: 'forward: WASM' },
      { key: 'forwardJs', title: 'JS' },
      { key: 'ratio', title: 'WASM / JS' },
      { key: 'backward', title: 'backward: WASM' },
      { key: 'backwardJs', title: 'JS' },
      { key: 'backwardRatio', title: 'WASM / JS' },
    ],
    rows: table,
    headline: { key: 'forward', better: 'less' },
    drawn: { key: 'ratio', rows: ['sigmoid', 'tanh', 'gelu', 'softmax'] },
  };
}

/**
 * The functions of src/math.ts, where their values are neither subnormal nor constant; erfc only as
 * far as it is as exact as the others.
 */
function errorTable({ quick }: Effort): Table {
  const ranges = {
    exp: [-87.33, 88.72],
    expm1: [-17.4, 88.72],
    log: [2 ** -126, 2 ** 127],
    log1p: [-0.999999, 2 ** 127],
    tanh: [-9.1, 9.1],
    erf: [-3.9, 3.9],
    erfc: [-4, 2],
  } as const;
  // Coprime to powers of two, so that all low bits occur.
  const step = quick ? 40009 : 1009;
  const table = Object.entries(ranges).map(([name, [from, to]]): Row => {
    const f = name as keyof typeof ranges;
    const { error, at } = largestUlp(twins[f], float64[f], from, to, step);
    const range = `${from.toPrecision(3)} … ${to.toPrecision(3)}`;
    return { name, values: { error, at: at.toPrecision(6), range } };
  });
  return {
    title: 'Functions: largest error against float64',
    columns: [
      { key: 'error', title: 'ULP' },
      { key: 'at', title: 'at' },
      { key: 'range', title: 'in the range' },
    ],
    rows: table,
    headline: { key: 'error', better: 'less' },
    notes: [`one float in ${step} of each range; no time is measured here`],
  };
}

export async function functions(effort: Effort): Promise<Table[]> {
  return [
    await activationTable(effort),
    await lossTable(effort),
    await optimizerTable(effort),
    errorTable(effort),
  ];
}
