import { Random, streams } from '../random.js';
import type { FittedColumn } from '../scalers.js';
import type { Snapshot } from '../snapshot.js';
import { gather } from './table/parts.js';
import type { FeatureColumn, TableSchema } from './table/schema.js';
import type { RowStore } from './table/store.js';

/*
 * Training on rows that do not fit into memory. Everything here is done as `fit` does it with arrays,
 * in the same order, so that the bits are the same.
 */

/** Means, and then deviations, of all columns over some rows. */
function moments(store: RowStore, places: Int32Array) {
  const { width } = store;
  const row = new Float32Array(width);
  const sum = (add: (value: number, c: number) => number) => {
    const sums = new Float64Array(width);
    for (const place of places) {
      store.read(place, row, 0);
      for (let c = 0; c < width; c++) sums[c]! += add(row[c]!, c);
    }
    return sums.map((total) => total / places.length);
  };
  const means = sum((value) => value);
  const variances = sum((value, c) => (value - means[c]!) * (value - means[c]!));
  return (c: number): FittedColumn => {
    const scale = Math.sqrt(variances[c]!);
    return { center: means[c]!, scale: scale > 0 ? scale : 1 };
  };
}

/** What the network's scalers learn from the rows to train on. */
export function fittedScalers(
  store: RowStore,
  places: Int32Array,
  schema: TableSchema,
): Snapshot['scalers'] {
  const momentsOf = moments(store, places);
  const column = (feature: FeatureColumn, c: number): FittedColumn => {
    if (feature.kind === 'number') return momentsOf(c);
    const categories = feature.categories.map((_, i) => i);
    return { count: categories.length, categories };
  };
  const x = schema.features.map(column);
  return schema.task === 'regression' ? { x, y: [momentsOf(schema.features.length)] } : { x };
}

/**
 * Batches of rows in the order in which `fit` would shuffle them.
 *
 * @param first the epoch that the first call is for
 */
export function shuffledBatches(
  store: RowStore,
  places: Int32Array,
  batchSize: number,
  seed: number,
  first: number,
): () => Generator<ReturnType<typeof gather>, void, void> {
  let epoch = first;
  return function* batches() {
    const order = places.slice();
    new Random(seed, streams.shuffle, epoch++).shuffle(order);
    for (let from = 0; from < order.length; from += batchSize) {
      yield gather(store, order.subarray(from, from + batchSize));
    }
  };
}
