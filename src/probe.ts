import { counter, type List, type Request } from './lists.js';
import type { NetworkState } from './state.js';

/** A batch that can be run as often as one likes. */
export interface Probe {
  readonly list: List;
  /** The sum of the rows' losses; the way back is left out where it is not finite. */
  run(): number;
}

/**
 * Looks at a batch. Afterwards all is to the bit as it was before: weights, gradients, what layers and
 * the optimizer have gathered, and the step. So it may stand between two batches of a training.
 *
 * @param give writes the rows, and targets where the request has losses
 */
export function probe<Result>(
  state: NetworkState,
  request: Request,
  give: (list: List, floats: Float32Array) => void,
  look: (probe: Probe) => Result,
): Result {
  const { plan } = state;
  const { backend } = plan;
  // Making a list may move the memory, so views come after it.
  const list = plan.list(request);
  const restore = state.remember();
  const gradients = plan.parameters.map(({ gradient }) => {
    const view = backend.view(gradient) as Float32Array;
    return { view, kept: view.slice() };
  });
  const counters = backend.view(plan.counters);
  const sums = backend.view(plan.sums);
  try {
    give(list, backend.floats);
    const run = () => {
      counters[counter.appended] = 0;
      counters[counter.epoch] = 0;
      sums[0] = 0;
      list.program.run(1);
      return sums[0]!;
    };
    return look({ list, run });
  } finally {
    restore();
    for (const { view, kept } of gradients) view.set(kept);
  }
}
