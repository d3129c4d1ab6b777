import { largestFloat, smallestFloat } from '../checks.js';
import type { LayerSpec } from '../layers/index.js';
import { activations } from '../ops/activations.js';
import type { ActivationDefinition } from '../ops/definition.js';
import { sizeOf } from '../tensor.js';
import { count, flag, list, nameIn, refuse, table, within } from './checks.js';
import type { Forward, Place, Values } from './forward.js';

/** A layer of a file: its options, none of which has been looked at. */
type Options = Readonly<Record<string, unknown>>;

/**
 * Adds a layer's ops to a forward pass, and gives its outputs. `path` is what the names of its tensors
 * begin with.
 */
type Lowering = (options: Options, x: Values, forward: Forward, path: string) => Values;

const zeros: Place = { region: 'zeros', offset: 0 };
const ones: Place = { region: 'ones', offset: 0 };

/** The width of flat rows, and of no others. */
function widthOf({ shape }: Values, path: string): number {
  return shape.length === 1 ? shape[0]! : refuse(path, 'flat rows', shape);
}

function readActivation(spec: unknown, path: string) {
  const where = `${path}: activation`;
  const given: Options = typeof spec === 'object' ? table(spec ?? 0, where) : { type: spec };
  const type = nameIn(given.type, activations, where);
  const { lowerBound, options, ranges }: ActivationDefinition = activations[type];
  const numbers = Object.entries(options).map(([name, otherwise]) => {
    const number = given[name] === undefined ? otherwise : given[name];
    const [least, below] = ranges?.[name] ?? [-largestFloat, largestFloat];
    const value = within(number, `${where}: ${name}`, least, below);
    return value < below ? value : refuse(`${where}: ${name}`, `less than ${below}`, value);
  });
  return { type, lowerBound, numbers };
}

/** y = f(z). */
function activate(
  { type, numbers }: ReturnType<typeof readActivation>,
  z: Values,
  y: Values,
  forward: Forward,
): Values {
  if (type === 'linear') return z;
  forward.emit(`${type}Forward`, [y, z], z.columns, z.pitch, ...numbers);
  return y;
}

function normalize(
  kernel: 'batchNormalizationForward' | 'layerNormalizationForward',
  { scale, shift, epsilon = 1e-5 }: Options,
  x: Values,
  forward: Forward,
  path: string,
): Values {
  widthOf(x, path);
  const weight = (name: string, least?: number) =>
    forward.weight(`${path}.${name}`, x.shape, least);
  const gamma = flag(scale, true, `${path}: scale`) ? weight('scale') : ones;
  const beta = flag(shift, true, `${path}: shift`) ? weight('shift') : zeros;
  const y = forward.values(x.shape, path);
  const places =
    kernel === 'batchNormalizationForward'
      ? [y, x, weight('mean'), weight('variance', 0)]
      : [y, forward.values([2], path), x];
  const added = within(epsilon, `${path}: epsilon`, smallestFloat, 1);
  forward.emit(kernel, [...places, gamma, beta], x.columns, x.pitch, added);
  return y;
}

function add(a: Values, b: Values, forward: Forward, path: string): Values {
  if (a.shape.join() !== b.shape.join()) {
    refuse(path, `shape [${a.shape}]`, `[${b.shape}]`);
  }
  const y = forward.values(a.shape, path);
  forward.emit('addRows', [y, a, b], a.columns, a.pitch);
  return y;
}

/** What training does, and prediction does not. */
const identity: Lowering = (_options, x) => x;

/** The kinds of layer that predict here, and what is left of them in prediction. */
const lowerings: { readonly [K in LayerSpec['type']]?: Lowering } = {
  dense({ units, useBias, activation }, x, forward, path) {
    const inputs = widthOf(x, path);
    const outputs = count(units, `${path}: units`);
    const w = forward.weight(`${path}.w`, [inputs, outputs]);
    const biased = flag(useBias, true, `${path}: useBias`);
    const b = biased ? forward.weight(`${path}.b`, [outputs]) : zeros;
    const f = readActivation(activation ?? 'linear', path);
    const z = forward.values([outputs], path);
    const floor = f.lowerBound ?? Number.NEGATIVE_INFINITY;
    forward.emit('denseForward', [z, x, w, b], inputs, outputs, x.pitch, z.pitch, floor);
    return f.lowerBound === undefined ? activate(f, z, z, forward) : z;
  },

  activation({ activation }, x, forward, path) {
    const f = readActivation(activation, path);
    // It is over the last dimension, and values are flat here.
    if (f.type === 'softmax') widthOf(x, path);
    return activate(f, x, forward.values(x.shape, path), forward);
  },

  flatten: (_options, x) => ({ ...x, shape: [sizeOf(x.shape)] }),

  dropout: identity,
  alphaDropout: identity,
  gaussianNoise: identity,
  activityRegularization: identity,

  batchNormalization: (...layer) => normalize('batchNormalizationForward', ...layer),
  layerNormalization: (...layer) => normalize('layerNormalizationForward', ...layer),

  residual({ layers, shortcut = [] }, x, forward, path) {
    const f = lowerStack(layers, x, forward, `${path}.layers`);
    return add(lowerStack(shortcut, x, forward, `${path}.shortcut`), f, forward, path);
  },

  parallel({ branches, merge = 'concatenate' }, x, forward, path) {
    const where = `${path}.branches`;
    const parts = list(branches, where).map((branch, i) =>
      lowerStack(branch, x, forward, `${where}.${i}`),
    );
    if (parts.length === 0) refuse(where, 'at least one', branches);
    if (nameIn(merge, { concatenate: 0, add: 0 }, `${path}: merge`) === 'add') {
      return parts.reduce((sum, part) => add(sum, part, forward, path));
    }
    const y = forward.values([parts.reduce((sum, part) => sum + widthOf(part, path), 0)], path);
    let at = 0;
    for (const part of parts) {
      forward.emit('copyColumns', [y, part], part.columns, at, y.pitch, 0, part.pitch);
      at += part.columns;
    }
    return y;
  },
};

/** Adds a stack of layers to a forward pass; nothing that a file says of them is believed. */
export function lowerStack(layers: unknown, x: Values, forward: Forward, path: string): Values {
  return list(layers, path).reduce<Values>((values, layer, i) => {
    const at = `${path}.${i}`;
    const options = table(layer, at);
    return lowerings[nameIn(options.type, lowerings, `${at}: type`)]!(options, values, forward, at);
  }, x);
}

/** The name of the activation that the outputs of a stack which has been lowered come from. */
export function lastActivation(layers: readonly unknown[]): string {
  const { type, activation } = layers.at(-1) as Options;
  return type === 'dense' || type === 'activation'
    ? readActivation(activation ?? 'linear', '').type
    : 'linear';
}
