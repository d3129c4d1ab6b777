import { type NetworkSpec, type Snapshot, sequential } from '../src/index.js';
import { generator } from './kernels/core.js';

/** A network with weights and running statistics that no initializer gives. */
export function shaken(spec: NetworkSpec, seed: number): Snapshot {
  const random = generator(seed);
  const snapshot = sequential(spec, { backend: 'js', onWarning() {} }).snapshot();
  for (const [name, { values }] of Object.entries(snapshot.weights)) {
    const low = name.endsWith('.variance') ? 0.1 : -1;
    for (let i = 0; i < values.length; i++) values[i] = low + (1 - low) * random();
  }
  return snapshot;
}
