import { Augmenting, readAugmentations } from './augmentation.js';
import type { CategoricalRows } from './categories.js';
import {
  type Checkpoint,
  type Course,
  checkCourse,
  readCheckpoint,
  restoreMemories,
} from './checkpoint.js';
import {
  type DenseRows,
  type InputRows,
  type Label,
  stratifiedSplit,
  type Targets,
} from './data.js';
import { Digest } from './digest.js';
import { ShapeError } from './errors.js';
import type { Batches } from './feeds/batches.js';
import { ChunkFeed } from './feeds/chunks.js';
import type { Feed } from './feeds/feed.js';
import { HeldFeed } from './feeds/held.js';
import { StreamFeed } from './feeds/stream.js';
import { addTo, type Block, writeWeights } from './feeds/window.js';
import {
  type BatchFitOptions,
  type FitOptions,
  readBatchOptions,
  readOptions,
} from './fit-options.js';
import { mostEpochs } from './lists.js';
import { Random, streams } from './random.js';
import { checkSequences, inSequence } from './sequences.js';
import { restoreSnapshot } from './snapshot.js';
import type { NetworkState } from './state.js';
import { checkClassWeight, classOfRow, readSampleWeight, weighRows } from './weights.js';

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
  const classes = Float32Array.from(all, (r) => classOfRow(model, values, r));
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

/** What to train on: rows and their targets, or batches of them. */
export type Source =
  | { readonly x: InputRows; readonly y: Targets; readonly options: FitOptions }
  | { readonly batches: Batches; readonly options: BatchFitOptions };

/** A training that has been checked, and that there is room for. */
export interface Prepared
  extends Pick<
    ReturnType<typeof readOptions>,
    'epochs' | 'schedule' | 'callbacks' | 'signal' | 'microBatchSize'
  > {
  readonly feed: Feed;
  /** Infinity where nobody knows. */
  readonly stepsPerEpoch: number;
  /** What the training is made of; looked at only where somebody is to go on with it. */
  readonly course: () => Course;
  /** Where it begins, if not at its beginning. */
  readonly resume: Checkpoint | undefined;
}

type Resumed = { readonly checkpoint: Checkpoint; readonly putBack: () => void } | undefined;

/**
 * Checks all arguments, and makes room for rows and targets in the network's memory. Where a training
 * is to be resumed, the network becomes that of the checkpoint. Nothing changes if there is an error.
 */
export function prepare(state: NetworkState, source: Source): Prepared {
  const options = inSequence(state.model, source.options, 'x' in source);
  const read = 'batches' in source ? readBatchOptions(options) : readOptions(options);
  const lay = (resumed: Resumed) => {
    const laid =
      'batches' in source
        ? layBatches(state, source.batches, options, resumed)
        : layRows(state, source.x, source.y, options);
    return { ...read, ...laid, resume: resumed?.checkpoint };
  };
  if (!read.resume) return lay(undefined);
  const checkpoint = readCheckpoint(read.resume, state.model);
  const putBack = state.remember();
  try {
    restoreSnapshot(state, checkpoint);
    state.classes = checkpoint.spec.classes;
    const prepared = lay({ checkpoint, putBack });
    checkCourse(checkpoint, prepared.course());
    state.scores().restore(checkpoint.training.metrics);
    restoreMemories(checkpoint, prepared.schedule, prepared.callbacks);
    return prepared;
  } catch (error) {
    putBack();
    throw error;
  }
}

type Laid = Pick<Prepared, 'feed' | 'stepsPerEpoch' | 'course'>;

const augmentingOf = (state: NetworkState, { augment }: FitOptions) => {
  const augmentations = readAugmentations(augment);
  return augmentations.length > 0 ? new Augmenting(state, augmentations) : undefined;
};

function layRows(state: NetworkState, x: InputRows, y: Targets, options: FitOptions): Laid {
  const { model, plan } = state;
  const { batchSize, shuffle, validationSplit, schedule, memoryBudget } = readOptions(options);
  const given = state.readInputs(x, 'x');
  const { targets, classes } = state.readTargets(y);
  matchRows(given, targets, 'x', 'y');
  const { sampleWeight, classWeight } = options;
  const own = readSampleWeight(sampleWeight, targets.rows, 'sampleWeight', model.positions);
  checkClassWeight(classWeight, model);
  const { training, held } = split(state, targets, validationSplit, shuffle);
  checkSequences(model, training.length, 'x');
  checkSequences(model, held.length, 'validationSplit');
  const scalers = state.fitScalers(given, targets, training);
  const placed = (rows: CategoricalRows, where: string) => scalers.x?.place(rows, where) ?? rows;
  const inputs = placed(given, 'x');
  const weights = weighRows(model, targets, own, classWeight, classes, training);
  const data = { inputs, targets, weights };
  const extra = validationBlock(state, options, classes, placed);
  const count = inputs.rows;
  const more = extra?.inputs.rows ?? 0;
  const batch = Math.min(batchSize, training.length);
  const scheduled = schedule !== undefined;
  const common = { batchSize: batch, shuffle, training };
  const augmenting = augmentingOf(state, options);
  const bytes = 4 * (count + more) * (model.inputs + model.targetColumns);
  let feed: Feed;
  if (augmenting || bytes > memoryBudget) {
    const validating = extra ? Int32Array.from({ length: more }, (_, r) => r) : held;
    const rest = { validating, validationData: extra ?? data, scheduled, augmenting };
    feed = new ChunkFeed(state, { ...common, ...rest, data });
    feed.ready();
  } else {
    const appended = Math.max(batch, Math.floor(mostAppended / model.outputs));
    const room = model.metrics.length > 0 ? appended : 0;
    const validating = extra ? Int32Array.from({ length: more }, (_, r) => count + r) : held;
    const orders = Math.max(1, Math.min(mostEpochs, Math.floor(mostIndices / training.length)));
    const visited = training.length * orders + validating.length;
    const weighted = (weights ?? extra?.weights) !== undefined;
    const rest = { scheduled, weighted };
    const hold = () => plan.hold(count + more, training.length, visited, room, rest);
    const put = () => {
      const place = hold();
      const { floats } = plan.backend;
      const write = (part: Block, row: number) => {
        state.writeInputs(part.inputs.values, floats, place.x.offset + row * model.inputs);
        const at = place.targets.offset + row * model.targetColumns;
        state.writeTargets(part.targets.values, floats, at);
        if (!place.weights) return;
        const weightsAt = place.weights.offset + row * model.positions;
        writeWeights(part.weights, part.inputs.rows * model.positions, floats, weightsAt);
      };
      write(data, 0);
      if (extra) write(extra, count);
      return place;
    };
    feed = new HeldFeed(plan, { ...common, validating, orders, put });
    hold();
  }
  // There is room: from here on things change.
  state.classes = classes;
  state.keepScalers(scalers);
  let course: Course | undefined;
  return {
    feed,
    stepsPerEpoch: Math.ceil(training.length / batch),
    course: () =>
      (course ??= {
        ...{ batchSize: batch, shuffle, validationSplit, rows: training.length },
        digest: digestOf(data),
        validationDigest: digestOf(extra),
      }),
  };
}

function layBatches(
  state: NetworkState,
  batches: Batches,
  options: BatchFitOptions,
  resumed: Resumed,
): Laid {
  const { schedule, stepsPerEpoch, signal } = readBatchOptions(options);
  const { classWeight } = options;
  checkClassWeight(classWeight, state.model);
  const { preprocess } = state.model.spec;
  for (const of of ['x', 'y'] as const) {
    if (!preprocess?.[of] || state.fitted[of]) continue;
    throw new TypeError(
      `preprocess.${of}: the scaler has not been fitted, and an iterable goes by too late for that: fit it first on rows in memory, fit(x, y, { epochs: 0 })`,
    );
  }
  if (!state.model.loss) state.readTargets([]);
  const validationData = validationBlock(state, options, state.classes, (rows) => rows);
  const course = resumed?.checkpoint.training.course;
  const feed = new StreamFeed(state, {
    ...{ batches, stepsPerEpoch, validationData, signal, classWeight },
    scheduled: schedule !== undefined,
    augmenting: augmentingOf(state, options),
    resumed: course && { course, putBack: resumed.putBack },
  });
  feed.ready();
  const validationDigest = digestOf(validationData);
  return {
    feed,
    stepsPerEpoch: stepsPerEpoch ?? Number.POSITIVE_INFINITY,
    course: () => ({
      ...{ batchSize: 0, shuffle: false, validationSplit: 0 },
      ...feed.course,
      validationDigest,
    }),
  };
}

/** The rows to validate on that the options give. */
function validationBlock(
  state: NetworkState,
  { validationData }: FitOptions,
  classes: readonly Label[] | undefined,
  placed: (rows: CategoricalRows, where: string) => DenseRows,
): Block | undefined {
  if (!validationData) return undefined;
  const [x, y] = ['validationData[0]', 'validationData[1]'] as const;
  const inputs = placed(state.readInputs(validationData[0], x), x);
  const { targets } = state.readTargets(validationData[1], classes, y);
  matchRows(inputs, targets, x, y);
  checkSequences(state.model, inputs.rows, x);
  const weights = readSampleWeight(
    validationData[2],
    inputs.rows,
    'validationData[2]',
    state.model.positions,
  );
  return { inputs, targets, weights };
}

/** A digest of rows, targets and weights; empty without. */
function digestOf(block: Block | undefined): string {
  if (!block) return '';
  const digest = new Digest();
  addTo(digest, block);
  return digest.toString();
}

/** Refuses inputs and targets of different row counts. */
export function matchRows(x: DenseRows, y: DenseRows, xName: string, yName: string): void {
  if (x.rows === y.rows) return;
  throw new ShapeError(`${yName}: expected ${x.rows} rows, as many as ${xName} has, got ${y.rows}`);
}
