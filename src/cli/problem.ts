/** What the command line tells people when it cannot go on: one line, and the exit code. */

/** 1: something went wrong while running; 2: the command or its input is not right. */
export type ExitCode = 0 | 1 | 2 | 130;

/** A problem of the user's input, to be shown as one line without a stack trace. */
export class Problem extends Error {
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode = 2) {
    super(message);
    this.name = 'Problem';
    this.exitCode = exitCode;
  }
}

/**
 * Characters that a terminal would act on instead of showing: controls, and those that turn the
 * direction of writing.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const unprintable = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** Text from a file, made safe to print: such characters become their code, and it is cut short. */
export function printable(text: string, most = 60): string {
  const shown = text.length > most ? `${text.slice(0, most - 1)}…` : text;
  return shown.replace(unprintable, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** A name from a file in quotes. */
export const quoted = (text: string) => `'${printable(text)}'`;

/** 1437 as 1,437. */
export const grouped = (count: number) =>
  String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ',');

/** `1 row`, `2 rows`. */
export const counted = (count: number, noun: string) =>
  `${grouped(count)} ${noun}${count === 1 ? '' : 's'}`;
