import { hint } from '../checks.js';
import { Problem, printable, quoted } from './problem.js';
import type { Paints } from './terminal/screen.js';

/** An option of a command. */
export interface OptionSpec {
  /** What stands for its value in the help; none for an option without one. */
  readonly value?: string;
  readonly short?: string;
  readonly about: string;
  /** Whether it may come more than once, or as a list with commas. */
  readonly many?: boolean;
}

/** A command: what it is called with, and what the help says of it. */
export interface CommandSpec<Name extends string = string> {
  readonly usage: string;
  readonly about: string;
  readonly operands: { readonly least: number; readonly most: number };
  readonly options: Readonly<Record<Name, OptionSpec>>;
  /** Commands that work when pasted, each with what it does. */
  readonly examples: readonly (readonly [command: string, about: string])[];
}

/** A command line, read. */
export class Arguments<Name extends string = string> {
  readonly operands: readonly string[];
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(operands: readonly string[], values: ReadonlyMap<string, readonly string[]>) {
    this.operands = operands;
    this.#values = values;
  }

  has(name: Name): boolean {
    return this.#values.has(name);
  }

  /** The value of an option, the last where it comes more than once. */
  text(name: Name): string | undefined {
    return this.#values.get(name)?.at(-1);
  }

  list(name: Name): string[] | undefined {
    return this.#values
      .get(name)
      ?.flatMap((value) => value.split(','))
      .map((value) => value.trim())
      .filter((value) => value !== '');
  }

  /** @throws Problem for what is no number within [least, most] */
  number(name: Name, least: number, most = Number.MAX_VALUE): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (Number.isFinite(value) && value >= least && value <= most) return value;
    const range = most === Number.MAX_VALUE ? `of at least ${least}` : `from ${least} to ${most}`;
    throw new Problem(`--${name}: expected a number ${range}, got ${quoted(text)}`);
  }

  whole(name: Name, least: number, most = Number.MAX_VALUE): number | undefined {
    const value = this.number(name, least, most);
    if (value === undefined || Number.isInteger(value)) return value;
    throw new Problem(`--${name}: expected a whole number, got ${quoted(this.text(name)!)}`);
  }

  oneOf<Choice extends string>(name: Name, choices: readonly Choice[]): Choice | undefined {
    const text = this.text(name);
    if (text === undefined || choices.includes(text as Choice)) return text as Choice | undefined;
    throw new Problem(`--${name}: ${quoted(text)} is not known; ${hint(text, choices)}`);
  }
}

/** Options of every command. */
export const commonOptions = {
  quiet: { short: 'q', about: 'results and errors only' },
  json: { about: 'results as JSON, for machines' },
  help: { short: 'h', about: 'this text' },
} as const satisfies Record<string, OptionSpec>;

/** How a CSV file is written; found out where it is not said. */
export const csvOptions = {
  delimiter: { value: 'CHAR', about: 'what separates cells: , ; | or tab' },
  decimal: { value: 'CHAR', about: 'what stands before fractions: . or ,' },
  encoding: { value: 'NAME', about: 'utf-8, utf-16le, utf-16be or windows-1252' },
  'no-header': { about: 'the first line is data; columns are column1, column2 …' },
} as const satisfies Record<string, OptionSpec>;

/**
 * Reads what stands behind a command's name.
 *
 * @throws Problem for options that there are not, with the nearest that there is, and for values and
 *   operands that are missing or too many
 */
export function readArguments<Name extends string>(
  spec: CommandSpec<Name>,
  given: readonly string[],
): Arguments<Name> {
  const options: Readonly<Record<string, OptionSpec>> = spec.options;
  const values = new Map<string, string[]>();
  const operands: string[] = [];
  let onlyOperands = false;
  for (let i = 0; i < given.length; i++) {
    const argument = given[i]!;
    if (onlyOperands || argument === '-' || !argument.startsWith('-')) {
      operands.push(argument);
      continue;
    }
    if (argument === '--') {
      onlyOperands = true;
      continue;
    }
    const equals = argument.indexOf('=');
    const written = equals < 0 ? argument : argument.slice(0, equals);
    const name = written.startsWith('--')
      ? written.slice(2)
      : (Object.keys(options).find((key) => options[key]!.short === written.slice(1)) ?? '');
    if (!Object.hasOwn(options, name)) {
      const known = Object.keys(options).map((key) => `--${key}`);
      throw new Problem(`${printable(written)}: there is no such option; ${hint(written, known)}`);
    }
    const option = options[name]!;
    let value = equals < 0 ? undefined : argument.slice(equals + 1);
    if (option.value === undefined) {
      if (value !== undefined) throw new Problem(`--${name}: takes no value, got ${quoted(value)}`);
      value = '';
    } else if (value === undefined) {
      i++;
      value = given[i];
      if (value === undefined) throw new Problem(`--${name}: expected ${option.value} behind it`);
    }
    values.set(name, [...(values.get(name) ?? []), value]);
  }
  const { least, most } = spec.operands;
  if (!values.has('help') && (operands.length < least || operands.length > most)) {
    const extra = operands.length > most ? `, and ${quoted(operands[most]!)} is one too many` : '';
    throw new Problem(`expected: chainrule ${spec.usage}${extra}`);
  }
  return new Arguments<Name>(operands, values);
}

/** Lines of two columns, the second wrapped within the width. */
export function twoColumns(
  rows: readonly (readonly [string, string])[],
  width: number,
  paint: (text: string) => string,
): string {
  const left = Math.min(30, Math.max(...rows.map(([name]) => name.length))) + 2;
  return rows
    .flatMap(([name, about]) => {
      const lines = wrap(about, Math.max(20, width - left - 2));
      const first = name.length + 2 > left ? [`  ${paint(name)}`] : [];
      return [
        ...first,
        ...lines.map((line, i) => {
          const label = i === 0 && first.length === 0 ? name : '';
          return `  ${paint(label)}${' '.repeat(left - label.length)}${line}`;
        }),
      ];
    })
    .join('\n');
}

/** Words in lines of at most `width` characters. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines;
}

/** The help of a command. */
export function helpOf(spec: CommandSpec, width: number, paint: Paints): string {
  const options = Object.entries(spec.options).map(([name, { short, value, about }]) => {
    const label = `${short ? `-${short}, ` : '    '}--${name}${value ? ` ${value}` : ''}`;
    return [label, about] as const;
  });
  const examples = spec.examples.flatMap(([command, about]) => [
    `  ${paint.dim(`# ${about}`)}`,
    `  ${paint.cyan(command)}`,
    '',
  ]);
  return [
    ...wrap(spec.about, width),
    '',
    paint.bold('Usage'),
    `  chainrule ${spec.usage}`,
    '',
    paint.bold('Examples'),
    ...examples,
    paint.bold('Options'),
    twoColumns(options, width, paint.bold),
  ].join('\n');
}
