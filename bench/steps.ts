import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { wasmBackend } from '../src/backends/wasm.js';
import { type BackendName, sequential } from '../src/index.js';
import { largest } from '../src/metrics.js';
import {
  difference,
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
import {
  BareList,
  type Data,
  dataFor,
  fusedModule,
  networkOf,
  parametersOf,
  stateOf,
  type Workload,
  workloads,
  writeWeights,
} from './networks.js';
import type { Row, Table } from './report.js';

/** `fit` on a network whose weights are put back before each sample. */
function fitting(
  { spec, batch }: Workload,
  { x, y }: Data,
  epochs: number,
  shuffle: boolean,
): Side {
  const network = sequential(spec);
  const weights = network.getWeights();
  return {
    call: () => network.fit(x, y, { batchSize: batch, epochs, shuffle }),
    waits: true,
    before: () => network.setWeights(weights),
  };
}

/** Trains on both backends, and by the list alone: all must come to the same weights. */
async function agree({ spec, batch, name }: Workload, { x, y }: Data): Promise<void> {
  const steps = Math.min(8, y.length / batch);
  const part = {
    x: x.subarray(0, (x.length / y.length) * steps * batch),
    y: y.subarray(0, steps * batch),
  };
  const trained = async (backend: BackendName) => {
    const network = sequential(spec, { backend });
    await network.fit(part.x, part.y, { batchSize: batch, shuffle: false });
    return network.getWeights();
  };
  const [wasm, js] = [await trained('wasm'), await trained('js')];
  for (const [key, weights] of Object.entries(wasm)) {
    expectSameBits(`${name}: ${key} by fit`, weights, js[key]!);
  }
  const fitted = stateOf(spec, 'wasm');
  writeWeights(fitted, wasm);
  for (const backend of ['wasm', 'js'] as const) {
    const bare = new BareList(stateOf(spec, backend), part, batch);
    bare.run(steps);
    expectSameBits(
      `${name}, list alone, ${backend}`,
      parametersOf(bare.state),
      parametersOf(fitted),
    );
  }
}

async function stepTables(effort: Effort): Promise<Table[]> {
  const module = fusedModule();
  const ratios: Row[] = [];
  const overheads: Row[] = [];
  for (const workload of workloads) {
    const { name, spec, batch, steps, zeros } = workload;
    const data = dataFor(spec, batch * steps, zeros);
    await agree(workload, data);
    const list = new BareList(stateOf(spec, 'wasm'), data, batch);
    const mixedList = new BareList(stateOf(spec, 'wasm'), data, batch, true);
    const twin = new BareList(stateOf(spec, 'js'), data, batch);
    const fused = module && new BareList(stateOf(spec, wasmBackend(module)), data, batch);
    const before = () => list.reset();
    list.run(1);
    fused?.run(1);
    if (fused) expectNear(`${name}, fused`, parametersOf(fused.state), parametersOf(list.state));
    list.run(steps);
    // As many as fill a slice several times over: what a call costs is taken off, and must be little.
    const repeats = (seconds: number) => Math.max(1, Math.ceil((4 * effort.slice) / seconds));
    const epochs = repeats(once(() => list.run(steps)));
    // A call of fit reads its data before it takes a step, which is not what a step costs.
    const twinSteps = Math.min(steps, repeats(once(() => twin.run(1))));
    const sides = {
      run: { call: () => list.run(steps), units: steps, before },
      fused: fused && { call: () => fused.run(steps), units: steps, before: () => fused.reset() },
      // Rows here and there cost more to gather, which is not what a shuffle costs.
      runMixed: { call: () => mixedList.run(steps), units: steps, before: () => mixedList.reset() },
      js: { call: () => twin.run(twinSteps), units: twinSteps, before: () => twin.reset() },
      inOrder: fitting(workload, data, epochs, false),
      shuffled: fitting(workload, data, epochs, true),
      none: fitting(workload, data, 0, false),
    };
    const {
      run,
      fused: fast,
      runMixed,
      js,
      inOrder,
      shuffled,
      none,
    } = await interleave(sides, effort);
    const perStep = ({ samples }: Timing) =>
      timing(samples.map((time, i) => (time - none.samples[i]!) / (epochs * steps)));
    ratios.push({
      name,
      values: {
        wasm: run.median * 1e6,
        best: run.best * 1e6,
        ...(fast && { fused: fast.median * 1e6, gain: ratio(run, fast) }),
        js: js.median * 1e6,
        ratio: ratio(js, run),
        samples: batch / run.median / 1000,
        spread: 100 * run.spread,
      },
    });
    const [ordered, mixed] = [perStep(inOrder), perStep(shuffled)];
    const over = difference(ordered, run) * 1e9;
    const share = 100 * (ratio(ordered, run) - 1);
    overheads.push({
      name,
      values: {
        run: run.median * 1e9,
        fit: ordered.median * 1e9,
        over,
        share,
        verdict: over <= 20 || share <= 3 ? 'yes' : 'no',
        bestOver: (ordered.best - run.best) * 1e9,
        mixed: difference(mixed, runMixed) * 1e9,
        mixedBest: (mixed.best - runMixed.best) * 1e9,
        mixedShare: 100 * (ratio(mixed, runMixed) - 1),
        call: none.median * 1e6,
        steps,
      },
    });
  }
  return [
    {
      title: 'Training steps: WASM against JS',
      columns: [
        { key: 'wasm', title: 'WASM µs' },
        { key: 'best', title: 'at best' },
        ...(module
          ? [
              { key: 'fused', title: 'fused µs' },
              { key: 'gain', title: 'fused / WASM' },
            ]
          : []),
        { key: 'js', title: 'JS µs' },
        { key: 'ratio', title: 'WASM / JS' },
        { key: 'samples', title: 'thousand rows/s' },
        { key: 'spread', title: '± %' },
      ],
      rows: ratios,
      headline: { key: 'wasm', better: 'less' },
      drawn: { key: 'ratio' },
    },
    {
      title: 'Training steps: fit over the list alone',
      columns: [
        { key: 'run', title: 'list ns' },
        { key: 'over', title: 'fit over, ns' },
        { key: 'share', title: '%' },
        { key: 'verdict', title: '≤ 20 ns or 3 %' },
        { key: 'bestOver', title: 'at best' },
        { key: 'mixed', title: 'shuffled, ns' },
        { key: 'mixedShare', title: '%' },
        { key: 'mixedBest', title: 'at best' },
        { key: 'call', title: 'a call, µs' },
        { key: 'steps', title: 'steps an epoch' },
      ],
      rows: overheads,
      headline: { key: 'fit', better: 'less' },
      notes: [
        'per step, with what each epoch costs besides; "a call" is reading the data, once for all epochs',
        'shuffled: over the list on rows in one and the same shuffled order',
        'differences of a few percent mean nothing where "± %" above is larger; "at best" compares best rounds',
      ],
    },
  ];
}

/** What an epoch costs besides its steps, where it has only four: XOR as everyone trains it. */
async function epochTable(effort: Effort): Promise<Table> {
  const rows: Row[] = [];
  const { spec } = workloads[0]!;
  const data = dataFor(spec, 4);
  for (const batch of [1, 4]) {
    const workload = { name: `XOR 2-2-1, batch ${batch}`, spec, batch, steps: 4 / batch };
    const list = new BareList(stateOf(spec, 'wasm'), data, batch);
    const { steps } = workload;
    const epochs = 10000;
    const sides: Record<'run' | 'inOrder' | 'shuffled' | 'none', Side> = {
      run: { call: () => list.run(steps), before: () => list.reset() },
      inOrder: fitting(workload, data, epochs, false),
      shuffled: fitting(workload, data, epochs, true),
      none: fitting(workload, data, 0, false),
    };
    const { run, inOrder, shuffled, none } = await interleave(sides, effort);
    const perEpoch = (time: Timing) => (time.median - none.median) / epochs;
    rows.push({
      name: workload.name,
      values: {
        run: run.median * 1e9,
        inOrder: perEpoch(inOrder) * 1e9,
        shuffled: perEpoch(shuffled) * 1e9,
        rows: 4 / perEpoch(shuffled) / 1000,
      },
    });
  }
  return {
    title: 'Epochs of four rows',
    columns: [
      { key: 'run', title: 'list ns' },
      { key: 'inOrder', title: 'fit in order, ns' },
      { key: 'shuffled', title: 'fit shuffled, ns' },
      { key: 'rows', title: 'thousand rows/s' },
    ],
    rows,
    headline: { key: 'shuffled', better: 'less' },
    notes: ['the list is called once an epoch, from JavaScript'],
  };
}

/**
 * A step of a 64-32-10 network that is certain of its answers: its activations are at their ends, and
 * numbers next to 0 would be subnormal, which processors are slow at, if kernels let them be.
 */
async function saturationTable(effort: Effort): Promise<Table> {
  const rows: Row[] = [];
  const batch = 32;
  const steps = 64;
  for (const hidden of ['relu', 'sigmoid'] as const) {
    const spec = networkOf([64, 32, 10], 'classes', { type: 'sgd', learningRate: 0.01 }, hidden);
    const { x } = dataFor(spec, batch * steps);
    const side = (scale: number): Side => {
      const network = sequential(spec);
      const weights = network.getWeights();
      for (const w of Object.values(weights)) w.set(w.map((value) => scale * value));
      network.setWeights(weights);
      // What it answers is right, so that it stays certain.
      const outputs = network.predict(x);
      const y = Float32Array.from({ length: batch * steps }, (_, r) =>
        largest(outputs, 10 * r, 10),
      );
      const state = stateOf(spec, 'wasm');
      writeWeights(state, weights);
      const list = new BareList(state, { x, y }, batch);
      return { call: () => list.run(steps), units: steps, before: () => list.reset() };
    };
    const scales = [3, 10, 30, 100, 1000];
    const sides: Record<string, Side> = { ordinary: side(1) };
    for (const scale of scales) sides[scale] = side(scale);
    const times = await interleave(sides, effort);
    const ordinary = times.ordinary!;
    const ratios = scales.map((scale) => ratio(times[scale]!, ordinary));
    const worst = Math.max(...ratios);
    rows.push({
      name: `64-32-10, ${hidden}`,
      values: {
        ordinary: ordinary.median * 1e6,
        ratio: worst,
        scale: scales[ratios.indexOf(worst)]!,
      },
    });
  }
  return {
    title: 'Saturated networks',
    columns: [
      { key: 'ordinary', title: 'ordinary step, µs' },
      { key: 'ratio', title: 'saturated / ordinary' },
      { key: 'scale', title: 'at weights ×' },
    ],
    rows,
    headline: { key: 'ratio', better: 'less' },
  };
}

/** How long a fresh process takes until steps of 784-128-10 are as fast as they will be. */
async function steadyTable(effort: Effort): Promise<Table> {
  const file = fileURLToPath(new URL('steady.ts', import.meta.url));
  const runs: { start: number; steady: number; step: number }[] = [];
  for (let i = 0; i < (effort.quick ? 3 : 11); i++) {
    runs.push(
      await new Promise((resolve, reject) => {
        const child = fork(file, { execArgv: process.execArgv });
        child.on('message', (message) => resolve(message as (typeof runs)[number]));
        child.on('exit', (code) => reject(new Error(`steady.ts ended with code ${code}`)));
      }),
    );
  }
  const of = (key: keyof (typeof runs)[number]) => median(runs.map((run) => run[key]));
  return {
    title: 'Time to steady state',
    columns: [
      { key: 'start', title: 'network made, ms' },
      { key: 'steady', title: 'then steady after, ms' },
      { key: 'step', title: 'steady step, ms' },
    ],
    rows: [
      {
        name: '784-128-10, batch 32',
        values: { start: of('start'), steady: of('steady'), step: of('step') },
      },
    ],
    headline: { key: 'steady', better: 'less' },
    notes: [`wall clock, medians of ${runs.length} fresh processes`],
  };
}

export async function steps(effort: Effort): Promise<Table[]> {
  return [
    ...(await stepTables(effort)),
    await epochTable(effort),
    await saturationTable(effort),
    await steadyTable(effort),
  ];
}
