import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CsvFile } from '../../src/cli/csv/reader.js';
import { numberIn } from '../../src/cli/table/cells.js';
import { Encoder } from '../../src/cli/table/encoder.js';
import { deviationOf, profileTable } from '../../src/cli/table/profile.js';
import { decide, type SchemaOptions } from '../../src/cli/table/schema.js';
import { RowWriter } from '../../src/cli/table/store.js';

const folder = mkdtempSync(join(tmpdir(), 'chainrule-table-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;

async function tableOf(content: string, header = true) {
  const path = join(folder, `${files++}.csv`);
  writeFileSync(path, content);
  const file = await CsvFile.open(path, {}, 'data.csv');
  return { file, profile: await profileTable(file, { header }) };
}

async function decided(content: string, options: SchemaOptions) {
  const { file, profile } = await tableOf(content);
  return decide(file, profile, options);
}

/** A table with a row for each number below `count`. */
const rows = (head: string, count: number, row: (r: number) => string) =>
  `${head}\n${Array.from({ length: count }, (_, r) => `${row(r)}\n`).join('')}`;

describe('numberIn', () => {
  it('takes decimal numbers and nothing else', () => {
    const numbers = { '1': 1, ' -2.5 ': -2.5, '+.5': 0.5, '3.': 3, '1e3': 1000, '1E-2': 0.01 };
    for (const [text, value] of Object.entries(numbers)) expect(numberIn(text, '.')).toBe(value);
    for (const text of ['2abc', '0x10', '1_000', '1,5', '2020-01-01', 'Infinity', '', '.', '1e']) {
      expect(numberIn(text, '.')).toBeNaN();
    }
    expect(numberIn('1,5', ',')).toBe(1.5);
    expect(numberIn('1.5', ',')).toBeNaN();
    expect(numberIn('1e999', '.')).toBe(Number.POSITIVE_INFINITY);
    expect(numberIn('-1e39', '.')).toBe(Number.NEGATIVE_INFINITY);
  });
});

describe('profileTable', () => {
  it('counts, and takes mean and deviation', async () => {
    const { profile } = await tableOf('a,b\n1,x\n2,\n,y\n6,x\nNA,?\n');
    const [a, b] = profile.columns;
    expect(profile.rows).toBe(5);
    expect(a).toMatchObject({ values: 3, missing: 2, numbers: 3, least: 1, most: 6, mean: 3 });
    expect(deviationOf(a!)).toBeCloseTo(Math.sqrt(14 / 3), 12);
    expect(b).toMatchObject({ values: 3, missing: 2, numbers: 0 });
    expect([...b!.counts!]).toEqual([
      ['x', 2],
      ['y', 1],
    ]);
  });

  it('names columns that share a name or have none', async () => {
    const { profile } = await tableOf('a,a,,constructor,__proto__\n1,2,3,4,5\n');
    const names = profile.columns.map(({ name }) => name);
    expect(names).toEqual(['a', 'a (2)', 'column3', 'constructor', '__proto__']);
    expect(profile.notes).toEqual(["column 2: 'a' is there already; it is called 'a (2)' here"]);
  });

  it('takes the first line for data where that is said', async () => {
    const { profile } = await tableOf('1,2\n3,4\n', false);
    expect(profile.rows).toBe(2);
    expect(profile.columns.map(({ name }) => name)).toEqual(['column1', 'column2']);
  });

  const refusals: readonly (readonly [string, string, string])[] = [
    ['only a header', 'a,b\n', 'data.csv: there are no rows: there is only a header'],
    ['blank lines', '\n\n', 'data.csv: there are no rows'],
    [
      'ragged rows',
      'a,b\n1,2\n3\n4,5\n6,7,8\n',
      'data.csv, line 3: expected 2 cells, as the header has, got 1; 2 rows in all are so',
    ],
  ];
  for (const [what, content, message] of refusals) {
    it(`refuses ${what}`, async () => {
      await expect(tableOf(content)).rejects.toThrow(message);
    });
  }
});

describe('decide', () => {
  it('tells tasks apart', async () => {
    const target = (cell: (r: number) => string | number) =>
      decided(
        rows('x,y', 60, (r) => `${r % 7}.5,${cell(r)}`),
        { target: 'y' },
      );
    expect((await target((r) => ['no', 'yes'][r % 2]!)).schema).toMatchObject({
      task: 'binary',
      classes: ['no', 'yes'],
    });
    expect((await target((r) => r % 2)).schema).toMatchObject({
      task: 'binary',
      classes: ['0', '1'],
    });
    expect((await target((r) => 12 - (r % 3))).schema).toMatchObject({
      task: 'multiclass',
      classes: ['10', '11', '12'],
    });
    expect((await target((r) => r * 1.5)).schema.task).toBe('regression');
    expect((await target((r) => r * 3)).schema.task).toBe('regression');
    const asked = await decided(
      rows('x,y', 60, (r) => `${r % 7}.5,${r % 2}`),
      { target: 'y', task: 'regression' },
    );
    expect(asked.schema.task).toBe('regression');
  });

  it('leaves out what nothing can be learnt from, and says why', async () => {
    const content = rows('id,same,empty,when,text,x,y', 40, (r) =>
      [r + 100, 7, '', `2020-01-${10 + (r % 20)}`, `note ${r}`, r * 0.5, r % 2].join(','),
    );
    const { ignored, schema } = await decided(content, { target: 'y' });
    expect(Object.fromEntries(ignored.map(({ name, reason }) => [name, reason]))).toEqual({
      id: 'numbers the rows',
      same: 'always the same',
      empty: 'no cell has a value',
      when: 'dates; make numbers of them, such as the year or days since',
      text: 'a different text in each row',
    });
    expect(schema.features).toEqual([{ name: 'x', kind: 'number', fill: 9.75 }]);
  });

  it('keeps missing values of categories as one, and fills numbers with the mean', async () => {
    const content = rows('c,n,y', 40, (r) =>
      [['red', 'blue', ''][r % 3], r % 4 ? r % 4 : '', r % 2].join(','),
    );
    const { schema } = await decided(content, { target: 'y' });
    expect(schema.features).toEqual([
      { name: 'c', kind: 'category', categories: ['blue', 'red', ''], fill: 1 },
      { name: 'n', kind: 'number', fill: 2 },
    ]);
  });

  const many = (count: number) => rows('x,y', count, (r) => `${r / 2},class${r}`);
  const numbers = (odd: string) => rows('x,y', 60, (r) => `${r === 16 ? odd : r / 2},${r % 2}`);
  const refusals: readonly (readonly [string, string, string, string])[] = [
    [
      'a target that is not there',
      'height,weight\n1,2\n',
      'heigth',
      "--target: there is no column 'heigth'; did you mean 'height'?",
    ],
    [
      'one class only',
      rows('x,y', 9, (r) => `${r / 2},yes`),
      'y',
      "data.csv: the target 'y' is 'yes' in every row: there is nothing to tell apart",
    ],
    [
      'a constant number',
      rows('x,y', 9, (r) => `${r / 2},1.5`),
      'y',
      "data.csv: the target 'y' is 1.5 in every row: there is nothing to learn",
    ],
    [
      'a target without a value',
      rows('x,y', 9, (r) => `${r / 2},`),
      'y',
      "data.csv: the target 'y' has no value in any row",
    ],
    [
      '50,000 classes',
      many(50_000),
      'y',
      "data.csv: the target 'y' has very many different texts; at most 1,000 classes can be told apart",
    ],
    [
      'one column',
      'y\n1.5\n2.5\n',
      'y',
      "data.csv: there is only one column, 'y': is the delimiter right (--delimiter)?",
    ],
    [
      'nothing to learn from',
      rows('x,y', 30, (r) => `7,${r % 2}`),
      'y',
      'data.csv: no column is left to learn from: 1 column ignored (always the same)',
    ],
    [
      '2abc among numbers',
      numbers('2abc'),
      'y',
      "data.csv, line 18, column 'x': expected a number, as in 59 of 60 rows, got '2abc'; correct it, or leave the cell empty",
    ],
    [
      '0x10 among numbers',
      numbers('0x10'),
      'y',
      "data.csv, line 18, column 'x': expected a number, as in 59 of 60 rows, got '0x10'",
    ],
    [
      'a date among numbers',
      numbers('2020-01-01'),
      'y',
      "data.csv, line 18, column 'x': expected a number, as in 59 of 60 rows, got '2020-01-01'",
    ],
    [
      '1e999',
      numbers('1e999'),
      'y',
      "data.csv, line 18, column 'x': '1e999' is beyond the range of numbers, ±3.4e38",
    ],
  ];
  for (const [what, content, target, message] of refusals) {
    it(`refuses ${what}`, async () => {
      await expect(decided(content, { target })).rejects.toThrow(message);
    });
  }

  it('takes names from objects for plain names', async () => {
    const content = rows(
      'constructor,__proto__,toString',
      40,
      (r) => `${r / 2},${r % 5}.5,${['valueOf', 'hasOwnProperty'][r % 2]}`,
    );
    const { schema } = await decided(content, { target: 'toString' });
    expect(schema.features.map(({ name }) => name)).toEqual(['constructor', '__proto__']);
    expect(schema.classes).toEqual(['hasOwnProperty', 'valueOf']);
  });

  it('never passes control characters on to a terminal', async () => {
    const content = rows('x,\u001b[31mred', 9, (r) => `${r / 2},\u001b]0;title\u0007`);
    const refusal = await decided(content, { target: '2' }).catch((error: Error) => error.message);
    expect(refusal).toContain("'\\u001b[31mred' is '\\u001b]0;title\\u0007' in every row");
    expect(refusal).not.toContain('\u001b');
  });

  it('warns of integers that lose digits', async () => {
    const content = rows('x,y', 30, (r) => `${90071992547409930n + BigInt((r * 7) % 30)},${r % 2}`);
    const { notes } = await decided(content, { target: 'y' });
    expect(notes).toEqual(["column 'x': integers beyond 2⁵³ lose their last digits"]);
    const target = rows('x,y', 30, (r) => `${r % 7}.5,${90071992547409930n + BigInt(r * 7)}`);
    expect((await decided(target, { target: 'y' })).notes).toEqual([
      "column 'y': integers beyond 2⁵³ lose their last digits",
    ]);
  });
});

describe('Encoder', () => {
  const content = rows('c,n,y', 40, (r) =>
    [['red', 'blue'][r % 2], r % 4, ['no', 'yes'][r % 2]].join(','),
  );

  it('finds columns in any order, and stands in for what is missing or new', async () => {
    const { file, profile } = await tableOf(content);
    const { schema } = decide(file, profile, { target: 'y' });
    const unseen: unknown[] = [];
    const names = ['extra', 'n', 'y', 'c'];
    const encoder = new Encoder(schema, file, names, true, (u) => unseen.push(u));
    const out = new Float32Array(6);
    encoder.encode(['?', '3', 'yes', 'red'], 2, out, 0);
    encoder.encode(['?', '', 'no', ''], 3, out, 2);
    encoder.encode(['?', '1', 'no', 'green'], 4, out, 4);
    expect([...out]).toEqual([1, 3, 0, 1.5, 0, 1]);
    expect(unseen).toEqual([{ line: 4, column: 'c', cell: 'green' }]);
    expect([encoder.target(['', '', 'yes', ''], 2), encoder.target(['', '', '', ''], 2)]).toEqual([
      1,
      Number.NaN,
    ]);
    expect(() => encoder.target(['', '', 'maybe', ''], 7)).toThrow(
      "data.csv, line 7, column 'y': 'maybe' is none of the classes: no, yes",
    );
    expect(() => encoder.encode(['', 'x', '', 'red'], 8, out, 0)).toThrow(
      "data.csv, line 8, column 'n': expected a number, got 'x'",
    );
  });

  it('names columns that are missing', async () => {
    const { file, profile } = await tableOf(content);
    const { schema } = decide(file, profile, { target: 'y' });
    expect(() => new Encoder(schema, file, ['c', 'N'], false)).toThrow(
      "data.csv: the model needs a column that is not there: 'n'; did you mean 'N'?",
    );
    expect(() => new Encoder(schema, file, ['y'], false)).toThrow(
      "data.csv: the model needs columns that are not there: 'c', 'n'",
    );
  });
});

describe('RowWriter', () => {
  const fill = (limit: number, count: number) => {
    const writer = new RowWriter(7, limit);
    for (let r = 0; r < count; r++) {
      const { out, at } = writer.next();
      for (let c = 0; c < 7; c++) out[at + c] = r * 7 + c;
    }
    return writer.finish();
  };

  it('gives the same rows from memory and from a file, which has no name', () => {
    const before = readdirSync(tmpdir());
    const memory = fill(1e9, 40_000);
    const file = fill(0, 40_000);
    const left = readdirSync(tmpdir()).filter((name) => !before.includes(name));
    if (process.platform !== 'win32') expect(left.filter((n) => n.endsWith('.rows'))).toEqual([]);
    const [a, b] = [new Float32Array(8), new Float32Array(8)];
    for (const row of [0, 1, 9361, 9362, 9363, 20_000, 39_999, 5]) {
      memory.read(row, a, 1);
      file.read(row, b, 1);
      expect([...a]).toEqual([0, ...Array.from({ length: 7 }, (_, c) => row * 7 + c)]);
      expect(b).toEqual(a);
    }
    memory.close();
    file.close();
    expect(() => file.read(0, b, 0)).toThrow();
  });
});
