import type { Backend, BackendFactory, BackendName } from './backends/backend.js';
import { createBackend } from './backends/index.js';
import { onlyKeys, show } from './checks.js';
import type { InputRows, Label, Targets } from './data.js';
import { divergence } from './divergence.js';
import { ShapeError } from './errors.js';
import {
  areBatches,
  type Batches,
  type BatchSequence,
  checkSequence,
  readBatch,
} from './feeds/batches.js';
import { allFinite } from './finite.js';
import { type BatchFitOptions, type FitOptions, readOptions } from './fit-options.js';
import { evaluateRows, listOn, prediction, predictRows, runOnce, training } from './given.js';
import { initialValues } from './initializers.js';
import { type Model, type NetworkSpec, resolveModel } from './layers/model.js';
import { declaredWeights } from './layers/tree.js';
import type { List, Request } from './lists.js';
import { classesOf, decisionOf } from './metrics/definition.js';
import { checkGradients, checkNamed } from './parameters.js';
import type { Weight } from './plan.js';
import { matchRows, prepare } from './prepare.js';
import { Random, streams } from './random.js';
import type { Logs } from './scoring.js';
import { checkSequences, States } from './sequences.js';
import { type Snapshot, takeSnapshot } from './snapshot.js';
import { NetworkState } from './state.js';
import { summarize } from './summary.js';
import { readMatrix, writeMatrix } from './tensor.js';
import { type EpochResult, type FitResult, Training } from './training.js';
import type { Pause } from './turns.js';
import { readSampleWeight, type WeightOption } from './weights.js';

/** What a network learns, or its gradients, by name: 'layers.0.w', dense and row-major. */
export type Weights = Record<string, Float32Array>;

/** What is not part of the network itself. */
export interface NetworkOptions {
  /**
   * Where the kernels run: 'wasm' and 'js' give the same bits. Default 'wasm', or 'js' with a warning
   * where WebAssembly cannot be had. Without a name the module is compiled only once there is enough
   * to do for it, with 'wasm' at once. Others are imported and handed over, as `fused` from
   * 'chainrule/fused'.
   */
  readonly backend?: BackendName | BackendFactory;
  /** Takes warnings; default `console.warn`. */
  readonly onWarning?: (message: string) => void;
}

/** What to train on, and how: rows, targets and options, or batches and options. */
type SourceArguments = [
  first: InputRows | Batches,
  second?: Targets | BatchFitOptions,
  third?: FitOptions,
];

/** What `gradients` gives. */
export interface Gradients {
  /** The mean loss of the rows. */
  readonly loss: number;
  /** ∂loss/∂parameter by name, shaped as the parameters are. */
  readonly weights: Weights;
  /** What a step would make of running statistics, by name; empty where there are none. */
  readonly buffers: Weights;
  /** ∂loss/∂x for the rows as they were given, dense; where it was asked for. */
  readonly inputs?: Float32Array;
}

/** What is inside a network, for functions that stand beside it. */
export let stateOf: (network: Network) => NetworkState;

/** A feed-forward network: predicts, learns, and tells its weights. Made by `sequential`. */
export class Network {
  static readonly name = 'Network';
  readonly #state: NetworkState;
  /** The list that predicts one row, kept while the plan's memory stays as it is. */
  #row: List | undefined;
  #rowLayout = -1;

  static {
    stateOf = (network) => network.#state;
  }

  /** @internal Use `sequential` or `load`. All parameters are 0. */
  constructor(model: Model, options: NetworkOptions = {}) {
    onlyKeys(options, ['backend', 'onWarning'], 'options');
    const { onWarning } = options;
    if (onWarning !== undefined && typeof onWarning !== 'function') {
      throw new TypeError(`onWarning: expected a function, got ${show(onWarning)}`);
    }
    this.#state = new NetworkState(model, createBackend(options.backend, onWarning), onWarning);
  }

  /** Which backend runs. */
  get backend(): Backend['name'] {
    return this.#state.plan.backend.name;
  }

  /** Names of the classes in the order of the outputs, given or learnt by `fit`. */
  get classes(): readonly Label[] | undefined {
    return this.#state.classes;
  }

  /**
   * Trains on rows x and their targets y. Resolves when the training ends, by an abort too; what was
   * learnt so far is kept then. A second call trains further.
   *
   * @param x rows: nested arrays, or one flat row-major array
   * @param y rows of targets, or one label a row
   * @returns the losses and metrics of each epoch, and why it ended
   * @throws DivergenceError when the loss or the parameters stop being finite; RangeError, TypeError
   *   or ShapeError for bad arguments, before anything changes; what a callback throws
   */
  fit(x: InputRows, y: Targets, options?: FitOptions): Promise<FitResult>;
  /**
   * Trains on batches as they come, so that there may be more rows than any memory holds.
   *
   * @param batches an iterable or async iterable of `{ x, y }` or `[x, y]`, or a function that gives one
   *   for each epoch
   */
  fit(batches: Batches, options?: BatchFitOptions): Promise<FitResult>;
  async fit(...source: SourceArguments): Promise<FitResult> {
    const release = this.#state.lock('fit');
    try {
      const options = optionsOf(source);
      if (options?.worker) return await this.#trainElsewhere(source, options);
      const run = this.#train(source, true);
      let step = run.next();
      while (!step.done) step = 'until' in step.value ? await goOn(step.value, run) : run.next();
      return step.value;
    } finally {
      release();
    }
  }

  /**
   * The same training, epoch by epoch: `for await (const { epoch, logs } of model.epochs(x, y))`.
   * Between two epochs the network may be used, and changed, in any way; `break` ends the training.
   */
  epochs(
    x: InputRows,
    y: Targets,
    options?: FitOptions,
  ): AsyncGenerator<EpochResult, FitResult, void>;
  epochs(batches: Batches, options?: BatchFitOptions): AsyncGenerator<EpochResult, FitResult, void>;
  async *epochs(...source: SourceArguments): AsyncGenerator<EpochResult, FitResult, void> {
    let release = this.#state.lock('epochs');
    let run: ReturnType<Training['run']> | undefined;
    try {
      if (optionsOf(source)?.worker) {
        throw new TypeError('worker: epochs() trains here: use fit(), with callbacks');
      }
      run = this.#train(source, false);
      let step = run.next();
      while (!step.done) {
        if ('until' in step.value) {
          step = await goOn(step.value, run);
          continue;
        }
        release();
        yield step.value;
        release = this.#state.lock('epochs');
        step = run.next();
      }
      return step.value;
    } finally {
      release();
      // After a `break`, what the training holds is still to be given up.
      const end = run?.return(undefined as never);
      if (end && !end.done && 'until' in end.value) await goOn(end.value, run!);
    }
  }

  /**
   * The mean loss and the metrics over rows x and their targets y, without training. Weights of rows
   * count in the loss, not in the metrics.
   *
   * @throws RangeError, TypeError or ShapeError for bad arguments
   */
  evaluate(x: InputRows, y: Targets, options: WeightOption = {}): Logs & { loss: number } {
    const state = this.#state;
    const inputs = state.readInputs(x, 'x');
    const { targets } = state.readTargets(y);
    matchRows(inputs, targets, 'x', 'y');
    onlyKeys(options, ['sampleWeight'], 'evaluate');
    const weights = readSampleWeight(
      options.sampleWeight,
      inputs.rows,
      'sampleWeight',
      state.model.positions,
    );
    checkSequences(state.model, inputs.rows, 'x');
    const scores = state.scores();
    const block = { inputs, targets, weights };
    const sum = new States(state.plan).during(() => evaluateRows(state, block, scores, 0));
    const logs = { loss: sum / inputs.rows };
    scores.report(logs);
    return logs;
  }

  /**
   * The same over batches as they come: those of an iterable or async iterable of `{ x, y }` or `[x, y]`.
   * Metrics are over all rows, whatever the batches.
   *
   * @throws RangeError, TypeError or ShapeError for bad batches, which the message counts from 0
   */
  async evaluateBatches(batches: BatchSequence): Promise<Logs & { loss: number }> {
    const state = this.#state;
    const scores = state.scores();
    const states = new States(state.plan);
    let [count, sum, rows] = [0, 0, 0];
    for await (const batch of checkSequence(batches)) {
      const where = `batch ${count++}`;
      const { block } = readBatch(state, batch, where);
      checkSequences(state.model, block.inputs.rows, `${where}: x`);
      const before = sum;
      sum = states.during(() => evaluateRows(state, block, scores, before));
      rows += block.inputs.rows;
    }
    if (rows === 0) throw new RangeError('batches: expected at least one, got none');
    const logs = { loss: sum / rows };
    scores.report(logs);
    return logs;
  }

  /**
   * The outputs for rows x, as one flat row-major array: a row after the other.
   *
   * @param x one row or many
   * @param out where to write them instead of into a new array; rows × outputs floats
   * @throws ShapeError when x has another width, or `out` another length; RangeError for numbers that
   *   are not finite
   */
  predict(x: InputRows, out?: Float32Array): Float32Array {
    const { model } = this.#state;
    if (out !== undefined && !(out instanceof Float32Array)) {
      throw new TypeError(`out: expected a Float32Array, got ${show(out)}`);
    }
    const fast = this.#predictRow(x as ArrayLike<unknown>, out);
    if (fast) return fast;
    const inputs = this.#state.readInputs(x, 'x');
    checkSequences(model, inputs.rows, 'x');
    const y = out ?? new Float32Array(inputs.rows * model.outputs);
    checkLength(y, inputs.rows * model.outputs, 'out');
    const { plan, busy } = this.#state;
    const run = () => predictRows(this.#state, inputs, y);
    // A training's sequences are its own.
    if (busy && model.stateful) new States(plan).during(run);
    else run();
    this.#state.scaler('y')?.invert(y);
    return y;
  }

  /**
   * Has the sequences begin anew whose states layers keep (`stateful`): the next `predict` or
   * `trainOnBatch` goes on from states of 0. `fit` does so before each epoch.
   *
   * @throws TypeError for a network that keeps none
   */
  resetState(): void {
    const release = this.#state.lock('resetState');
    try {
      const { plan, model } = this.#state;
      if (!model.stateful) {
        throw new TypeError(
          'resetState: expected a recurrent layer with stateful, which keeps its state, got none',
        );
      }
      plan.resetStates();
    } finally {
      release();
    }
  }

  /**
   * The class of each row, or of each of its positions: its name where classes have names, else its
   * index. The largest output decides; a single output decides between classes 0 and 1.
   */
  predictClasses(x: InputRows): Label[] {
    const { model, classes } = this.#state;
    const { loss, units } = model;
    return classesOf(this.predict(x), units, decisionOf(loss, units), classes);
  }

  /**
   * One step of training on these rows, all in one batch.
   *
   * @returns the mean loss of the rows, before the step
   * @throws DivergenceError when the loss is not finite, before anything is changed, and when the
   *   step leaves parameters that are not finite: they stay so
   */
  trainOnBatch(x: InputRows, y: Targets, options: WeightOption = {}): { loss: number } {
    const release = this.#state.lock('trainOnBatch');
    try {
      onlyKeys(options, ['sampleWeight'], 'trainOnBatch');
      const { list, loss } = this.#batch(x, y, options, { ...training, update: true });
      this.#checkParameters(list);
      return { loss };
    } finally {
      release();
    }
  }

  /**
   * The gradient of the mean loss of these rows with respect to every parameter, and to the rows
   * themselves where `inputs` asks for it. Changes nothing; dropout uses the masks of the next step.
   *
   * @throws DivergenceError when the loss is not finite
   */
  gradients(
    x: InputRows,
    y: Targets,
    options: WeightOption & { readonly inputs?: boolean } = {},
  ): Gradients {
    onlyKeys(options, ['inputs', 'sampleWeight'], 'gradients');
    const release = this.#state.lock('gradients');
    try {
      const gradients = options.inputs ? 'inputs' : 'parameters';
      const { list, loss, rows } = this.#batch(x, y, options, { ...training, gradients });
      const { parameters, weights: all, backend } = this.#state.plan;
      const { floats } = backend;
      const weights = Object.fromEntries(
        parameters.map(({ name, gradient }) => [name, readMatrix(floats, gradient)]),
      );
      const buffers: Weights = {};
      for (const { name, tensor } of all) {
        const next = list.buffers.get(tensor);
        if (next) buffers[name] = readMatrix(floats, next);
      }
      if (!options.inputs) return { loss, weights, buffers };
      const inputs = list.dx
        ? readMatrix(floats, list.dx)
        : new Float32Array(rows * this.#state.model.inputs);
      const scaler = this.#state.scaler('x');
      return { loss, weights, buffers, inputs: scaler ? scaler.rawGradients(inputs) : inputs };
    } finally {
      release();
    }
  }

  /**
   * One step of the optimizer along gradients, as `gradients` gives them.
   *
   * @param gradients one for each parameter that is not frozen
   * @param buffers running statistics to go on with, as `gradients` gives them; default: as they are
   * @throws RangeError, TypeError or ShapeError for gradients that do not fit, before anything is
   *   changed; DivergenceError when the step leaves parameters that are not finite: they stay so
   */
  applyGradients(
    gradients: Readonly<Record<string, ArrayLike<number>>>,
    buffers: Readonly<Record<string, ArrayLike<number>>> = {},
  ): void {
    const release = this.#state.lock('applyGradients');
    try {
      const { plan } = this.#state;
      checkGradients(plan.weights, gradients);
      const learnt = plan.weights.filter(({ buffer }) => buffer);
      checkNamed(learnt, buffers, 'buffers');
      this.#write(learnt, buffers);
      for (const { name, gradient } of plan.parameters) {
        writeMatrix(plan.backend.floats, gradient, gradients[name]!);
      }
      plan.applyGradients();
      this.#checkParameters(undefined);
    } finally {
      release();
    }
  }

  /**
   * Copies of all parameters and running statistics by name, dense and row-major: 'layers.0.w' is
   * [inputs, units].
   */
  getWeights(): Weights {
    const { weights, backend } = this.#state.plan;
    return Object.fromEntries(
      weights.map(({ name, tensor }) => [name, readMatrix(backend.floats, tensor)]),
    );
  }

  /**
   * Replaces parameters by name; those that are not named stay.
   *
   * @throws RangeError, TypeError or ShapeError for weights that do not fit, before any is replaced
   */
  setWeights(weights: Readonly<Record<string, ArrayLike<number>>>): void {
    const release = this.#state.lock('setWeights');
    try {
      this.#replaceWeights(weights);
    } finally {
      release();
    }
  }

  /** The layers with their shapes and parameters, as a table to print. */
  summary(): string {
    return summarize(this.#state.model, this.backend);
  }

  /** The spec, with the short form written out: `sequential(model.toJSON())` is the same network. */
  toJSON(): NetworkSpec {
    const { model, classes } = this.#state;
    return structuredClone(classes ? { ...model.spec, classes } : model.spec);
  }

  /**
   * All that the network is and has learnt, as plain data: what formats write, and `load` takes.
   *
   * @param options optimizer: whether what training on needs is part of it, default false
   */
  snapshot(options: { readonly optimizer?: boolean } = {}): Snapshot {
    onlyKeys(options, ['optimizer'], 'snapshot');
    return takeSnapshot(this.#state, this.toJSON(), options);
  }

  /** A training, ready to run; `alone` if nobody wants the result of each epoch as it ends. */
  #train([first, second, third]: SourceArguments, alone: boolean) {
    const state = this.#state;
    const given = third === undefined ? {} : third;
    const prepared = prepare(
      state,
      areBatches(first, second)
        ? { batches: first, options: (second === undefined ? given : second) as BatchFitOptions }
        : { x: first as InputRows, y: second as Targets, options: given },
    );
    const setWeights = (weights: Readonly<Weights>) => this.#replaceWeights(weights);
    return new Training(state, { network: this, setWeights }, prepared, alone).run();
  }

  #trainElsewhere([x, y]: SourceArguments, options: FitOptions): Promise<FitResult> {
    const { worker } = options;
    if (typeof worker?.train !== 'function') readOptions(options);
    return worker!.train({
      network: this,
      state: this.#state,
      ...{ x: x as InputRows, y: y as Targets, options },
      setWeights: (weights) => this.#replaceWeights(weights),
    });
  }

  #replaceWeights(weights: Readonly<Record<string, ArrayLike<number>>>): void {
    const { weights: all } = this.#state.plan;
    checkNamed(all, weights, 'weights');
    this.#write(all, weights);
  }

  /** Writes those of some weights that are given. */
  #write(weights: readonly Weight[], given: Readonly<Record<string, ArrayLike<number>>>): void {
    const { floats } = this.#state.plan.backend;
    for (const { name, tensor } of weights) {
      if (given[name]) writeMatrix(floats, tensor, given[name]);
    }
  }

  /** One row, given flat, of any numbers and needing no scaling: copied number by number. */
  #predictRow(x: ArrayLike<unknown>, out: Float32Array | undefined): Float32Array | undefined {
    const { model, plan } = this.#state;
    const { inputs, outputs, indices } = model;
    if (x?.length !== inputs || typeof x[0] !== 'number') return undefined;
    if (model.spec.preprocess || indices !== undefined) return undefined;
    if (model.stateful && (model.stateful.sequences > 1 || this.#state.busy)) return undefined;
    if (model.inputShape.length > 1 && Array.isArray(x)) return undefined;
    if (!this.#row || this.#rowLayout !== plan.layout) {
      this.#row = plan.list({ ...prediction, batch: 1 });
      this.#rowLayout = plan.layout;
    }
    const list = this.#row;
    if (out && out.length !== outputs) checkLength(out, outputs, 'out');
    const { floats } = plan.backend;
    const from = list.rows.offset;
    let difference = 0;
    // Something is no number, or is not finite as a float32: the slow way says what and where.
    for (let i = 0; i < inputs; i++) {
      const value = x[i];
      if (typeof value !== 'number') return undefined;
      floats[from + i] = value;
      const kept = floats[from + i]!;
      difference += kept - kept;
    }
    if (difference !== 0) return undefined;
    list.program.run(1);
    const y = out ?? new Float32Array(outputs);
    const at = list.outputs.offset;
    for (let i = 0; i < outputs; i++) y[i] = floats[at + i]!;
    return y;
  }

  /** One batch there and back. */
  #batch(x: InputRows, y: Targets, options: WeightOption, request: Omit<Request, 'batch'>) {
    const state = this.#state;
    const inputs = state.readInputs(x, 'x');
    const { targets, classes } = state.readTargets(y);
    matchRows(inputs, targets, 'x', 'y');
    const { rows } = inputs;
    checkSequences(state.model, rows, 'x', true);
    const weights = readSampleWeight(
      options.sampleWeight,
      rows,
      'sampleWeight',
      state.model.positions,
    );
    const list = listOn(state, { inputs, targets, weights }, 0, { ...request, batch: rows });
    const { sum, stopped } = runOnce(state, list, 0);
    if (stopped) throw divergence(state.plan, list, { restored: false, what: 'loss' });
    state.classes = classes;
    return { list, loss: sum / rows, rows };
  }

  #checkParameters(list: List | undefined): void {
    const { plan } = this.#state;
    if (allFinite(plan.backend.view(plan.learnt) as Float32Array)) return;
    throw divergence(plan, list, { restored: false, what: 'parameters' });
  }
}

/** The options among the arguments of `fit`. */
const optionsOf = ([first, second, third]: SourceArguments): FitOptions | undefined =>
  areBatches(first, second) ? (second as BatchFitOptions | undefined) : third;

function checkLength(out: Float32Array, length: number, name: string): void {
  if (out.length === length) return;
  throw new ShapeError(`${name}: expected a Float32Array of ${length} numbers, got ${out.length}`);
}

/** Awaits what a training asks for, and lets it go on; a failure of it is the training's. */
async function goOn<Step, Result>(
  { until }: Pause,
  run: Generator<Step, Result, void>,
): Promise<IteratorResult<Step, Result>> {
  try {
    await until;
  } catch (error) {
    return run.throw(error);
  }
  return run.next();
}

/**
 * A network of layers, one after another.
 *
 * @param spec what it is, as plain data
 * @param options where it runs
 * @throws TypeError, RangeError or ShapeError for a spec that does not hold together; MemoryError
 *   for one that no memory holds
 */
export function sequential(spec: NetworkSpec, options: NetworkOptions = {}): Network {
  const model = resolveModel(spec);
  const network = new Network(model, options);
  const { plan } = stateOf(network);
  declaredWeights(model.layers).forEach((declared, i) => {
    const { initializer, fanIn, fanOut, rows, columns, raised } = declared;
    const random = new Random(model.seed, streams.parameters + i);
    const drawn = initialValues(initializer, rows, columns, fanIn, fanOut, random);
    const values = raised ? drawn.map((value, c) => value + raised(c % columns)) : drawn;
    writeMatrix(plan.backend.floats, plan.weights[i]!.tensor, values);
  });
  return network;
}
