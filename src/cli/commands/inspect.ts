import { type CommandSpec, commonOptions, readArguments, wrap } from '../arguments.js';
import { readModel } from '../model-file.js';
import { type ExitCode, grouped, printable } from '../problem.js';
import { curvePlot, shortNumber, sparkHistogram } from '../terminal/plots.js';
import type { Screen } from '../terminal/screen.js';

export const inspectCommand = {
  usage: 'inspect MODEL',
  about: 'Shows what is in a model file: layers, parameters, how it was trained, its weights.',
  operands: { least: 1, most: 1 },
  options: commonOptions,
  examples: [['npx chainrule inspect iris.safetensors', 'what is it?']],
} as const satisfies CommandSpec;

function spread(values: Float32Array) {
  let sum = 0;
  let squares = 0;
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    sum += value;
    squares += value * value;
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  const mean = sum / values.length;
  const deviation = Math.sqrt(Math.max(0, squares / values.length - mean * mean));
  return { least, most, mean, deviation };
}

export async function inspect(given: readonly string[], screen: Screen): Promise<ExitCode> {
  const options = readArguments(inspectCommand, given);
  const model = await readModel(options.operands[0]!);
  const { snapshot, attachment } = model;
  const schema = attachment?.table;
  const network = model.network();
  const weights = Object.entries(snapshot.weights);
  if (options.has('json')) {
    const shown = weights.map(([name, { shape, values }]) => ({ name, shape, ...spread(values) }));
    const { spec, scalers, history } = snapshot;
    screen.printJson({ spec, scalers, history, table: schema, weights: shown });
    return 0;
  }
  const { bold, dim } = screen.paint;
  screen.print(bold(model.path));
  if (schema) {
    const { features, classes, target } = schema;
    const of = classes
      ? ` (${classes
          .slice(0, 8)
          .map((c) => printable(c, 20))
          .join(', ')}${classes.length > 8 ? ', …' : ''})`
      : '';
    screen.print(`predicts ${printable(target)}${of}`);
    const names = features.slice(0, 10).map(({ name }) => printable(name, 24));
    const more = features.length > 10 ? ` and ${features.length - 10} more` : '';
    for (const line of wrap(`from ${names.join(', ')}${more}`, screen.width)) screen.print(line);
  }
  screen.print(`\n${network.summary()}`);
  const { history } = snapshot;
  if (history?.loss && history.loss.length > 0) {
    screen.print(`\n${bold('Training')}  ${grouped(history.loss.length)} epochs`);
    const curves = [{ name: 'loss', values: history.loss }];
    if (history.val_loss) curves.push({ name: 'validation', values: history.val_loss });
    const size = { width: Math.min(screen.width, 76), height: 8 };
    screen.print(curvePlot(curves, size, screen.paint, ['epoch 1', String(history.loss.length)]));
  }
  screen.print(`\n${bold('Weights')}`);
  const bins = screen.width < 90 ? 16 : 24;
  const rows = weights.map(([name, { shape, values }]) => {
    const { least, most, mean, deviation } = spread(values);
    return [
      name,
      values.length >= bins ? sparkHistogram(values, bins) : ''.padEnd(bins),
      `[${shortNumber(least)}, ${shortNumber(most)}]`,
      `${shortNumber(mean)} ± ${shortNumber(deviation)}`,
      `[${shape.join(', ')}]`,
    ] as const;
  });
  const widths = [0, 1, 2, 3].map((c) => Math.max(...rows.map((row) => row[c]!.length)));
  for (const row of rows) {
    const [name, histogram, range, mean] = widths.map((width, c) => row[c]!.padEnd(width));
    const cells = [name, screen.paint.cyan(histogram!), dim(range!), mean, dim(row[4])];
    screen.print(cells.join('  '));
  }
  return 0;
}
