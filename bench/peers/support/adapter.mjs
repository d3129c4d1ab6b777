// What adapters share: going round the data, shapes of rows, notes, and the way to decline.

import { row } from '../workloads.mjs';

/** Thrown for a workload that a library cannot do: a blank in the table, not a failure. */
export class Unsupported extends Error {}

/** Calls `visit(first row)` for n batches, going round the data in order. */
export function batches({ rows, batch }) {
  let next = 0;
  return (n, visit) => {
    let last;
    for (let i = 0; i < n; i++) {
      last = visit(next);
      next = next + batch < rows ? next + batch : 0;
    }
    return last;
  };
}

/**
 * The same n batches for APIs that train epochs: `epochs(count)` over all rows, and, where a request
 * begins or ends inside an epoch, `part(first row, end row)`.
 */
export function epochs({ rows, batch }, whole, part) {
  const perEpoch = rows / batch;
  let next = 0;
  return async (n) => {
    while (n > 0) {
      if (next === 0 && n >= perEpoch) {
        const count = Math.floor(n / perEpoch);
        await whole(count);
        n -= count * perEpoch;
      } else {
        const end = Math.min(perEpoch, next + n);
        await part(next * batch, end * batch);
        n -= end - next;
        next = end % perEpoch;
      }
    }
  };
}

/** The notes that hold, as a sentence part; those of training only where there is training. */
export function remark({ kind }, always, training = []) {
  return [...(kind === 'training' ? training : []), ...always].filter(Boolean).join(', ');
}

/** A flat array as one view per row. */
export const views = (array, width) =>
  Array.from({ length: array.length / width }, (_, i) => row(array, width, i));

/** A flat array as one plain array per row, for libraries that take nothing else. */
export const lists = (array, width) => views(array, width).map((values) => Array.from(values));

/** Images of rows, columns and channels as images of channels, rows and columns. */
export function channelsFirst(x, { size, channels }) {
  const places = size * size;
  const image = places * channels;
  return Float32Array.from(x, (_, i) => {
    const [first, at] = [i - (i % image), i % image];
    return x[first + (at % places) * channels + Math.floor(at / places)];
  });
}

/** A convolution's weights [kernel × kernel × channels][filters] as [filters][channels][kernel × kernel]. */
export function filtersFirst(w, channels, filters) {
  const taps = w.length / channels / filters;
  return Float32Array.from(w, (_, i) => {
    const [tap, c, f] = [
      i % taps,
      Math.floor(i / taps) % channels,
      Math.floor(i / taps / channels),
    ];
    return w[(tap * channels + c) * filters + f];
  });
}

/** Outputs of rows that a library predicts one by one, flat; nothing is wrapped around a single row. */
export function perRow(x, first, count, predict) {
  if (count === 1) return predict(x[first]);
  const outputs = [];
  for (let i = first; i < first + count; i++)
    for (const value of predict(x[i])) outputs.push(value);
  return outputs;
}
