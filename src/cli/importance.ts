import { Random, streams } from '../random.js';
import { type Predictions, scoreOf } from './report.js';
import { gather } from './table/parts.js';
import type { TableSchema } from './table/schema.js';
import type { RowStore } from './table/store.js';

/** How much worse rows are predicted when one column is shuffled. */
export interface Importance {
  readonly column: string;
  /** The score lost: of accuracy, or of R². */
  readonly lost: number;
}

/** Rows that are looked at, and numbers in all that are predicted from. */
const mostRows = 10_000;
const mostNumbers = 4e8;

/**
 * Permutation importance (Breiman 2001): the score with a column's values shuffled among the rows,
 * taken from the score with them in place, for each column.
 *
 * @param places of the rows to look at; the first of them where they are many
 * @param predict the outputs for encoded features, row-major
 * @param onColumn told how many columns are done
 * @returns the largest first
 */
export async function importances(
  schema: TableSchema,
  store: RowStore,
  places: Int32Array,
  width: number,
  predict: (rows: Float32Array) => Float32Array,
  seed: number,
  onColumn: (done: number) => void,
): Promise<Importance[]> {
  const { features } = schema;
  const columns = features.length;
  const most = Math.max(50, Math.floor(mostNumbers / (columns * columns)));
  const count = Math.min(places.length, mostRows, most);
  const { x: part, y: actual } = gather(store, places.subarray(0, count));
  const score = (outputs: Float32Array): number => {
    const predictions: Predictions = { truth: actual, outputs, width };
    return scoreOf(schema, predictions);
  };
  const whole = score(predict(part));
  const found: Importance[] = [];
  const kept = new Float32Array(count);
  for (let c = 0; c < columns; c++) {
    const order = Int32Array.from({ length: count }, (_, r) => r);
    new Random(seed, streams.search, c).shuffle(order);
    for (let r = 0; r < count; r++) kept[r] = part[r * columns + c]!;
    for (let r = 0; r < count; r++) part[r * columns + c] = kept[order[r]!]!;
    found.push({ column: features[c]!.name, lost: whole - score(predict(part)) });
    for (let r = 0; r < count; r++) part[r * columns + c] = kept[r]!;
    onColumn(c + 1);
    // So that Ctrl-C is heard.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return found.sort((a, b) => b.lost - a.lost);
}
