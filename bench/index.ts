import { execFileSync, fork } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { clockName, full, quick } from './measure.js';
import { drawing, printHeader, printTable, type Report, type Table } from './report.js';

/*
 * npm run bench [-- suite …] [--quick]
 *
 * Every suite runs in a process of its own, one after another, so that none finds code compiled for,
 * or a heap filled by, the one before.
 */

const suites = {
  gemm: async () => (await import('./gemm.js')).gemm,
  convolution: async () => (await import('./convolution.js')).convolutions,
  steps: async () => (await import('./steps.js')).steps,
  inference: async () => (await import('./inference.js')).inference,
  functions: async () => (await import('./functions.js')).functions,
  start: async () => (await import('./start.js')).start,
  threads: async () => (await import('./threads.js')).threading,
} as const;

type SuiteName = keyof typeof suites;
const names = Object.keys(suites) as SuiteName[];

const self = fileURLToPath(import.meta.url);
const root = fileURLToPath(new URL('..', import.meta.url));

function runSuite(name: SuiteName, options: readonly string[]): Promise<Table[]> {
  return new Promise((resolve, reject) => {
    const child = fork(self, ['--suite', name, ...options], { execArgv: process.execArgv });
    let tables: Table[] | undefined;
    child.on('message', (message) => {
      tables = message as Table[];
    });
    child.on('exit', (code) => {
      if (tables) resolve(tables);
      else reject(new Error(`the suite ${name} ended with code ${code} and without a result`));
    });
  });
}

/** The result that was committed last. */
function lastReport(): Report | undefined {
  try {
    const text = execFileSync('git', ['show', 'HEAD:bench/results/bench.json'], {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return JSON.parse(text) as Report;
  } catch {
    return undefined;
  }
}

function write(report: Report, folder: string): void {
  mkdirSync(folder, { recursive: true });
  // One row a line: results are read, and compared, by people too.
  const json = JSON.stringify(
    report,
    (_, value) => (typeof value === 'number' ? Number(value.toPrecision(5)) : value),
    1,
  ).replace(/\{[^{}]*(\{[^{}]*\}[^{}]*)?\}/g, (row) => row.replace(/\s*\n\s*/g, ' '));
  writeFileSync(`${folder}/bench.json`, `${json}\n`);
  writeFileSync(`${folder}/bench.svg`, drawing(report));
}

const args = process.argv.slice(2);
const isQuick = args.includes('--quick');

if (args[0] === '--suite') {
  const run = await suites[args[1] as SuiteName]();
  const tables = await run(isQuick ? quick : full);
  process.send!(tables, () => process.exit(0));
} else {
  const asked = args.filter((arg) => !arg.startsWith('-'));
  const unknown = asked.find((name) => !names.includes(name as SuiteName));
  if (unknown || args.some((arg) => arg.startsWith('-') && arg !== '--quick')) {
    console.error(`usage: npm run bench [-- ${names.join(' ')}] [--quick]`);
    process.exit(2);
  }
  const chosen = asked.length > 0 ? names.filter((name) => asked.includes(name)) : names;
  const last = lastReport();
  const before = loadavg()[0]!;
  const tables: Table[] = [];
  for (const name of chosen) {
    const made = await runSuite(name, isQuick ? ['--quick'] : []);
    for (const table of made) console.log(printTable(table, last));
    tables.push(...made);
  }
  const report: Report = {
    date: new Date().toISOString(),
    processor: cpus()[0]?.model.trim() ?? 'unknown processor',
    node: process.versions.node,
    clock: clockName,
    load: [before, loadavg()[0]!],
    quick: isQuick,
    tables,
  };
  console.log(`\n${printHeader(report, last)}`);
  // Only a whole and careful run is worth keeping.
  const kept = !isQuick && chosen.length === names.length;
  const folder = kept ? 'bench/results' : 'build/bench';
  write(report, `${root}${folder}`);
  console.log(`${folder}/bench.json, ${folder}/bench.svg`);
}
