import { choose, type Named, onlyKeys, show, wholeNumber } from '../checks.js';
import type { Label } from '../data.js';
import { type MetricSpec, type ModelMetric, resolveMetrics } from '../metrics.js';
import type {
  ActivationDefinition,
  LossDefinition,
  OptimizerDefinition,
  OptimizerRule,
} from '../ops/definition.js';
import { activations, clippings, losses, optimizers } from '../ops/index.js';
import { checkTargetScaling, encodedShape, type Preprocess } from '../scalers.js';
import { type Shape, sizeOf } from '../tensor.js';
import type { LayerSpec } from './index.js';
import { expandTask, type Task } from './task.js';
import { everyLayer, type ModelLayer, resolveStack } from './tree.js';

/** A loss by name, or with options: 'huber', { type: 'huber', delta: 0.5 }. */
export type LossSpec =
  | Named<typeof losses>
  /** ½ Σ (y − t)² over a row's outputs, averaged over the batch: the form of the textbooks. */
  | { readonly type: 'meanSquaredError'; readonly reduction: 'mean' | 'halfSum' }
  /** The outputs are logits, whatever activation they come from. */
  | {
      readonly type: {
        [K in keyof typeof losses]: (typeof losses)[K] extends { logits: string } ? K : never;
      }[keyof typeof losses];
      readonly fromLogits: boolean;
    };

/** An optimizer by name, or with options: 'adam', { type: 'sgd', learningRate: 0.1 }. */
export type OptimizerSpec = Named<typeof optimizers>;

/** Clipping of gradients by name, or with options: 'globalNorm', { type: 'value', limit: 0.5 }. */
export type ClippingSpec = Named<typeof clippings>;

/** What a network is, as plain data: `sequential` takes it, `toJSON` gives it. */
export interface NetworkSpec {
  /** The shape of one row of inputs: [4] or [28, 28]. */
  readonly inputShape: Shape;
  readonly layers: readonly LayerSpec[];
  /** The short form: supplies relu between layers, the last activation, the loss and Adam. */
  readonly task?: Task;
  /** What training makes small. Without one, a network can predict but not train. */
  readonly loss?: LossSpec;
  /** Default 'adam'. */
  readonly optimizer?: OptimizerSpec;
  /**
   * What bounds the gradients before each step: { type: 'globalNorm', limit: 1 }, as PyTorch's
   * `clip_grad_norm_`; 'norm', each parameter's by itself; 'value', each number. Default none.
   */
  readonly clipping?: ClippingSpec;
  /** What is reported beside the loss; default none. */
  readonly metrics?: readonly MetricSpec[];
  /** A whole number of 32 bits from which weights, shuffles and masks follow; default 0. */
  readonly seed?: number;
  /** Scaling that belongs to the model; the first `fit` fits it on the training rows. */
  readonly preprocess?: Preprocess;
  /** Names of the classes, in the order of the outputs; default: learnt by the first `fit` from targets that are text. */
  readonly classes?: readonly Label[];
}

/** A loss, ready to be lowered. */
export interface ModelLoss {
  readonly type: keyof typeof losses;
  readonly options: Readonly<Record<string, number>>;
  readonly targets: LossDefinition['targets'];
  /** Whether targets are counts, which are never negative. */
  readonly positive: boolean;
  /** The activation whose inputs it reads, where the last activation is that one. */
  readonly logits: string | undefined;
  /** Whether the network's outputs themselves are logits. */
  readonly outputsAreLogits: boolean;
  /** Factors of a row's sum of values, and of the slopes in a batch of one row. */
  readonly lossScale: number;
  readonly gradientScale: number;
}

export interface ModelOptimizer extends OptimizerRule {
  readonly type: keyof typeof optimizers;
  readonly options: Readonly<Record<string, number>>;
  /** What `hyper` holds before the first step: the options, what follows from them, what is kept. */
  readonly hyper: readonly number[];
  /** How many numbers at the end of `hyper` change from step to step. */
  readonly kept: number;
  /** Which parameters decay: none, those that say so of themselves, or all. */
  readonly decay: 'none' | 'weights' | 'all';
}

/** How gradients are clipped, ready to be lowered. */
export interface ModelClipping {
  readonly kernel: string;
  /** Whether it takes parameters one by one, or all of them together. */
  readonly over: 'tensor' | 'block';
  readonly options: Readonly<Record<string, number>>;
}

/** A spec that has been checked, with every default written out and every shape known. */
export interface Model {
  readonly spec: NetworkSpec;
  readonly layers: readonly ModelLayer[];
  readonly inputShape: Shape;
  readonly outputShape: Shape;
  /** Numbers in one row as it is given, before categories take several columns each. */
  readonly columns: number;
  /**
   * Where inputs are places in a list, its length: they are whole numbers from 0 on and below it.
   * Undefined where they may be any numbers.
   */
  readonly indices: number | undefined;
  /** Where layers keep states from batch to batch, those of how many sequences, and one such layer. */
  readonly stateful: { readonly sequences: number; readonly where: string } | undefined;
  /** Numbers in one row of inputs, of outputs, and of targets. */
  readonly inputs: number;
  readonly outputs: number;
  readonly targetColumns: number;
  /**
   * In outputs of more than one dimension the last one holds the units, and the others are positions:
   * losses and metrics take each for a row of its own.
   */
  readonly positions: number;
  readonly units: number;
  /** The activation that the outputs come from. */
  readonly outputActivation: string;
  readonly loss: ModelLoss | undefined;
  readonly optimizer: ModelOptimizer;
  readonly clipping: ModelClipping | undefined;
  readonly metrics: readonly ModelMetric[];
  readonly seed: number;
}

function checkShape(shape: unknown): asserts shape is Shape {
  if (!Array.isArray(shape) || shape.length === 0) {
    throw new TypeError(
      `inputShape: expected an array such as [4] or [28, 28], got ${show(shape)}`,
    );
  }
  shape.forEach((size, i) => {
    wholeNumber(size, `inputShape[${i}]`);
  });
}

function resolveLayers(specs: readonly LayerSpec[], inputShape: Shape): ModelLayer[] {
  if (!Array.isArray(specs) || specs.length === 0) {
    throw new TypeError(`layers: expected at least one layer, got ${show(specs)}`);
  }
  return resolveStack(specs, inputShape, 'layers', true);
}

/** How long the list is that inputs are places in, if they are: the shortest, where there are several. */
function resolveIndices(layers: readonly ModelLayer[], preprocess: unknown): number | undefined {
  let least: number | undefined;
  for (const { definition, spec, where } of everyLayer(layers)) {
    if (preprocess !== undefined && definition.given?.(spec) !== undefined) {
      throw new TypeError(
        `preprocess.x: ${where} takes inputs as they are, which are not scaled: leave it out`,
      );
    }
    const count = definition.indices?.(spec);
    if (count !== undefined) least = Math.min(least ?? count, count);
  }
  return least;
}

/** Of how many sequences layers keep the states: of the same, if several do. */
function resolveStateful(layers: readonly ModelLayer[]): Model['stateful'] {
  let first: Model['stateful'];
  for (const { definition, spec, where } of everyLayer(layers)) {
    const sequences = definition.sequences?.(spec);
    if (sequences === undefined) continue;
    first ??= { sequences, where };
    if (sequences === first.sequences) continue;
    throw new RangeError(
      `${where}: stateful: expected ${first.sequences}, as ${first.where} has, got ${sequences}`,
    );
  }
  return first;
}

function resolveLoss(spec: LossSpec, activation: string, output: Shape): ModelLoss {
  const { type, options } = choose(losses, spec, 'loss', ['reduction', 'fromLogits']);
  const definition: LossDefinition = losses[type];
  const { reduction, fromLogits } = (typeof spec === 'string' ? {} : spec) as Record<
    string,
    unknown
  >;
  if (
    reduction !== undefined &&
    (type !== 'meanSquaredError' || (reduction !== 'mean' && reduction !== 'halfSum'))
  ) {
    throw new RangeError(
      `loss: reduction: 'mean' and 'halfSum' are for meanSquaredError, got ${show(reduction)} for ${type}`,
    );
  }
  if (
    fromLogits !== undefined &&
    (definition.logits === undefined || typeof fromLogits !== 'boolean')
  ) {
    throw new TypeError(
      `loss: fromLogits: expected true or false for a cross-entropy, got ${show(fromLogits)} for ${type}`,
    );
  }
  const matches = activation === definition.logits;
  if (definition.logits !== undefined && !matches && fromLogits !== true) {
    throw new RangeError(
      `loss: ${type} is computed from the logits of a ${definition.logits}, and the last activation is '${activation}': ` +
        `make it '${definition.logits}', or, if the outputs are logits, write { type: '${type}', fromLogits: true }`,
    );
  }
  const { positive } = activations[activation as keyof typeof activations] as ActivationDefinition;
  if (definition.positive && !positive) {
    throw new RangeError(
      `loss: ${type} takes rates, which are not negative, and the last activation is '${activation}': make it 'softplus'`,
    );
  }
  const half = reduction === 'halfSum' ? 0.5 : 1;
  // A mean over the positions of a row at least, and over their outputs too where the loss says so.
  const over = definition.average === 'outputs' ? output : output.slice(0, -1);
  const scale = reduction === 'halfSum' ? half : 1 / sizeOf(over);
  return {
    type,
    options,
    targets: definition.targets,
    positive: definition.positive ?? false,
    logits: matches ? definition.logits : undefined,
    outputsAreLogits: definition.logits !== undefined && !matches,
    lossScale: scale,
    gradientScale: scale,
  };
}

/** A name more than there are outputs would reach kernels as a class that is not there. */
function checkClasses(classes: unknown, count: number): void {
  if (!Array.isArray(classes)) {
    throw new TypeError(`classes: expected an array of names, got ${show(classes)}`);
  }
  const met = new Set<unknown>();
  classes.forEach((name: unknown, i) => {
    if (!['string', 'number', 'boolean'].includes(typeof name)) {
      throw new TypeError(`classes[${i}]: expected text, a number or a boolean, got ${show(name)}`);
    }
    if (met.has(name)) throw new RangeError(`classes: ${show(name)} comes twice`);
    met.add(name);
  });
  if (classes.length !== count) {
    throw new RangeError(
      `classes: expected ${count} names, as many as the network tells apart, got ${classes.length}`,
    );
  }
}

function resolveOptimizer(spec: OptimizerSpec): ModelOptimizer {
  const { type, options } = choose(optimizers, spec, 'optimizer');
  const definition: OptimizerDefinition = optimizers[type];
  const conflict = definition.conflict?.(options);
  if (conflict) throw new RangeError(`optimizer: ${conflict}`);
  const derived = definition.derived?.(options) ?? [];
  const kept = new Array<number>(definition.kept).fill(0);
  const decaying = options.decayBiases ? 'all' : 'weights';
  return {
    type,
    options,
    hyper: [...Object.values(options), ...derived, ...kept],
    kept: definition.kept,
    decay: options.weightDecay === 0 ? 'none' : decaying,
    ...definition.rule(options),
  };
}

function resolveClipping(spec: ClippingSpec | undefined): ModelClipping | undefined {
  if (spec === undefined) return undefined;
  const { type, options } = choose(clippings, spec, 'clipping');
  const { kernel, over } = clippings[type];
  return { kernel, over, options };
}

const specKeys = [
  'inputShape',
  'layers',
  'task',
  'loss',
  'optimizer',
  'clipping',
  'metrics',
  'seed',
  'preprocess',
  'classes',
];

/** Checks a spec, whole, and works out what follows from it. Nothing is allocated. */
export function resolveModel(given: NetworkSpec): Model {
  onlyKeys(given, specKeys, 'the spec');
  checkShape(given.inputShape);
  const { inputShape } = given;
  const spec: NetworkSpec = { ...expandTask(given), seed: given.seed ?? 0 };
  const seed = wholeNumber(spec.seed, 'seed', 0);
  if (seed >= 2 ** 32) throw new RangeError(`seed: expected less than 2³², got ${seed}`);
  const { preprocess } = spec;
  const encoded = preprocess === undefined ? inputShape : encodedShape(preprocess, inputShape);
  const layers = resolveLayers(spec.layers, encoded);
  const last = layers.at(-1)!;
  const outputs = sizeOf(last.output);
  const units = last.output.at(-1)!;
  const positions = outputs / units;
  const outputActivation = last.definition.activation?.(last.spec) ?? 'linear';
  const loss =
    spec.loss === undefined ? undefined : resolveLoss(spec.loss, outputActivation, last.output);
  const metrics = resolveMetrics(spec.metrics ?? [], { loss, outputs: units, outputActivation });
  if (preprocess !== undefined) {
    checkTargetScaling(preprocess, outputs);
    if (preprocess.y !== undefined && loss && (loss.targets !== 'values' || loss.positive)) {
      const are = loss.positive ? 'counts' : 'classes or probabilities';
      throw new RangeError(
        `preprocess.y: the targets of ${loss.type} are ${are}, which are not scaled`,
      );
    }
  }
  if (spec.classes !== undefined) checkClasses(spec.classes, units === 1 ? 2 : units);
  return {
    spec,
    layers,
    inputShape,
    outputShape: last.output,
    columns: sizeOf(inputShape),
    indices: resolveIndices(layers, preprocess?.x),
    stateful: resolveStateful(layers),
    inputs: sizeOf(encoded),
    outputs,
    targetColumns: loss?.targets === 'labels' ? positions : outputs,
    ...{ positions, units },
    outputActivation,
    loss,
    optimizer: resolveOptimizer(spec.optimizer ?? 'adam'),
    clipping: resolveClipping(spec.clipping),
    metrics,
    seed,
  };
}
