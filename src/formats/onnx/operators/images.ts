import { type Conv2dSpec, convolutionWindows } from '../../../layers/convolution.js';
import type { LayerSpec } from '../../../layers/index.js';
import { type Conv2dTransposeSpec, transposedWindows } from '../../../layers/transposed.js';
import { resolveStack } from '../../../layers/tree.js';
import { turned } from '../../channels.js';
import type { NodeReader, Operator } from '../node.js';
import { layerOn, type Rows } from '../rows.js';

/* Operators that go over images or sequences, whose channels come first in a graph. */

type Sizes = number | readonly [number, number];

/** What a layer makes of rows: its own definition says of which shape. */
function made(node: NodeReader, x: Rows, layer: LayerSpec, weights?: Rows['weights']): Rows {
  try {
    const [{ output } = { output: x.shape }] = resolveStack([layer], x.shape, 'layers', false);
    const rows = layerOn(x, layer, output, weights);
    return output.length === 1 ? rows : { ...rows, channelsFirst: true };
  } catch (error) {
    return node.fail((error as Error).message.replace(/^layers\[0\] \(\w+\): /, ''));
  }
}

/** One size for each dimension, or one for both. */
function sizes(
  node: NodeReader,
  name: string,
  dimensions: number,
  given: readonly number[],
): Sizes {
  const [first, second = first] = given;
  const whole = given.every((size) => Number.isSafeInteger(size) && size > 0);
  if (given.length !== dimensions || !whole) {
    return node.fail(`${name}: expected ${dimensions} sizes, got ${given.slice(0, 8).join(', ')}`);
  }
  return first === second ? first! : [first!, second!];
}

const isOne = (size: Sizes) => size === 1;

/** Where windows begin, and how many there are, along each dimension. */
interface Laid {
  readonly before: readonly number[];
  readonly count: readonly number[];
}

/** What a node says of its windows. */
function read(node: NodeReader, dimensions: number, kernel: readonly number[]) {
  const ones = new Array<number>(dimensions).fill(1);
  const told = node.ints('kernel_shape');
  if (told && told.join() !== kernel.join())
    node.fail('kernel_shape: expected that of the weights');
  const [stepsBy, spread] = [node.ints('strides') ?? ones, node.ints('dilations') ?? ones];
  return {
    stepsBy,
    spread,
    kernelSize: sizes(node, 'kernel_shape', dimensions, kernel),
    strides: sizes(node, 'strides', dimensions, stepsBy),
    dilation: sizes(node, 'dilations', dimensions, spread),
  };
}

/**
 * The padding by which a layer has the windows of a node, if there is one.
 *
 * @param count how many windows there are along a dimension with so many pads in all
 * @param laid the windows of the layer
 */
function paddingOf(
  node: NodeReader,
  dimensions: number,
  count: (dimension: number, pads: number) => number,
  laid: (padding: 'same' | Sizes | undefined) => Laid,
): { padding?: 'same' | Sizes } {
  const automatic = node.text('auto_pad', 'NOTSET');
  if (!['NOTSET', 'VALID', 'SAME_UPPER'].includes(automatic)) {
    node.fail(`auto_pad: expected NOTSET, VALID or SAME_UPPER, got ${automatic}`);
  }
  if (automatic === 'SAME_UPPER') return { padding: 'same' };
  const none = new Array<number>(2 * dimensions).fill(0);
  const pads = (automatic === 'VALID' ? undefined : node.ints('pads')) ?? none;
  const whole = pads.every((pad) => Number.isSafeInteger(pad) && pad >= 0);
  if (pads.length !== 2 * dimensions || !whole) {
    node.fail(`pads: expected ${2 * dimensions} whole numbers, got ${pads.slice(0, 8).join(', ')}`);
  }
  const before = pads.slice(0, dimensions);
  const wanted = before.map((pad, i) => count(i, pad + pads[dimensions + i]!));
  const [first, second = first] = before;
  const even = first === second ? first! : ([first!, second!] as const);
  for (const padding of [undefined, 'same', even] as const) {
    const layer = laid(padding);
    if (layer.before.join() !== before.join() || layer.count.join() !== wanted.join()) continue;
    return padding === undefined ? {} : { padding };
  }
  return node.fail(`pads: there is no such padding here: ${pads.join(', ')}`);
}

/** The windows of a convolution, or of pooling. */
function windowsOf(node: NodeReader, x: Rows, kernel: readonly number[]) {
  const dimensions = x.shape.length - 1;
  const { stepsBy, spread, kernelSize, strides, dilation } = read(node, dimensions, kernel);
  const count = (i: number, pads: number) => {
    const extent = (kernel[i]! - 1) * spread[i]! + 1;
    return Math.floor((x.shape[i]! + pads - extent) / stepsBy[i]!) + 1;
  };
  const padding = paddingOf(node, dimensions, count, (padding) => {
    const spec = { kernelSize, strides, dilation, ...(padding !== undefined && { padding }) };
    const { top, left, outHeight, outWidth } = convolutionWindows(spec as Conv2dSpec, x.shape);
    const both = (down: number, across: number) => (dimensions === 1 ? [across] : [down, across]);
    return { before: both(top, left), count: both(outHeight, outWidth) };
  });
  return { kernelSize, strides, dilation, ...padding };
}

function biasOf(node: NodeReader, filters: number) {
  return node.input(2) ? { b: { shape: [filters], values: node.floats(2, filters) } } : {};
}

/** y = x ∗ w + b, with w [filters, channels / group, …kernel] */
const conv: Operator = (node) => {
  const x = node.windowed(0, 2, 3);
  const dimensions = x.shape.length - 1;
  const { dims, values } = node.tensor(1, dimensions + 2);
  const [filters, channels, ...kernel] = dims as [number, number, ...number[]];
  const groups = node.int('group', 1);
  if (channels * groups !== x.shape.at(-1)) {
    node.fail(`input 1: expected weights for ${x.shape.at(-1)} channels in ${groups} groups`);
  }
  const { strides, dilation, ...windows } = windowsOf(node, x, kernel);
  const b = biasOf(node, filters);
  const layer = {
    ...{ type: dimensions === 1 ? 'conv1d' : 'conv2d', filters, ...windows },
    ...(!isOne(strides) && { strides }),
    ...(!isOne(dilation) && { dilation }),
    ...(groups > 1 && { groups }),
    ...(!b.b && { useBias: false }),
  } as LayerSpec;
  const shape = [...kernel, channels, filters];
  return made(node, x, layer, { w: { shape, values: turned(values, shape) }, ...b });
};

/** The transpose of a convolution, with w [channels, filters, …kernel] */
const convTranspose: Operator = (node) => {
  const x = node.windowed(0, 3);
  const { dims, values } = node.tensor(1, 4);
  const [channels, filters, ...kernel] = dims as [number, number, number, number];
  if (node.int('group', 1) !== 1) node.fail('group: expected 1');
  if (channels !== x.shape.at(-1)) {
    node.fail(`input 1: expected weights for ${x.shape.at(-1)} channels, got ${channels}`);
  }
  if (node.ints('output_padding')?.some((size) => size !== 0)) {
    node.fail('output_padding: expected 0');
  }
  if (node.ints('output_shape')) node.fail('output_shape: expected none');
  const { stepsBy, kernelSize, strides, dilation } = read(node, 2, kernel);
  const padding = paddingOf(
    node,
    2,
    (i, pads) => (x.shape[i]! - 1) * stepsBy[i]! + kernel[i]! - pads,
    (padding) => {
      const spec = { filters, kernelSize, strides, ...(padding !== undefined && { padding }) };
      const { top, left, height, width } = transposedWindows(spec as Conv2dTransposeSpec, x.shape);
      return { before: [top, left], count: [height, width] };
    },
  );
  if (!isOne(dilation)) node.fail('dilations: expected 1');
  const b = biasOf(node, filters);
  const layer = {
    ...{ type: 'conv2dTranspose', filters, kernelSize, ...padding },
    ...(!isOne(strides) && { strides }),
    ...(!b.b && { useBias: false }),
  };
  const shape = [...kernel, filters, channels];
  return made(node, x, layer as LayerSpec, {
    w: { shape, values: turned(values, shape) },
    ...b,
  });
};

const pool =
  (type: 'maxPooling' | 'averagePooling'): Operator =>
  (node) => {
    const x = node.windowed(0, 2, 3);
    const dimensions = x.shape.length - 1;
    const kernel = node.ints('kernel_shape') ?? [];
    if (node.int('ceil_mode', 0) !== 0) node.fail('ceil_mode: expected 0');
    const { kernelSize, strides, dilation, padding } = windowsOf(node, x, kernel);
    if (!isOne(dilation)) node.fail('dilations: expected 1');
    if (padding !== undefined && node.int('count_include_pad', 0) !== 0) {
      node.fail('count_include_pad: expected 0, since padding does not count here');
    }
    return made(node, x, {
      ...{ type: `${type}${dimensions}d`, poolSize: kernelSize },
      ...(String(strides) !== String(kernelSize) && { strides }),
      ...(padding !== undefined && { padding }),
    } as LayerSpec);
  };

const globalPool =
  (type: 'globalMaxPooling' | 'globalAveragePooling'): Operator =>
  (node) =>
    made(node, node.windowed(0, 2, 3), { type });

/** A mean over all positions. */
const reduceMean: Operator = (node) => {
  const x = node.windowed(0, 2, 3);
  const rank = x.shape.length;
  const axes = (node.ints('axes', 1) ?? []).map((axis) => (axis < 0 ? axis + rank + 1 : axis));
  const positions = Array.from({ length: rank - 1 }, (_, i) => i + 2);
  if ([...axes].sort().join() !== positions.join()) {
    node.fail(`axes: expected ${positions.join(', ')}, got ${axes.slice(0, 8).join(', ')}`);
  }
  return made(node, x, { type: 'globalAveragePooling' });
};

/** Each position several times. */
const resize: Operator = (node) => {
  const x = node.windowed(0, 3);
  const expect = (name: string, wanted: string, otherwise: string) => {
    const found = node.text(name, otherwise);
    if (found !== wanted) node.fail(`${name}: expected ${wanted}, got ${found}`);
  };
  expect('mode', 'nearest', 'nearest');
  expect('coordinate_transformation_mode', 'asymmetric', 'half_pixel');
  expect('nearest_mode', 'floor', 'round_prefer_floor');
  const { values } = node.tensor(2, 1);
  const [batch, channels, ...scales] = values;
  if (batch !== 1 || channels !== 1) node.fail('input 2: expected scales of 1, 1 and two others');
  return made(node, x, { type: 'upSampling2d', size: sizes(node, 'input 2', 2, scales) });
};

export const images: Readonly<Record<string, Operator>> = {
  Conv: conv,
  ConvTranspose: convTranspose,
  MaxPool: pool('maxPooling'),
  AveragePool: pool('averagePooling'),
  GlobalMaxPool: globalPool('globalMaxPooling'),
  GlobalAveragePool: globalPool('globalAveragePooling'),
  ReduceMean: reduceMean,
  Resize: resize,
};

/** Whether an operator takes images, or sequences, with their channels behind the batch. */
export const readsImages = (operator: string | undefined): boolean =>
  operator !== undefined && (Object.hasOwn(images, operator) || operator === 'BatchNormalization');
