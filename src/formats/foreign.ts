import { FormatError } from '../errors.js';
import { type Model, type NetworkSpec, resolveModel } from '../layers/model.js';
import { checkSnapshot, type Snapshot } from '../snapshot.js';
import { boundModel, boundSpec } from './bounds.js';

/**
 * The bytes that were given, if they were; without the ways of a subclass, such as Node's Buffer. Hosts
 * hand over bytes from realms of their own, whose classes `instanceof` does not know.
 */
export function bytesIn(source: unknown): Uint8Array | undefined {
  const kind = Object.prototype.toString.call(source);
  if (kind === '[object ArrayBuffer]') return new Uint8Array(source as ArrayBuffer);
  if (kind !== '[object Uint8Array]' || !ArrayBuffer.isView(source)) return undefined;
  return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
}

/** Runs checks that speak of what a user gave, on what a file gave: their errors are then the file's. */
export function fromFile<T>(check: () => T, where: string): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
    throw new FormatError(`${where}: ${error.message}`, undefined, { cause: error });
  }
}

/** A spec from a file, checked whole, and bounded. */
export function checkSpec(json: unknown): Model {
  boundSpec(json);
  const model = resolveModel(json as NetworkSpec);
  boundModel(model);
  return model;
}

/** A snapshot that was put together from a file of another kind, checked whole. */
export function foreignSnapshot(snapshot: Snapshot, where: string): Snapshot {
  return fromFile(() => {
    checkSnapshot(snapshot, checkSpec(snapshot.spec));
    return snapshot;
  }, where);
}
