import { largestFloat, numberWithin } from '../checks.js';
import { ShapeError } from '../errors.js';
import type { ListBuilder } from '../lowering.js';
import type { Tensor } from '../tensor.js';
import type { LayerDefinition, LayerOptions } from './definition.js';

/**
 * Leaves out the steps of a sequence whose numbers are all `value`, as padding has them: rows of shape
 * [steps, features] go on as they are, with 0 at such steps, and with a mask that says which steps
 * count. It goes through layers that work at each step by itself; a recurrent layer steps over what is
 * left out, and a layer that would take all steps alike is refused. It stands first, in a branch too:
 * only `flatten` and `reshape` may come before it.
 */
export interface MaskingSpec extends LayerOptions {
  readonly type: 'masking';
  /** What padding is filled with, a float32; default 0. */
  readonly value?: number;
}

/** Makes a mask: 1 for each row of x where a number is not `value`. */
export function lowerMask(build: ListBuilder, x: Tensor, value: number): Tensor {
  const mask = build.mask(x.rows);
  build.emit('maskRows', mask, x, x.rows, x.columns, x.pitch, value);
  build.count(x.rows * x.columns);
  return mask;
}

export const masking: LayerDefinition<MaskingSpec> = {
  options: ['value'],

  check({ value = 0 }, input, where) {
    numberWithin(value, `${where}: value`, -largestFloat, largestFloat);
    if (input.length < 2) {
      throw new ShapeError(
        `${where}: expected rows of shape [steps, features], got [${input.join(', ')}]`,
      );
    }
  },

  given: () => 'where it looks for its value',
  masks: () => 'makes',
  output: (_spec, input) => input,

  lower({ value = 0 }, build, given, _tensors, { input, makeMask }) {
    const x = build.regroup(given, input.at(-1)!);
    const mask = lowerMask(build, x, value);
    makeMask(mask);
    const y = build.valueLike(x, build.needsGradient(x));
    const sizes = [x.rows, x.columns, x.pitch] as const;
    build.emit('keepRows', y, x, mask, ...sizes);
    build.count(x.rows * x.columns);
    build.onBackward(y, (dy) => {
      build.contribute(x, (dx) => {
        build.emit('keepRows', dx, dy, mask, ...sizes);
        build.count(x.rows * x.columns);
      });
    });
    return y;
  },
};
