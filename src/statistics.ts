import { show } from './checks.js';
import type { InputRows, Targets } from './data.js';
import { divergence } from './divergence.js';
import type { List } from './lists.js';
import { type LayerStatistics, lookedAt, statisticsOf } from './measure.js';
import { Network, stateOf } from './network.js';
import { matchRows } from './prepare.js';
import { probe } from './probe.js';
import { table } from './table.js';

export interface NetworkStatistics {
  /** The mean loss of the rows, where there are targets. */
  readonly loss: number | undefined;
  readonly layers: readonly LayerStatistics[];
  /** All of it as a table to print. */
  readonly text: string;
}

function number(value: number | undefined): string {
  if (value === undefined || value === 0) return value === 0 ? '0' : '';
  return Math.abs(value) < 1e-3 ? value.toExponential(2) : value.toPrecision(3);
}
const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

function textOf(layers: readonly LayerStatistics[]): string {
  const heading = ['', 'layer', 'mean', 'deviation', 'zeros', 'dead'];
  const lines = layers.flatMap(({ layer, type, activations, parameters, ...norms }) => {
    const { mean, deviation, zeros, dead } = activations;
    const own = [mean, deviation].map(number).concat([zeros, dead].map(percent));
    return [
      [layer, type, ...own, number(norms.weightNorm), number(norms.gradientNorm)],
      ...parameters.map(({ name, norm, gradientNorm }) => [
        ...[`${layer}.${name}`, '', '', '', '', ''],
        ...[number(norm), number(gradientNorm)],
      ]),
    ];
  });
  return table([[...heading, '‖weights‖', '‖gradient‖'], ...lines]);
}

/**
 * What goes on in the layers of a network, for the rows given: the outputs of each layer, the norms of
 * its weights and, where there are targets, of its gradients. Gradients that shrink or grow by orders
 * of magnitude from the last layer to the first, units that are 0 for all rows, and outputs without
 * deviation are what to look for.
 *
 * All is computed as in a step of training: dropout drops, with the masks of the next step. Nothing is
 * changed, so it may be called in a callback as well, between two batches.
 *
 * @param x one row or many, which are taken as one batch
 * @param y their targets, if gradients are wanted
 * @throws RangeError, TypeError or ShapeError for bad arguments; DivergenceError when the loss is not
 *   finite
 */
export function layerStatistics(model: Network, x: InputRows, y?: Targets): NetworkStatistics {
  if (!(model instanceof Network)) {
    throw new TypeError(
      `layerStatistics: expected a network made by sequential(), got ${show(model)}`,
    );
  }
  const state = stateOf(model);
  const { plan } = state;
  const inputs = state.readInputs(x, 'x');
  const targets = y === undefined ? undefined : state.readTargets(y).targets;
  if (targets) matchRows(inputs, targets, 'x', 'y');
  const give = (list: List, floats: Float32Array) => {
    state.writeInputs(inputs.values, floats, list.rows.offset);
    if (targets) state.writeTargets(targets.values, floats, list.targets.offset);
  };
  return probe(state, lookedAt(inputs.rows, targets !== undefined), give, ({ list, run }) => {
    const loss = run() / inputs.rows;
    if (!Number.isFinite(loss)) throw divergence(plan, list, { restored: false, what: 'loss' });
    const layers = statisticsOf(state, list, targets !== undefined);
    return { loss: targets && loss, layers, text: textOf(layers) };
  });
}
