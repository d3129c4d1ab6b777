// chainrule as users get it, in every runtime and bundler: `run.mjs [--ci] [words of row names]`.
// Prints a matrix, and one hash. With --ci the runtimes alone are run, and rows that lack what they
// run in do not fail it.
import { parseArgs } from 'node:util';
import { consumers } from './rows/consumers.mjs';
import { runtimes } from './rows/runtimes.mjs';
import { installPackage, installPackages } from './support/install.mjs';
import { NotAvailable } from './support/shell.mjs';

const { values, positionals } = parseArgs({
  options: { ci: { type: 'boolean', default: false } },
  allowPositionals: true,
});

const inCi = runtimes.filter(({ name }) => !name.startsWith('Firefox'));
const rows = (values.ci ? inCi : [...runtimes, ...consumers]).filter(({ name }) =>
  positionals.every((word) => name.toLowerCase().includes(word.toLowerCase())),
);
if (rows.length === 0) {
  console.error(`no row has all of these words in its name: ${positionals.join(' ')}`);
  process.exit(1);
}
const width = Math.max(...rows.map(({ name }) => name.length));

function compare(outcome, expect, hash) {
  for (const [key, value] of Object.entries(expect)) {
    if (outcome[key] !== value) throw new Error(`${key}: expected ${value}, got ${outcome[key]}`);
  }
  if (hash && outcome.hash && outcome.hash !== hash) {
    throw new Error(`learns ${outcome.hash}, and other rows ${hash}`);
  }
}

console.log('installing what is missing …');
await installPackages(!values.ci);
await installPackage();

let hash;
const counts = { ok: 0, FAILED: 0, 'NOT RUN': 0 };
for (const { name, expect, run } of rows) {
  const start = performance.now();
  let state = 'ok';
  let words;
  try {
    const outcome = await run();
    compare(outcome, expect, hash);
    if (outcome.hash) hash ??= outcome.hash;
    const told = Object.keys(expect).map((key) => `${key} ${outcome[key]}`);
    if (outcome.bytes !== undefined) told.push(`${outcome.bytes} bytes`);
    words = told.join(', ');
  } catch (error) {
    state = error instanceof NotAvailable ? 'NOT RUN' : 'FAILED';
    words = error.message;
  }
  counts[state]++;
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${name.padEnd(width)}  ${state.padEnd(7)}  ${seconds.padStart(5)} s  ${words}`);
}
console.log(`\n${counts.ok} ok, ${counts.FAILED} failed, ${counts['NOT RUN']} not run`);
console.log(`SHA-256 of all that was learnt, the same in every row: ${hash}`);
process.exitCode = counts.FAILED > 0 || (counts['NOT RUN'] > 0 && !values.ci) ? 1 : 0;
