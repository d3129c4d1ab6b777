import { stratifiedSplit } from '../../data.js';
import { Random, streams } from '../../random.js';
import { Problem } from '../problem.js';
import type { TableSchema } from './schema.js';
import type { RowStore } from './store.js';

/** Rows to judge by, and to watch while learning: more tell no more, and are held in memory. */
const mostJudged = 200_000;
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

/** Takes a share of rows out, in the classes' proportions where there are some. */
function takeShare(
  labels: Uint16Array,
  share: number,
  random: Random,
): { rest: Int32Array; taken: Int32Array } {
  const none = new Int32Array(0);
  if (share === 0) return { rest: Int32Array.from(labels.keys()), taken: none };
  const { training, held } = stratifiedSplit(labels, share, random);
  return { rest: training, taken: held };
}

/** The class of each row, or 0 for all rows where there are none. */
function labelsOf(store: RowStore, schema: TableSchema): Uint16Array {
  const labels = new Uint16Array(store.rows);
  if (schema.task === 'regression') return labels;
  const row = new Float32Array(store.width);
  for (let r = 0; r < labels.length; r++) {
    store.read(r, row, 0);
    labels[r] = row[store.width - 1]!;
  }
  return labels;
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
  const random = (n: number) => new Random(seed, streams.split, n);
  const labels = labelsOf(store, schema);
  const atMost = (share: number, rows: number, of: number) => Math.min(share, rows / of);
  const judged = atMost(shares.test, mostJudged, labels.length);
  const { rest, taken: test } = takeShare(labels, judged, random(1));
  const left = new Uint16Array(rest.length);
  for (let i = 0; i < left.length; i++) left[i] = labels[rest[i]!]!;
  const share = atMost(shares.validation, mostWatched, left.length);
  const watched = takeShare(left, share, random(2));
  // Places among those that are left are places among all.
  for (const part of [watched.rest, watched.taken]) {
    for (let i = 0; i < part.length; i++) part[i] = rest[part[i]!]!;
  }
  const parts = { training: watched.rest, validation: watched.taken, test };
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
