import type { CategoricalRows } from './categories.js';
import { type DenseRows, type InputRows, stratifiedSplit, type Targets } from './data.js';
import { ShapeError } from './errors.js';
import { type FitOptions, readOptions } from './fit-options.js';
import { largest } from './metrics.js';
import { type Held, mostEpochs } from './plan.js';
import { Random, streams } from './random.js';
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

/** A training that has been checked and laid out in memory. */
export interface Prepared extends ReturnType<typeof readOptions> {
  /** Puts all rows into the network's memory, in place of those of any other training. */
  readonly hold: () => Held;
  /** Rows to train on, in the order in which they were given. */
  readonly training: Int32Array;
  /** Rows to validate on. */
  readonly validating: Int32Array;
  /** How many epochs' orders of the training rows there is room for, one behind the other. */
  readonly orders: number;
}

/** Checks all arguments, and puts rows and targets into the network's memory. */
export function prepare(
  state: NetworkState,
  x: InputRows,
  y: Targets,
  options: FitOptions = {},
): Prepared {
  const read = readOptions(options);
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
  const hold = () => {
    const place = plan.hold(count + more, training.length, visited, room, scheduled);
    const { floats } = plan.backend;
    const put = (part: { inputs: DenseRows; targets: DenseRows }, row: number) => {
      state.writeInputs(part.inputs.values, floats, place.x.offset + row * model.inputs);
      const at = place.targets.offset + row * model.targetColumns;
      state.writeTargets(part.targets.values, floats, at);
    };
    put({ inputs, targets }, 0);
    if (extra) put(extra, count);
    (plan.backend.view(place.training) as Int32Array).set(training);
    const indices = plan.backend.view(place.indices) as Int32Array;
    indices.set(validating);
    for (let i = 0; i < orders; i++) {
      indices.set(training, validating.length + i * training.length);
    }
    return place;
  };
  // Room first: where there is none, nothing has changed yet.
  plan.hold(count + more, training.length, visited, room, scheduled);
  state.classes = classes;
  state.keepScalers(scalers);
  return { ...read, batchSize: batch, hold, training, validating, orders };
}

/** Refuses inputs and targets of different row counts. */
export function matchRows(x: DenseRows, y: DenseRows, xName: string, yName: string): void {
  if (x.rows === y.rows) return;
  throw new ShapeError(`${yName}: expected ${x.rows} rows, as many as ${xName} has, got ${y.rows}`);
}
