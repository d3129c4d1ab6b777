// Writes docs/transcript.md: a session at the command line, as a terminal of 80 columns shows it.
//
//   npm run build && node scripts/transcript.mjs
import { execSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'chainrule-transcript-'));
const file = (name, lines) => writeFileSync(join(folder, name), `${lines.join('\n')}\n`);

for (const name of ['iris', 'digits']) {
  copyFileSync(join(root, `examples/data/${name}.csv`), join(folder, `${name}.csv`));
}
file('new.csv', [
  'name,petal_width,petal_length,sepal_width,sepal_length',
  'Ada,0.2,1.4,3.5,5.1',
  'Blaise,1.3,4.1,2.8,5.7',
  'Carl,2.5,6.0,3.3,6.3',
]);
// A table as people have them: its house prices follow from size, wood and chance, told by the row.
const chance = (r, k) => (((r * 2654435761 + k * 40503) >>> 0) % 1000) / 1000;
file('houses.csv', [
  'id;size;wood;sold;note;garage;price',
  ...Array.from({ length: 400 }, (_, r) => {
    const size = 40 + 160 * chance(r, 1);
    const wood = ['oak', 'elm', 'ash', ''][Math.floor(4 * chance(r, 2))];
    const price = 900 + 21 * size + (wood === 'oak' ? 700 : 0) + 300 * chance(r, 3);
    const cell = (value, digits) => value.toFixed(digits).replace('.', ',');
    const shown = r % 23 === 0 ? 'n/a' : cell(size, 1);
    const day = String((r % 28) + 1).padStart(2, '0');
    return `${r};${shown};${wood};2024-03-${day};"lot ${r}; as seen";yes;${cell(price, 2)}`;
  }),
]);
file('odd.csv', [
  'x,y',
  ...Array.from({ length: 40 }, (_, r) => `${r === 17 ? '2abc' : r / 2},${r % 2}`),
]);
file('short.csv', ['petal_width,petal_length,sepal_width', '0.2,1.4,3.5']);

const session = [
  [
    'Which flower is it? One line learns it and says how well it does on rows that it has not seen.',
  ],
  'train iris.csv --target species',
  ['New rows: columns may stand in another order, and others may be among them.'],
  'predict iris.safetensors new.csv',
  'predict iris.safetensors new.csv --only -o named.csv',
  'evaluate iris.safetensors iris.csv',
  ['What is in the file, and the same model for elsewhere.'],
  'inspect iris.safetensors',
  'convert iris.safetensors --to onnx',
  'convert iris.safetensors --to js',
  [
    'A table as people have them: semicolons, decimal commas, gaps, dates, a column that numbers the rows and one that says nothing.',
  ],
  'train houses.csv --target price --plot houses.svg',
  ['Handwritten digits, with a network of one’s own choice.'],
  'train digits.csv -t label --layers 64,64 --dropout 0.2 --epochs 60',
  ['What is wrong is said in one line, and nothing is overwritten.'],
  'train new.csv --target petal_widht',
  'train iris.csv --target species',
  'train odd.csv --target y',
  'predict iris.safetensors short.csv',
  'trian iris.csv',
];

const environment = { ...process.env, NO_COLOR: '1', COLUMNS: '80' };
const text = [
  '# A session',
  '',
  'What [the command line](command-line.md) prints, in a terminal of 80 columns. `scripts/transcript.mjs` writes this page.',
];
for (const item of session) {
  if (Array.isArray(item)) {
    text.push('', item[0]);
    continue;
  }
  const shell = `"${process.execPath}" "${join(root, 'dist/cli.js')}" ${item} 2>&1 || true`;
  const shown = execSync(shell, { cwd: folder, env: environment, encoding: 'utf8' });
  const lines = shown.split('\n').map((line) => line.trimEnd());
  text.push('', '```text', `$ npx chainrule ${item}`, lines.join('\n').trim(), '```');
}
writeFileSync(join(root, 'docs/transcript.md'), `${text.join('\n')}\n`);
rmSync(folder, { recursive: true });
