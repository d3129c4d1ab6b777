import { describe, it } from 'vitest';
import * as ops from '../../src/ops/pooling.js';
import { pitchOf } from '../../src/tensor.js';
import { expectSameBits, type JsKernel, matrix, withWords, words } from './arrays.js';
import { generator } from './core.js';

const random = generator(53);
const odd = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  -0,
  0,
  1,
  1,
  2 ** -140,
];
const draw = () => 4 * random() - 2;
/** With many equals among them, and what is no number. */
const drawOdd = () => (random() < 0.4 ? odd[Math.floor(odd.length * random())]! : draw());
const nothing = () => 9;

interface Geometry {
  readonly size: readonly [number, number];
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly padding?: readonly [top: number, left: number, bottom: number, right: number];
}

const geometries: Readonly<Record<string, Geometry>> = {
  'one value': { size: [1, 1], kernel: [1, 1], strides: [1, 1] },
  'side by side': { size: [6, 4], kernel: [2, 2], strides: [2, 2] },
  'side by side, with a rest': { size: [7, 5], kernel: [3, 2], strides: [3, 2] },
  overlapping: { size: [5, 6], kernel: [3, 3], strides: [1, 2] },
  'with gaps': { size: [8, 9], kernel: [2, 1], strides: [3, 4] },
  'padded on all sides': {
    size: [5, 4],
    kernel: [3, 3],
    strides: [2, 2],
    padding: [1, 1, 1, 1],
  },
  'padded behind': { size: [4, 5], kernel: [2, 2], strides: [1, 1], padding: [0, 0, 1, 1] },
  'a sequence': { size: [1, 11], kernel: [1, 4], strides: [1, 3], padding: [0, 2, 0, 1] },
  'all of it': { size: [3, 5], kernel: [3, 5], strides: [3, 5] },
};

describe.each(Object.entries(geometries))('%s', (_, { size, kernel, strides, padding }) => {
  const [top, left, bottom, right] = padding ?? [0, 0, 0, 0];
  const out = [
    Math.floor((size[0] + top + bottom - kernel[0]) / strides[0]) + 1,
    Math.floor((size[1] + left + right - kernel[1]) / strides[1]) + 1,
  ] as const;

  it.each([1, 2, 3, 4, 5, 7, 8, 9, 16, 17])('%i channels', (channels) => {
    for (const [batch, value] of [
      [1, draw],
      [3, drawOdd],
    ] as const) {
      const table = words([...size, channels, ...out, ...kernel, ...strides, 1, 1, top, left]);
      const rest = [batch, pitchOf(channels)];
      const inputs = (of: () => number) => matrix(batch * size[0] * size[1], channels, of);
      const outputs = (of: () => number) => matrix(batch * out[0] * out[1], channels, of);
      const same = (name: keyof typeof ops, at: number, ...arrays: Float32Array[]) =>
        expectSameBits(name, withWords(ops[name] as JsKernel, at), [...arrays, table], rest);
      const x = inputs(value);
      const [, places] = same('maxPoolingForward', 3, outputs(nothing), outputs(nothing), x);
      same('maxPoolingBackward', 3, inputs(nothing), outputs(value), places!);
      same('averagePoolingForward', 2, outputs(nothing), x);
      same('averagePoolingBackward', 2, inputs(nothing), outputs(value));
      if (padding || kernel.some((k, i) => k !== strides[i] || size[i]! % k !== 0)) continue;
      // Windows of these kernels lie side by side on what they write.
      same('upSamplingForward', 2, inputs(nothing), outputs(value));
      same('upSamplingBackward', 2, outputs(nothing), inputs(value));
    }
  });
});
