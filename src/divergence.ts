import { DivergenceError } from './errors.js';
import { everyLayer } from './layers/tree.js';
import type { List } from './lists.js';
import type { Plan } from './plan.js';
import type { Tensor } from './tensor.js';

/** The range of the logical elements of a matrix; NaN where one of them is. */
function rangeOf(floats: Float32Array, { offset, rows, columns, pitch }: Tensor): [number, number] {
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (let r = 0; r < rows; r++) {
    for (let i = offset + r * pitch, end = i + columns; i < end; i++) {
      least = Math.min(least, floats[i]!);
      most = Math.max(most, floats[i]!);
    }
  }
  return [least, most];
}

const finite = ([least, most]: readonly [number, number]) =>
  most - least < Number.POSITIVE_INFINITY;

/** Where in a training it happened. */
export interface Moment {
  readonly epoch?: number | undefined;
  readonly batch?: number | undefined;
  /** Whether the parameters were put back. */
  readonly restored: boolean;
  /** What was found not to be finite. */
  readonly what: 'loss' | 'parameters';
}

/**
 * What to say of a training that left the finite numbers: the first layer in which it shows, what
 * the inputs were, and what is the likely cause.
 *
 * @param list the one that ran last; its values are still in memory
 */
export function divergence(plan: Plan, list: List | undefined, moment: Moment): DivergenceError {
  const { backend, model, tensors } = plan;
  const { floats } = backend;
  const inputRange = list ? rangeOf(floats, list.x) : ([Number.NaN, Number.NaN] as const);
  const layers = [...everyLayer(model.layers)];
  const spoilt = layers.find((layer) => {
    const values = list ? [list.values.get(layer)!] : [];
    return [...Object.values(tensors.get(layer)!), ...values].some(
      (tensor) => !finite(rangeOf(floats, tensor)),
    );
  });
  // The loss alone can be too large, behind values that are all finite.
  const layer = spoilt ?? layers.at(-1)!;
  const { epoch, batch, restored, what } = moment;
  const rate = (backend.view(plan.hyper) as Float64Array)[0]!;
  const when =
    epoch === undefined ? '' : ` in epoch ${epoch}${batch === undefined ? '' : `, batch ${batch}`}`;
  const large = Math.max(Math.abs(inputRange[0]), Math.abs(inputRange[1])) > 10;
  const cause = large
    ? `inputs that large make gradients explode: scale them (preprocess: { x: standardScaler() })`
    : `the learning rate ${rate} is likely too high: try ${Number((rate / 10).toPrecision(3))}`;
  const state = restored ? '; the parameters are those of the start of the epoch again' : '';
  return new DivergenceError(
    `the ${what} stopped being finite${when}, first in ${layer.where}; ` +
      `inputs were in [${inputRange.map((v) => Number(v.toPrecision(3))).join(', ')}]; ${cause}${state}`,
    { epoch, batch, layer: layer.path, inputRange, restored },
  );
}
