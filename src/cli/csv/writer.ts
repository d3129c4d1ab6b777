import { numberIn } from '../table/cells.js';

/**
 * A cell for a CSV file: in quotes where it has to be (RFC 4180). Text that a spreadsheet would run
 * as a formula gets an apostrophe before it; numbers such as -1.5 stay as they are.
 */
export function csvCell(text: string, delimiter: string): string {
  const first = text.charCodeAt(0);
  // = + - @, tab and carriage return, in their full-width forms too.
  const formula =
    text.length > 0 &&
    ('=+-@\t\r'.includes(text[0]!) || [0xff1d, 0xff0b, 0xff0d, 0xff20].includes(first));
  const safe =
    formula && Number.isNaN(numberIn(text, '.')) && Number.isNaN(numberIn(text, ','))
      ? `'${text}`
      : text;
  const quoted =
    safe.includes(delimiter) || safe.includes('"') || safe.includes('\n') || safe.includes('\r');
  return quoted ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export const csvLine = (cells: readonly string[], delimiter: string) =>
  `${cells.map((cell) => csvCell(cell, delimiter)).join(delimiter)}\n`;
