import { known, show } from '../checks.js';
import { ShapeError } from '../errors.js';
import { type Shape, sizeOf } from '../tensor.js';
import type { LayerDefinition, LayerOptions } from './definition.js';
import type { LayerSpec } from './index.js';

/**
 * A residual block (He et al. 2016): y = s(x) + f(x), with f the layers inside it, one after another,
 * and s the shortcut. The gradient of y reaches x by both ways, so that it does not vanish in deep
 * networks. In the short form with `task`, the last layer of f stays linear.
 */
export interface ResidualSpec extends LayerOptions {
  readonly type: 'residual';
  /** f: at least one layer. */
  readonly layers: readonly LayerSpec[];
  /** s; default nothing, s(x) = x. Where f changes the shape, it has to do so too. */
  readonly shortcut?: readonly LayerSpec[];
}

/** Branches side by side, which all take the layer's inputs, and whose outputs are put together. */
export interface ParallelSpec extends LayerOptions {
  readonly type: 'parallel';
  /** Stacks of layers, at least one; an empty one gives the inputs as they are. */
  readonly branches: readonly (readonly LayerSpec[])[];
  /**
   * 'concatenate' puts the outputs of the branches behind one another in the last dimension, and wants
   * the others to agree; 'add' adds them up, ((b₀ + b₁) + b₂) + …, and wants them of one shape. Default
   * 'concatenate'.
   */
  readonly merge?: Merge;
}

const merges = { concatenate: 'relu', add: 'linear' } as const;

type Merge = keyof typeof merges;

/** How a stack's name is written in messages: 'branches.0' as branches[0]. */
const shown = (name: string) => name.replace(/\.(\d+)/, '[$1]');

function checkStack(stack: unknown, where: string): void {
  if (Array.isArray(stack)) return;
  throw new TypeError(
    `${where}: expected a list of layers such as [layers.dense({ units: 8 })], got ${show(stack)}`,
  );
}

/** Refuses outputs of different shapes where they are to be added up. */
function sameShape(inner: Readonly<Record<string, Shape>>, where: string, remedy: string): Shape {
  const shapes = Object.entries(inner);
  const [first, shape] = shapes[0]!;
  for (const [name, other] of shapes) {
    if (other.join() === shape.join()) continue;
    throw new ShapeError(
      `${where}: ${shown(first)} gives rows of shape [${shape.join(', ')}], and ${shown(name)} rows of ` +
        `shape [${other.join(', ')}], which cannot be added up; ${remedy}`,
    );
  }
  return shape;
}

export const residual: LayerDefinition<ResidualSpec> = {
  options: ['layers', 'shortcut'],

  check({ layers, shortcut }, _input, where) {
    checkStack(layers, `${where}: layers`);
    if (layers.length === 0) throw new RangeError(`${where}: layers: expected at least one layer`);
    if (shortcut !== undefined) checkStack(shortcut, `${where}: shortcut`);
  },

  masks: () => 'keeps',
  stacks: ({ layers, shortcut = [] }) => ({ layers, shortcut }),

  output: (_spec, _input, inner, where) =>
    sameShape(
      inner,
      where,
      `let its shortcut change the shape too: shortcut: [layers.dense({ units: ${sizeOf(inner.layers!)} })]`,
    ),

  completed: (spec, complete) => ({
    ...spec,
    layers: complete('layers', spec.layers, 'linear'),
    ...(spec.shortcut && { shortcut: complete('shortcut', spec.shortcut, 'linear') }),
  }),

  lower(_spec, build, x, _tensors, { through }) {
    build.share(x);
    const f = through('layers', x);
    return build.add(through('shortcut', x), f);
  },
};

const mergeOf = ({ merge = 'concatenate' }: ParallelSpec): Merge => merge;

export const parallel: LayerDefinition<ParallelSpec> = {
  options: ['branches', 'merge'],

  check({ branches, merge }, _input, where) {
    if (!Array.isArray(branches) || branches.length === 0) {
      throw new TypeError(
        `${where}: branches: expected lists of layers, one for each branch, got ${show(branches)}`,
      );
    }
    branches.forEach((branch, i) => {
      checkStack(branch, `${where}: branches[${i}]`);
    });
    if (merge !== undefined) known(merge, merges, `${where}: merge`);
  },

  masks: () => 'keeps',

  stacks: ({ branches }) =>
    Object.fromEntries(branches.map((branch, i) => [`branches.${i}`, branch])),

  output(spec, _input, inner, where) {
    if (mergeOf(spec) === 'add') {
      return sameShape(inner, where, `give all branches as many outputs, or merge: 'concatenate'`);
    }
    const shapes = Object.entries(inner);
    const [first, shape] = shapes[0]!;
    const around = shape.slice(0, -1);
    let columns = 0;
    for (const [name, other] of shapes) {
      if (other.slice(0, -1).join() !== around.join()) {
        throw new ShapeError(
          `${where}: ${shown(first)} gives rows of shape [${shape.join(', ')}], and ${shown(name)} rows of ` +
            `shape [${other.join(', ')}]: only in the last dimension may they differ to be concatenated`,
        );
      }
      columns += other.at(-1)!;
    }
    return [...around, columns];
  },

  completed: (spec, complete) =>
    Array.isArray(spec.branches)
      ? {
          ...spec,
          branches: spec.branches.map((branch, i) =>
            complete(`branches.${i}`, branch, merges[mergeOf(spec)]),
          ),
        }
      : spec,

  lower(spec, build, x, _tensors, { through, outputOf }) {
    build.share(x);
    const given = spec.branches.map((_, i) => through(`branches.${i}`, x));
    if (mergeOf(spec) === 'add') return given.reduce((sum, part) => build.add(sum, part));
    const parts = given.map((part, i) => build.regroup(part, outputOf(`branches.${i}`).at(-1)!));
    const starts = parts.map((_, i) =>
      parts.slice(0, i).reduce((n, { columns }) => n + columns, 0),
    );
    const columns = starts.at(-1)! + parts.at(-1)!.columns;
    const { rows } = parts[0]!;
    const y = build.value(columns, build.needsGradient(...parts), rows);
    parts.forEach((part, i) => {
      const at = [starts[i]!, y.pitch, 0, part.pitch] as const;
      build.emit('copyColumns', y, part, rows, part.columns, ...at);
    });
    build.onBackward(y, (dy) => {
      parts.forEach((part, i) => {
        build.contribute(part, (dx) => {
          const at = [0, dx.pitch, starts[i]!, dy.pitch] as const;
          build.emit('copyColumns', dx, dy, rows, part.columns, ...at);
        });
      });
    });
    return y;
  },
};
