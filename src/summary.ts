import type { ParameterDeclaration } from './layers/definition.js';
import type { Model } from './layers/model.js';
import { declaredWeights, type ModelLayer } from './layers/tree.js';

/** 101770 as 101,770, the same in every locale. */
const grouped = (count: number) => String(count).replace(/\B(?=(\d{3})+$)/g, ',');

/** How many numbers these are; buffers, which no optimizer steps, aside. */
const countOf = (parameters: readonly ParameterDeclaration[]) =>
  parameters.reduce((sum, { rows, columns, buffer }) => sum + (buffer ? 0 : rows * columns), 0);

/** A layer's line of the table, then those of the layers inside it, further in. */
function* rowsOf(layers: readonly ModelLayer[], depth = 0): Generator<string[]> {
  for (const { spec, definition, output, parameters, trainable, path, stacks } of layers) {
    yield [
      path.replace('layers.', ''),
      '  '.repeat(depth) + spec.type + (trainable ? '' : ' (frozen)'),
      definition.activation?.(spec) ?? '',
      `[${output.join(', ')}]`,
      grouped(countOf(Object.values(parameters))),
    ];
    for (const stack of Object.values(stacks)) yield* rowsOf(stack, depth + 1);
  }
}

/** A table of the layers: kind, activation, the shape of the outputs, how many parameters. */
export function summarize(model: Model, backend: string): string {
  const table = [
    ['', 'layer', 'activation', 'output', 'parameters'],
    ['', 'input', '', `[${model.inputShape.join(', ')}]`, ''],
    ...rowsOf(model.layers),
  ];
  const widths = table[0]!.map((_, c) => Math.max(...table.map((row) => row[c]!.length)));
  const lines = table.map((row) =>
    row
      .map((cell, c) =>
        c === row.length - 1 ? cell.padStart(widths[c]!) : cell.padEnd(widths[c]!),
      )
      .join('  ')
      .trimEnd(),
  );
  lines.splice(1, 0, widths.map((width) => '─'.repeat(width)).join('──'));
  const weights = declaredWeights(model.layers);
  const frozen = countOf(weights.filter(({ layer }) => !layer.trainable));
  const loss = model.loss ? `loss ${model.loss.type}, ` : '';
  lines.push(
    '',
    `${grouped(countOf(weights))} parameters${frozen > 0 ? `, ${grouped(frozen)} of them frozen` : ''}, ` +
      `${loss}optimizer ${model.optimizer.type}, backend ${backend}`,
  );
  return lines.join('\n');
}
