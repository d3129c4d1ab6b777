import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { dialectOf } from '../../src/cli/csv/dialect.js';
import { CsvFile } from '../../src/cli/csv/reader.js';
import { csvCell, csvLine } from '../../src/cli/csv/writer.js';

const folder = mkdtempSync(join(tmpdir(), 'chainrule-csv-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;

async function read(content: string | Uint8Array, options = {}) {
  const path = join(folder, `${files++}.csv`);
  writeFileSync(path, content);
  const file = await CsvFile.open(path, options, 'data.csv');
  const rows: (readonly string[])[] = [];
  const lines: number[] = [];
  for await (const records of file.records()) {
    rows.push(...records.rows);
    lines.push(...records.lines);
  }
  return { rows, lines, dialect: file.dialect };
}

const utf16 = (text: string, mark: boolean, little: boolean) => {
  const bytes = Buffer.from((mark ? '\ufeff' : '') + text, 'utf16le');
  return little ? bytes : bytes.swap16();
};

describe('reading', () => {
  it('finds delimiters', async () => {
    for (const delimiter of [',', ';', '\t', '|']) {
      const text = ['a b', '1 2', '3 4', ''].join('\n').replaceAll(' ', delimiter);
      const { rows, dialect } = await read(text);
      expect(dialect.delimiter).toBe(delimiter);
      expect(rows).toEqual([
        ['a', 'b'],
        ['1', '2'],
        ['3', '4'],
      ]);
    }
  });

  it('takes a delimiter inside quotes for text', async () => {
    const { rows, dialect } = await read('name,"x;y;z"\n"a;b;c",1\n"d;e;f",2\n');
    expect(dialect.delimiter).toBe(',');
    expect(rows[1]).toEqual(['a;b;c', '1']);
  });

  it('finds decimal commas where commas do not separate', async () => {
    expect((await read('a;b\n1,5;2\n2,25;3\n')).dialect.decimal).toBe(',');
    expect((await read('a;b\n1.5;2\n2,25;3\n')).dialect.decimal).toBe('.');
    expect((await read('a,b\n1,5\n2,25\n')).dialect.decimal).toBe('.');
  });

  it('knows line ends of all kinds, also behind the last row or not', async () => {
    for (const newline of ['\n', '\r\n', '\r']) {
      for (const end of ['', newline]) {
        const { rows, lines } = await read(['a,b', '1,2', '3,4'].join(newline) + end);
        expect(rows).toEqual([
          ['a', 'b'],
          ['1', '2'],
          ['3', '4'],
        ]);
        expect(lines).toEqual([1, 2, 3]);
      }
    }
  });

  it('counts lines through quoted line breaks and blank lines', async () => {
    const { rows, lines } = await read('a,b\n"one\ntwo",2\n\n3,"4 ""quoted"""\n');
    expect(rows).toEqual([
      ['a', 'b'],
      ['one\ntwo', '2'],
      ['3', '4 "quoted"'],
    ]);
    expect(lines).toEqual([1, 2, 5]);
  });

  it('reads UTF-8 with and without a mark, UTF-16 both ways, and Windows-1252', async () => {
    const text = 'größe,名\n1,2\n';
    const latin = Buffer.from('größe,b\n1,2\n', 'latin1');
    const bytes = [Buffer.from(text), Buffer.from(`\ufeff${text}`)];
    for (const mark of [true, false]) {
      for (const little of [true, false]) bytes.push(utf16('alpha,beta\n1,2\n', mark, little));
    }
    for (const content of bytes.slice(0, 2)) {
      expect((await read(content)).rows[0]).toEqual(['größe', '名']);
    }
    for (const content of bytes.slice(2)) {
      expect((await read(content)).rows[0]).toEqual(['alpha', 'beta']);
    }
    expect((await read(latin)).rows[0]).toEqual(['größe', 'b']);
  });

  it('gives the same rows however the chunks fall', async () => {
    const row = (r: number) => [
      `${r}`,
      `text "${r}"`,
      r % 3 === 0 ? 'a\nb' : 'c,d',
      'é'.repeat(r % 7),
    ];
    const rows = Array.from({ length: 30_000 }, (_, r) => row(r));
    const text = `n,q,t,u\n${rows.map((cells) => csvLine(cells, ',')).join('')}`;
    expect(text.length).toBeGreaterThan(2 ** 19);
    const found = await read(text);
    expect(found.rows.slice(1)).toEqual(rows);
  });

  const refusals: readonly (readonly [string, string | Uint8Array, object, RegExp])[] = [
    ['an empty file', '', {}, /^data\.csv: the file is empty$/],
    ['NUL bytes', 'a,b\n1,\0\n', {}, /^data\.csv: there are NUL bytes in it/],
    [
      'a quote never closed',
      'a,b\n1,2\n"3,4\n5,6\n',
      {},
      /^data\.csv, line 3: a quote is opened here and never closed$/,
    ],
    [
      'bytes that are no UTF-8 further on',
      Buffer.concat([Buffer.from(`a,b\n${'1,2\n'.repeat(20_000)}`), Buffer.from([0xff, 0x0a])]),
      {},
      /^data\.csv, near line \d+: bytes that are no utf-8: say what it is with --encoding/,
    ],
    [
      '100,000 columns',
      `${'a,'.repeat(99_999)}a\n`,
      {},
      /^data\.csv, line 1: 100,000 cells; at most 16384 columns fit/,
    ],
    [
      'an unknown encoding',
      'a,b\n',
      { encoding: 'ebcdic' },
      /^--encoding: expected utf-8, .*, got 'ebcdic'$/,
    ],
    [
      'a long delimiter',
      'a,b\n',
      { delimiter: '::' },
      /^--delimiter: expected one character, or tab, got '::'$/,
    ],
  ];
  for (const [what, content, options, message] of refusals) {
    it(`refuses ${what}`, async () => {
      await expect(read(content, options)).rejects.toThrow(message);
    });
  }

  it('refuses a folder and what is not there, by name', async () => {
    await expect(CsvFile.open(folder)).rejects.toThrow(/: expected a file, got a folder$/);
    await expect(CsvFile.open(join(folder, 'none.csv'))).rejects.toThrow(
      /none\.csv: there is no such file$/,
    );
  });

  it('holds no more than a record that never ends', async () => {
    const endless = `a,b\n"${'x'.repeat(9_000_000)}`;
    await expect(read(endless)).rejects.toThrow(
      /^data\.csv, line 2: 8,388,608 characters without an end/,
    );
  });
});

describe('dialectOf', () => {
  it('is of a cut last character', () => {
    const bytes = Buffer.from('ä,b\n1,ö').subarray(0, -1);
    expect(dialectOf(bytes, {}).encoding).toBe('utf-8');
  });
});

describe('writing', () => {
  it('quotes what has to be', () => {
    expect(csvLine(['a', 'b,c', 'd"e', 'f\ng', ''], ',')).toBe('a,"b,c","d""e","f\ng",\n');
    expect(csvCell('b,c', ';')).toBe('b,c');
  });

  it('neutralises formulas, and leaves numbers', () => {
    for (const formula of ['=1+1', '+cmd', '-x', '@SUM(A1)', '\t=1', '＝1']) {
      expect(csvCell(formula, ';')).toBe(`'${formula}`);
    }
    for (const number of ['-1.5', '+2', '-1e-3', '-0', '-1,5'])
      expect(csvCell(number, ';')).toBe(number);
    expect(csvCell('\r=1', ';')).toBe('"\'\r=1"');
  });
});
