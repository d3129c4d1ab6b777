import type { Backend, Op, Program } from '../src/backends/backend.js';
import { embeddedModule } from '../src/backends/embedded.js';
import { jsBackend } from '../src/backends/js.js';
import { wasmBackend } from '../src/backends/wasm.js';
import { Random } from '../src/random.js';
import { Arena, type Tensor } from '../src/tensor.js';
import {
  type Effort,
  expectNear,
  expectSameBits,
  interleave,
  median,
  once,
  ratio,
  type Side,
  type Timing,
  timing,
} from './measure.js';
import { fusedModule } from './networks.js';
import { nativePeak, wasmPeak } from './peaks.js';
import type { Row, Table, Value } from './report.js';

/*
 * The matrix products of a dense layer, one kernel at a time, as the lists of a network call them:
 * forward with bias and relu, dX with the mask of a relu below, dW with the step of SGD in it.
 */

const shapes = [
  [784, 128],
  [128, 10],
  [256, 256],
  [512, 512],
  [1024, 1024],
  [16, 4],
  [4, 16],
] as const;
const batches = [1, 8, 32, 128, 1024];

/** JS calls longer than this are timed once, where their bits are compared. */
const longest = 0.3;
/** And a quick run does without those that do more than this. */
const quickWork = 5e7;

const kernels = ['forward', 'dX', 'dW'] as const;
type KernelName = (typeof kernels)[number];

/** One layer's arrays in one backend, and a list of one op for each kernel. */
function layer(backend: Backend, inputs: number, units: number, batch: number) {
  const arena = new Arena();
  const x = arena.matrix(batch, inputs);
  const dx = arena.matrix(batch, inputs);
  const y = arena.matrix(batch, units);
  const dz = arena.matrix(batch, units);
  const b = arena.matrix(1, units);
  const w = { ...arena.matrix(Math.ceil(inputs / 8) * 8, units), rows: inputs };
  const hyper = arena.dense(1, 1, 'f64');
  const records = arena.dense(8, 16, 'i32');
  // More than any kernel packs.
  const scratch = arena.dense(1, batch * 512 + 16 * (inputs + units) + 4096);
  backend.reserve(arena.mark);

  const random = new Random(inputs * units, batch);
  const fill = (tensor: Tensor, draw: (value: number) => number = (value) => value) => {
    for (let r = 0; r < tensor.rows; r++) {
      const row = tensor.offset + r * tensor.pitch;
      for (let c = 0; c < tensor.columns; c++) {
        backend.floats[row + c] = draw(2 * random.uniform() - 1);
      }
    }
  };
  // Half of the inputs are 0, as they are behind a relu.
  fill(x, (value) => Math.max(0, value));
  fill(dz);
  fill(b);
  fill(w);
  // So small a rate that weights stay as they are over any number of steps.
  (backend.view(hyper) as Float64Array)[0] = 2 ** -40;

  const { pitch: zPitch } = dz;
  const sizes = [batch, inputs, units, x.pitch, zPitch];
  const ops: Record<KernelName, Op> = {
    forward: { kernel: 'denseForward', args: [y, x, w, b, ...sizes, 0] },
    dX: { kernel: 'denseBackwardInput', args: [dx, dz, w, x, ...sizes, 0] },
    dW: { kernel: 'denseBackwardWeightsSgd', args: [w, x, dz, hyper, ...sizes] },
  };
  const written: Record<KernelName, Tensor> = { forward: y, dX: dx, dW: w };
  const programs = Object.fromEntries(
    kernels.map((name) => [name, backend.compile([ops[name]], { work: 0, scratch, records })]),
  ) as Record<KernelName, Program>;
  return {
    programs,
    result: (name: KernelName) => backend.view(written[name]) as Float32Array,
    setRate: (rate: number) => {
      (backend.view(hyper) as Float64Array)[0] = rate;
    },
  };
}

type Layer = ReturnType<typeof layer>;

/** Runs a kernel on all sides and compares what they wrote; the JS side's seconds. */
function agree(name: KernelName, what: string, wasm: Layer, js: Layer, fused?: Layer): number {
  for (const side of [wasm, js, fused]) side?.setRate(0.01);
  wasm.programs[name].run(1);
  const seconds = once(() => js.programs[name].run(1));
  expectSameBits(what, wasm.result(name), js.result(name));
  if (fused) {
    fused.programs[name].run(1);
    expectNear(`${what}, fused`, fused.result(name), wasm.result(name));
  }
  for (const side of [wasm, js, fused]) side?.setRate(2 ** -40);
  return seconds;
}

/** As many steps a call as make the call's own cost disappear. */
const repeated = (program: Program, work: number): Side => {
  const units = Math.max(1, Math.round(4e5 / work));
  return { call: () => program.run(units), units };
};

export async function gemm(effort: Effort): Promise<Table[]> {
  const native = nativePeak();
  const loop = await wasmPeak();
  const fused = fusedModule();
  const rows: Record<KernelName, Row[]> = { forward: [], dX: [], dW: [] };
  const nativePeaks: number[] = [];
  const loopPeaks: number[] = [];

  for (const [inputs, units] of shapes) {
    for (const batch of effort.quick ? [1, 32, 128] : batches) {
      const work = 2 * batch * inputs * units;
      const made = (backend: Backend) => layer(backend, inputs, units, batch);
      const wasm = made(wasmBackend(embeddedModule()));
      const fusedLayer = fused && made(wasmBackend(fused));
      const js = effort.quick && work > quickWork ? undefined : made(jsBackend());
      const sides: Record<string, Side> = { loop };
      const slow: Partial<Record<KernelName, number>> = {};
      for (const name of kernels) {
        const what = `${name} of ${inputs}×${units}, batch ${batch}`;
        sides[`${name} wasm`] = repeated(wasm.programs[name], work);
        if (fusedLayer) sides[`${name} fused`] = repeated(fusedLayer.programs[name], work);
        if (!js) continue;
        const seconds = agree(name, what, wasm, js, fusedLayer);
        if (seconds > longest) slow[name] = seconds;
        else sides[`${name} js`] = repeated(js.programs[name], work);
      }
      const peaks: number[] = [];
      const times = await interleave(sides, effort, () =>
        peaks.push(native?.sample() ?? Number.NaN),
      );
      const loopTime = times.loop!;
      // As times of one operation, so that shares are taken round by round.
      const nativeTime = timing(peaks.map((rate) => 1e-9 / rate));
      nativePeaks.push(...peaks);
      loopPeaks.push(...loopTime.samples.map((time) => 1e-9 / time));
      for (const name of kernels) {
        const time = (side: string) => times[`${name} ${side}`];
        const rate = (side: string) => (work * 1e-9) / time(side)!.median;
        const share = (side: string, peak: Timing): Value =>
          time(side) ? 100 * work * ratio(peak, time(side)!) : null;
        const plain = rate('wasm');
        const jsTime = time('js');
        const jsRate = slow[name] ? (work * 1e-9) / slow[name] : jsTime ? rate('js') : null;
        rows[name].push({
          name: `${inputs}×${units}, batch ${batch}`,
          values: {
            wasm: plain,
            native: native ? share('wasm', nativeTime) : null,
            best: native ? (100 * work * nativeTime.best) / time('wasm')!.best : null,
            loop: share('wasm', loopTime),
            ...(fused && {
              fused: rate('fused'),
              fusedNative: native ? share('fused', nativeTime) : null,
            }),
            js: jsRate,
            ratio: jsTime ? ratio(jsTime, time('wasm')!) : jsRate && plain / jsRate,
            spread: 100 * time('wasm')!.spread,
          },
        });
      }
    }
  }
  native?.close();

  const columns = [
    { key: 'wasm', title: 'WASM GFLOP/s' },
    { key: 'native', title: '% of native peak' },
    { key: 'best', title: 'best of best' },
    { key: 'loop', title: '% of WASM loop' },
    ...(fused
      ? [
          { key: 'fused', title: 'fused GFLOP/s' },
          { key: 'fusedNative', title: '% of native peak' },
        ]
      : []),
    { key: 'js', title: 'JS GFLOP/s' },
    { key: 'ratio', title: 'WASM / JS' },
    { key: 'spread', title: '± %' },
  ];
  const titles = { forward: 'forward', dX: 'dX', dW: 'dW with SGD' } as const;
  const range = (rates: readonly number[]) =>
    `${median(rates).toFixed(1)} in the median, ${Math.max(...rates).toFixed(1)} at best`;
  const notes = [
    native
      ? `native peak (bench/peak.c): ${range(nativePeaks)}, in GFLOP/s`
      : 'native peak: not measured, no C compiler was found',
    `WASM loop: ${range(loopPeaks)}, in GFLOP/s`,
  ];
  return kernels.map((name) => ({
    title: `Matrix products: ${titles[name]}`,
    columns,
    rows: rows[name],
    headline: { key: 'wasm', better: 'more' },
    drawn: { key: 'ratio', rows: ['784×128, batch 32', '512×512, batch 32', '4×16, batch 32'] },
    notes,
  }));
}
