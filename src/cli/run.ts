import { version } from '../../package.json';
import { hint } from '../checks.js';
import { type CommandSpec, helpOf, twoColumns, wrap } from './arguments.js';
import { bench, benchCommand } from './commands/bench.js';
import { convert, convertCommand } from './commands/convert.js';
import { evaluate, evaluateCommand } from './commands/evaluate.js';
import { inspect, inspectCommand } from './commands/inspect.js';
import { predict, predictCommand } from './commands/predict.js';
import { train, trainCommand } from './commands/train.js';
import { type ExitCode, Problem, printable } from './problem.js';
import { Screen, type Streams } from './terminal/screen.js';

interface Command {
  readonly spec: CommandSpec;
  run(given: readonly string[], screen: Screen): Promise<ExitCode>;
}

const commands: Readonly<Record<string, Command>> = {
  train: { spec: trainCommand, run: train },
  predict: { spec: predictCommand, run: predict },
  evaluate: { spec: evaluateCommand, run: evaluate },
  inspect: { spec: inspectCommand, run: inspect },
  convert: { spec: convertCommand, run: convert },
  bench: { spec: benchCommand, run: bench },
};

const exitCodes =
  'Exit codes: 0 done; 1 something failed, such as a full disk; 2 the command or its input is not right; 130 stopped by Ctrl-C.';

/** What `chainrule` says by itself. */
function overview(screen: Screen): string {
  const { bold, cyan, dim } = screen.paint;
  const list = Object.entries(commands).map(([name, { spec }]) => [name, spec.about] as const);
  return [
    `${bold('chainrule')} ${version}  neural networks from the command line`,
    '',
    bold('Start here'),
    `  ${dim('# learn to predict a column of a table from the others')}`,
    `  ${cyan('npx chainrule train data.csv --target price')}`,
    `  ${dim('# then predict it for new rows')}`,
    `  ${cyan('npx chainrule predict data.safetensors new.csv -o predicted.csv')}`,
    '',
    bold('Commands'),
    twoColumns(list, screen.width, bold),
    '',
    `${dim('More on each:')} chainrule train --help`,
    ...wrap(exitCodes, screen.width).map(dim),
  ].join('\n');
}

/** Runs a command line and says how it ended. */
export async function run(given: readonly string[], streams: Streams): Promise<ExitCode> {
  const [name, ...rest] = given;
  const flags = new Set(given);
  const quiet = flags.has('--quiet') || flags.has('-q') || flags.has('--json');
  const screen = new Screen(streams, quiet);
  if (name === undefined || ['help', '--help', '-h'].includes(name)) {
    const asked = commands[rest[0] ?? ''];
    screen.print(asked ? helpOf(asked.spec, screen.width, screen.paint) : overview(screen));
    return 0;
  }
  if (name === '--version' || name === '-v') {
    screen.print(version);
    return 0;
  }
  try {
    if (!Object.hasOwn(commands, name)) {
      throw new Problem(
        `${printable(name)}: there is no such command; ${hint(name, Object.keys(commands))}`,
      );
    }
    const command = commands[name]!;
    if (flags.has('--help') || flags.has('-h')) {
      screen.print(helpOf(command.spec, screen.width, screen.paint));
      return 0;
    }
    return await command.run(rest, screen);
  } catch (error) {
    screen.done();
    const { red } = screen.paintStatus;
    if (error instanceof Problem) {
      streams.stderr.write(`${red('chainrule:')} ${error.message}\n`);
      return error.exitCode;
    }
    if (error instanceof TypeError || error instanceof RangeError) {
      streams.stderr.write(`${red('chainrule:')} ${printable(error.message, 500)}\n`);
      return 2;
    }
    streams.stderr.write(`${red('chainrule:')} ${(error as Error)?.stack ?? String(error)}\n`);
    return 1;
  }
}
