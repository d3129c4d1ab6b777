import { Network, type NetworkOptions, stateOf } from './network.js';
import { checkSnapshot, restoreSnapshot, type Snapshot } from './snapshot.js';

/**
 * A network of a snapshot: as it was when the snapshot was taken.
 *
 * @param options where it runs
 * @throws TypeError, RangeError or ShapeError for a snapshot that does not hold together
 */
export function load(snapshot: Snapshot, options: NetworkOptions = {}): Network {
  const network = new Network(checkSnapshot(snapshot), options);
  restoreSnapshot(stateOf(network), snapshot);
  return network;
}
