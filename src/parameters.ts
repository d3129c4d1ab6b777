import { onlyKeys, show } from './checks.js';
import { readRows } from './data.js';
import { ShapeError } from './errors.js';
import type { Parameter } from './plan.js';

/**
 * Refuses names and sizes that a network does not have, and numbers that are not finite.
 *
 * @param needed whether each parameter must be there
 */
export function checkNamed(
  parameters: readonly Parameter[],
  values: Readonly<Record<string, unknown>>,
  what: string,
  needed: 'all' | 'some',
): void {
  const names = parameters.map(({ name }) => name);
  onlyKeys(values, names, what);
  const missing = names.find((name) => !(name in values));
  if (needed === 'all' && missing) throw new TypeError(`${what}: ${missing} is missing`);
  for (const { name, shape, tensor } of parameters) {
    if (!(name in values)) continue;
    const given = values[name] as ArrayLike<unknown>;
    const size = tensor.rows * tensor.columns;
    if (given?.length !== size) {
      throw new ShapeError(
        `${what}: ${name}: expected ${size} numbers, a flat [${shape.join(', ')}], got ${given?.length ?? show(given)}`,
      );
    }
    // One row of numbers: nested arrays of that many rows would pass for it otherwise.
    readRows([given], [size], `${what}: ${name}`);
  }
}
