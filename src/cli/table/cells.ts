import type { Dialect } from '../csv/dialect.js';

/** What stands in cells that have no value. */
const missingMarks = new Set(['', 'na', 'n/a', '#n/a', 'nan', 'null', 'nil', '?', '-']);

/** Whether a cell has no value. */
export function isMissing(cell: string): boolean {
  return cell.length <= 4 && missingMarks.has(cell.trim().toLowerCase());
}

const points = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const commas = /^[+-]?(\d+,?\d*|,\d+)(e[+-]?\d+)?$/i;

/** The largest finite float32; what rounds to more is none. */
const mostFloat = 3.4028235677973366e38;

/**
 * The number that a cell holds, written out in decimal; NaN for anything else, such as 2abc, 0x10 or
 * a date. Infinity for one beyond the range of float32, such as 1e999.
 */
export function numberIn(cell: string, decimal: Dialect['decimal']): number {
  const text = cell.trim();
  if (!(decimal === '.' ? points : commas).test(text)) return Number.NaN;
  const value = Number(decimal === '.' ? text : text.replace(',', '.'));
  if (Math.abs(value) < mostFloat) return value;
  return value > 0 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
}

const dates = /^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T]\d{1,2}:\d{2}.*)?$/;

/** Whether a cell looks like a date. */
export const isDate = (cell: string) => dates.test(cell.trim());
