import type { CategoricalRows } from './categories.js';
import {
  type Checkpoint,
  type Course,
  checkCourse,
  readCheckpoint,
  restoreMemories,
} from './checkpoint.js';
import { type DenseRows, type InputRows, stratifiedSplit, type Targets } from './data.js';
import { Digest } from './digest.js';
import { ShapeError } from './errors.js';
import type { Feed } from './feeds/feed.js';
import { HeldFeed } from './feeds/held.js';
import { type FitOptions, readOptions } from './fit-options.js';
import { largest } from './metrics.js';
import { mostEpochs } from './plan.js';
import { Random, streams } from './random.js';
import { restoreSnapshot } from './snapshot.js';
import type { NetworkState } from './state.js';

/** Floats of outputs that one run of a list may append for the metrics. */
const mostAppended = 2 ** 16;
/** Indices of rows that several epochs may take, one after another in one run. */
const mostIndices = 2 ** 13;

/** Which rows of `count` are held out, as the options say. */
function split(state: NetworkState, targets: DenseRows, share: number, shuffle: boolean) {
  const { rows, values } = targets;
  const { model } = state;
  const all = Int32Array.from({ length: rows }, (_, r) => r);
  if (share === 0) return { training: all, held: new Int32Array(0) };
  const width = model.targetColumns;
  const kind = model.loss?.targets;
  const classes = Float32Array.from(all, (r) => {
    if (kind === 'values') return 0;
    if (kind === 'labels') return values[r]!;
    return width === 1 ? Number(values[r]! > 0.5) : largest(values, r * width, width);
  });
  const cut = rows - Math.round(rows * share);
  const parts = shuffle
    ? stratifiedSplit(classes, share, new Random(model.seed, streams.split))
    : { training: all.slice(0, cut), held: all.slice(cut) };
  if (parts.held.length === 0 || parts.training.length === 0) {
    throw new RangeError(
      `validationSplit: ${share} of ${rows} rows leaves ${parts.held.length} to validate and ${parts.training.length} to train on`,
    );
  }
  return parts;
}

/** A training that has been checked, and that there is room for. */
export interface Prepared extends Omit<ReturnType<typeof readOptions>, 'resume'> {
  readonly feed: Feed;
  /** What the training is made of; looked at only where somebody is to go on with it. */
  readonly course: () => Course;
  /** Where it begins, if not at its beginning. */
  readonly resume: Checkpoint | undefined;
}

/**
 * Checks all arguments, and makes room for rows and targets in the network's memory. Where a training
 * is to be resumed, the network becomes that of the checkpoint. Nothing changes if there is an error.
 */
export function prepare(
  state: NetworkState,
  x: InputRows,
  y: Targets,
  options: FitOptions = {},
): Prepared {
  const read = readOptions(options);
  if (!read.resume) return { ...lay(state, x, y, options, read), resume: undefined };
  const resume = readCheckpoint(read.resume, state.model);
  const putBack = state.remember();
  try {
    restoreSnapshot(state, resume);
    state.classes = resume.spec.classes;
    const prepared = lay(state, x, y, options, read);
    checkCourse(resume, prepared.course());
    state.scores().restore(resume.training.metrics);
    restoreMemories(resume, prepared.schedule, prepared.callbacks);
    return { ...prepared, resume };
  } catch (error) {
    putBack();
    throw error;
  }
}

function lay(
  state: NetworkState,
  x: InputRows,
  y: Targets,
  options: FitOptions,
  read: ReturnType<typeof readOptions>,
): Omit<Prepared, 'resume'> {
  const { model, plan } = state;
  const given = state.readInputs(x, 'x');
  const { targets, classes } = state.readTargets(y);
  matchRows(given, targets, 'x', 'y');
  const { training, held } = split(state, targets, read.validationSplit, read.shuffle);
  const scalers = state.fitScalers(given, targets, training);
  const placed = (rows: CategoricalRows, where: string) => scalers.x?.place(rows, where) ?? rows;
  const inputs = placed(given, 'x');
  let extra: { inputs: DenseRows; targets: DenseRows } | undefined;
  if (options.validationData) {
    const [vx, vy] = options.validationData;
    extra = {
      inputs: placed(state.readInputs(vx, 'validationData[0]'), 'validationData[0]'),
      targets: state.readTargets(vy, classes, 'validationData[1]').targets,
    };
    matchRows(extra.inputs, extra.targets, 'validationData[0]', 'validationData[1]');
  }
  const count = inputs.rows;
  const more = extra?.inputs.rows ?? 0;
  const batch = Math.min(read.batchSize, training.length);
  const appended = Math.max(batch, Math.floor(mostAppended / model.outputs));
  const room = model.metrics.length > 0 ? appended : 0;
  const validating = extra ? Int32Array.from({ length: more }, (_, r) => count + r) : held;
  const orders = Math.max(1, Math.min(mostEpochs, Math.floor(mostIndices / training.length)));
  const visited = training.length * orders + validating.length;
  const scheduled = read.schedule !== undefined;
  const put = () => {
    const place = plan.hold(count + more, training.length, visited, room, scheduled);
    const { floats } = plan.backend;
    const write = (part: { inputs: DenseRows; targets: DenseRows }, row: number) => {
      state.writeInputs(part.inputs.values, floats, place.x.offset + row * model.inputs);
      const at = place.targets.offset + row * model.targetColumns;
      state.writeTargets(part.targets.values, floats, at);
    };
    write({ inputs, targets }, 0);
    if (extra) write(extra, count);
    return place;
  };
  // Room first: where there is none, nothing has changed yet.
  plan.hold(count + more, training.length, visited, room, scheduled);
  state.classes = classes;
  state.keepScalers(scalers);
  const { shuffle, validationSplit } = read;
  const feed = new HeldFeed(plan, { batchSize: batch, shuffle, training, validating, orders, put });
  let course: Course | undefined;
  return {
    ...read,
    feed,
    course: () =>
      (course ??= {
        ...{ batchSize: batch, shuffle, validationSplit, rows: training.length },
        digest: digestOf(inputs, targets),
        validationDigest: extra ? digestOf(extra.inputs, extra.targets) : '',
      }),
  };
}

function digestOf(...parts: readonly DenseRows[]): string {
  const digest = new Digest();
  for (const { values } of parts) digest.add(values);
  return digest.toString();
}

/** Refuses inputs and targets of different row counts. */
export function matchRows(x: DenseRows, y: DenseRows, xName: string, yName: string): void {
  if (x.rows === y.rows) return;
  throw new ShapeError(`${yName}: expected ${x.rows} rows, as many as ${xName} has, got ${y.rows}`);
}
