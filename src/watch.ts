import { everyLayer, type ModelLayer } from './layers/tree.js';
import { counter, type List } from './lists.js';
import { type LayerStatistics, lookedAt, statisticsOf } from './measure.js';
import type { ActivationDefinition } from './ops/definition.js';
import { activations } from './ops/index.js';
import { probe } from './probe.js';
import type { NetworkState } from './state.js';

/** Rows of one look. */
const mostRows = 128;

/** Inputs beyond are large for any usual initialisation. */
const largeInput = 10;
/** A share of units that are 0 for every row. */
const manyDead = 0.9;
/** Norms of gradients: of a layer to that of a later one, and of any layer. */
const vanishing = 1e-4;
const exploding = 1e4;
/** Differences of outputs, and of losses, relative to their size. */
const still = 1e-6;
const stuck = 1e-3;
/** What a training must have had before its loss is said not to move. */
const fewestEpochs = 10;
const fewestSteps = 100;

/** Whether an epoch count is one of 1, 10, 100 …, or those between two counts hold one. */
function passes(before: number, now: number): boolean {
  let next = 1;
  while (next <= before) next *= 10;
  return next <= now;
}

/** A share or a norm as a message has it. */
const short = (value: number) => String(Number(value.toPrecision(2)));

/**
 * Looks at a training after 1, 10, 100 … epochs of the network's life, and warns of what usually goes
 * wrong: of each kind once. A look is one batch there and back; it leaves everything as it was.
 *
 * @param losses of all epochs of this training
 */
export function watch(state: NetworkState, losses: readonly number[]): void {
  const due = passes(state.watched, state.epochs);
  state.watched = state.epochs;
  if (!due) return;
  const { plan, model } = state;
  const held = plan.held!;
  const given = held.training.columns;
  const rows = model.stateful?.sequences ?? Math.min(mostRows, given);
  if (rows > given) return;
  const indices = (plan.backend.view(held.training) as Int32Array).slice(0, rows);
  const give = (list: List, floats: Float32Array) => {
    indices.forEach((row, r) => {
      const copy = (from: number, to: number, width: number) =>
        floats.copyWithin(to + r * width, from + row * width, from + (row + 1) * width);
      copy(held.x.offset, list.rows.offset, model.inputs);
      copy(held.targets.offset, list.targets.offset, model.targetColumns);
    });
  };
  const explained = probe(state, lookedAt(rows, true), give, ({ list, run }) => {
    const { floats } = plan.backend;
    const part = ({ offset }: { offset: number }, width: number) =>
      floats.subarray(offset, offset + rows * width);
    const inputs = part(list.rows, model.inputs);
    const targets = part(list.targets, model.targetColumns);
    const inputSize = largestOf(inputs);
    const varied = differs(inputs, model.inputs) && differs(targets, model.targetColumns);
    // A loss that is not finite ends the training with an error of its own.
    if (!Number.isFinite(run())) return true;
    const layers = statisticsOf(state, list, true);
    const large = warnOfLargeInputs(state, inputSize);
    const dead = warnOfDeadUnits(state, layers, rows);
    const constant = varied && warnOfConstantOutputs(state, layers, rows);
    // Each of them is told with its cause alone.
    const steep = !large && !dead && warnOfGradients(state, layers);
    return large || dead || constant || steep;
  });
  if (!explained) warnOfStillLoss(state, losses);
}

function largestOf(values: Float32Array): number {
  let largest = 0;
  for (const value of values) largest = Math.max(largest, Math.abs(value));
  return largest;
}

/** Whether rows of a dense matrix are not all the same. */
const differs = (values: Float32Array, width: number) =>
  values.some((value, i) => value !== values[i % width]);

function warnOfLargeInputs(state: NetworkState, size: number): boolean {
  const { spec, indices } = state.model;
  if (!(size > largeInput) || spec.preprocess?.x || indices !== undefined) return false;
  state.warn(
    'large inputs',
    `inputs reach ${short(size)}, beyond ±${largeInput}: units saturate, and gradients explode; scale them (preprocess: { x: standardScaler() })`,
  );
  return true;
}

/** Whether a layer ends in max(z, bound), below which nothing is learnt. */
function isBounded({ definition, spec }: ModelLayer): boolean {
  const type = definition.activation?.(spec);
  const known = activations as Readonly<Record<string, ActivationDefinition>>;
  return type !== undefined && Number.isFinite(known[type]?.lowerBound);
}

function warnOfDeadUnits(
  state: NetworkState,
  layers: readonly LayerStatistics[],
  rows: number,
): boolean {
  const all = [...everyLayer(state.model.layers)];
  const found = layers.find(
    ({ activations: { dead } }, i) => dead > manyDead && isBounded(all[i]!),
  );
  if (!found) return false;
  const { layer, type, activations: put } = found;
  state.warn(
    'dead units',
    `${layer} (${type}): ${short(100 * put.dead)} % of the units are 0 for all of ${rows} rows, and learn no more: lower the learning rate, or take activation: 'leakyRelu'`,
  );
  return true;
}

function warnOfConstantOutputs(
  state: NetworkState,
  layers: readonly LayerStatistics[],
  rows: number,
): boolean {
  const { mean, deviation, spread } = layers.at(-1)!.activations;
  if (spread > still * (Math.abs(mean) + deviation)) return false;
  state.warn(
    'constant output',
    `the outputs are the same for all of ${rows} rows: the layers before them have gone dead or saturated; lower the learning rate, scale the inputs, or start from other weights (seed, weightInitializer)`,
  );
  return true;
}

function warnOfGradients(state: NetworkState, layers: readonly LayerStatistics[]): boolean {
  const learning = layers.filter(({ gradientNorm }) => gradientNorm !== undefined);
  const sizes = learning.map(({ gradientNorm }) => gradientNorm!);
  const most = Math.max(...sizes);
  const norms = learning.map(({ layer, gradientNorm }) => `${layer} ${short(gradientNorm!)}`);
  if (most > exploding) {
    state.warn(
      'exploding gradients',
      `gradients explode; their norms are ${norms.join(', ')}: scale inputs and targets (preprocess: { x: standardScaler(), y: standardScaler() }), lower the learning rate, or clip (clipping: 'globalNorm')`,
    );
    return true;
  }
  // Of those before the largest; where nothing is left to learn, all are small.
  const before = sizes.slice(0, sizes.indexOf(most));
  if (most < vanishing || !before.some((size) => size < vanishing * most)) return false;
  state.warn(
    'vanishing gradients',
    `gradients vanish on their way back; their norms are ${norms.join(', ')}: take relu or its kin and the default initializers, normalise between layers, or take fewer layers`,
  );
  return true;
}

function warnOfStillLoss(state: NetworkState, losses: readonly number[]): void {
  const { plan, epochs } = state;
  const steps = plan.backend.view(plan.counters)[counter.step]!;
  // The first training alone tells where the loss began.
  if (losses.length !== epochs || epochs < fewestEpochs || steps < fewestSteps) return;
  let [least, most] = [losses[0]!, losses[0]!];
  for (const loss of losses) {
    least = Math.min(least, loss);
    most = Math.max(most, loss);
  }
  if (most === 0 || most - least >= stuck * most) return;
  state.warn(
    'still loss',
    `the loss has not moved in ${epochs} epochs, from ${short(losses[0]!)}: raise the learning rate (findLearningRate suggests one), scale inputs and targets, and see that targets belong to their rows`,
  );
}
