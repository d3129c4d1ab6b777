import { onlyKeys, show } from './checks.js';
import { readRows } from './data.js';
import { ShapeError } from './errors.js';
import type { Parameter, Weight } from './plan.js';

/** Refuses names and sizes that a network does not have, and numbers that are not finite. */
export function checkNamed(
  weights: readonly Weight[],
  values: Readonly<Record<string, unknown>>,
  what: string,
): void {
  const names = weights.map(({ name }) => name);
  onlyKeys(values, names, what);
  for (const { name, shape, tensor, least } of weights) {
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
    checkLeast(given as ArrayLike<number>, least, `${what}: ${name}`);
  }
}

/** Refuses numbers below the least that they may be. */
export function checkLeast(
  values: ArrayLike<number>,
  least: number | undefined,
  where: string,
): void {
  if (least === undefined) return;
  for (let i = 0; i < values.length; i++) {
    if (values[i]! >= least) continue;
    throw new RangeError(
      `${where}: expected numbers of at least ${least}, got ${values[i]} at place ${i}`,
    );
  }
}

/** Refuses gradients that are not one for each parameter that the optimizer steps. */
export function checkGradients(
  weights: readonly Weight[],
  gradients: Readonly<Record<string, unknown>>,
): void {
  const stepped = (weight: Weight): weight is Parameter => weight.gradient !== undefined;
  if (typeof gradients === 'object' && gradients !== null) {
    const other = weights.find((weight) => !stepped(weight) && weight.name in gradients);
    if (other) {
      throw new RangeError(
        `gradients: ${other.name} takes no step: its layer is frozen, or it is a running statistic; leave it out`,
      );
    }
  }
  const parameters = weights.filter(stepped);
  checkNamed(parameters, gradients, 'gradients');
  const missing = parameters.find(({ name }) => !(name in gradients));
  if (missing) throw new TypeError(`gradients: ${missing.name} is missing`);
}
