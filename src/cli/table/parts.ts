import { stratifiedSplit } from '../../data.js';
import { Random, streams } from '../../random.js';
import { Problem } from '../problem.js';
import type { TableSchema } from './schema.js';
import type { RowStore } from './store.js';

/** Rows that are watched while learning: more tell no more, and are held in memory. */
const mostWatched = 100_000;

/** Places of the rows of a table: to learn from, to watch while learning, and to judge by. */
export interface Parts {
  readonly training: Int32Array;
  readonly validation: Int32Array;
  readonly test: Int32Array;
}

/** A part of the rows as dense arrays. */
export interface PartRows {
  readonly x: Float32Array;
  readonly y: Float32Array;
}

/** Takes a share of the places in `from` out, in the classes' proportions where there are some. */
function takeShare(
  from: Int32Array,
  labelAt: (row: number) => number,
  share: number,
  random: Random,
): { rest: Int32Array; taken: Int32Array } {
  if (share === 0) return { rest: from, taken: new Int32Array(0) };
  const labels = Float32Array.from(from, labelAt);
  const { training, held } = stratifiedSplit(labels, share, random);
  return { rest: training.map((i) => from[i]!), taken: held.map((i) => from[i]!) };
}

/**
 * Parts the rows by the seed.
 *
 * @param shares of all rows to judge by, and of the others to watch
 * @throws Problem where a part would be empty
 */
export function partRows(
  store: RowStore,
  schema: TableSchema,
  shares: { readonly test: number; readonly validation: number },
  seed: number,
): Parts {
  const row = new Float32Array(store.width);
  const labelAt = (place: number) => {
    if (schema.task === 'regression') return 0;
    store.read(place, row, 0);
    return row[store.width - 1]!;
  };
  const all = Int32Array.from({ length: store.rows }, (_, r) => r);
  const random = (n: number) => new Random(seed, streams.split, n);
  const judged = takeShare(all, labelAt, shares.test, random(1));
  const most = mostWatched / judged.rest.length;
  const watched = takeShare(judged.rest, labelAt, Math.min(shares.validation, most), random(2));
  const parts = { training: watched.rest, validation: watched.taken, test: judged.taken };
  for (const [name, share, part] of [
    ['test', shares.test, parts.test],
    ['validation', shares.validation, parts.validation],
  ] as const) {
    if (share > 0 && part.length === 0) {
      throw new Problem(
        `--${name}: ${share} of ${store.rows} rows is none: give a larger share, or 0 for none`,
      );
    }
  }
  if (parts.training.length < 2) {
    throw new Problem(`${store.rows} rows are too few: at least 2 must be left to learn from`);
  }
  return parts;
}

/** Some rows of a store, dense. */
export function gather(store: RowStore, places: Int32Array): PartRows {
  const { width } = store;
  const features = width - 1;
  const x = new Float32Array(places.length * features);
  const y = new Float32Array(places.length);
  const row = new Float32Array(width);
  for (let i = 0; i < places.length; i++) {
    store.read(places[i]!, row, 0);
    x.set(features === width ? row : row.subarray(0, features), i * features);
    y[i] = row[features]!;
  }
  return { x, y };
}
