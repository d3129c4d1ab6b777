import { type FileHandle, open } from 'node:fs/promises';
import Papa from 'papaparse';
import { counted, Problem, printable } from '../problem.js';
import { type Dialect, type DialectOptions, dialectOf, sniffedBytes } from './dialect.js';

/** Bytes that are read at a time. */
const chunkBytes = 1 << 18;
/** A record that is longer than this many characters is taken for a quote that was never closed. */
const longestRecord = 1 << 23;
/** As wide as spreadsheets are. */
const mostColumns = 16384;

/** Some records in a row, and the line of the file that each begins on, from 1. */
export interface Records {
  readonly rows: readonly (readonly string[])[];
  readonly lines: Float64Array;
}

type LineBreak = '\n' | '\r' | '\r\n';

/** Line breaks inside a cell; only quoted cells have any. */
function breaksIn(cell: string): number {
  let count = 0;
  for (let i = 0; i < cell.length; i++) {
    const c = cell.charCodeAt(i);
    if (c === 10 || (c === 13 && cell.charCodeAt(i + 1) !== 10)) count++;
  }
  return count;
}

/** A CSV file that can be read from the beginning as often as need be. */
export class CsvFile {
  readonly path: string;
  /** What to call it in messages. */
  readonly name: string;
  readonly size: number;
  readonly dialect: Dialect;

  private constructor(path: string, name: string, size: number, dialect: Dialect) {
    this.path = path;
    this.name = printable(name, 200);
    this.size = size;
    this.dialect = dialect;
  }

  /**
   * @param name what to call it, where that is not its path
   * @throws Problem where it cannot be read, or has nothing in it
   */
  static async open(path: string, options: DialectOptions = {}, name = path): Promise<CsvFile> {
    const file = await opened(path, name);
    try {
      const { size } = await file.stat();
      const bytes = new Uint8Array(sniffedBytes);
      const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
      if (bytesRead === 0) throw new Problem(`${printable(name, 200)}: the file is empty`);
      return new CsvFile(path, name, size, dialectOf(bytes.subarray(0, bytesRead), options));
    } finally {
      await file.close();
    }
  }

  /** `data.csv, line 17`. */
  at(line: number, column?: string): string {
    return `${this.name}, line ${line}${column === undefined ? '' : `, column '${printable(column)}'`}`;
  }

  /**
   * All records in order, the header among them, blank lines left out. Bounded memory, however long
   * the file.
   *
   * @param onBytes told how many bytes of the file have been read
   */
  async *records(onBytes?: (bytes: number) => void): AsyncGenerator<Records, void, void> {
    const { dialect } = this;
    const file = await opened(this.path, this.name);
    const decoder = new TextDecoder(dialect.encoding, { fatal: true });
    const buffer = new Uint8Array(chunkBytes);
    let newline: LineBreak | undefined;
    let rest = '';
    let line = 1;
    let position = 0;
    try {
      for (;;) {
        const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
        const last = bytesRead === 0;
        position += bytesRead;
        let decoded: string;
        try {
          decoded = decoder.decode(buffer.subarray(0, bytesRead), { stream: !last });
        } catch {
          throw new Problem(
            `${this.name}, near line ${line}: bytes that are no ${dialect.encoding}: say what it is with --encoding, for example windows-1252`,
          );
        }
        const text = rest + decoded;
        const quotes = text.includes('"');
        newline ??= lineBreak(text, last);
        if (newline === undefined) {
          rest = text;
          this.#checkLength(rest, line);
          continue;
        }
        if (text.includes('\0')) {
          throw new Problem(
            `${this.name}: there are NUL bytes in it, so it is no text in ${dialect.encoding}: say which with --encoding, or convert it`,
          );
        }
        const parser = new Papa.Parser({ delimiter: dialect.delimiter, newline });
        const result = parser.parse(text, 0, !last) as Papa.ParseResult<string[]>;
        const broken = last ? result.errors.find(({ type }) => type === 'Quotes') : undefined;
        const rows: string[][] = [];
        const lines: number[] = [];
        for (let i = 0; i < result.data.length; i++) {
          const row = result.data[i]!;
          if (broken?.row === i) {
            throw new Problem(`${this.at(line)}: a quote is opened here and never closed`);
          }
          const begins = line++;
          if (quotes) for (const cell of row) line += breaksIn(cell);
          if (row.length === 1 && row[0]!.trim() === '') continue;
          if (row.length > mostColumns) {
            throw new Problem(
              `${this.at(begins)}: ${counted(row.length, 'cell')}; at most ${mostColumns} columns fit: is the delimiter right (--delimiter), or the line break?`,
            );
          }
          rows.push(row);
          lines.push(begins);
        }
        rest = text.slice(result.meta.cursor);
        if (last) rest = '';
        this.#checkLength(rest, line);
        onBytes?.(position);
        if (rows.length > 0) yield { rows, lines: Float64Array.from(lines) };
        if (last) return;
      }
    } finally {
      await file.close();
    }
  }

  #checkLength(rest: string, line: number): void {
    if (rest.length <= longestRecord) return;
    throw new Problem(
      `${this.at(line)}: ${counted(longestRecord, 'character')} without an end of the record: is a quote not closed?`,
    );
  }
}

/** The first line break decides for the file; undefined while there is none. */
function lineBreak(text: string, last: boolean): LineBreak | undefined {
  let inside = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '"') inside = !inside;
    else if (inside) continue;
    else if (c === '\n') return '\n';
    else if (c === '\r') {
      // The other half of a pair may come with the next chunk.
      if (i + 1 === text.length && !last) return undefined;
      return text[i + 1] === '\n' ? '\r\n' : '\r';
    }
  }
  return last ? '\n' : undefined;
}

async function opened(path: string, name: string): Promise<FileHandle> {
  const shown = printable(name, 200);
  try {
    const file = await open(path, 'r');
    if ((await file.stat()).isDirectory()) {
      await file.close();
      throw new Problem(`${shown}: expected a file, got a folder`);
    }
    return file;
  } catch (error) {
    if (error instanceof Problem) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new Problem(`${shown}: there is no such file`);
    if (code === 'EACCES') throw new Problem(`${shown}: no permission to read it`);
    throw new Problem(`${shown}: ${(error as Error).message}`, 1);
  }
}
