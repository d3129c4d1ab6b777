import { show } from '../checks.js';
import { FormatError } from '../errors.js';

/*
 * Checks of what a file says. They are those of src/checks.ts and src/layers in few words: nobody
 * writes such a file by hand, so that it needs no advice, and all of this is loaded for one prediction.
 */

/** Refuses a file. */
export function refuse(where: string, expected: string, got: unknown): never {
  throw new FormatError(`model file: ${where}: expected ${expected}, got ${show(got)}`);
}

/** A number from `least` to `most`. */
export function within(value: unknown, where: string, least: number, most: number): number {
  if (typeof value === 'number' && value >= least && value <= most) return value;
  return refuse(where, `a number from ${least} to ${most}`, value);
}

/** A whole number of at least 1. */
export function count(value: unknown, where: string): number {
  if (Number.isSafeInteger(value) && (value as number) >= 1) return value as number;
  return refuse(where, 'a whole number of at least 1', value);
}

/** True or false, and what it is where a file leaves it open. */
export function flag(value: unknown, otherwise: boolean, where: string): boolean {
  if (value === undefined) return otherwise;
  return typeof value === 'boolean' ? value : refuse(where, 'true or false', value);
}

/** One of the names of a table. */
export function nameIn<K extends string>(
  value: unknown,
  names: Readonly<Partial<Record<K, unknown>>>,
  where: string,
): K {
  if (typeof value === 'string' && Object.hasOwn(names, value)) return value as K;
  return refuse(where, `one of ${Object.keys(names).join(', ')}`, value);
}

export function list(value: unknown, where: string): readonly unknown[] {
  return Array.isArray(value) ? value : refuse(where, 'a list', value);
}

/** Values by name, none of which has been looked at; none at all where a file leaves them out. */
export function table(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (value === undefined) return {};
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  return refuse(where, 'an object', value);
}
