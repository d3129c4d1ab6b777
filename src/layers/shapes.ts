import { show, wholeNumber } from '../checks.js';
import { ShapeError } from '../errors.js';
import { type Shape, sizeOf } from '../tensor.js';
import type { LayerDefinition, LayerOptions } from './definition.js';

/** Makes rows of any shape flat: the numbers stay in their order, the last dimension running fastest. */
export interface FlattenSpec extends LayerOptions {
  readonly type: 'flatten';
}

/** Gives rows another shape of as many numbers, which stay in their order. */
export interface ReshapeSpec extends LayerOptions {
  readonly type: 'reshape';
  /** The shape of a row: [28, 28, 1]. One of the sizes may be −1: what is left for it. */
  readonly shape: Shape;
}

export const flatten: LayerDefinition<FlattenSpec> = {
  options: [],
  reshapes: true,
  check() {},
  output: (_spec, input) => [sizeOf(input)],
  lower: (_spec, build, x, _tensors, { input }) => build.regroup(x, sizeOf(input)),
};

export const reshape: LayerDefinition<ReshapeSpec> = {
  options: ['shape'],
  reshapes: true,

  check({ shape }, _input, where) {
    if (!Array.isArray(shape) || shape.length === 0) {
      throw new TypeError(
        `${where}: shape: expected an array such as [28, 28, 1], got ${show(shape)}`,
      );
    }
    let open = 0;
    shape.forEach((size, i) => {
      if (size === -1) open++;
      else wholeNumber(size, `${where}: shape[${i}]`);
    });
    if (open > 1) throw new RangeError(`${where}: shape: expected one −1 at most, got ${open}`);
  },

  output({ shape }, input, _inner, where) {
    const size = sizeOf(input);
    const given = sizeOf(shape.filter((s) => s !== -1));
    const output = shape.map((s) => (s === -1 ? size / given : s));
    if (sizeOf(output) !== size || size % given !== 0) {
      throw new ShapeError(
        `${where}: rows of shape [${input.join(', ')}] hold ${size} numbers, which [${shape.join(', ')}] does not`,
      );
    }
    return output;
  },

  lower: (_spec, build, x, _tensors, { input }) => build.regroup(x, sizeOf(input)),
};
