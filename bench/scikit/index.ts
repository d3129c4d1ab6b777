/*
 * The shortest network of this library beside scikit-learn's, on the same splits of the same data:
 * inputs and the regression's targets are scaled on both sides, 200 epochs at most, early stopping.
 *
 *     npm run bench:scikit        needs python3 with scikit-learn (Debian: python3-sklearn)
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { callbacks, dense, metrics, sequential, standardScaler } from 'chainrule';
import { table } from '../../src/table.js';

interface DataSet {
  readonly name: string;
  /** 0 for a regression. */
  readonly classes: number;
  readonly x: readonly (readonly number[])[];
  readonly y: readonly number[];
  readonly splits: readonly {
    readonly train: readonly number[];
    readonly test: readonly number[];
    readonly score: number;
  }[];
}

const script = fileURLToPath(new URL('scikit.py', import.meta.url));
const python = process.env.PYTHON ?? 'python3';
const options = { encoding: 'utf8', maxBuffer: 2 ** 28 } as const;
const { stdout, stderr, status } = spawnSync(python, [script], options);
if (status !== 0) throw new Error(`${python} ${script}: ${stderr || 'cannot be run'}`);
const { version, sets } = JSON.parse(stdout) as { version: string; sets: DataSet[] };

const taskOf = (classes: number) =>
  classes === 0 ? 'regression' : classes === 2 ? 'binary' : 'multiclass';

async function scoreOf({ x, y, classes }: DataSet, split: DataSet['splits'][number], seed: number) {
  const take = <T>(list: readonly T[], rows: readonly number[]) => rows.map((row) => list[row]!);
  const model = sequential({
    inputShape: [x[0]!.length],
    layers: [dense(64), dense(classes > 2 ? classes : 1)],
    task: taskOf(classes),
    preprocess: { x: standardScaler(), ...(classes === 0 && { y: standardScaler() }) },
    seed,
  });
  await model.fit(take(x, split.train), take(y, split.train), {
    epochs: 200,
    validationSplit: 0.1,
    callbacks: [callbacks.earlyStopping({ patience: 20 })],
  });
  const rows = take(x, split.test);
  const truth = take(y, split.test);
  return classes === 0
    ? metrics.r2(truth, model.predict(rows))
    : metrics.accuracy(truth, model.predictClasses(rows) as number[]);
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const lines = [];
for (const set of sets) {
  const ours: number[] = [];
  for (const [seed, split] of set.splits.entries()) ours.push(await scoreOf(set, split, seed));
  const [own, theirs] = [mean(ours), mean(set.splits.map(({ score }) => score))];
  const difference = `${own < theirs ? '−' : '+'}${Math.abs(own - theirs).toFixed(4)}`;
  const kind = set.classes === 0 ? 'R²' : 'accuracy';
  lines.push([set.name, kind, own.toFixed(4), theirs.toFixed(4), difference]);
}
console.log(`Mean scores over 10 splits; scikit-learn ${version}, Node ${process.version}\n`);
console.log(table([['data set', 'score', 'chainrule', 'scikit-learn', 'difference'], ...lines]));
