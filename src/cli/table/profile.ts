import type { CsvFile } from '../csv/reader.js';
import { counted, Problem, printable, quoted } from '../problem.js';
import { isDate, isMissing, numberIn } from './cells.js';

/** Distinct texts that are counted in one column, and in all; with more it is taken for free text. */
const mostDistinct = 10000;
const mostDistinctInAll = 1e6;
/** Integers beyond ±2⁵³ are not told apart. */
const mostInteger = 2 ** 53;

/** What the first pass has seen of a column. */
export interface ColumnProfile {
  readonly name: string;
  /** Cells with a value, and of these the numbers. */
  values: number;
  missing: number;
  numbers: number;
  /** Of the numbers. */
  integers: number;
  beyondIntegers: number;
  least: number;
  most: number;
  mean: number;
  /** Σ(value − mean)², by Welford's recurrence (1962). */
  squares: number;
  /** Whether each number is larger than the one before. */
  ascending: boolean;
  dates: number;
  /** How often each text comes; undefined once there are too many. */
  counts: Map<string, number> | undefined;
  /** The first cells that are no number, or none that fits a float32. */
  noNumber: { readonly line: number; readonly cell: string } | undefined;
  infinite: { readonly line: number; readonly cell: string } | undefined;
}

export interface TableProfile {
  readonly columns: readonly ColumnProfile[];
  readonly rows: number;
  /** What was done with the header, for people to know. */
  readonly notes: readonly string[];
}

/** Whether the first line of a file names its columns. */
export interface HeaderOptions {
  readonly header: boolean;
}

/** Names for all columns: trimmed, made up where there is none, numbered where one comes again. */
export function columnNames(
  header: readonly string[],
  options: HeaderOptions,
): { names: string[]; notes: string[] } {
  const notes: string[] = [];
  if (!options.header) return { names: header.map((_, c) => `column${c + 1}`), notes };
  const taken = new Set<string>();
  const names = header.map((cell, c) => {
    const plain = cell.trim() || `column${c + 1}`;
    let name = plain;
    for (let n = 2; taken.has(name); n++) name = `${plain} (${n})`;
    if (name !== plain) {
      notes.push(
        `column ${c + 1}: ${quoted(plain)} is there already; it is called ${quoted(name)} here`,
      );
    }
    taken.add(name);
    return name;
  });
  return { names, notes };
}

const emptyProfile = (name: string): ColumnProfile => ({
  name,
  values: 0,
  missing: 0,
  numbers: 0,
  integers: 0,
  beyondIntegers: 0,
  least: Number.POSITIVE_INFINITY,
  most: Number.NEGATIVE_INFINITY,
  mean: 0,
  squares: 0,
  ascending: true,
  dates: 0,
  counts: new Map(),
  noNumber: undefined,
  infinite: undefined,
});

function addNumber(profile: ColumnProfile, value: number): void {
  profile.numbers++;
  if (Number.isInteger(value)) profile.integers++;
  if (Math.abs(value) > mostInteger && Number.isInteger(value)) profile.beyondIntegers++;
  if (value <= profile.most) profile.ascending = false;
  profile.least = Math.min(profile.least, value);
  profile.most = Math.max(profile.most, value);
  const distance = value - profile.mean;
  profile.mean += distance / profile.numbers;
  profile.squares += distance * (value - profile.mean);
}

/** Ragged rows: how many, and the first. */
interface Ragged {
  count: number;
  readonly line: number;
  readonly cells: number;
}

/**
 * The first pass over a file: its columns, and what they hold.
 *
 * @param onBytes told how far it is
 * @throws Problem for rows of different widths, and for a file without rows
 */
export async function profileTable(
  file: CsvFile,
  options: HeaderOptions,
  onBytes?: (bytes: number) => void,
): Promise<TableProfile> {
  const { decimal } = file.dialect;
  let columns: ColumnProfile[] | undefined;
  let notes: string[] = [];
  let ragged: Ragged | undefined;
  let rows = 0;
  let distinct = mostDistinct;
  for await (const records of file.records(onBytes)) {
    for (let i = 0; i < records.rows.length; i++) {
      const cells = records.rows[i]!;
      const line = records.lines[i]!;
      if (!columns) {
        const named = columnNames(cells, options);
        notes = named.notes;
        columns = named.names.map(emptyProfile);
        distinct = Math.max(100, Math.min(distinct, mostDistinctInAll / columns.length));
        if (options.header) continue;
      }
      if (cells.length !== columns.length) {
        if (ragged) ragged.count++;
        else ragged = { count: 1, line, cells: cells.length };
        continue;
      }
      rows++;
      for (let c = 0; c < cells.length; c++) {
        addCell(columns[c]!, cells[c]!, line, decimal, distinct);
      }
    }
  }
  const width = columns?.length ?? 0;
  if (ragged) {
    const more = ragged.count > 1 ? `; ${counted(ragged.count, 'row')} in all are so` : '';
    const like = options.header ? 'the header' : 'the first line';
    throw new Problem(
      `${file.at(ragged.line)}: expected ${counted(width, 'cell')}, as ${like} has, got ${ragged.cells}${more}`,
    );
  }
  if (!columns || rows === 0) {
    const only = columns && options.header ? ': there is only a header' : '';
    throw new Problem(`${file.name}: there are no rows${only}`);
  }
  return { columns, rows, notes };
}

function addCell(
  profile: ColumnProfile,
  cell: string,
  line: number,
  decimal: '.' | ',',
  distinct: number,
): void {
  if (isMissing(cell)) {
    profile.missing++;
    return;
  }
  profile.values++;
  const value = numberIn(cell, decimal);
  if (Number.isNaN(value)) {
    profile.noNumber ??= { line, cell };
    if (isDate(cell)) profile.dates++;
  } else if (Number.isFinite(value)) addNumber(profile, value);
  else profile.infinite ??= { line, cell };
  const { counts } = profile;
  if (!counts) return;
  const text = cell.trim();
  const count = counts.get(text);
  if (count !== undefined) counts.set(text, count + 1);
  else if (counts.size < distinct) counts.set(text, 1);
  else profile.counts = undefined;
}

/** The standard deviation of a column's numbers, that of the population. */
export const deviationOf = ({ squares, numbers }: ColumnProfile) =>
  numbers === 0 ? 0 : Math.sqrt(squares / numbers);

/** A column's name as messages show it. */
export const shownName = ({ name }: { readonly name: string }) => `'${printable(name)}'`;
