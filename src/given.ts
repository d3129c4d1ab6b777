import type { DenseRows } from './data.js';
import type { Block } from './feeds/window.js';
import type { Model } from './layers/model.js';
import { counter, type List, type Request } from './lists.js';
import type { Scores } from './scoring.js';
import type { NetworkState } from './state.js';

/** Rows of one run of a list that predicts or evaluates. */
const rowsAtOnce = 256;

/** What lists do that work on rows which the host gives. */
export const prediction = {
  rows: 'given',
  training: false,
  outputs: true,
  loss: false,
  gradients: 'none',
  update: false,
} as const satisfies Omit<Request, 'batch'>;

export const evaluation = { ...prediction, loss: true } as const;

export const training = {
  ...evaluation,
  training: true,
  outputs: false,
  gradients: 'parameters',
} as const;

/** Calls back for runs of rows of bounded size: whole batches, where these go on from one another. */
function inChunks(
  { stateful }: Model,
  { rows }: DenseRows,
  run: (batch: number, row: number) => void,
): void {
  const most = stateful?.sequences ?? rowsAtOnce;
  for (let row = 0; row < rows; row += most) run(Math.min(most, rows - row), row);
}

/** The list for a request, with the rows that it is to work on, from `row` on, written in. */
export function listOn(
  state: NetworkState,
  { inputs, targets, weights }: Partial<Block> & Pick<Block, 'inputs'>,
  row: number,
  request: Request,
): List {
  const { model, plan } = state;
  const { batch } = request;
  const part = ({ values }: DenseRows, width: number) =>
    values.subarray(row * width, (row + batch) * width);
  const list = plan.list(weights ? { ...request, weighted: true } : request);
  const { floats } = plan.backend;
  state.writeInputs(part(inputs, model.columns), floats, list.rows.offset);
  if (targets) {
    state.writeTargets(part(targets, model.targetColumns), floats, list.targets.offset);
  }
  if (weights)
    floats.set(part({ values: weights, rows: 0 }, model.positions), list.weights!.offset);
  return list;
}

/** Runs a list once; the losses are added to `sum`. */
export function runOnce(
  { plan }: NetworkState,
  list: List,
  sum: number,
): { sum: number; stopped: boolean } {
  const cell = plan.backend.view(plan.sums);
  const counters = plan.backend.view(plan.counters);
  counters[counter.appended] = 0;
  counters[counter.epoch] = 0;
  cell[0] = sum;
  const stopped = list.program.run(1) === 0;
  return { sum: cell[0]!, stopped };
}

/** Writes the outputs for rows, a row after the other, as they come out of the last layer. */
export function predictRows(state: NetworkState, inputs: DenseRows, y: Float32Array): void {
  const { plan, model } = state;
  inChunks(model, inputs, (batch, row) => {
    const list = listOn(state, { inputs }, row, { ...prediction, batch });
    runOnce(state, list, 0);
    const outputs = plan.backend.view(list.outputs).subarray(0, batch * model.outputs);
    y.set(outputs, row * model.outputs);
  });
}

/** Adds rows to the scores; gives their losses, added to `sum`. */
export function evaluateRows(
  state: NetworkState,
  block: Block,
  scores: Scores,
  sum: number,
): number {
  const { model, plan } = state;
  const outputs = model.metrics.length > 0;
  let total = sum;
  inChunks(model, block.inputs, (batch, row) => {
    const list = listOn(state, block, row, { ...evaluation, batch, outputs });
    total = runOnce(state, list, total).sum;
    if (!outputs) return;
    const scored = plan.backend.view(list.outputs).subarray(0, batch * model.outputs);
    const from = row * model.targetColumns;
    // Targets are scored in their own units, as the user gave them.
    scores.add(scored as Float32Array, batch, block.targets.values.subarray(from), 'own units');
  });
  return total;
}
