import { flag, show, wholeNumber } from '../checks.js';
import { ShapeError } from '../errors.js';
import { chooseInitializer, type InitializerSpec } from '../initializers.js';
import type { Shape } from '../tensor.js';
import type { LayerDefinition, LayerOptions, ParameterDeclaration } from './definition.js';
import { lowerProduct } from './dense.js';

/**
 * Self-attention with several heads (Vaswani et al. 2017), from [steps, features] to the same shape, as
 * PyTorch's `nn.MultiheadAttention` has it. With x the steps of one row,
 *
 *     [q k v] = x·w + b,   p = softmax(q·kᵀ / √d),   y = (p·v)·wOut + bOut,
 *
 * where q, k and v have `units` columns, in `heads` groups of d = units / heads, and each group has a p
 * of its own: how much each step takes from each. Behind a mask (`masking`, or an `embedding` with
 * `maskZero`) no step takes from one that is left out, save that one from itself.
 */
export interface AttentionSpec extends LayerOptions {
  readonly type: 'attention';
  /** How many heads there are, at least 1. */
  readonly heads: number;
  /** Columns of q, of k and of v, all heads together: a multiple of `heads`; default: the features. */
  readonly units?: number;
  /** Whether a step takes nothing from those behind it; default false. */
  readonly causal?: boolean;
  /** Whether there are b and bOut; default true. */
  readonly useBias?: boolean;
  /** How w [features, 3·units] and wOut [units, features] are drawn; default 'glorotUniform'. */
  readonly weightInitializer?: InitializerSpec;
}

/** Columns of q, of k and of v, and of one head. */
function sizesOf({ heads, units }: AttentionSpec, input: Shape) {
  const all = units ?? input.at(-1)!;
  return { units: all, size: all / heads };
}

export const attention: LayerDefinition<AttentionSpec> = {
  options: ['heads', 'units', 'causal', 'useBias', 'weightInitializer'],

  check(spec, input, where) {
    const { heads, units, causal = false, useBias = true, weightInitializer } = spec;
    wholeNumber(heads, `${where}: heads`);
    if (units !== undefined) wholeNumber(units, `${where}: units`);
    flag(causal, `${where}: causal`);
    flag(useBias, `${where}: useBias`);
    if (weightInitializer !== undefined) {
      chooseInitializer(weightInitializer, `${where}: weightInitializer`);
    }
    if (input.length !== 2) {
      throw new ShapeError(
        `${where}: expected rows of shape [steps, features], got [${input.join(', ')}]`,
      );
    }
    const { units: all, size } = sizesOf(spec, input);
    if (!Number.isInteger(size)) {
      const whose = units === undefined ? 'the features' : 'units';
      throw new RangeError(
        `${where}: heads: expected a divisor of ${whose}, ${all}, got ${show(heads)}`,
      );
    }
  },

  masks: () => 'keeps',
  output: (_spec, input) => input,
  room: ({ heads }, [steps]) => heads * steps! * steps!,
  // That every step counts.
  constants: () => ({ every: [1] }),

  parameters(spec, input) {
    const features = input.at(-1)!;
    const { units } = sizesOf(spec, input);
    const { useBias = true, weightInitializer = 'glorotUniform' } = spec;
    const initializer = chooseInitializer(weightInitializer, 'weightInitializer');
    const matrix = (rows: number, columns: number): ParameterDeclaration => ({
      ...{ rows, columns, shape: [rows, columns], initializer },
      ...{ fanIn: rows, fanOut: columns, decays: true },
    });
    const zeros = (columns: number): ParameterDeclaration => ({
      ...{ rows: 1, columns, shape: [columns], initializer: { type: 'zeros', options: {} } },
      ...{ fanIn: 1, fanOut: columns, decays: false },
    });
    return {
      w: matrix(features, 3 * units),
      ...(useBias && { b: zeros(3 * units) }),
      wOut: matrix(units, features),
      ...(useBias && { bOut: zeros(features) }),
    };
  },

  lower(spec, build, given, { w, b, wOut, bOut, every }, { input, mask }) {
    const [steps, features] = input as readonly [number, number];
    const { heads, causal = false } = spec;
    const { units, size } = sizesOf(spec, input);
    const x = lowerProduct(build, build.regroup(given, features), w!, b);
    const sequences = x.rows / steps;
    const p = build.value(steps, false, x.rows * heads);
    const y = build.value(units, build.needsGradient(x), x.rows);
    const sizes = [sequences, steps, heads, size, y.pitch, p.pitch, x.pitch] as const;
    const masking = [mask ? steps : 0, Number(causal)] as const;
    const scale = 1 / Math.sqrt(size);
    const work = 4 * x.rows * steps * units;
    build.scratch(packedFloats(steps, size));
    build.emit('attentionForward', y, p, x, mask ?? every!, ...sizes, ...masking, scale);
    build.count(work);
    build.onBackward(y, (dy) => {
      build.contribute(x, (dx) => {
        const ds = build.value(steps, false, x.rows);
        build.emit('attentionBackward', dx, ds, dy, x, p, ...sizes, scale);
        build.count(2 * work);
      });
    });
    return lowerProduct(build, y, wOut!, bOut);
  },
};

/** The most floats that a kernel of attention packs into scratch: as assembly/attention.ts says. */
function packedFloats(steps: number, size: number): number {
  const [rows, columns] = [steps, size].map((n) => Math.ceil(n / 8) * 8) as [number, number];
  return steps * (Math.min(rows, 256) + 8) + 8 + 5 * rows * columns;
}
