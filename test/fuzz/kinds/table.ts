import { load, readSnapshot, save, sequential } from 'chainrule';
import { networkFor } from '../../../src/cli/architecture.js';
import type { Arguments } from '../../../src/cli/arguments.js';
import { readAttachment } from '../../../src/cli/attachment.js';
import type { CsvFile } from '../../../src/cli/csv/reader.js';
import { decisionsOf } from '../../../src/cli/report.js';
import { Encoder } from '../../../src/cli/table/encoder.js';
import type { TableSchema } from '../../../src/cli/table/schema.js';
import type { Kind } from '../harness.js';
import { jsonText, mutateJson, type Value } from '../mutate.js';
import { fileOf, parts } from './safetensors.js';

const number = (name: string) => ({ name, kind: 'number', fill: 0.5 }) as const;
const category = (name: string, ...categories: string[]) =>
  ({ name, kind: 'category', categories, fill: 0 }) as const;

const schemas: readonly TableSchema[] = [
  {
    task: 'regression',
    features: [number('size'), category('__proto__', 'a', 'b', '')],
    target: 'price',
    decimal: ',',
  },
  {
    task: 'binary',
    features: [category('constructor', 'x', 'y'), number('n')],
    target: 'sick',
    classes: ['no', 'yes'],
    decimal: '.',
  },
  {
    task: 'multiclass',
    features: [number('a'), number('b'), number('c')],
    target: 'kind',
    classes: ['k', 'l', 'm'],
    decimal: '.',
  },
];

const none = { text: () => undefined, list: () => undefined, number: () => undefined };
const options = {
  ...none,
  whole: () => undefined,
  has: () => false,
} as unknown as Arguments<never>;
const course = { epochs: 3, batchSize: 2, patience: 1, test: 0.2, validation: 0.1 };

const files = await Promise.all(
  schemas.map(async (table) => {
    const model = sequential(await networkFor(table, 40, options), { backend: 'js' });
    const cells = (r: number) =>
      table.features.map((f, c) => (f.kind === 'number' ? r * (c + 1) : r % f.categories.length));
    const rows = Array.from({ length: 6 }, (_, r) => cells(r));
    const targets = rows.map((_, r) => table.classes?.[r % table.classes.length] ?? r * 1.5);
    await model.fit(rows, targets as string[], { epochs: 1 });
    return save(model, { attachment: { table, course } });
  }),
);

/** A table whose columns are those that a schema asks for. */
const anyFile = { name: 'data.csv', at: (line: number) => `data.csv, line ${line}` } as CsvFile;

/** Model files of the command line: damage to what they say of the table that they learnt. */
export const table: Kind = {
  name: 'table',
  seeds: () => files,
  mutate(seed, random) {
    const { header, data } = parts(seed);
    const about = JSON.parse(header.__metadata__.chainrule) as { attachment: Value };
    about.attachment = mutateJson(about.attachment, random);
    header.__metadata__.chainrule = jsonText(about as unknown as Value, random);
    return fileOf(JSON.stringify(header), data);
  },
  read(file) {
    const snapshot = readSnapshot(file);
    const attachment = readAttachment(snapshot.attachment, snapshot.spec);
    if (!attachment) return undefined;
    const schema = attachment.table;
    const names = schema.features.map(({ name }) => name);
    const encoder = new Encoder(schema, anyFile, names, false);
    const cells = schema.features.map((f) => (f.kind === 'number' ? '2' : f.categories.at(-1)!));
    const x = new Float32Array(names.length);
    encoder.encode(cells, 1, x, 0);
    const outputs = load(snapshot, { backend: 'js' }).predict(x);
    const width = schema.task === 'multiclass' ? schema.classes!.length : 1;
    if (outputs.length !== width) throw new Error(`${outputs.length} outputs of a ${schema.task}`);
    const said = schema.classes && decisionsOf(outputs, width);
    if (said && schema.classes[said[0]!] === undefined) throw new Error(`class ${said[0]}`);
    return attachment;
  },
};
