import { readFile } from 'node:fs/promises';
import type { NetworkSpec } from '../layers/model.js';
import type { Arguments } from './arguments.js';
import { Problem, printable } from './problem.js';
import type { TableSchema } from './table/schema.js';

/** Options that shape the network and its training. */
export const networkOptions = {
  layers: {
    value: 'SIZES',
    about: 'units of the hidden layers (default 64; 128,64 for 5,000 rows or more)',
  },
  activation: { value: 'NAME', about: 'behind the hidden layers (default relu)' },
  dropout: { value: 'RATE', about: 'share of hidden outputs dropped while training (default 0.1)' },
  optimizer: { value: 'NAME', about: 'sgd, adam, rmsprop … (default adam)' },
  lr: { value: 'RATE', about: "learning rate (default 0.002 for adam, else the optimizer's own)" },
  spec: { value: 'FILE', about: 'a network in JSON, in place of the options above' },
  seed: { value: 'NUMBER', about: 'from which all chance follows (default 0)' },
} as const;

type NetworkOption = keyof typeof networkOptions;

/** Hidden layers for small tables, and for large ones. */
const defaultLayers = (rows: number) => (rows < 5000 ? [64] : [128, 64]);

/** What a file with a network may say; the rest follows from the table. */
const specKeys = ['layers', 'optimizer', 'loss', 'metrics', 'clipping'];

/** The spec of a network that learns a table: columns are scaled, categories become one-hot. */
export async function networkFor(
  schema: TableSchema,
  rows: number,
  options: Arguments<NetworkOption>,
): Promise<NetworkSpec> {
  const seed = options.whole('seed', 0, 2 ** 32 - 1) ?? 0;
  const { task, features, classes } = schema;
  const regression = task === 'regression';
  const outputs = task === 'multiclass' ? classes!.length : 1;
  const column = (feature: TableSchema['features'][number]) =>
    feature.kind === 'number'
      ? ({ type: 'standardScaler' } as const)
      : ({ type: 'oneHot', categories: feature.categories.map((_, i) => i) } as const);
  const base = {
    inputShape: [features.length],
    task,
    seed,
    preprocess: {
      x: features.map(column),
      ...(regression && { y: { type: 'standardScaler' } as const }),
    },
    metrics: regression ? (['r2'] as const) : (['accuracy'] as const),
    ...(classes && { classes }),
  };
  const file = options.text('spec');
  if (file !== undefined) return { ...base, ...(await readSpec(file)) } as NetworkSpec;
  const sizes = options.list('layers')?.map(unitsOf) ?? defaultLayers(rows);
  const activation = options.text('activation') ?? 'relu';
  const rate = options.number('dropout', 0, 0.99) ?? 0.1;
  const type = options.text('optimizer') ?? 'adam';
  const learningRate = options.number('lr', 0) ?? (type === 'adam' ? 0.002 : undefined);
  const hidden = sizes.flatMap((units) => [
    { type: 'dense', units, activation },
    ...(rate > 0 ? [{ type: 'dropout', rate }] : []),
  ]);
  return {
    ...base,
    layers: [...hidden, { type: 'dense', units: outputs }],
    optimizer: { type, ...(learningRate !== undefined && { learningRate }) },
  } as NetworkSpec;
}

function unitsOf(text: string): number {
  const units = Number(text);
  if (Number.isInteger(units) && units >= 1 && units <= 65536) return units;
  throw new Problem(
    `--layers: expected sizes such as 64,32, each from 1 to 65536, got '${printable(text)}'`,
  );
}

async function readSpec(path: string): Promise<Partial<NetworkSpec>> {
  const name = printable(path, 200);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new Problem(`--spec: ${name}: ${(error as Error).message}`);
  }
  let spec: unknown;
  try {
    spec = JSON.parse(text);
  } catch (error) {
    throw new Problem(`--spec: ${name}: no JSON: ${printable((error as Error).message, 120)}`);
  }
  if (typeof spec !== 'object' || spec === null || !Array.isArray((spec as NetworkSpec).layers)) {
    throw new Problem(
      `--spec: ${name}: expected { "layers": [{ "type": "dense", "units": 64 }, …] }`,
    );
  }
  const extra = Object.keys(spec).find((key) => !specKeys.includes(key));
  if (extra !== undefined) {
    throw new Problem(
      `--spec: ${name}: '${printable(extra)}' follows from the table; expected ${specKeys.join(', ')}`,
    );
  }
  return spec as Partial<NetworkSpec>;
}
