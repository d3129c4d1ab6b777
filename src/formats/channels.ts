import { type Shape, sizeOf } from '../tensor.js';

/*
 * Others have channels before the positions of an image or a sequence, and here they come last. So
 * weights lie in another order, and rows that were made flat have their numbers in another order.
 */

/** Weights [kernel, rows, columns] from [columns, rows, kernel], whatever the dimensions of the kernel. */
export function turned(values: Float32Array, shape: Shape): Float32Array {
  const [rows, columns] = shape.slice(-2) as [number, number];
  const area = sizeOf(shape) / rows / columns;
  return values.map((_, i) => {
    const [column, rest] = [i % columns, Math.floor(i / columns)];
    return values[(column * rows + (rest % rows)) * area + Math.floor(rest / rows)]!;
  });
}

/** Rows of a matrix, or the numbers of a vector, that belong to flat rows which had this shape. */
export function channelsLast(values: Float32Array, flattened: Shape): Float32Array {
  const channels = flattened.at(-1)!;
  const positions = sizeOf(flattened) / channels;
  const columns = values.length / sizeOf(flattened);
  return values.map((_, i) => {
    const row = Math.floor(i / columns);
    const from = (row % channels) * positions + Math.floor(row / channels);
    return values[from * columns + (i % columns)]!;
  });
}
