// How `chainrule train` takes large tables: seconds and peak memory of one epoch over tables of 20
// columns, of up to 5,000,000 rows. What a file takes should grow as it does, and memory not at all.
//
//   npm run bench:tables                   all sizes; the largest file takes 0.7 GB in the temporary folder
//   node bench/tables.mjs 100000 200000    these numbers of rows, with the package as it was built last
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const columns = 20;
const given = process.argv.slice(2).map(Number);
const sizes = given.length > 0 ? given : [312_500, 625_000, 1_250_000, 2_500_000, 5_000_000];
const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'chainrule-tables-'));

/** Rows of 19 numbers and their sum with a sign or two turned, which is to be learnt. */
function writeTable(path, rows) {
  const file = openSync(path, 'w');
  let state = 1;
  const draw = () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 12) / 2 ** 20;
  };
  let text = `${Array.from({ length: columns - 1 }, (_, c) => `x${c}`).join()},y\n`;
  for (let r = 0; r < rows; r++) {
    let sum = 0;
    for (let c = 0; c < columns - 1; c++) {
      const value = Math.round(draw() * 20_000) / 10_000 - 1;
      sum += c % 3 === 0 ? -value : value;
      text += `${value.toFixed(4)},`;
    }
    text += `${sum.toFixed(3)}\n`;
    if (text.length > 2 ** 20) {
      writeSync(file, text);
      text = '';
    }
  }
  writeSync(file, text);
  closeSync(file);
}

/** Tells the peak of the process's memory, in KiB, to its file 3. */
const telling = `data:text/javascript,${encodeURIComponent(
  "import { writeSync } from 'node:fs'; process.on('exit', () => writeSync(3, String(process.resourceUsage().maxRSS)));",
)}`;

function measure(rows) {
  const data = join(folder, 'table.csv');
  writeTable(data, rows);
  const megabytes = statSync(data).size / 1e6;
  const model = join(folder, 'table.safetensors');
  const options = ['--target', 'y', '--epochs', '1', '--output', model, '--force', '--quiet'];
  const begun = performance.now();
  const { status, output, stderr } = spawnSync(
    process.execPath,
    ['--import', telling, cli, 'train', data, ...options],
    { stdio: ['ignore', 'pipe', 'pipe', 'pipe'], encoding: 'utf8' },
  );
  const seconds = (performance.now() - begun) / 1000;
  if (status !== 0) throw new Error(`chainrule train ended with ${status}: ${stderr}`);
  rmSync(data);
  return { rows, megabytes, seconds, peak: Number(output[3]) / 1024 };
}

try {
  console.log('      rows      MB  seconds  µs a row  peak MiB');
  const measured = [];
  for (const rows of sizes) {
    const { megabytes, seconds, peak } = measure(rows);
    measured.push({ rows, seconds });
    const cells = [
      rows.toLocaleString('en').padStart(10),
      megabytes.toFixed(0).padStart(8),
      seconds.toFixed(1).padStart(9),
      ((1e6 * seconds) / rows).toFixed(2).padStart(10),
      peak.toFixed(0).padStart(10),
    ];
    console.log(cells.join(''));
  }
  const [first, last] = [measured[0], measured.at(-1)];
  if (measured.length > 1) {
    const exponent = Math.log(last.seconds / first.seconds) / Math.log(last.rows / first.rows);
    console.log(`time grows with the rows to the power of ${exponent.toFixed(2)}`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
