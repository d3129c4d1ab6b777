import type { Windows } from '../../../ops/internal/windows.js';
import { type GraphBuilder, ints } from '../graph.js';

/*
 * ONNX has channels behind the batch, [batch, channels, …], where values here have them last.
 */

/** Axes of a value of `rank` dimensions besides the batch, with the channels first or last. */
const first = (rank: number) => [0, rank, ...Array.from({ length: rank - 1 }, (_, i) => i + 1)];
const last = (rank: number) => [0, ...Array.from({ length: rank - 1 }, (_, i) => i + 2), 1];

/** The value with channels behind the batch: what it was before, where it comes from there. */
export function channelsFirst(x: string, rank: number, build: GraphBuilder): string {
  if (rank === 1) return x;
  const from = build.nodes.find(({ outputs }) => outputs?.[0] === x);
  const perm = from?.operator === 'Transpose' && from.attributes?.[0]?.ints;
  if (perm && String(perm) === String(last(rank))) return from.inputs![0]!;
  return build.node('Transpose', [x], { perm: ints(first(rank)) });
}

/** The value with channels last again. */
export const channelsLast = (x: string, rank: number, build: GraphBuilder): string =>
  rank === 1 ? x : build.node('Transpose', [x], { perm: ints(last(rank)) });

/** The attributes of an operator that goes over windows, in `rank` − 1 dimensions. */
export function windowAttributes(w: Windows, rank: number) {
  const behind = (out: number, stride: number, kernel: number, step: number, size: number) =>
    (out - 1) * stride + (kernel - 1) * step + 1 - size;
  const bottom = behind(w.outHeight, w.strideY, w.kernelHeight, w.dilationY, w.height) - w.top;
  const right = behind(w.outWidth, w.strideX, w.kernelWidth, w.dilationX, w.width) - w.left;
  const both = (y: number, x: number) => (rank === 2 ? [x] : [y, x]);
  return {
    kernel_shape: ints(both(w.kernelHeight, w.kernelWidth)),
    strides: ints(both(w.strideY, w.strideX)),
    dilations: ints(both(w.dilationY, w.dilationX)),
    pads: ints([...both(w.top, w.left), ...both(Math.max(bottom, 0), Math.max(right, 0))]),
  };
}
