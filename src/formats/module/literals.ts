/** Numbers and lists as JavaScript text, short and exact. */

const lineWidth = 96;

/** A number as text that gives the same number, −0 too. */
export const literal = (value: number): string => (Object.is(value, -0) ? '-0' : String(value));

/** A float32 with no more digits than tell it from all others. */
function floatLiteral(value: number): string {
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return literal(short);
  }
  return literal(Number(value.toPrecision(9)));
}

/** A list of float32 numbers, in lines of moderate width where it takes more than one. */
export function floatList(values: ArrayLike<number>): string {
  return list(Array.from(values, floatLiteral));
}

/** A list of what is text already. */
export function list(items: readonly string[]): string {
  const line = `[${items.join(', ')}]`;
  if (line.length <= lineWidth) return line;
  const lines: string[] = [];
  for (const item of items) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + item.length + 2 <= lineWidth) {
      lines[lines.length - 1] = `${last} ${item},`;
    } else lines.push(`  ${item},`);
  }
  return `[\n${lines.join('\n')}\n]`;
}
