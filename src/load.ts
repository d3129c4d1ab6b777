import { show } from './checks.js';
import { bytesIn } from './formats/foreign.js';
import { decodeSnapshot } from './formats/model-file.js';
import { Network, type NetworkOptions, stateOf } from './network.js';
import { checkSnapshot, restoreSnapshot, type Snapshot } from './snapshot.js';

/**
 * A snapshot from the bytes that `save` gives: all of a model as plain data, to look at, or to resume
 * from. The bytes need not be trusted. Nothing is built.
 *
 * @throws FormatError for anything but a whole model file that holds together
 */
export function readSnapshot(bytes: Uint8Array | ArrayBuffer): Snapshot {
  const file = bytesIn(bytes);
  if (file) return decodeSnapshot(file).snapshot;
  throw new TypeError(`readSnapshot: expected the bytes of a model file, got ${show(bytes)}`);
}

/**
 * A network as `save` saved it, or as a snapshot was taken of it: ready to predict, and to go on
 * training. The bytes need not be trusted.
 *
 * @param source the bytes of a model file, or a snapshot
 * @param options where it runs
 * @throws FormatError for anything but a whole model file that holds together; TypeError, RangeError
 *   or ShapeError for a snapshot that does not
 */
export function load(
  source: Uint8Array | ArrayBuffer | Snapshot,
  options: NetworkOptions = {},
): Network {
  const file = bytesIn(source);
  const given = source as Snapshot;
  const { snapshot, model } = file
    ? decodeSnapshot(file)
    : { snapshot: given, model: checkSnapshot(given) };
  const network = new Network(model, options);
  restoreSnapshot(stateOf(network), snapshot);
  return network;
}
