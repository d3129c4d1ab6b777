import { known } from '../checks.js';
import { definitionOf } from './index.js';
import type { NetworkSpec } from './model.js';

/** What a network is for: the short form that supplies the rest. */
export type Task = keyof typeof tasks;

/** For each task the last activation, and the loss. */
const tasks = {
  /** One of several classes: softmax and its cross-entropy; labels are class indices or names. */
  multiclass: { activation: 'softmax', loss: 'sparseCategoricalCrossentropy' },
  /** Yes or no, by one output or several: sigmoid and its cross-entropy. */
  binary: { activation: 'sigmoid', loss: 'binaryCrossentropy' },
  /** Numbers: the mean squared error. */
  regression: { activation: 'linear', loss: 'meanSquaredError' },
} as const;

/**
 * Writes out the short form: relu behind every layer that names no activation, the task's own behind
 * the last that does so, its loss, and Adam. What the spec says itself stays.
 */
export function expandTask(spec: NetworkSpec): NetworkSpec {
  if (spec.task === undefined) return spec;
  known(spec.task, tasks, 'task');
  // What is no list of layers is refused with the rest of the spec.
  if (!Array.isArray(spec.layers)) return spec;
  const { activation, loss } = tasks[spec.task];
  const kinds = spec.layers.map((layer, i) => definitionOf(layer, `layers[${i}]`));
  // The last one that can: behind it may be a dropout, or a flatten.
  const last = kinds.findLastIndex(({ withActivation }) => withActivation);
  const layers = spec.layers.map((layer, i) => {
    const { withActivation } = kinds[i]!;
    return withActivation ? withActivation(layer, i === last ? activation : 'relu') : layer;
  });
  const { task: _, ...rest } = spec;
  return { loss, optimizer: 'adam', ...rest, layers };
}
