import { onlyKeys, show } from './checks.js';
import { encodeSnapshot } from './formats/model-file.js';
import type { Network } from './network.js';
import { checkSnapshot, type Plain, type Snapshot } from './snapshot.js';

/** What goes into a file besides the model. */
export interface SaveOptions {
  /** What training on with the same bits needs: the optimizer's slots and the random numbers' state. */
  readonly optimizer?: boolean;
  /** What `fit` gave as its `history`. */
  readonly history?: Readonly<Record<string, readonly number[]>>;
  /** What a program wants to keep with the model: plain JSON, which `readSnapshot` gives back. */
  readonly attachment?: Plain;
}

/**
 * A model as one file: safetensors, with the weights by name, dense and row-major, and the spec, fitted
 * scalers and names of classes in its metadata. The same model gives the same bytes.
 *
 * @param model a network; or a snapshot or checkpoint, which is saved with all that it holds
 * @throws TypeError, RangeError or ShapeError for a snapshot that does not hold together, and for
 *   weights that are not finite
 */
export function save(
  model: Pick<Network, 'snapshot'> | Snapshot,
  options: SaveOptions = {},
): Uint8Array<ArrayBuffer> {
  onlyKeys(options, ['optimizer', 'history', 'attachment'], 'save');
  if (typeof model !== 'object' || model === null) {
    throw new TypeError(`save: expected a network or a snapshot, got ${show(model)}`);
  }
  const { optimizer = false, history, attachment } = options;
  const snapshot = 'snapshot' in model ? model.snapshot({ optimizer }) : model;
  const whole = {
    ...snapshot,
    ...(history !== undefined && { history }),
    ...(attachment !== undefined && { attachment }),
  };
  checkSnapshot(whole);
  return encodeSnapshot(whole);
}
