import { known, onlyKeys, show, wholeNumber } from './checks.js';
import type { Model } from './layers/model.js';
import * as decisions from './metrics/decisions.js';
import {
  decisionOf,
  type Kind,
  type Metric,
  type MetricContext,
  type MetricDefinition,
  type MetricOptions,
} from './metrics/definition.js';
import * as probabilities from './metrics/probabilities.js';
import * as values from './metrics/values.js';

export { largest, type Metric, type MetricContext } from './metrics/definition.js';

/**
 * What a network can report beside its loss. `y` are outputs and `t` targets; sums go over all rows
 * of an epoch or an evaluation, so that batches make no difference.
 *
 * - `accuracy`: the share of rows whose predicted class is the true one; where each output decides by
 *   itself, the share of outputs.
 * - `topKAccuracy`: the share of rows whose true class is among the `k` (default 5) largest outputs.
 * - `precision`, `recall`, `f1`: right / said, right / true, 2·right / (said + true), of nothing 0.
 *   `average` over classes: 'macro' the mean over the classes that occur (of several yes-or-no
 *   outputs, over all), 'weighted' by how often each is true, 'micro' over all decisions together,
 *   'binary' class 1 alone. Default 'binary' for one output, else 'macro'.
 * - `rocAuc`: the share of pairs, one positive and one negative row, in which the positive one has the
 *   higher score, equals counting half. `averagePrecision`: Σ (R_i − R_(i−1))·P_i. Both exact, from
 *   all scores; over several classes the mean of one against the rest, without classes that leave
 *   them undefined. NaN where nothing is defined.
 * - `logLoss`: the mean of −log p of what was true, p no nearer than 2⁻⁵² to 0 or 1.
 * - `matthews`: the correlation of what was said with what was true, from −1 to 1.
 * - `meanAbsoluteError` Σ|y − t|/n, `meanSquaredError` Σ(y − t)²/n, `rootMeanSquaredError`, its root,
 *   and `meanAbsolutePercentageError` Σ|y − t|/max(|t|, 2⁻⁵²)/n, a share, not per cent; n = rows ×
 *   outputs, in the targets' own units.
 * - `r2`: 1 − Σ(y − t)²/Σ(t − mean)², the mean over outputs.
 */
export const metricCatalogue = {
  accuracy: decisions.accuracy,
  topKAccuracy: decisions.topKAccuracy,
  precision: decisions.precision,
  recall: decisions.recall,
  f1: decisions.f1,
  matthews: decisions.matthews,
  rocAuc: probabilities.rocAuc,
  averagePrecision: probabilities.averagePrecision,
  logLoss: probabilities.logLoss,
  meanAbsoluteError: values.meanAbsoluteError,
  meanSquaredError: values.meanSquaredError,
  rootMeanSquaredError: values.rootMeanSquaredError,
  meanAbsolutePercentageError: values.meanAbsolutePercentageError,
  r2: values.r2,
} as const satisfies Record<string, MetricDefinition>;

type Catalogue = typeof metricCatalogue;

export type MetricName = keyof Catalogue;

/**
 * A metric by name, or with options: 'f1', { type: 'f1', average: 'macro' }. `name` is what it is
 * called in logs and history; default its type.
 */
export type MetricSpec = {
  [K in MetricName]:
    | K
    | ({ readonly type: K; readonly name?: string } & {
        readonly [O in keyof Catalogue[K]['options']]?: Catalogue[K]['options'][O] extends readonly (infer Choice)[]
          ? Choice
          : number;
      });
}[MetricName];

/** A metric of a network, checked. */
export interface ModelMetric {
  /** What it is called in logs. */
  readonly name: string;
  create(): Metric;
}

/** What of a model decides how its outputs are read. */
type Readable = Pick<Model, 'loss' | 'outputs' | 'outputActivation'>;

/** Activations whose outputs are probabilities, whatever the loss. */
const probabilistic = ['sigmoid', 'hardSigmoid', 'softmax'];

/** How the outputs of a network are read. */
export function metricContext({ loss, outputs, outputActivation }: Readable): MetricContext {
  const decision = decisionOf(loss, outputs);
  const numbers = loss?.targets === 'values' && !probabilistic.includes(outputActivation);
  const single: Kind = outputs === 1 ? 'binary' : 'flags';
  const classes: Kind = decision.decision === 'largest' ? 'classes' : single;
  return {
    kind: numbers ? 'values' : classes,
    outputs,
    ...decision,
    labels: loss?.targets === 'labels',
    logits: loss?.outputsAreLogits === true,
  };
}

const kinds: Record<Kind, string> = {
  values: 'numbers',
  binary: 'one output that is yes or no',
  classes: 'one of several classes',
  flags: 'several outputs that are yes or no',
};

function readOptions(
  definition: MetricDefinition,
  given: Readonly<Record<string, unknown>>,
  where: string,
): MetricOptions {
  const options: Record<string, number | string> = {};
  for (const [key, allowed] of Object.entries(definition.options)) {
    const value = given[key];
    if (typeof allowed === 'number') {
      options[key] = wholeNumber(value ?? allowed, `${where}: ${key}`);
    } else if (value === undefined) options[key] = '';
    else {
      known(value, Object.fromEntries(allowed.map((choice) => [choice, 0])), `${where}: ${key}`);
      options[key] = value;
    }
  }
  return options;
}

/** Refuses a metric that cannot be computed from what the network learns, with one that can. */
function checkFit(type: MetricName, context: MetricContext, model: Readable, where: string): void {
  const { fits }: MetricDefinition = metricCatalogue[type];
  // A network without a loss is never scored; numbers from 0 to 1 are still numbers.
  if (!model.loss || fits.includes(context.kind)) return;
  if (model.loss.targets === 'values' && fits.includes('values')) return;
  const fitting = Object.entries(metricCatalogue as Record<string, MetricDefinition>)
    .filter(([, other]) => other.fits.includes(context.kind))
    .map(([name]) => name);
  const remedy =
    context.kind === 'values' && !fits.includes('values')
      ? "; for classes, use a cross-entropy as the loss, or end in a 'sigmoid' or 'softmax'"
      : '';
  throw new RangeError(
    `${where}: ${type} is for ${fits.map((kind) => kinds[kind]).join(', or ')}; ` +
      `a network with the loss ${model.loss.type} and the last activation '${model.outputActivation}' predicts ${kinds[context.kind]}: ` +
      `use ${fitting.join(', ')}${remedy}`,
  );
}

/** Checks the metrics of a spec against what the network predicts. */
export function resolveMetrics(specs: unknown, model: Readable): readonly ModelMetric[] {
  if (!Array.isArray(specs)) throw new TypeError(`metrics: expected an array, got ${show(specs)}`);
  const context = metricContext(model);
  const names = new Set<string>();
  return specs.map((spec: unknown, i) => {
    const where = `metrics[${i}]`;
    const given = typeof spec === 'object' && spec !== null ? spec : { type: spec };
    const { type, name = type } = given as { type?: unknown; name?: unknown };
    known<MetricName>(type, metricCatalogue, where);
    const definition: MetricDefinition = metricCatalogue[type];
    onlyKeys(given, ['type', 'name', ...Object.keys(definition.options)], where);
    if (typeof name !== 'string' || name === '') {
      throw new TypeError(`${where}: name: expected text, got ${show(name)}`);
    }
    if (name === 'loss' || name.startsWith('val_')) {
      throw new RangeError(
        `${where}: name: ${show(name)} is how losses and validation are called in logs; choose another`,
      );
    }
    if (names.has(name)) {
      throw new RangeError(
        `${where}: a metric called ${show(name)} is there already: give one of the two a \`name\` of its own`,
      );
    }
    names.add(name);
    const options = readOptions(definition, given as Record<string, unknown>, where);
    checkFit(type, context, model, where);
    const problem = definition.problem?.(context, options);
    if (problem && model.loss) throw new RangeError(`${where}: ${problem}`);
    return { name, create: () => definition.create(context, options) };
  });
}
