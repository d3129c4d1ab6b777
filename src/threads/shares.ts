import type { Op } from '../backends/backend.js';
import { activations, losses } from '../ops/index.js';
import type { Tensor } from '../tensor.js';

/*
 * How the work of a kernel is shared among threads: each has some of the rows that it writes, and reads
 * what it needs for them. No sum is parted, so the bits are those of one thread. A kernel that is not
 * here is one thread's.
 */

/**
 * Which argument counts the rows, and how far apart rows are in the arrays that have them: as far as an
 * argument says, times others.
 */
interface Rule {
  readonly count: number;
  /** By argument: floats from row to row, or the argument that says how many, or an equal part of it. */
  readonly arrays: Readonly<
    Record<
      number,
      | { readonly floats: number }
      | { readonly pitch: number; readonly times?: readonly number[] }
      | 'part'
    >
  >;
  /** Rows that stay together. */
  readonly grain: number;
  /** An argument that has to be 1, or else the op is one thread's. */
  readonly single?: number;
}

const pitch = (argument: number, ...times: number[]) => ({ pitch: argument, times });
const floats = (count: number) => ({ floats: count });

/** Rows of y, x … with one pitch. */
const rows = (arrays: number, count = arrays): Rule => ({
  count,
  arrays: Object.fromEntries(Array.from({ length: arrays }, (_, i) => [i, pitch(count + 2)])),
  grain: 1,
});

const named = (names: object, ending: string, rule: Rule) =>
  Object.keys(names).map((name): [string, Rule] => [`${name}${ending}`, rule]);

/** Rows of weights, which are columns of the inputs: whole vectors of these. */
const weightRows = (sizes: number): Rule => ({
  count: sizes + 1,
  arrays: { 0: pitch(sizes + 4), 1: floats(1) },
  grain: 16,
});

/**
 * Sequences of a recurrent layer: by kernel, which argument holds the weights of the state, behind the
 * arrays that have a part for each sequence; which are the states at the start; and which counts the
 * sequences, between a mask and the pitches of that and of those states.
 */
interface Walk {
  readonly weights: number;
  readonly starts: readonly number[];
  readonly count: number;
}

const walks: Readonly<Record<string, Walk>> = {
  simpleRnnForward: { weights: 4, starts: [6], count: 9 },
  simpleRnnBackward: { weights: 4, starts: [], count: 7 },
  lstmForward: { weights: 5, starts: [7, 8], count: 11 },
  lstmBackward: { weights: 5, starts: [6], count: 9 },
  gruForward: { weights: 5, starts: [7], count: 10 },
  gruBackward: { weights: 7, starts: [], count: 10 },
};

const sequences = ({ weights, starts, count }: Walk): Rule => ({
  count,
  arrays: {
    ...Object.fromEntries(Array.from({ length: weights }, (_, i) => [i, 'part'])),
    ...Object.fromEntries(starts.map((start) => [start, pitch(count + 2)])),
    [count - 1]: pitch(count + 1),
  },
  grain: 1,
});

/** Filters, which are columns of the weights: they have nothing in common but in groups. */
const filters: Rule = { count: 5, arrays: { 0: floats(1), 2: floats(1) }, grain: 16, single: 6 };

const rules: ReadonlyMap<string, Rule> = new Map([
  ['denseForward', { count: 4, arrays: { 0: pitch(8), 1: pitch(7) }, grain: 1 }],
  ['denseBackwardInput', { count: 4, arrays: { 0: pitch(7), 1: pitch(8), 3: pitch(7) }, grain: 1 }],
  ['denseBackwardWeights', weightRows(3)],
  ['denseBackwardWeightsOnto', weightRows(3)],
  ['denseBackwardWeightsSgd', weightRows(4)],
  ['gatherExamples', { count: 6, arrays: { 0: pitch(9), 1: pitch(10), 4: floats(1) }, grain: 1 }],
  ['convolutionForward', { count: 5, arrays: { 0: 'part', 1: 'part' }, grain: 1 }],
  ['convolutionBackwardInput', { count: 5, arrays: { 0: 'part', 1: 'part', 3: 'part' }, grain: 1 }],
  ['convolutionTransposedForward', { count: 5, arrays: { 0: 'part', 1: 'part' }, grain: 1 }],
  ['convolutionBackwardWeights', filters],
  ['convolutionBackwardWeightsOnto', filters],
  ['maxPoolingForward', { count: 4, arrays: { 0: 'part', 1: 'part', 2: 'part' }, grain: 1 }],
  ['maxPoolingBackward', { count: 4, arrays: { 0: 'part', 1: 'part', 2: 'part' }, grain: 1 }],
  ['averagePoolingForward', { count: 3, arrays: { 0: 'part', 1: 'part' }, grain: 1 }],
  ['upSamplingForward', { count: 3, arrays: { 0: 'part', 1: 'part' }, grain: 1 }],
  ['upSamplingBackward', { count: 3, arrays: { 0: 'part', 1: 'part' }, grain: 1 }],
  ['averagePoolingBackward', { count: 3, arrays: { 0: 'part', 1: 'part' }, grain: 1 }],
  ['gatherRows', { count: 4, arrays: { 0: pitch(6), 2: floats(1) }, grain: 1 }],
  ['addRows', rows(3)],
  ['maskRows', { count: 2, arrays: { 0: floats(1), 1: pitch(4) }, grain: 1 }],
  ['keepRows', { count: 3, arrays: { 0: pitch(5), 1: pitch(5), 2: floats(1) }, grain: 1 }],
  // A row is a sequence.
  [
    'stepsMeanForward',
    { count: 3, arrays: { 0: pitch(6), 1: pitch(6, 4), 2: pitch(4) }, grain: 1 },
  ],
  [
    'stepsMeanBackward',
    { count: 3, arrays: { 0: pitch(6, 4), 1: pitch(6), 2: pitch(4) }, grain: 1 },
  ],
  // A row is a sequence of steps, and in the weights of attention one for each head.
  [
    'attentionForward',
    {
      count: 4,
      arrays: { 0: pitch(8, 5), 1: pitch(9, 5, 6), 2: pitch(10, 5), 3: pitch(11) },
      grain: 1,
    },
  ],
  [
    'attentionBackward',
    {
      count: 5,
      arrays: {
        ...{ 0: pitch(11, 6), 1: pitch(10, 6), 2: pitch(9, 6), 3: pitch(11, 6) },
        4: pitch(10, 6, 7),
      },
      grain: 1,
    },
  ],
  ...Object.entries(walks).map(([name, walk]): [string, Rule] => [name, sequences(walk)]),
  ...named(activations, 'Forward', rows(2)),
  ...named(activations, 'Backward', rows(3)),
  ...named(losses, 'Loss', {
    count: 4,
    arrays: { 0: pitch(6), 1: floats(1), 2: pitch(6), 3: pitch(7) },
    grain: 4,
  }),
]);

/** A pass of an optimizer: over a range of floats, in as many arrays as stand before `hyper`. */
function stepRule({ kernel, args }: Op): Rule | undefined {
  if (!kernel.endsWith('Step')) return undefined;
  const hyper = args.length - 3;
  const arrays = Object.fromEntries(Array.from({ length: hyper }, (_, i) => [i, floats(1)]));
  return { count: hyper + 1, arrays, grain: 1024 };
}

function ruleOf(op: Op): Rule | undefined {
  const rule = rules.get(op.kernel) ?? stepRule(op);
  return rule?.single !== undefined && op.args[rule.single] !== 1 ? undefined : rule;
}

/** The share of an op that a thread of several has; undefined where it has none. */
export function shareOf(op: Op, thread: number, threads: number): Op | undefined {
  const { kernel, args } = op;
  const rule = ruleOf(op);
  if (!rule) return thread === 0 ? op : undefined;
  const count = args[rule.count] as number;
  const pieces = Math.ceil(count / rule.grain);
  const bound = (t: number) => Math.min(count, Math.floor((pieces * t) / threads) * rule.grain);
  const [from, to] = [bound(thread), bound(thread + 1)];
  if (from === to) return undefined;
  const shared = [...args];
  shared[rule.count] = to - from;
  for (const [argument, step] of Object.entries(rule.arrays)) {
    const tensor = args[Number(argument)] as Tensor;
    const apart = () => {
      if (step === 'part') return (tensor.rows / count) * tensor.pitch;
      if ('floats' in step) return step.floats;
      return [step.pitch, ...(step.times ?? [])].reduce((all, a) => all * (args[a] as number), 1);
    };
    shared[Number(argument)] = { ...tensor, offset: tensor.offset + from * apart() };
  }
  return { kernel, args: shared };
}

/** Whether an op is one thread's alone. */
export const isWhole = (op: Op): boolean => !ruleOf(op);

/** Products of numbers in a list, roughly: whether it is worth sharing. */
export function productsOf(ops: readonly Op[]): number {
  let products = 0;
  for (const { kernel, args } of ops) {
    if (kernel.startsWith('convolution')) {
      const [a, b, c] = args as [Tensor, Tensor, Tensor];
      const [w, z] = kernel.includes('Weights')
        ? [a, c]
        : [c, /Input|Transposed/.test(kernel) ? b : a];
      products += z.rows * w.rows * w.columns;
      continue;
    }
    const walk = walks[kernel];
    if (walk) {
      const [all, u] = [args[0], args[walk.weights]] as [Tensor, Tensor];
      products += all.rows * u.rows * u.columns;
      continue;
    }
    if (!kernel.startsWith('dense') || kernel.includes('Bias')) continue;
    const [batch, inputs, units] = args.slice(kernel.endsWith('Sgd') ? 4 : 3) as number[];
    const sizes = kernel.startsWith('denseBackwardWeights')
      ? [batch, inputs, units]
      : (args.slice(4, 7) as number[]);
    products += sizes[0]! * sizes[1]! * sizes[2]!;
  }
  return products;
}
