import { type CommandSpec, commonOptions, csvOptions, readArguments } from '../arguments.js';
import { CsvFile } from '../csv/reader.js';
import { csvLine } from '../csv/writer.js';
import { checkFree, PartialFile } from '../files.js';
import { readModel, schemaOf } from '../model-file.js';
import { counted, type ExitCode, grouped, printable } from '../problem.js';
import { decisionsOf } from '../report.js';
import { spooled } from '../spool.js';
import { checkWidth, openRecords, readingStatus } from '../table/load.js';
import type { TableSchema } from '../table/schema.js';
import type { Screen } from '../terminal/screen.js';

const { json: _, ...options } = commonOptions;

export const predictCommand = {
  usage: 'predict MODEL DATA.csv [-o OUT.csv]',
  about:
    'Adds what the model predicts to each row of a table, and for classes their probabilities. Columns may stand in another order, and others may be among them. DATA.csv may be - for standard input; without -o the rows go to standard output.',
  operands: { least: 2, most: 2 },
  options: {
    output: { short: 'o', value: 'FILE', about: 'where the rows go' },
    only: { about: 'only what is predicted, without the columns of the table' },
    force: { short: 'f', about: 'overwrite a file that is there' },
    ...csvOptions,
    ...options,
  },
  examples: [
    ['npx chainrule predict iris.safetensors new.csv -o named.csv', 'a column more'],
    ['npx chainrule predict iris.safetensors new.csv | head', 'a first look'],
  ],
} as const satisfies CommandSpec;

/** Categories that training has not seen are told one by one up to so many. */
const mostTold = 10;

/** Names for the columns that are added, none of which the table has. */
function addedColumns(schema: TableSchema, names: readonly string[]): string[] {
  const taken = new Set(names);
  const free = (name: string) => {
    let found = name;
    for (let n = 2; taken.has(found); n++) found = `${name} ${n}`;
    taken.add(found);
    return found;
  };
  const classes = schema.classes?.map((name) => free(`p(${name})`)) ?? [];
  return [free('prediction'), ...classes];
}

/** What is added to a row: the prediction, then probabilities of all classes. */
function addedCells(
  schema: TableSchema,
  outputs: Float32Array,
  said: Int32Array | undefined,
  row: number,
): string[] {
  const { classes } = schema;
  if (!classes || !said) return [written(outputs[row]!)];
  const probabilities =
    schema.task === 'binary'
      ? [1 - outputs[row]!, outputs[row]!]
      : classes.map((_, c) => outputs[row * classes.length + c]!);
  return [classes[said[row]!]!, ...probabilities.map(written)];
}

const written = (value: number) => String(Number(value.toPrecision(7)));

export async function predict(given: readonly string[], screen: Screen): Promise<ExitCode> {
  const options = readArguments(predictCommand, given);
  const [modelPath, dataPath] = options.operands as [string, string];
  const output = options.text('output');
  if (output !== undefined) await checkFree(output, options.has('force'));
  const model = await readModel(modelPath);
  const schema = schemaOf(model);
  const network = model.network();
  const source = await spooled(dataPath);
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
  let told = 0;
  const opened = await openRecords(
    file,
    { ...schema, decimal: file.dialect.decimal },
    header,
    false,
    ({ line, column, cell }) => {
      if (told++ < mostTold) {
        screen.warn(
          `${file.at(line, column)}: '${printable(cell)}' was not seen in training; the most frequent category stands in`,
        );
      }
    },
    output === undefined ? undefined : readingStatus(screen, file, 'predicting'),
  );
  const { names, encoder } = opened;
  const { delimiter } = file.dialect;
  const width = schema.task === 'multiclass' ? schema.classes!.length : 1;
  const target = output === undefined ? undefined : await PartialFile.create(output);
  const write = (text: string) => (target ? target.write(text) : screen.write(text));
  // A file keeps cells as they are; a terminal would act on escapes in them.
  const shown = (cell: string) => printable(cell, Number.POSITIVE_INFINITY);
  const line = (cells: readonly string[]) =>
    csvLine(!target && screen.terminal ? cells.map(shown) : cells, delimiter);
  let count = 0;
  try {
    const kept = options.has('only') ? [] : names;
    await write(line([...kept, ...addedColumns(schema, kept)]));
    for await (const { rows, lines } of opened.records) {
      const features = schema.features.length;
      const x = new Float32Array(rows.length * features);
      rows.forEach((cells, i) => {
        checkWidth(file, cells, lines[i]!, names.length);
        encoder.encode(cells, lines[i]!, x, i * features);
      });
      const outputs = network.predict(x);
      const said = schema.classes && decisionsOf(outputs, width);
      let text = '';
      rows.forEach((cells, i) => {
        const before = options.has('only') ? [] : cells;
        text += line([...before, ...addedCells(schema, outputs, said, i)]);
      });
      await write(text);
      count += rows.length;
    }
    await target?.finish();
  } catch (error) {
    await target?.abandon();
    throw error;
  }
  screen.done();
  if (told > mostTold) screen.warn(`${grouped(told)} such cells in all`);
  if (output !== undefined)
    screen.tell(`${counted(count, 'row')} written to ${printable(output, 200)}`);
  return 0;
}
