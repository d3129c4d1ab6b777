import { show, wholeNumber } from '../checks.js';
import { ShapeError } from '../errors.js';
import type { Windows } from '../ops/internal/windows.js';
import { pitchOf, type Shape, sizeOf, type Tensor } from '../tensor.js';

/** One number for rows and columns, or one for each: [rows, columns]. */
export type Pair = number | readonly [number, number];

/**
 * What is added around an image. 'valid': nothing. 'same': as many zeros as make outputs of
 * ⌈size / stride⌉, half of them before; of an odd number the one more goes behind (as in Keras, and
 * ONNX's SAME_UPPER). A number: so many on every side (as in PyTorch), [rows, columns] of them.
 */
export type Padding = 'valid' | 'same' | Pair;

/** Windows as specs give them: over images, or, where sizes are single numbers, over sequences. */
export interface WindowSpec {
  readonly kernel: Pair;
  readonly strides?: Pair | undefined;
  readonly padding?: Padding | undefined;
  readonly dilation?: Pair | undefined;
}

const pairOf = (pair: Pair): readonly [number, number] =>
  typeof pair === 'number' ? [pair, pair] : pair;

function checkPair(pair: unknown, flat: boolean, where: string, least: number): void {
  if (!Array.isArray(pair)) {
    wholeNumber(pair, where, least);
    return;
  }
  if (flat || pair.length !== 2) {
    const expected = flat ? 'a number' : 'a number, or two: [rows, columns]';
    throw new TypeError(`${where}: expected ${expected}, got ${show(pair)}`);
  }
  pair.forEach((size, i) => {
    wholeNumber(size, `${where}[${i}]`, least);
  });
}

/** Refuses windows that are none, by the names that their sizes have in the layer. */
export function checkWindows(
  { kernel, strides = 1, padding = 'valid', dilation = 1 }: WindowSpec,
  flat: boolean,
  kernelName: string,
  where: string,
): void {
  checkPair(kernel, flat, `${where}: ${kernelName}`, 1);
  checkPair(strides, flat, `${where}: strides`, 1);
  checkPair(dilation, flat, `${where}: dilation`, 1);
  if (padding === 'valid' || padding === 'same') return;
  if (typeof padding === 'string') {
    throw new RangeError(
      `${where}: padding: expected 'valid', 'same' or a number, got ${show(padding)}`,
    );
  }
  checkPair(padding, flat, `${where}: padding`, 0);
}

/** Refuses rows of another rank. */
export function checkRank(input: Shape, flat: boolean, where: string): void {
  const dimensions = flat ? ['steps', 'channels'] : ['height', 'width', 'channels'];
  if (input.length === dimensions.length) return;
  throw new ShapeError(
    `${where}: expected rows of shape [${dimensions.join(', ')}], got [${input.join(', ')}]: ` +
      `layers.reshape({ shape: [${dimensions.join(', ')}] }) before it gives them another`,
  );
}

/** The windows of a spec that has been checked, on rows of a shape of [(height,) width, channels]. */
export function windowsOf(spec: WindowSpec, input: Shape): Windows {
  const { strides = 1, padding = 'valid', dilation = 1 } = spec;
  const flat = input.length === 2;
  const [height, width, channels] = flat ? [1, ...input] : input;
  const along = (axis: 0 | 1, size: number) => {
    // A sequence has one row, which is the whole of every window.
    if (flat && axis === 0) return { out: 1, kernel: 1, stride: 1, step: 1, before: 0 };
    const [kernel, stride, step] = [spec.kernel, strides, dilation].map((p) => pairOf(p)[axis]!);
    const extent = (kernel! - 1) * step! + 1;
    if (padding === 'same') {
      const out = Math.ceil(size / stride!);
      const missing = Math.max((out - 1) * stride! + extent - size, 0);
      return { out, kernel, stride, step, before: Math.floor(missing / 2) };
    }
    const before = padding === 'valid' ? 0 : pairOf(padding)[axis];
    const out = Math.floor((size + 2 * before - extent) / stride!) + 1;
    return { out, kernel, stride, step, before };
  };
  const [y, x] = [along(0, height!), along(1, width!)];
  return {
    height: height!,
    width: width!,
    channels: channels!,
    outHeight: y.out,
    outWidth: x.out,
    kernelHeight: y.kernel!,
    kernelWidth: x.kernel!,
    strideY: y.stride!,
    strideX: x.stride!,
    dilationY: y.step!,
    dilationX: x.step!,
    top: y.before,
    left: x.before,
  };
}

/** The size of an image, along one axis, whose windows are so many: what a transpose gives. */
export function outputAlong(
  { kernel, strides = 1, padding = 'valid' }: WindowSpec,
  count: number,
  axis: 0 | 1,
): number {
  const [size, stride] = [pairOf(kernel)[axis], pairOf(strides)[axis]];
  if (padding === 'same') return count * stride;
  const before = padding === 'valid' ? 0 : pairOf(padding)[axis];
  return (count - 1) * stride + size - 2 * before;
}

/** The shape of what windows give: a position each, of so many numbers. */
export function outputOf(spec: WindowSpec, input: Shape, columns: number, where: string): Shape {
  const { outHeight, outWidth } = windowsOf(spec, input);
  if (outHeight < 1 || outWidth < 1) {
    throw new ShapeError(
      `${where}: no window of ${pairOf(spec.kernel)
        .slice(input.length === 2 ? 1 : 0)
        .join('×')} fits into rows of shape [${input.join(', ')}]: ` +
        "make it smaller, or pad them (padding: 'same')",
    );
  }
  return input.length === 2 ? [outWidth, columns] : [outHeight, outWidth, columns];
}

/** The table that kernels read. */
export const tableOf = (windows: Windows): readonly number[] => Object.values(windows);

/** How far apart images and positions are in values that stand flat or by position. */
export function pitchesOf({ columns, pitch }: Tensor, input: Shape): readonly [number, number] {
  const channels = input.at(-1)!;
  return columns === channels ? [(sizeOf(input) / channels) * pitch, pitch] : [pitch, channels];
}

/** How many windows of so many values stand in a panel: as assembly/internal/windows.ts says. */
export function panelRows(values: number): number {
  const rows = Math.floor(16384 / pitchOf(values));
  return Math.max(32, Math.min(128, rows - (rows % 8)));
}
