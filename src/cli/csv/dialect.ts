import { Problem, quoted } from '../problem.js';

/** How a CSV file is written. */
export interface Dialect {
  readonly encoding: 'utf-8' | 'utf-16le' | 'utf-16be' | 'windows-1252';
  readonly delimiter: string;
  /** What stands before the fraction of a number. */
  readonly decimal: '.' | ',';
}

/** What the user says of it; the rest is found out. */
export interface DialectOptions {
  readonly delimiter?: string | undefined;
  readonly encoding?: string | undefined;
  readonly decimal?: string | undefined;
}

/** Bytes at the beginning of a file that its dialect is read from. */
export const sniffedBytes = 1 << 16;

const encodings = ['utf-8', 'utf-16le', 'utf-16be', 'windows-1252'] as const;
const delimiters = [',', ';', '\t', '|'];
const names: Readonly<Record<string, string>> = { tab: '\t', '\\t': '\t' };

/** Whether bytes are UTF-8; the last character may be cut off. */
function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}

/** UTF-16 without a mark shows by zeros at every other byte. */
function encodingOf(bytes: Uint8Array): Dialect['encoding'] {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  const zeros = [0, 0];
  for (let i = 0; i < bytes.length; i++) if (bytes[i] === 0) zeros[i & 1]!++;
  const half = bytes.length / 2;
  if (zeros[1]! > 0.4 * half && zeros[0]! < 0.1 * half) return 'utf-16le';
  if (zeros[0]! > 0.4 * half && zeros[1]! < 0.1 * half) return 'utf-16be';
  return isUtf8(bytes) ? 'utf-8' : 'windows-1252';
}

/** How often a character stands outside of quotes in each of the first lines. */
function countsPerLine(text: string, character: string): number[] {
  const counts = [0];
  let inside = false;
  for (let i = 0; i < text.length && counts.length <= 50; i++) {
    const c = text[i]!;
    if (c === '"') inside = !inside;
    else if (inside) continue;
    else if (c === character) counts[counts.length - 1]!++;
    else if (c === '\n' || (c === '\r' && text[i + 1] !== '\n')) counts.push(0);
  }
  // The last line may be cut off.
  if (counts.length > 1) counts.pop();
  return counts;
}

/** The delimiter that most lines have as often as the first, and of these the most frequent. */
function delimiterOf(text: string): string {
  let best = ',';
  let most = 0;
  for (const delimiter of delimiters) {
    const counts = countsPerLine(text, delimiter);
    const first = counts[0]!;
    if (first === 0) continue;
    const agreeing = counts.filter((count) => count === first).length / counts.length;
    const score = agreeing * agreeing * (1 + Math.min(first, 100) / 100);
    if (score > most) [best, most] = [delimiter, score];
  }
  return best;
}

/** Commas before fractions are only looked for where they do not separate cells. */
function decimalOf(text: string, delimiter: string): Dialect['decimal'] {
  if (delimiter === ',') return '.';
  const has = (pattern: RegExp) => pattern.test(text);
  const edge = delimiter === '|' || delimiter === '\t' ? `\\${delimiter}` : delimiter;
  const fraction = (mark: string) =>
    new RegExp(`(^|[\r\n"${edge}])[+-]?\\d+${mark}\\d+($|[\r\n"${edge}])`);
  return has(fraction(',')) && !has(fraction('\\.')) ? ',' : '.';
}

/**
 * Finds out how a file is written from its first bytes.
 *
 * @throws Problem for an encoding or a delimiter that there is not
 */
export function dialectOf(bytes: Uint8Array, options: DialectOptions): Dialect {
  const { encoding, decimal } = options;
  const asked = encoding
    ?.toLowerCase()
    .replace(/^utf(8|16)/, 'utf-$1')
    .replace('latin1', 'windows-1252');
  if (asked !== undefined && !encodings.includes(asked as Dialect['encoding'])) {
    throw new Problem(`--encoding: expected ${encodings.join(', ')}, got ${quoted(encoding!)}`);
  }
  if (decimal !== undefined && decimal !== '.' && decimal !== ',') {
    throw new Problem(`--decimal: expected . or , got ${quoted(decimal)}`);
  }
  const found = (asked as Dialect['encoding']) ?? encodingOf(bytes);
  const text = new TextDecoder(found).decode(bytes, { stream: true });
  const given = options.delimiter;
  const delimiter = given === undefined ? delimiterOf(text) : (names[given] ?? given);
  if (delimiter.length !== 1 || '"\r\n'.includes(delimiter)) {
    throw new Problem(`--delimiter: expected one character, or tab, got ${quoted(given!)}`);
  }
  return { encoding: found, delimiter, decimal: decimal ?? decimalOf(text, delimiter) };
}
