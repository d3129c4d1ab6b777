import { known } from '../checks.js';
import type { LayerDefaults } from './definition.js';
import { definitionOf, type LayerSpec } from './index.js';
import type { NetworkSpec } from './model.js';
import { placeOf } from './tree.js';

/** What a network is for: the short form that supplies the rest. */
export type Task = keyof typeof tasks;

/** For each task what the last layer is made with, and the loss. */
const tasks = {
  /** One of several classes: softmax and its cross-entropy; labels are class indices or names. */
  multiclass: { output: { activation: 'softmax' }, loss: 'sparseCategoricalCrossentropy' },
  /** Yes or no, by one output or several: sigmoid and its cross-entropy. */
  binary: { output: { activation: 'sigmoid' }, loss: 'binaryCrossentropy' },
  /**
   * Numbers: the mean squared error. The last weights start at 0, so that the first prediction is the
   * bias alone and not noise, which small tables do not have the rows to unlearn.
   */
  regression: {
    output: { activation: 'linear', weightInitializer: 'zeros' },
    loss: 'meanSquaredError',
  },
} as const satisfies Record<string, { output: LayerDefaults; loss: string }>;

/**
 * Writes out the short form: relu behind every layer that names no activation, the task's own behind
 * the last that does so (a regression's starts at 0), its loss, and Adam. What the spec says itself stays.
 */
export function expandTask(spec: NetworkSpec): NetworkSpec {
  if (spec.task === undefined) return spec;
  known(spec.task, tasks, 'task');
  const { output, loss } = tasks[spec.task];
  const { task: _, ...rest } = spec;
  return { loss, optimizer: 'adam', ...rest, layers: complete(spec.layers, output, 'layers') };
}

/** A stack with `last` behind its last layer that takes an activation, and relu behind the others. */
function complete(
  stack: readonly LayerSpec[],
  last: LayerDefaults,
  path: string,
): readonly LayerSpec[] {
  // What is no list of layers is refused with the rest of the spec.
  if (!Array.isArray(stack)) return stack;
  const kinds = stack.map((layer, i) => definitionOf(layer, placeOf(`${path}.${i}`)));
  // The last one that can: behind it may be a dropout, or a flatten. One that has layers inside takes
  // that place, though it has no activation to give.
  const at = kinds.findLastIndex(({ withDefaults, completed }) => withDefaults ?? completed);
  return stack.map((layer, i) => {
    const { withDefaults, completed } = kinds[i]!;
    if (withDefaults) return withDefaults(layer, i === at ? last : { activation: 'relu' });
    if (!completed) return layer;
    return completed(layer, (name, inner, lastInside) =>
      complete(inner, { activation: lastInside }, `${path}.${i}.${name}`),
    );
  });
}
