import type { Backend, Op, Program } from '../src/backends/backend.js';
import { embeddedModule } from '../src/backends/embedded.js';
import { jsBackend } from '../src/backends/js.js';
import { wasmBackend } from '../src/backends/wasm.js';
import { convolutionWindows } from '../src/layers/convolution.js';
import { layers } from '../src/layers/index.js';
import { tableOf } from '../src/layers/windows.js';
import { Random } from '../src/random.js';
import { Arena, type Tensor } from '../src/tensor.js';
import {
  type Effort,
  expectNear,
  expectSameBits,
  interleave,
  once,
  ratio,
  type Side,
  type Timing,
} from './measure.js';
import { fusedModule } from './networks.js';
import type { Row, Table } from './report.js';

/*
 * The kernels of a convolution, each as one op of a list, next to those of a dense layer of 512 units
 * in the same rounds: what counts is how much of the dense layer's speed is left.
 */

const shapes = [
  { size: 32, channels: 16, filters: 32, kernel: 3, batch: 32 },
  { size: 28, channels: 1, filters: 16, kernel: 5, batch: 32 },
  { size: 16, channels: 64, filters: 64, kernel: 3, batch: 32 },
  { size: 32, channels: 32, filters: 64, kernel: 1, batch: 8 },
  { size: 16, channels: 64, filters: 64, kernel: 3, batch: 32, groups: 64 },
  { size: 32, channels: 32, filters: 64, kernel: 3, batch: 8, groups: 32 },
  { size: 16, channels: 64, filters: 64, kernel: 3, batch: 32, groups: 16 },
  { size: 16, channels: 64, filters: 64, kernel: 3, batch: 32, groups: 2 },
] as const;
const kernels = ['forward', 'dX', 'dW'] as const;
type KernelName = (typeof kernels)[number];

interface Measured {
  readonly work: number;
  readonly programs: Record<KernelName, Program>;
  result(name: KernelName): Float32Array;
}

/** Random arrays and a list of one op for each kernel. */
function side(
  backend: Backend,
  arena: Arena,
  filled: readonly Tensor[],
  written: Record<KernelName, Tensor>,
  ops: Record<KernelName, Op>,
  work: number,
  table: { place: Tensor; words: readonly number[] } | undefined,
): Measured {
  const records = arena.dense(8, 16, 'i32');
  // More than any kernel packs.
  const scratch = arena.dense(1, 2 ** 20);
  backend.reserve(arena.mark);
  const random = new Random(1, 2);
  for (const { offset, rows, columns, pitch } of filled) {
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) {
        backend.floats[offset + r * pitch + c] = 2 * random.uniform() - 1;
      }
    }
  }
  if (table) backend.view(table.place).set(table.words);
  const programs = Object.fromEntries(
    kernels.map((name) => [name, backend.compile([ops[name]], { scratch, records, work })]),
  ) as Measured['programs'];
  return { work, programs, result: (name) => backend.view(written[name]) as Float32Array };
}

function convolution(backend: Backend, shape: (typeof shapes)[number]): Measured {
  const { size, channels, filters, kernel, batch, groups } = { groups: 1, ...shape };
  const spec = layers.conv2d({ filters, kernelSize: kernel, padding: 'same', groups });
  const windows = convolutionWindows(spec, [size, size, channels]);
  const arena = new Arena();
  const positions = size * size;
  const rows = batch * positions;
  const values = (kernel * kernel * channels) / groups;
  const [x, dx] = [arena.matrix(rows, channels), arena.matrix(rows, channels)];
  const [y, dz] = [arena.matrix(rows, filters), arena.matrix(rows, filters)];
  const weights = () => ({ ...arena.matrix(Math.ceil(values / 8) * 8, filters), rows: values });
  const [w, dw, b] = [weights(), weights(), arena.matrix(1, filters)];
  const words = tableOf(windows);
  const place = arena.dense(1, words.length, 'i32');
  const sizes = [batch, filters, groups, positions * x.pitch, x.pitch, y.pitch];
  const ops: Record<KernelName, Op> = {
    forward: { kernel: 'convolutionForward', args: [y, x, w, b, place, ...sizes, 0] },
    dX: { kernel: 'convolutionBackwardInput', args: [dx, dz, w, x, place, ...sizes, 0] },
    dW: { kernel: 'convolutionBackwardWeights', args: [dw, x, dz, place, ...sizes] },
  };
  const written = { forward: y, dX: dx, dW: dw };
  const work = 2 * rows * values * filters;
  return side(backend, arena, [x, dz, w, b], written, ops, work, { place, words });
}

function dense(backend: Backend): Measured {
  const [batch, units] = [32, 512];
  const arena = new Arena();
  const matrices = (count: number, rows: number) =>
    Array.from({ length: count }, () => arena.matrix(rows, units));
  const [x, dx, y, dz] = matrices(4, batch) as [Tensor, Tensor, Tensor, Tensor];
  const [w, dw, b] = [...matrices(2, units), ...matrices(1, 1)] as [Tensor, Tensor, Tensor];
  const sizes = [batch, units, units, x.pitch, y.pitch];
  const ops: Record<KernelName, Op> = {
    forward: { kernel: 'denseForward', args: [y, x, w, b, ...sizes, 0] },
    dX: { kernel: 'denseBackwardInput', args: [dx, dz, w, x, ...sizes, 0] },
    dW: { kernel: 'denseBackwardWeights', args: [dw, x, dz, ...sizes] },
  };
  const written = { forward: y, dX: dx, dW: dw };
  return side(backend, arena, [x, dz, w, b], written, ops, 2 * batch * units * units, undefined);
}

const call = (program: Program): Side => ({ call: () => program.run(1) });

export async function convolutions(effort: Effort): Promise<Table[]> {
  const beside = dense(wasmBackend(embeddedModule()));
  const fused = fusedModule();
  const besideFused = fused && dense(wasmBackend(fused));
  const rows: Row[] = [];
  for (const shape of effort.quick ? shapes.slice(0, 1) : shapes) {
    const wasm = convolution(wasmBackend(embeddedModule()), shape);
    const js = convolution(jsBackend(), shape);
    const other = fused && convolution(wasmBackend(fused), shape);
    const { size, channels, filters, kernel, batch, groups } = { groups: 1, ...shape };
    const parts = groups > 1 ? ` in ${groups} groups` : '';
    const name = `${size}×${size}×${channels} → ${filters}, ${kernel}×${kernel}${parts}, batch ${batch}`;
    for (const of of kernels) {
      wasm.programs[of].run(1);
      const slow = once(() => js.programs[of].run(1));
      expectSameBits(`${of} of ${name}`, wasm.result(of), js.result(of));
      other?.programs[of].run(1);
      if (other) expectNear(`${of} of ${name}, fused`, other.result(of), wasm.result(of));
      const sides = {
        conv: call(wasm.programs[of]),
        dense: call(beside.programs[of]),
        fused: other && call(other.programs[of]),
        denseFused: besideFused && call(besideFused.programs[of]),
      };
      const { conv, ...times } = await interleave(sides, effort);
      const share = (layer: Timing, whole: Timing) =>
        (100 * ratio(whole, layer) * wasm.work) / beside.work;
      rows.push({
        name: `${name}: ${of}`,
        values: {
          wasm: (wasm.work * 1e-9) / conv.median,
          share: share(conv, times.dense),
          ...(times.fused && {
            fused: (wasm.work * 1e-9) / times.fused.median,
            gain: ratio(conv, times.fused),
            fusedShare: share(times.fused, times.denseFused!),
          }),
          ratio: slow / conv.median,
          spread: 100 * conv.spread,
        },
      });
    }
  }
  return [
    {
      title: 'Convolution',
      columns: [
        { key: 'wasm', title: 'WASM GFLOP/s' },
        { key: 'share', title: '% of dense 512²' },
        ...(fused
          ? [
              { key: 'fused', title: 'fused GFLOP/s' },
              { key: 'gain', title: 'fused / WASM' },
              { key: 'fusedShare', title: '% of dense 512², fused' },
            ]
          : []),
        { key: 'ratio', title: 'WASM / JS' },
        { key: 'spread', title: '± %' },
      ],
      rows,
      headline: { key: 'share', better: 'more' },
      notes: ['padding: same; dense 512² in batches of 32'],
    },
  ];
}
