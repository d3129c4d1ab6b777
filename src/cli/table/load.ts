import type { CsvFile, Records } from '../csv/reader.js';
import { counted, grouped, Problem } from '../problem.js';
import type { Screen } from '../terminal/screen.js';
import { bar } from '../terminal/screen.js';
import { Encoder, type Unseen } from './encoder.js';
import { columnNames, type HeaderOptions } from './profile.js';
import type { TableSchema } from './schema.js';
import { type RowStore, RowWriter } from './store.js';

/** Draws how far a file has been read. */
export function readingStatus(screen: Screen, file: CsvFile, what: string) {
  return (bytes: number) =>
    screen.status(() => {
      const share = file.size > 0 ? Math.min(1, bytes / file.size) : 0;
      return `${what}  ${bar(share, 24, screen.paintStatus)} ${(100 * share).toFixed(0)} %`;
    });
}

/** Records of a file behind its header, one by one, with the encoder for them. */
export interface EncodedRecords {
  readonly names: readonly string[];
  readonly encoder: Encoder;
  readonly records: AsyncGenerator<Records, void, void>;
}

/**
 * Reads the header of a file and makes an encoder for what follows.
 *
 * @throws Problem where columns that the schema needs are missing
 */
export async function openRecords(
  file: CsvFile,
  schema: TableSchema,
  options: HeaderOptions,
  needsTarget: boolean,
  onUnseen?: (unseen: Unseen) => void,
  onBytes?: (bytes: number) => void,
): Promise<EncodedRecords> {
  const header = await firstRecord(file);
  const { names } = columnNames(header, options);
  const encoder = new Encoder(schema, file, names, needsTarget, onUnseen);
  async function* behindHeader(): AsyncGenerator<Records, void, void> {
    let skipped = options.header ? 1 : 0;
    for await (const { rows, lines } of file.records(onBytes)) {
      if (rows.length > skipped) yield { rows: rows.slice(skipped), lines: lines.slice(skipped) };
      skipped = 0;
    }
  }
  return { names, encoder, records: behindHeader() };
}

async function firstRecord(file: CsvFile): Promise<readonly string[]> {
  for await (const { rows } of file.records()) return rows[0]!;
  throw new Problem(`${file.name}: there are no rows`);
}

/** Refuses a row that is not as wide as the header. */
export function checkWidth(
  file: CsvFile,
  cells: readonly string[],
  line: number,
  width: number,
): void {
  if (cells.length === width) return;
  throw new Problem(`${file.at(line)}: expected ${counted(width, 'cell')}, got ${cells.length}`);
}

/**
 * The second pass: all rows that have a target, as numbers, the target behind the features.
 *
 * @param limit bytes that may be held in memory; what is more goes to a temporary file
 */
export async function loadRows(
  file: CsvFile,
  schema: TableSchema,
  options: HeaderOptions,
  screen: Screen,
  limit?: number,
): Promise<{ store: RowStore; encoder: Encoder; skipped: number }> {
  const features = schema.features.length;
  const writer = new RowWriter(features + 1, limit);
  let skipped = 0;
  try {
    const status = readingStatus(screen, file, 'encoding');
    const opened = await openRecords(file, schema, options, true, undefined, status);
    const { encoder, names } = opened;
    for await (const { rows, lines } of opened.records) {
      for (let i = 0; i < rows.length; i++) {
        const cells = rows[i]!;
        const line = lines[i]!;
        checkWidth(file, cells, line, names.length);
        const target = encoder.target(cells, line);
        if (Number.isNaN(target)) {
          skipped++;
          continue;
        }
        const { out, at } = writer.next();
        encoder.encode(cells, line, out, at);
        out[at + features] = target;
      }
    }
    screen.done();
    const store = writer.finish();
    if (store.rows === 0) {
      throw new Problem(
        `${file.name}: none of ${grouped(skipped)} rows has a value of '${schema.target}'`,
      );
    }
    return { store, encoder, skipped };
  } catch (error) {
    writer.abandon();
    throw error;
  }
}
