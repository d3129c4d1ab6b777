import * as chainrule from 'chainrule';
import { type Network, type NetworkSpec, sequential } from 'chainrule';
import { fused } from 'chainrule/fused';
import * as workers from 'chainrule/worker';
import { check } from '../../checks.mjs';

const spec: NetworkSpec = { inputShape: [2], layers: [chainrule.dense(1)], task: 'binary' };
export const model: Network = sequential(spec);
export const prediction: Float32Array = model.predict([1, 2]);

// @ts-expect-error: no activation has this name.
export const misspelt: chainrule.LayerSpec = { type: 'dense', units: 1, activation: 'rleu' };
// @ts-expect-error: no backend has this name.
export const options: chainrule.NetworkOptions = { backend: 'gpu' };

check(chainrule, fused, workers).then((outcome) =>
  console.log(`OUTCOME ${JSON.stringify(outcome)}`),
);
