import { fround } from '../../math.js';

/*
 * The sum of a row's values: four lanes, lane l with the values at j ≡ l (mod 4) in order from +0,
 * joined as (l0 + l2) + (l1 + l3).
 */

const lanes = new Float64Array(4);

export function add(j: number, value: number): void {
  lanes[j & 3] = fround(lanes[j & 3]! + value);
}

/** The sum of what was added, leaving the lanes empty. */
export function takeSum(): number {
  const sum = fround(fround(lanes[0]! + lanes[2]!) + fround(lanes[1]! + lanes[3]!));
  lanes.fill(0);
  return sum;
}
