import { stat } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import type { Checkpoint } from '../../checkpoint.js';
import { load } from '../../load.js';
import { type Network, type NetworkOptions, sequential } from '../../network.js';
import { checkpointFile } from '../../node.js';
import { save } from '../../save.js';
import { threads } from '../../threads.js';
import type { FitResult } from '../../training.js';
import { networkFor, networkOptions } from '../architecture.js';
import {
  type Arguments,
  type CommandSpec,
  commonOptions,
  csvOptions,
  readArguments,
  wrap,
} from '../arguments.js';
import type { Attachment, Course } from '../attachment.js';
import { CsvFile } from '../csv/reader.js';
import { checkFree, writeWhole } from '../files.js';
import { fitTable } from '../fitting.js';
import { importances } from '../importance.js';
import { readCheckpoint, readModel } from '../model-file.js';
import { counted, type ExitCode, grouped, Problem, printable } from '../problem.js';
import { predictRows, printReport, reportOf, scoreName } from '../report.js';
import { spooled } from '../spool.js';
import { fittedScalers } from '../streaming.js';
import { loadRows, readingStatus } from '../table/load.js';
import { type Parts, partRows } from '../table/parts.js';
import { profileTable } from '../table/profile.js';
import { type Decisions, decide, type TableSchema, type TableTask } from '../table/schema.js';
import type { RowStore } from '../table/store.js';
import { barPlot, type Curve, curvePlot } from '../terminal/plots.js';
import { duration, type Screen } from '../terminal/screen.js';
import { curvesAsSvg } from '../terminal/svg.js';
import { defaultBatchSize, shownRows } from '../training.js';

export const trainCommand = {
  usage: 'train DATA.csv --target COLUMN [options]',
  about:
    'Learns to predict one column of a table from the others, and shows how well it does on rows that it has not seen. DATA.csv may be - for standard input.',
  operands: { least: 1, most: 1 },
  options: {
    target: {
      short: 't',
      value: 'COLUMN',
      about: 'the column to predict: its name, or its place from 1',
    },
    output: {
      short: 'o',
      value: 'FILE',
      about: "where the model goes (default: the table's name with .safetensors)",
    },
    task: {
      value: 'TASK',
      about: 'regression, binary or multiclass, where the table leaves it open',
    },
    ignore: { value: 'COLUMNS', about: 'columns not to learn from', many: true },
    ...networkOptions,
    epochs: { value: 'NUMBER', about: 'passes over the rows at most (default 200)' },
    patience: { value: 'NUMBER', about: 'epochs without improvement before it stops (default 30)' },
    batch: { value: 'NUMBER', about: 'rows a step (default by the number of rows)' },
    validation: { value: 'SHARE', about: 'of the rows to watch while learning (default 0.15)' },
    test: { value: 'SHARE', about: 'of the rows to judge by (default 0.2)' },
    plot: { value: 'FILE', about: 'the loss curves as a picture (SVG)' },
    checkpoint: { value: 'FOLDER', about: 'keeps the training there after each epoch' },
    resume: {
      value: 'PATH',
      about: 'goes on with a training that was stopped: its file, or folder of checkpoints',
    },
    backend: { value: 'NAME', about: 'wasm or js (default wasm)' },
    threads: { value: 'NUMBER', about: 'threads to train on, to the same bits (default 1)' },
    memory: { value: 'MB', about: 'rows beyond this go to a temporary file (default 32)' },
    force: { short: 'f', about: 'overwrite files that are there' },
    ...csvOptions,
    ...commonOptions,
  },
  examples: [
    ['npx chainrule train iris.csv --target species', 'which flower is it?'],
    ['npx chainrule train houses.csv -t price --layers 128,64 --epochs 500', 'a larger network'],
    ['gzip -dc log.csv.gz | npx chainrule train - -t failed -o failed.safetensors', 'from a pipe'],
  ],
} as const satisfies CommandSpec;

/** What was found in the table, and what is made of it. */
function tellDecisions(screen: Screen, file: CsvFile, rows: number, decisions: Decisions): void {
  const { schema, ignored, notes, classCounts } = decisions;
  const { bold, dim } = screen.paintStatus;
  const kinds = { regression: 'a number', binary: 'one of 2 classes', multiclass: '' };
  const what = kinds[schema.task] || `one of ${schema.classes!.length} classes`;
  const numbers = schema.features.filter(({ kind }) => kind === 'number').length;
  const categories = schema.features.length - numbers;
  const from = [
    numbers > 0 ? `${counted(numbers, 'column')} of numbers` : '',
    categories > 0 ? `${counted(categories, 'column')} of categories` : '',
  ].filter((text) => text !== '');
  screen.tell(
    `${bold(file.name)}  ${counted(rows, 'row')}, ${counted(schema.features.length + ignored.length + 1, 'column')}`,
  );
  screen.tell(
    `${dim('predict')}  ${printable(schema.target)}: ${what}${classList(schema, classCounts)}`,
  );
  screen.tell(`${dim('   from')}  ${from.join(', ')}`);
  const shown = ignored.slice(0, 6).map(({ name, reason }) => `${printable(name, 24)} (${reason})`);
  if (ignored.length > 6) shown.push(`and ${ignored.length - 6} more`);
  const [first, ...more] = wrap(shown.join(', '), screen.width - 9);
  if (ignored.length > 0) screen.tell(`${dim('without')}  ${first}`);
  for (const line of more) screen.tell(`         ${line}`);
  for (const note of notes) screen.warn(note);
}

function classList({ classes }: TableSchema, counts: readonly number[]): string {
  if (!classes) return '';
  const most = 6;
  const shown = classes
    .slice(0, most)
    .map((name, i) => `${printable(name, 20)} ${grouped(counts[i]!)}`);
  return ` (${shown.join(', ')}${classes.length > most ? ', …' : ''})`;
}

const tasks = ['regression', 'binary', 'multiclass'] as const satisfies readonly TableTask[];

/** The curves of the loss, over epochs. */
function printCurves(screen: Screen, history: Readonly<Record<string, readonly number[]>>): void {
  const size = { width: Math.min(screen.width, 76), height: 8 };
  const ticks = ['epoch 1', String(history.loss!.length)] as const;
  screen.print(curvePlot(curvesOf(history), size, screen.paint, ticks));
}

function curvesOf(history: Readonly<Record<string, readonly number[]>>): Curve[] {
  const curves = [{ name: 'loss', values: history.loss! }];
  if (history.val_loss) curves.push({ name: 'validation', values: history.val_loss });
  return curves;
}

type Options = Arguments<keyof (typeof trainCommand)['options']>;

/** What is to be trained on what, and how. */
interface Job {
  readonly schema: TableSchema;
  readonly store: RowStore;
  readonly parts: Parts;
  readonly course: Course;
  readonly model: Network;
  readonly seed: number;
  readonly resume?: Checkpoint;
}

const header = (options: Options) => ({ header: !options.has('no-header') });

/** Where the network runs. */
function backendOf(options: Options): NetworkOptions {
  const backend = options.oneOf('backend', ['wasm', 'js'] as const) ?? 'wasm';
  const count = options.whole('threads', 1, 64) ?? 1;
  if (count === 1) return { backend };
  if (backend === 'wasm') return { backend: threads(count) };
  throw new Problem('--threads: plain JavaScript has one: leave --backend js out');
}

/** Bytes of rows that may be held in memory. */
const memoryLimit = (options: Options) => (options.number('memory', 0) ?? 32) * 2 ** 20;

/** A training that begins: looks at the table, decides, and builds the network. */
async function begin(file: CsvFile, options: Options, screen: Screen): Promise<Job> {
  const target = options.text('target');
  if (target === undefined) {
    throw new Problem('--target is missing: which column is to be predicted?');
  }
  const profile = await profileTable(file, header(options), readingStatus(screen, file, 'reading'));
  screen.done();
  const task = options.oneOf('task', tasks);
  const decisions = decide(file, profile, { target, task, ignore: options.list('ignore') });
  tellDecisions(screen, file, profile.rows, decisions);
  const { schema } = decisions;
  const spec = await networkFor(schema, profile.rows, options);
  const fresh = sequential(spec, backendOf(options));
  const seed = spec.seed ?? 0;
  const { store } = await loadRows(file, schema, header(options), screen, memoryLimit(options));
  const shares = {
    test: options.number('test', 0, 0.9) ?? 0.2,
    validation: options.number('validation', 0, 0.9) ?? 0.15,
  };
  const parts = partRows(store, schema, shares, seed);
  // `fit` fits the scalers itself where it is given all rows.
  const scalers = store.inMemory ? undefined : fittedScalers(store, parts.training, schema);
  const model = scalers ? load({ ...fresh.snapshot(), scalers }, backendOf(options)) : fresh;
  const course = {
    ...shares,
    epochs: options.whole('epochs', 0) ?? 200,
    batchSize: options.whole('batch', 1) ?? defaultBatchSize(parts.training.length),
    patience: options.whole('patience', 0) ?? 30,
  };
  return { schema, store, parts, course, model, seed };
}

const isFolder = (path: string) =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

/** A training that goes on: all but the rows comes from the file. */
async function goOn(file: CsvFile, path: string, options: Options, screen: Screen): Promise<Job> {
  const read = (await isFolder(path)) ? readCheckpoint : readModel;
  const { snapshot, attachment, network, path: shown } = await read(path);
  if (!attachment || snapshot.training === undefined) {
    throw new Problem(
      `--resume: ${shown}: expected what a training left that was stopped, got a model that is done`,
    );
  }
  const { table: schema, course } = attachment;
  const seed = snapshot.spec.seed ?? 0;
  const { store } = await loadRows(file, schema, header(options), screen, memoryLimit(options));
  const parts = partRows(store, schema, course, seed);
  const epochs = options.whole('epochs', 0) ?? course.epochs;
  const model = network(backendOf(options));
  screen.tell(`going on behind epoch ${snapshot.history?.loss?.length ?? 0} of ${epochs}`);
  const resume = snapshot as Checkpoint;
  return { schema, store, parts, course: { ...course, epochs }, model, seed, resume };
}

const reasons: Readonly<Record<FitResult['stopReason'], string>> = {
  completed: 'done',
  earlyStopping: 'done: no better any more',
  aborted: 'stopped',
  timeLimit: 'out of time',
  stopped: 'stopped',
};

/** How well the rows that were kept apart are predicted, and by which columns. */
async function judge(job: Job, screen: Screen) {
  const { schema, store, parts, model, seed } = job;
  if (parts.test.length === 0) return undefined;
  const width = schema.task === 'multiclass' ? schema.classes!.length : 1;
  const predict = (x: Float32Array) => model.predict(x);
  const predictions = predictRows(store, parts.test, width, predict);
  const report = reportOf(schema, predictions);
  const importance = await importances(schema, store, parts.test, width, predict, seed, (done) => {
    screen.status(() => `what matters: column ${done} of ${schema.features.length}`);
  });
  screen.done();
  return { predictions, report, importance };
}

function printJudgement(
  screen: Screen,
  schema: TableSchema,
  { predictions, report, importance }: NonNullable<Awaited<ReturnType<typeof judge>>>,
): void {
  const { bold, dim } = screen.paint;
  screen.print(`\n${bold('Held out')}  ${dim(counted(report.rows, 'row'))}`);
  printReport(screen, schema, report, predictions);
  const shown = importance.slice(0, 12).map(({ column, lost }) => {
    return { name: printable(column, 28), value: lost, text: lost.toFixed(4) };
  });
  const what = `${scoreName(schema)} lost when a column is shuffled`;
  screen.print(`\n${bold('What matters')}  ${dim(what)}`);
  screen.print(barPlot(shown, Math.min(screen.width, 76), screen.paint));
}

export async function train(given: readonly string[], screen: Screen): Promise<ExitCode> {
  const options = readArguments(trainCommand, given);
  const data = options.operands[0]!;
  const stem = data === '-' ? 'model' : basename(data, extname(data));
  const output = options.text('output') ?? `${stem}.safetensors`;
  const plot = options.text('plot');
  const stopped = `${output.replace(/\.safetensors$/, '')}.stopped.safetensors`;
  const force = options.has('force');
  for (const path of [output, ...(plot ? [plot] : [])]) await checkFree(path, force);
  const source = await spooled(data);
  const dialect = {
    delimiter: options.text('delimiter'),
    encoding: options.text('encoding'),
    decimal: options.text('decimal'),
  };
  const file = await CsvFile.open(source.path, dialect, source.name);
  const resume = options.text('resume');
  const job = await (resume === undefined
    ? begin(file, options, screen)
    : goOn(file, resume, options, screen));
  const { schema, store, parts, course, model } = job;
  const attachment: Attachment = { table: schema, course };
  const sizes = shownRows(parts.training.length, parts.validation.length, parts.test.length);
  screen.tell(`${screen.paintStatus.dim('   rows')}  ${sizes}\n`);
  const begun = performance.now();
  const folder =
    options.text('checkpoint') ?? (resume && (await isFolder(resume)) ? resume : undefined);
  const keeping = folder === undefined ? [] : [checkpointFile({ folder, attachment })];
  const result = await fitTable(
    model,
    schema,
    store,
    parts,
    job.seed,
    course,
    screen,
    job.resume,
    keeping,
  );
  const seconds = (performance.now() - begun) / 1000;
  const { history, stopReason, checkpoint } = result;
  const epochs = counted(history.loss.length, 'epoch');
  screen.tell(`${reasons[stopReason]} after ${epochs} in ${duration(seconds)}`);
  if (stopReason === 'aborted' && checkpoint) {
    await writeWhole(stopped, save(checkpoint, { attachment }));
    const again = `chainrule train ${shellWord(data)} --resume ${shellWord(stopped)}`;
    screen.tell(`so far: ${printable(stopped, 200)}\nto go on: ${again}`);
    store.close();
    return 130;
  }
  await writeWhole(output, save(model, { history, attachment }));
  if (plot) await writeWhole(plot, curvesAsSvg(printable(file.name), curvesOf(history)));
  const judged = await judge(job, screen);
  store.close();
  if (options.has('json')) {
    const { report, importance } = judged ?? {};
    const facts = {
      model: output,
      task: schema.task,
      stopReason,
      seconds,
      history,
      report,
      importance,
    };
    screen.printJson(facts);
    return 0;
  }
  if (history.loss.length > 0) printCurves(screen, history);
  if (judged) printJudgement(screen, schema, judged);
  screen.tell(`\nmodel: ${printable(output, 200)}`);
  const next = `chainrule predict ${shellWord(output)} new.csv`;
  screen.tell(`${screen.paintStatus.dim('predict new rows with:')} ${next}`);
  return 0;
}

/** A word for a shell, in quotes where it needs them. */
function shellWord(word: string): string {
  if (/^[\w./:@%+=,-]+$/.test(word)) return word;
  return `'${printable(word, 500).replaceAll("'", "'\\''")}'`;
}
