import type { Model } from './layers/model.js';

/** How many numbers a layer trains. */
const countOf = (layer: Model['layers'][number]) =>
  Object.values(layer.parameters).reduce((sum, { rows, columns }) => sum + rows * columns, 0);

/** 101770 as 101,770, the same in every locale. */
const grouped = (count: number) => String(count).replace(/\B(?=(\d{3})+$)/g, ',');

/** A table of the layers: kind, activation, the shape of the outputs, trainable numbers. */
export function summarize(model: Model, backend: string): string {
  const rows = model.layers.map((layer, i) => [
    String(i),
    layer.spec.type,
    layer.definition.activation?.(layer.spec) ?? '',
    `[${layer.output.join(', ')}]`,
    grouped(countOf(layer)),
  ]);
  const table = [
    ['', 'layer', 'activation', 'output', 'parameters'],
    ['', 'input', '', `[${model.inputShape.join(', ')}]`, ''],
    ...rows,
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
  const total = model.layers.reduce((sum, layer) => sum + countOf(layer), 0);
  const loss = model.loss ? `loss ${model.loss.type}, ` : '';
  lines.push(
    '',
    `${grouped(total)} parameters, ${loss}optimizer ${model.optimizer.type}, backend ${backend}`,
  );
  return lines.join('\n');
}
