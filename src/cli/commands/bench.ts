import { dense } from '../../layers/index.js';
import { type Network, sequential } from '../../network.js';
import { Random, streams } from '../../random.js';
import { table } from '../../table.js';
import { type CommandSpec, commonOptions, readArguments } from '../arguments.js';
import type { ExitCode } from '../problem.js';
import { duration, type Screen, short } from '../terminal/screen.js';

export const benchCommand = {
  usage: 'bench',
  about:
    'Trains and runs small and large networks in WebAssembly and in plain JavaScript on this machine, in turns, and compares: first the bits, then the speed.',
  operands: { least: 0, most: 0 },
  options: commonOptions,
  examples: [['npx chainrule bench', 'how fast is it here?']],
} as const satisfies CommandSpec;

/** Epochs enough for the call of `fit`, which reads the rows first, to cost little beside them. */
const networks = [
  {
    name: '4-16-3, batch 16',
    inputs: 4,
    hidden: [16],
    outputs: 3,
    batch: 16,
    rows: 2048,
    epochs: 200,
  },
  {
    name: '64-64-64-10, batch 32',
    inputs: 64,
    hidden: [64, 64],
    outputs: 10,
    batch: 32,
    rows: 2048,
    epochs: 8,
  },
  {
    name: '784-128-10, batch 32',
    inputs: 784,
    hidden: [128],
    outputs: 10,
    batch: 32,
    rows: 1024,
    epochs: 4,
  },
];

/** Runs of each side, in turns. */
const rounds = 5;

function dataFor(rows: number, inputs: number, outputs: number) {
  const random = new Random(1, streams.datasets);
  const x = Float32Array.from({ length: rows * inputs }, () => random.uniform());
  const y = Float32Array.from({ length: rows }, () => Math.floor(random.uniform() * outputs));
  return { x, y };
}

const median = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

function sameBits(a: Network, b: Network): boolean {
  const theirs = b.getWeights();
  return Object.entries(a.getWeights()).every(([name, values]) => {
    const bits = new Uint32Array(values.buffer);
    const other = new Uint32Array(theirs[name]!.buffer);
    return bits.every((word, i) => word === other[i]);
  });
}

export async function bench(given: readonly string[], screen: Screen): Promise<ExitCode> {
  const options = readArguments(benchCommand, given);
  const begun = performance.now();
  const results = [];
  for (const { name, inputs, hidden, outputs, batch, rows, epochs } of networks) {
    const spec = {
      inputShape: [inputs],
      layers: [...hidden, outputs].map((units) => dense(units)),
      task: 'multiclass' as const,
      optimizer: 'sgd' as const,
    };
    const { x, y } = dataFor(rows, inputs, outputs);
    const sides = (['wasm', 'js'] as const).map((backend) => ({
      model: sequential(spec, { backend }),
      train: [] as number[],
      predict: [] as number[],
    }));
    for (let round = 0; round <= rounds; round++) {
      for (const side of sides) {
        screen.status(() => `${name}  round ${round} of ${rounds}`);
        const start = performance.now();
        await side.model.fit(x, y, { epochs, batchSize: batch });
        const trained = performance.now();
        side.model.predict(x);
        // The first round warms up.
        if (round === 0) continue;
        side.train.push((rows * epochs) / (trained - start));
        side.predict.push(rows / (performance.now() - trained));
      }
    }
    const [wasm, js] = sides as [(typeof sides)[0], (typeof sides)[0]];
    const ratio = (what: 'train' | 'predict') =>
      median(wasm[what].map((value, i) => value / js[what][i]!));
    results.push({
      network: name,
      sameBits: sameBits(wasm.model, js.model),
      trainedRowsPerSecond: { wasm: 1000 * median(wasm.train), js: 1000 * median(js.train) },
      predictedRowsPerSecond: { wasm: 1000 * median(wasm.predict), js: 1000 * median(js.predict) },
      ratio: { training: ratio('train'), prediction: ratio('predict') },
    });
  }
  screen.done();
  if (options.has('json')) {
    screen.printJson({ node: process.version, results });
    return 0;
  }
  const rows = results.map((r) => [
    r.network,
    `${short(r.trainedRowsPerSecond.wasm)}`,
    `${short(r.trainedRowsPerSecond.js)}`,
    `${r.ratio.training.toFixed(1)}×`,
    `${short(r.predictedRowsPerSecond.wasm)}`,
    `${r.ratio.prediction.toFixed(1)}×`,
    r.sameBits ? 'yes' : 'NO',
  ]);
  screen.print('Rows a second; medians of rounds in turns');
  screen.print();
  screen.print(
    table([['network', 'train: WASM', 'JS', '', 'predict: WASM', '', 'same bits'], ...rows]),
  );
  screen.tell(`\nNode ${process.version}, ${duration((performance.now() - begun) / 1000)}`);
  return 0;
}
