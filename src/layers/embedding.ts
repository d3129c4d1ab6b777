import { flag, wholeNumber } from '../checks.js';
import { ShapeError } from '../errors.js';
import { chooseInitializer, type InitializerSpec } from '../initializers.js';
import { sizeOf } from '../tensor.js';
import type { LayerDefinition, LayerOptions } from './definition.js';
import { lowerMask } from './masking.js';

/**
 * A table of vectors, looked up by number: y[…, p] = w[x[p]], from [steps] to [steps, units]. Inputs
 * are whole numbers from 0 to vocabulary − 1, such as places of words or characters in a list; others
 * are refused before they come to a network. It stands first, in a branch too: only `flatten` and
 * `reshape` may come before it.
 *
 * A training step of plain `sgd` costs what the rows of w cost that occur in the batch; other optimizers
 * step all of w.
 */
export interface EmbeddingSpec extends LayerOptions {
  readonly type: 'embedding';
  /** How many vectors there are, from 1 to 2²⁴, which is as far as float32 counts. */
  readonly vocabulary: number;
  /** Numbers in a vector, at least 1. */
  readonly units: number;
  /** How w is drawn; default 'randomUniform', which is in [−0.05, 0.05). */
  readonly weightInitializer?: InitializerSpec;
  /**
   * Whether 0 stands for padding: makes a mask, by which layers behind it leave such steps out, as
   * {@link MaskingSpec} says; default false. A 0 has its vector like any other number.
   */
  readonly maskZero?: boolean;
}

const mostVectors = 2 ** 24;

export const embedding: LayerDefinition<EmbeddingSpec> = {
  options: ['vocabulary', 'units', 'weightInitializer', 'maskZero'],

  check({ vocabulary, units, weightInitializer, maskZero = false }, _input, where) {
    if (wholeNumber(vocabulary, `${where}: vocabulary`) > mostVectors) {
      throw new RangeError(`${where}: vocabulary: expected at most 2²⁴, got ${vocabulary}`);
    }
    wholeNumber(units, `${where}: units`);
    flag(maskZero, `${where}: maskZero`);
    if (weightInitializer !== undefined) {
      chooseInitializer(weightInitializer, `${where}: weightInitializer`);
    }
  },

  indices: ({ vocabulary }) => vocabulary,
  given: () => 'which are checked to be whole numbers',
  masks: ({ maskZero = false }) => (maskZero ? 'makes' : undefined),
  output: ({ units }, input) => [...input, units],

  parameters: ({ vocabulary, units, weightInitializer = 'randomUniform' }) => ({
    w: {
      rows: vocabulary,
      columns: units,
      shape: [vocabulary, units],
      initializer: chooseInitializer(weightInitializer, 'weightInitializer'),
      fanIn: vocabulary,
      fanOut: units,
      decays: true,
    },
  }),

  lower({ vocabulary, units, maskZero }, build, given, { w }, { input, makeMask }) {
    const positions = sizeOf(input);
    const x = build.regroup(given, positions);
    if (maskZero) makeMask(lowerMask(build, build.regroup(given, 1), 0));
    const { rows } = x;
    const y = build.value(units, build.needsGradient(w), rows * positions);
    const sizes = [rows, positions, units, vocabulary, x.pitch, y.pitch] as const;
    build.emit('embeddingForward', y, x, w!, ...sizes);
    build.count(rows * positions * units);
    build.onBackward(y, (dy) => {
      build.accumulate('embeddingBackward', w!, [dy, x], [...sizes], true);
      build.count(2 * rows * positions * units);
    });
    return y;
  },
};

/**
 * A learnt vector for each position, added to what stands there: y[p] = x[p] + w[p], on rows of shape
 * [steps, features] or of more dimensions, w having the shape of a row. Behind an embedding it tells
 * attention, which knows no order, where each step is.
 */
export interface PositionalEmbeddingSpec extends LayerOptions {
  readonly type: 'positionalEmbedding';
  /** How w is drawn; default 'randomUniform', which is in [−0.05, 0.05). */
  readonly weightInitializer?: InitializerSpec;
}

export const positionalEmbedding: LayerDefinition<PositionalEmbeddingSpec> = {
  options: ['weightInitializer'],

  check({ weightInitializer }, input, where) {
    if (weightInitializer !== undefined) {
      chooseInitializer(weightInitializer, `${where}: weightInitializer`);
    }
    if (input.length < 2) {
      throw new ShapeError(
        `${where}: expected rows of shape [steps, features], got [${input.join(', ')}]`,
      );
    }
  },

  masks: () => 'keeps',
  output: (_spec, input) => input,

  parameters({ weightInitializer = 'randomUniform' }, input) {
    const units = input.at(-1)!;
    const positions = sizeOf(input) / units;
    return {
      w: {
        rows: positions,
        columns: units,
        shape: input,
        initializer: chooseInitializer(weightInitializer, 'weightInitializer'),
        fanIn: positions,
        fanOut: units,
        decays: true,
      },
    };
  },

  lower(_spec, build, given, { w }) {
    const { rows: positions, columns: units } = w!;
    const x = build.regroup(given, units);
    const y = build.valueLike(x, build.needsGradient(x, w));
    const sizes = [x.rows / positions, positions, units, x.pitch] as const;
    build.emit('positionsForward', y, x, w!, ...sizes);
    build.count(x.rows * units);
    build.onBackward(y, (dy) => {
      build.accumulate('positionsBackward', w!, [dy], [...sizes]);
      build.count(x.rows * units);
      build.passOn(dy, [x]);
    });
    return y;
  },
};
