import { type CommandSpec, commonOptions, csvOptions, readArguments } from '../arguments.js';
import { CsvFile } from '../csv/reader.js';
import { readModel, schemaOf } from '../model-file.js';
import { counted, type ExitCode } from '../problem.js';
import { classTable, predictRows, printReport, reportOf } from '../report.js';
import { spooled } from '../spool.js';
import { loadRows } from '../table/load.js';
import type { Screen } from '../terminal/screen.js';

export const evaluateCommand = {
  usage: 'evaluate MODEL DATA.csv',
  about: 'Predicts each row of a table that holds the true answers as well, and says how well.',
  operands: { least: 2, most: 2 },
  options: { ...csvOptions, ...commonOptions },
  examples: [
    ['npx chainrule evaluate iris.safetensors newer.csv', 'does it still hold?'],
    ['npx chainrule evaluate iris.safetensors newer.csv --json', 'the same for a script'],
  ],
} as const satisfies CommandSpec;

export async function evaluate(given: readonly string[], screen: Screen): Promise<ExitCode> {
  const options = readArguments(evaluateCommand, given);
  const [modelPath, dataPath] = options.operands as [string, string];
  const model = await readModel(modelPath);
  const network = model.network();
  const source = await spooled(dataPath);
  const schema = schemaOf(model);
  const file = await CsvFile.open(
    source.path,
    {
      delimiter: options.text('delimiter'),
      encoding: options.text('encoding'),
      decimal: options.text('decimal') ?? schema.decimal,
    },
    source.name,
  );
  const header = { header: !options.has('no-header') };
  const own = { ...schema, decimal: file.dialect.decimal };
  const { store, encoder, skipped } = await loadRows(file, own, header, screen);
  try {
    const width = schema.task === 'multiclass' ? schema.classes!.length : 1;
    const places = Int32Array.from({ length: store.rows }, (_, r) => r);
    const predictions = predictRows(store, places, width, (x) => network.predict(x));
    const report = reportOf(schema, predictions);
    if (options.has('json')) {
      screen.printJson({ ...report, skipped, unseenCategories: encoder.unseen });
      return 0;
    }
    screen.print(`${screen.paint.bold(file.name)}  ${counted(store.rows, 'row')}`);
    printReport(screen, schema, report, predictions);
    if (schema.classes) screen.print(`\n${classTable(schema, predictions)}`);
    if (skipped > 0)
      screen.warn(`${counted(skipped, 'row')} without a value of the target left out`);
    if (encoder.unseen > 0) {
      screen.warn(`${counted(encoder.unseen, 'cell')} with a category that training has not seen`);
    }
    return 0;
  } finally {
    store.close();
  }
}
