import { describe, expect, it } from 'vitest';
import { packedFloats } from '../../src/layers/convolution.js';
import {
  convolutionBackwardInput,
  convolutionBackwardWeights,
  convolutionBackwardWeightsOnto,
  convolutionForward,
  convolutionTransposedForward,
} from '../../src/ops/convolution.js';
import { pitchOf } from '../../src/tensor.js';
import { expectSameBits, type JsKernel, matrix, withScratch } from './arrays.js';
import { generator } from './core.js';

const random = generator(31);
const draw = () => 2 * random() - 1;
const below = (bound: number) => Math.floor(bound * random());

interface Geometry {
  batch: number;
  size: [number, number];
  channels: number;
  filters: number;
  kernel: [number, number];
  strides?: [number, number];
  dilation?: [number, number];
  /** Rows and columns of padding: above and below, left and right. */
  padding?: [number, number, number, number];
  groups?: number;
}

/** The table of sizes, and what follows from it. */
function tableOf({ size, channels, kernel, ...options }: Geometry) {
  const { strides = [1, 1], dilation = [1, 1], padding = [0, 0, 0, 0], groups = 1 } = options;
  const out = [0, 1].map((i) => {
    const extent = (kernel[i]! - 1) * dilation[i]! + 1;
    const inside = size[i]! + padding[2 * i]! + padding[2 * i + 1]! - extent;
    return Math.floor(inside / strides[i]!) + 1;
  }) as [number, number];
  const words = Int32Array.from([
    ...[...size, channels, ...out, ...kernel, ...strides, ...dilation],
    ...[padding[0]!, padding[2]!],
  ]);
  return { out, words, groups };
}

/** Four kernels on one geometry, in all builds; x flat or by position. */
function agree(geometry: Geometry, flat: boolean, value: (i: number) => number = draw): void {
  const { kernel, channels, filters, groups = 1 } = geometry;
  const sizes = { kernelHeight: kernel[0], kernelWidth: kernel[1], channels };
  withScratch(packedFloats(sizes, filters, groups), () => compare(geometry, flat, value));
}

function compare(geometry: Geometry, flat: boolean, value: (i: number) => number): void {
  const { batch, size, channels, filters, kernel } = geometry;
  const { out, words, groups } = tableOf(geometry);
  const table = new Float32Array(words.buffer);
  const windows = matrix(1, words.length, (i) => table[i]!, 16);
  const positions = size[0] * size[1];
  const rows = kernel[0] * kernel[1] * (channels / groups);
  const images = flat
    ? matrix(batch, positions * channels, value)
    : matrix(batch * positions, channels, value);
  const pixel = flat ? channels : pitchOf(channels);
  const image = flat ? pitchOf(positions * channels) : positions * pixel;
  const padded = Math.ceil(rows / 8) * 8;
  const w = matrix(padded, filters, (i) => (i < rows * filters ? value(i) : 0));
  const outputs = batch * out[0] * out[1];
  const [y, dz, b] = [
    matrix(outputs, filters, () => 7),
    matrix(outputs, filters, value),
    matrix(1, filters, value),
  ];
  const pitch = pitchOf(filters);
  const sizes = [batch, filters, groups, image, pixel, pitch];
  const kernelOf =
    (f: unknown, at: number): JsKernel =>
    (...args) => {
      args[at] = new Int32Array(
        (args[at] as Float32Array).buffer,
        (args[at] as Float32Array).byteOffset,
        16,
      );
      return (f as JsKernel)(...args);
    };
  for (const floor of [Number.NEGATIVE_INFINITY, 0]) {
    expectSameBits(
      'convolutionForward',
      kernelOf(convolutionForward, 4),
      [y, images, w, b, windows],
      [...sizes, floor],
    );
  }
  const dw = matrix(padded, filters, (i) => (i < rows * filters ? draw() : 0));
  const weights = ['convolutionBackwardWeights', 'convolutionBackwardWeightsOnto'] as const;
  for (const name of weights) {
    const f = { convolutionBackwardWeights, convolutionBackwardWeightsOnto }[name];
    expectSameBits(name, kernelOf(f, 3), [dw, images, dz, windows], sizes);
  }
  if (flat) return;
  if (groups === 1) {
    const y = matrix(batch * positions, channels, () => 7);
    const start = matrix(1, channels, value);
    const transposed = kernelOf(convolutionTransposedForward, 4);
    const arrays = [y, dz, w, start, windows];
    for (const floor of [Number.NEGATIVE_INFINITY, 0]) {
      const rest = [batch, filters, image, pixel, pitch, floor];
      expectSameBits('convolutionTransposedForward', transposed, arrays, rest);
    }
  }
  const dx = matrix(batch * positions, channels, () => 7);
  for (const floor of [Number.NaN, 0]) {
    expectSameBits(
      'convolutionBackwardInput',
      kernelOf(convolutionBackwardInput, 4),
      [dx, dz, w, images, windows],
      [...sizes, floor],
    );
  }
}

const geometries: Record<string, Geometry> = {
  'one value': { batch: 1, size: [1, 1], channels: 1, filters: 1, kernel: [1, 1] },
  'a plain convolution': { batch: 2, size: [6, 7], channels: 3, filters: 5, kernel: [3, 3] },
  'whole vectors, padded': {
    batch: 3,
    size: [8, 8],
    channels: 8,
    filters: 16,
    kernel: [3, 3],
    padding: [1, 1, 1, 1],
  },
  'several panels': {
    batch: 3,
    size: [12, 11],
    channels: 16,
    filters: 33,
    kernel: [3, 3],
    padding: [1, 1, 1, 1],
  },
  'more values than a block has': {
    batch: 2,
    size: [5, 5],
    channels: 40,
    filters: 9,
    kernel: [3, 3],
    padding: [1, 1, 1, 1],
  },
  'strides past values': {
    batch: 2,
    size: [9, 8],
    channels: 4,
    filters: 6,
    kernel: [2, 1],
    strides: [3, 2],
  },
  'strides and dilation': {
    batch: 2,
    size: [11, 12],
    channels: 2,
    filters: 3,
    kernel: [3, 4],
    strides: [2, 3],
    dilation: [2, 2],
    padding: [1, 2, 3, 0],
  },
  'strides that divide dilation': {
    batch: 1,
    size: [13, 13],
    channels: 3,
    filters: 4,
    kernel: [3, 3],
    strides: [4, 2],
    dilation: [2, 4],
    padding: [4, 4, 4, 4],
  },
  'a sequence': {
    batch: 4,
    size: [1, 23],
    channels: 5,
    filters: 8,
    kernel: [1, 4],
    padding: [0, 0, 1, 2],
  },
  groups: {
    batch: 2,
    size: [7, 6],
    channels: 6,
    filters: 9,
    kernel: [3, 3],
    padding: [1, 1, 1, 1],
    groups: 3,
  },
  'groups of whole vectors': {
    batch: 2,
    size: [7, 6],
    channels: 16,
    filters: 8,
    kernel: [3, 2],
    strides: [2, 1],
    groups: 2,
  },
  'a group for each channel': {
    batch: 2,
    size: [9, 9],
    channels: 10,
    filters: 10,
    kernel: [3, 3],
    padding: [1, 1, 1, 1],
    groups: 10,
  },
  'a group for each channel, more than a band has': {
    batch: 2,
    size: [6, 5],
    channels: 35,
    filters: 35,
    kernel: [3, 3],
    padding: [1, 1, 1, 1],
    groups: 35,
  },
  'rows that several bands have': {
    batch: 2,
    size: [40, 30],
    channels: 32,
    filters: 32,
    kernel: [3, 3],
    padding: [1, 1, 1, 1],
    groups: 32,
  },
  'parts of a row that several bands have': {
    batch: 2,
    size: [2, 1500],
    channels: 6,
    filters: 6,
    kernel: [2, 5],
    padding: [1, 0, 2, 2],
    groups: 6,
  },
  'groups that no band fits': {
    batch: 1,
    size: [200, 60],
    channels: 4,
    filters: 4,
    kernel: [3, 2],
    dilation: [90, 40],
    groups: 4,
  },
  'the largest of small groups': {
    batch: 1,
    size: [5, 6],
    channels: 14,
    filters: 14,
    kernel: [3, 2],
    strides: [2, 1],
    padding: [1, 1, 0, 1],
    groups: 2,
  },
  'the smallest of large groups': {
    batch: 1,
    size: [5, 6],
    channels: 14,
    filters: 16,
    kernel: [3, 2],
    strides: [2, 1],
    padding: [1, 1, 0, 1],
    groups: 2,
  },
  'strides past values, in groups': {
    batch: 2,
    size: [9, 8],
    channels: 6,
    filters: 12,
    kernel: [2, 1],
    strides: [3, 2],
    groups: 6,
  },
  'two filters for each channel': {
    batch: 1,
    size: [5, 5],
    channels: 3,
    filters: 6,
    kernel: [3, 3],
    strides: [2, 2],
    groups: 3,
  },
};

describe.each([
  ['by position', false],
  ['flat', true],
] as const)('x %s', (_, flat) => {
  it.each(Object.entries(geometries))('%s', (_, geometry) => agree(geometry, flat));
});

it('carries NaN and infinity, and tells zeros apart', () => {
  const odd = [Number.NaN, 1, -0, Number.POSITIVE_INFINITY, 0, -1, 1e38, 2, -3e38, 5, 6];
  for (const geometry of Object.values(geometries).slice(1))
    agree(geometry, false, () => (random() < 0.03 ? odd[below(odd.length)]! : draw()));
});

it('agrees on random geometries', () => {
  for (let i = 0; i < 60; i++) {
    const groups = random() < 0.3 ? 1 + below(4) : 1;
    const pair = (most: number): [number, number] => [1 + below(most), 1 + below(most)];
    const [kernel, dilation] = [pair(4), pair(2)];
    const padding = [...Array(4)].map((_, i) =>
      below((kernel[i >> 1]! - 1) * dilation[i >> 1]! + 1),
    ) as [number, number, number, number];
    const size = [0, 1].map((i) => Math.max(1 + below(9), (kernel[i]! - 1) * dilation[i]! + 1)) as [
      number,
      number,
    ];
    const geometry = {
      batch: 1 + below(3),
      size,
      channels: groups * (1 + below(6)),
      filters: groups * (1 + below(7)),
      kernel,
      strides: pair(3),
      dilation,
      padding,
      groups,
    };
    agree(geometry, random() < 0.4);
  }
  expect(true).toBe(true);
});
