import type { LayerSpec } from '../../../layers/index.js';
import { resolveStack } from '../../../layers/tree.js';
import { layerOn, type Rows } from '../../graph.js';
import { biasOf, type KerasContext, type KerasLayer, lastOf, optionsOf, rank } from './context.js';

/* Layers of Keras that go over images, and those of the same kind for sequences. */

/** One size, or one for each of two dimensions, as lists have it. */
type Sizes = number | readonly [number, number];

function sizesOf({ config, fail }: KerasContext, name: string, dimensions: 1 | 2): Sizes {
  const field = config.get(name);
  const list = field.isList ? field.items().map((size) => size.size()) : [field.size()];
  const [first, second = first] = list;
  if (list.length > dimensions || first === undefined) {
    return fail(`${name}: expected ${dimensions} sizes, got ${list.length}`);
  }
  return dimensions === 1 || first === second ? first : [first, second!];
}

const sizesOr = (
  context: KerasContext,
  name: string,
  dimensions: 1 | 2,
  otherwise: Sizes,
): Sizes => (context.config.get(name).exists ? sizesOf(context, name, dimensions) : otherwise);

const isOne = (sizes: Sizes) => sizes === 1;

function channelsLast({ config, fail }: KerasContext): void {
  const format = config.get('data_format').textOr('channels_last');
  if (format !== 'channels_last') fail(`data_format: expected channels_last, got ${format}`);
}

function paddingOf({ config, fail }: KerasContext): { padding?: 'same' } {
  const padding = config.get('padding').textOr('valid');
  if (padding === 'same') return { padding };
  return padding === 'valid' ? {} : fail(`padding: expected valid or same, got ${padding}`);
}

/** What a layer makes of rows: its own definition says of which shape. */
function made(
  { x, fail }: KerasContext,
  layer: LayerSpec,
  weights?: Parameters<typeof layerOn>[3],
): Rows {
  try {
    const [{ output } = { output: x.shape }] = resolveStack([layer], x.shape, 'layers', false);
    return layerOn(x, layer, output, weights);
  } catch (error) {
    return fail((error as Error).message.replace(/^layers\[0\] \(\w+\): /, ''));
  }
}

/** What a convolution and a transposed one have in common. */
function windowsOf(context: KerasContext, dimensions: 1 | 2) {
  rank(context, dimensions + 1);
  channelsLast(context);
  const kernelSize = sizesOf(context, 'kernel_size', dimensions);
  const strides = sizesOr(context, 'strides', dimensions, 1);
  const dilation = sizesOr(context, 'dilation_rate', dimensions, 1);
  const area = typeof kernelSize === 'number' ? new Array(dimensions).fill(kernelSize) : kernelSize;
  return {
    area: area as readonly number[],
    dilation,
    strides,
    options: {
      kernelSize,
      ...(!isOne(strides) && { strides }),
      ...paddingOf(context),
      ...optionsOf(context),
    },
  };
}

const convolution =
  (dimensions: 1 | 2): KerasLayer =>
  (context) => {
    const { config, weight } = context;
    const { area, dilation, options } = windowsOf(context, dimensions);
    const filters = config.get('filters').size();
    const groups = config.get('groups').exists ? config.get('groups').size() : 1;
    const spec = {
      ...{ type: dimensions === 1 ? 'conv1d' : 'conv2d', filters, ...options },
      ...(!isOne(dilation) && { dilation }),
      ...(groups > 1 && { groups }),
    } as LayerSpec;
    const w = weight('kernel', [...area, lastOf(context) / groups, filters]);
    return made(context, spec, { w, ...biasOf(context, filters) });
  };

/** A group for each channel; filters stand behind their channels, as they do here. */
const depthwise: KerasLayer = (context) => {
  const { config, weight } = context;
  const { area, dilation, options } = windowsOf(context, 2);
  const channels = lastOf(context);
  const each = config.get('depth_multiplier');
  const multiplier = each.exists ? each.size() : 1;
  const filters = channels * multiplier;
  const spec = {
    ...{ type: 'conv2d', filters, ...options },
    ...(!isOne(dilation) && { dilation }),
    ...(channels > 1 && { groups: channels }),
  } as LayerSpec;
  const { values } = weight('depthwise_kernel', [...area, channels, multiplier], 'kernel');
  const w = { values, shape: [...area, 1, filters] };
  return made(context, spec, { w, ...biasOf(context, filters) });
};

const transposed: KerasLayer = (context) => {
  const { config, weight, fail } = context;
  const { area, dilation, strides, options } = windowsOf(context, 2);
  if (!isOne(dilation)) fail('dilation_rate: expected 1');
  const steps = typeof strides === 'number' ? [strides, strides] : strides;
  // There, outputs then end in what no kernel reaches.
  if (steps.some((step, i) => step > area[i]!)) fail('strides: expected no more than kernel_size');
  if (config.get('output_padding').exists) fail('output_padding: there is none here');
  const filters = config.get('filters').size();
  const w = weight('kernel', [...area, filters, lastOf(context)]);
  const spec = { type: 'conv2dTranspose', filters, ...options } as LayerSpec;
  return made(context, spec, { w, ...biasOf(context, filters) });
};

const pooling =
  (type: 'maxPooling' | 'averagePooling', dimensions: 1 | 2): KerasLayer =>
  (context) => {
    rank(context, dimensions + 1);
    channelsLast(context);
    const poolSize = sizesOr(context, 'pool_size', dimensions, 2);
    const strides = sizesOr(context, 'strides', dimensions, poolSize);
    const moved = String(strides) !== String(poolSize);
    return made(context, {
      ...{ type: `${type}${dimensions}d`, poolSize },
      ...(moved && { strides }),
      ...paddingOf(context),
    } as LayerSpec);
  };

const globalPooling =
  (type: 'globalMaxPooling' | 'globalAveragePooling', dimensions: 1 | 2): KerasLayer =>
  (context) => {
    rank(context, dimensions + 1);
    channelsLast(context);
    if (context.config.get('keepdims').flagOr(false)) context.fail('keepdims: expected false');
    return made(context, { type });
  };

const upSampling: KerasLayer = (context) => {
  channelsLast(context);
  const how = context.config.get('interpolation').textOr('nearest');
  if (how !== 'nearest') context.fail(`interpolation: expected nearest, got ${how}`);
  return made(context, { type: 'upSampling2d', size: sizesOr(context, 'size', 2, 2) });
};

export const images = {
  Conv1D: convolution(1),
  Conv2D: convolution(2),
  DepthwiseConv2D: depthwise,
  Conv2DTranspose: transposed,
  MaxPooling1D: pooling('maxPooling', 1),
  MaxPooling2D: pooling('maxPooling', 2),
  AveragePooling1D: pooling('averagePooling', 1),
  AveragePooling2D: pooling('averagePooling', 2),
  GlobalMaxPooling1D: globalPooling('globalMaxPooling', 1),
  GlobalMaxPooling2D: globalPooling('globalMaxPooling', 2),
  GlobalAveragePooling1D: globalPooling('globalAveragePooling', 1),
  GlobalAveragePooling2D: globalPooling('globalAveragePooling', 2),
  UpSampling2D: upSampling,
} satisfies Record<string, KerasLayer>;
