import { hint, show } from '../../../checks.js';
import type { ActivationSpec } from '../../../layers/index.js';
import { emptyTable, type SnapshotTensor } from '../../../snapshot.js';
import type { Shape } from '../../../tensor.js';
import type { Rows } from '../../graph.js';
import type { Field } from '../document.js';

/** What a layer of Keras is read from. */
export interface KerasContext {
  readonly config: Field;
  readonly x: Rows;
  fail(what: string): never;
  /** Takes the layer's weights of this name and shape; they may have another name. */
  weight(key: string, shape: Shape, also?: string): SnapshotTensor;
  /** Which of the two layers it is that another one has inside it, if it is. */
  readonly direction: 'forward' | 'backward' | undefined;
  /** Reads a layer inside this one, on the same rows: one of two, whose weights have its name, or the only. */
  inside(layer: Field, direction?: 'forward' | 'backward'): Rows;
}

export type KerasLayer = (context: KerasContext) => Rows;

/** Activations by the names of Keras, which TensorFlow.js writes in either way. */
const activations: Readonly<Record<string, ActivationSpec>> = Object.assign(
  emptyTable<ActivationSpec>(),
  {
    linear: 'linear',
    relu: 'relu',
    elu: 'elu',
    selu: 'selu',
    gelu: 'gelu',
    gelu_new: 'geluTanh',
    swish: 'silu',
    silu: 'silu',
    softplus: 'softplus',
    softsign: 'softsign',
    sigmoid: 'sigmoid',
    tanh: 'tanh',
    softmax: 'softmax',
  } as const,
);

export function readActivation({ config, fail }: KerasContext): ActivationSpec {
  const name = config.get('activation').textOr('linear');
  const activation = activations[name];
  if (activation) return activation;
  if (/^hard_?sigmoid$/i.test(name)) {
    fail(`the activation ${show(name)} is 0.2x + 0.5 in TensorFlow.js, and x/6 + 0.5 here`);
  }
  return fail(`there is no activation ${show(name)} here; ${hint(name, Object.keys(activations))}`);
}

/** Numbers in the last dimension of rows, which most layers are about. */
export const lastOf = ({ x }: KerasContext): number => x.shape.at(-1)!;

/** Refuses an axis that is not the last one, however it is counted: with the batch as 0. */
export function lastAxis({ config, x, fail }: KerasContext): void {
  const axis = config.get('axis');
  const along = axis.isList ? axis.numbers() : [axis.numberOr(-1)];
  if (along.length === 1 && (along[0] === -1 || along[0] === x.shape.length)) return;
  fail(`axis: expected −1, got ${along.slice(0, 8).join(', ')}`);
}

/** Rows of so many dimensions. */
export function rank({ x, fail }: KerasContext, dimensions: number): void {
  if (x.shape.length === dimensions) return;
  fail(`expected rows of ${dimensions} dimensions, got the shape [${x.shape.join(', ')}]`);
}

/** Biases, if the layer has any. */
export const biasOf = ({ config, weight }: KerasContext, columns: number) =>
  config.get('use_bias').flagOr(true) ? { b: weight('bias', [columns]) } : {};

/** The layer's options that say that it has no biases, and its activation. */
export function optionsOf(context: KerasContext) {
  const activation = readActivation(context);
  return {
    ...(activation !== 'linear' && { activation }),
    ...(!context.config.get('use_bias').flagOr(true) && { useBias: false }),
  };
}
