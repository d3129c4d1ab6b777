import { hint, onlyKeys, show, wholeNumber } from './checks.js';
import { ShapeError } from './errors.js';
import { allFinite } from './finite.js';
import { type Model, type NetworkSpec, resolveModel } from './layers/model.js';
import { declaredWeights } from './layers/tree.js';
import { counter } from './lists.js';
import { checkLeast } from './parameters.js';
import { checkFitted, type FittedColumn, FittedScaler } from './scalers.js';
import type { NetworkState } from './state.js';
import { readMatrix, type Shape, sizeOf, writeMatrix } from './tensor.js';

/** Numbers with their shape, dense and row-major. */
export interface SnapshotTensor {
  readonly shape: Shape;
  readonly values: Float32Array;
}

/** What is plain JSON, and typed arrays among it. */
export type Plain =
  | null
  | boolean
  | number
  | string
  | Float32Array
  | Float64Array
  | Int32Array
  | Uint32Array
  | readonly Plain[]
  | { readonly [key: string]: Plain | undefined };

/** What training on from here needs besides the weights. */
export interface OptimizerState {
  /** Each slot's numbers by the names of the parameters that it steps, shaped as those are. */
  readonly slots: Readonly<Record<string, Readonly<Record<string, Float32Array>>>>;
  /** The numbers that change from step to step, such as products for bias correction. */
  readonly kept: Float64Array;
  /** Steps made and epochs trained: with the seed, they are the state of the random numbers. */
  readonly steps: number;
  readonly epochs: number;
}

/**
 * All that a network is and has learnt, as plain data: what stands between a network and every file
 * format. `model.snapshot()` takes it, `load(snapshot)` makes a network of it, on any backend.
 */
export interface Snapshot {
  /** As `toJSON` gives it; learnt names of classes are part of it. */
  readonly spec: NetworkSpec;
  /** Parameters and buffers by name: 'layers.0.w' is [inputs, units]. */
  readonly weights: Readonly<Record<string, SnapshotTensor>>;
  /** What has been learnt of each column; left out where that is nothing. */
  readonly scalers: { readonly x?: readonly FittedColumn[]; readonly y?: readonly FittedColumn[] };
  readonly optimizer?: OptimizerState;
  /** What was reported of each epoch, by name. */
  readonly history?: Readonly<Record<string, readonly number[]>>;
  /** Where a training stands. */
  readonly training?: Plain;
  /** What a program keeps with the model, as plain JSON: carried along, and not looked at. */
  readonly attachment?: Plain;
}

/** A table without inherited names, so that any name is only a name. */
export const emptyTable = <T>(): Record<string, T> => Object.create(null) as Record<string, T>;

/** Takes a snapshot of a network; of what its optimizer has gathered only where that is wanted. */
export function takeSnapshot(
  state: NetworkState,
  spec: NetworkSpec,
  options: { readonly optimizer?: boolean },
): Snapshot {
  const { plan } = state;
  const { floats } = plan.backend;
  const weights = emptyTable<SnapshotTensor>();
  for (const { name, shape, tensor } of plan.weights) {
    weights[name] = { shape, values: readMatrix(floats, tensor) };
  }
  const { x, y } = state.fitted;
  return {
    spec,
    weights,
    scalers: { ...(x && { x: x.columns }), ...(y && { y: y.columns }) },
    ...(options.optimizer && { optimizer: takeOptimizer(state) }),
  };
}

function takeOptimizer({ plan, model, epochs }: NetworkState): OptimizerState {
  const { backend } = plan;
  const { hyper, kept, slots } = model.optimizer;
  const gathered = emptyTable<Record<string, Float32Array>>();
  slots.forEach((slot, i) => {
    const table = emptyTable<Float32Array>();
    for (const parameter of plan.parameters) {
      table[parameter.name] = readMatrix(backend.floats, plan.slotsOf(parameter)[i]!);
    }
    gathered[slot] = table;
  });
  return {
    slots: gathered,
    kept: Float64Array.from(backend.view(plan.hyper).subarray(hyper.length - kept)),
    steps: backend.view(plan.counters)[counter.step]! >>> 0,
    epochs,
  };
}

/** Puts a snapshot that has been checked into a network of its own spec. */
export function restoreSnapshot(state: NetworkState, snapshot: Snapshot): void {
  const { plan, model } = state;
  const { weights, scalers, optimizer } = snapshot;
  const { floats } = plan.backend;
  for (const { name, tensor } of plan.weights) {
    writeMatrix(floats, tensor, weights[name]!.values);
  }
  const fitted = (columns: readonly FittedColumn[] | undefined) =>
    columns && new FittedScaler(columns);
  state.keepScalers({
    x: fitted(scalers.x) ?? state.fitted.x,
    y: fitted(scalers.y) ?? state.fitted.y,
  });
  if (!optimizer) return;
  for (const parameter of plan.parameters) {
    plan.slotsOf(parameter).forEach((tensor, i) => {
      const slot = optimizer.slots[model.optimizer.slots[i]!]!;
      writeMatrix(floats, tensor, slot[parameter.name]!);
    });
  }
  const { hyper, kept } = model.optimizer;
  (plan.backend.view(plan.hyper) as Float64Array).set(optimizer.kept, hyper.length - kept);
  plan.backend.view(plan.counters)[counter.step] = optimizer.steps;
  state.epochs = optimizer.epochs;
}

/**
 * Checks that a snapshot holds together, whole: nothing is built, and nothing that it says is believed.
 *
 * @returns its spec, checked
 * @throws TypeError, RangeError or ShapeError that says where it does not
 */
export function checkSnapshot(snapshot: Snapshot, model = resolveModel(snapshot?.spec)): Model {
  const keys = ['spec', 'weights', 'scalers', 'optimizer', 'history', 'training', 'attachment'];
  onlyKeys(snapshot, keys, 'the snapshot');
  checkTensors(snapshot.weights, model);
  const { scalers } = snapshot;
  onlyKeys(scalers, ['x', 'y'], 'scalers');
  const { x, y } = model.spec.preprocess ?? {};
  if (scalers.x) checkFitted(scalers.x, x, model.columns, 'scalers.x');
  if (scalers.y) checkFitted(scalers.y, y, model.outputs, 'scalers.y');
  if (snapshot.optimizer) checkOptimizer(snapshot.optimizer, model);
  return model;
}

/** Refuses names that are missing or too many; of files there may be thousands. */
function checkNames(table: unknown, names: readonly string[], where: string): void {
  if (typeof table !== 'object' || table === null) {
    throw new TypeError(`${where}: expected an object, got ${show(table)}`);
  }
  const expected = new Set(names);
  const extra = Object.keys(table).find((name) => !expected.has(name));
  if (extra !== undefined) {
    throw new TypeError(`${where}: unknown name ${show(extra)}; ${hint(extra, names)}`);
  }
  const missing = names.find((name) => !Object.hasOwn(table as object, name));
  if (missing !== undefined) throw new TypeError(`${where}: ${missing} is missing`);
}

function checkTensors(weights: Snapshot['weights'], model: Model): void {
  const declared = declaredWeights(model.layers);
  checkNames(
    weights,
    declared.map(({ name }) => name),
    'weights',
  );
  for (const { name, shape, least } of declared) {
    const tensor = weights[name]!;
    const where = `weights: ${name}`;
    if (!Array.isArray(tensor?.shape) || tensor.shape.join() !== shape.join()) {
      throw new ShapeError(
        `${where}: expected the shape [${shape.join(', ')}], got [${tensor?.shape?.join(', ')}]`,
      );
    }
    checkValues(tensor.values, sizeOf(shape), where);
    if (!allFinite(tensor.values)) {
      const at = tensor.values.findIndex((value) => !Number.isFinite(value));
      throw new RangeError(
        `${where}: expected finite numbers, got ${tensor.values[at]} at place ${at}`,
      );
    }
    checkLeast(tensor.values, least, where);
  }
}

function checkValues(values: unknown, size: number, where: string): void {
  if (!(values instanceof Float32Array)) {
    throw new TypeError(`${where}: expected a Float32Array, got ${show(values)}`);
  }
  if (values.length === size) return;
  throw new ShapeError(`${where}: expected ${size} numbers, got ${values.length}`);
}

function checkOptimizer(optimizer: OptimizerState, model: Model): void {
  const where = 'optimizer';
  onlyKeys(optimizer, ['slots', 'kept', 'steps', 'epochs'], where);
  const declared = declaredWeights(model.layers).filter(({ trains }) => trains);
  const names = declared.map(({ name }) => name);
  checkNames(optimizer.slots, model.optimizer.slots, `${where}: slots`);
  for (const [slot, table] of Object.entries(optimizer.slots)) {
    checkNames(table, names, `${where}: ${slot}`);
    for (const { name, shape } of declared) {
      checkValues(table[name], sizeOf(shape), `${where}: ${slot}: ${name}`);
    }
  }
  const { kept } = optimizer;
  if (!(kept instanceof Float64Array) || kept.length !== model.optimizer.kept) {
    throw new ShapeError(
      `${where}: kept: expected a Float64Array of ${model.optimizer.kept} numbers, got ${show(kept)}`,
    );
  }
  for (const count of ['steps', 'epochs'] as const) {
    if (wholeNumber(optimizer[count], `${where}: ${count}`, 0) >= 2 ** 32) {
      throw new RangeError(`${where}: ${count}: expected less than 2³², got ${optimizer[count]}`);
    }
  }
}
