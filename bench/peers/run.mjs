// Compares chainrule with its peers: see README.md. Options:
//   --only W3,I            workloads whose id begins with one of these
//   --peers chainrule,tfjs peers whose id is one of these, or one and a hyphen and more
//   --quick                short rounds: orders of magnitude
//   --rounds n             how often each peer is measured
//   --startup              start-up and size alone
//   --save                 write bench/results/ after a partial or quick run too; what --only or --startup
//                          measures takes its place beside the rest of the saved run

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { measureWorkload } from './measure.mjs';
import { selectPeers, versionOf } from './peers.mjs';
import { expectation, saveExpectation } from './reference.mjs';
import { header, markdownReport, terminalTable } from './report.mjs';
import { bundledSize, coldStarts } from './startup.mjs';
import { builds } from './support/native.mjs';
import { build, findMnist, save, specs } from './workloads.mjs';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    peers: { type: 'string', default: '' },
    quick: { type: 'boolean', default: false },
    save: { type: 'boolean', default: false },
    startup: { type: 'boolean', default: false },
    rounds: { type: 'string' },
  },
});
const names = (text) => text.split(',').filter(Boolean);
const root = fileURLToPath(new URL('../../', import.meta.url));
const only = names(options.only);
const isWanted = ({ id }) => !only.length || only.some((name) => id.startsWith(name));
const selected = options.startup ? [] : specs.filter(isWanted);
const peers = selectPeers(names(options.peers));
if (!(selected.length || options.startup) || !peers.length)
  throw new Error('--only or --peers selects nothing');

// Seconds: `slice` of CPU a measurement, `warm` before the first, and limits after which a peer that
// takes part in principle counts as too slow.
const settings = options.quick
  ? { rounds: 3, slice: 0.1, warm: 0.3, prepareLimit: 30, warmLimit: 10, measureLimit: 10 }
  : { rounds: 7, slice: 0.5, warm: 1.5, prepareLimit: 90, warmLimit: 30, measureLimit: 30 };
if (options.rounds) settings.rounds = Math.max(1, Number(options.rounds));

const progress = (text) => process.stderr.isTTY && process.stderr.write(`\r\x1b[K${text}`);

/** Compiles what it can; adapters say which binary they miss. */
function compileNative(folder) {
  mkdirSync(folder);
  const source = fileURLToPath(new URL('./native/network.c', import.meta.url));
  for (const { name, flags, libraries } of builds) {
    // With a development package a library links by its name, without one by that of its file.
    for (const library of libraries) {
      const { status } = spawnSync(
        'gcc',
        [...flags, source, '-o', join(folder, name), ...library, '-lm'],
        { stdio: 'ignore' },
      );
      if (status === 0) break;
    }
  }
}

/** The comparison uses the repository's build, made where it is missing. */
function ensureBuild() {
  if (!peers.some(({ kind }) => kind === 'own') || existsSync(join(root, 'dist/index.js'))) return;
  const { status } = spawnSync('npm', ['run', 'build'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) console.error('chainrule could not be built: its rows will say so.');
}

ensureBuild();
const temporary = mkdtempSync(join(tmpdir(), 'chainrule-peers-'));
const cleanUp = () => rmSync(temporary, { recursive: true, force: true });
process.on('exit', cleanUp);
process.on('SIGINT', () => process.exit(130));
const env = {
  ...process.env,
  PEERS_NATIVE: join(temporary, 'native'),
  OMP_NUM_THREADS: '1',
  OPENBLAS_NUM_THREADS: '1',
  MKL_NUM_THREADS: '1',
};
compileNative(env.PEERS_NATIVE);

const mnist = findMnist();
const titles = new Map(peers.map(({ id, title }) => [id, title]));
const results = {
  header: {
    date: new Date().toISOString().slice(0, 10),
    cpu: `${cpus()[0].model.trim()} (${process.arch})`,
    node: process.versions.node,
    data: mnist ? 'mnist' : 'synthetic',
    quick: options.quick,
    rounds: settings.rounds,
  },
  peers: peers.map((peer) => ({
    id: peer.id,
    title: peer.title,
    kind: peer.kind,
    version: versionOf(peer),
  })),
  workloads: [],
};
console.log(header(results.header));

for (const spec of selected) {
  const folder = join(temporary, spec.id);
  const workload = build(spec, mnist);
  save(folder, workload);
  saveExpectation(folder, expectation(workload));
  const rows = await measureWorkload(spec, folder, peers, env, settings, (text) =>
    progress(`${spec.id} ${text}`),
  );
  const { id, title, kind, batch, front } = spec;
  const { date, rounds } = results.header;
  const measured = { id, title, kind, batch, front: front?.type, date, rounds, rows };
  results.workloads.push(measured);
  progress('');
  console.log(terminalTable(measured, titles));
  if (spec.kind === 'training') rmSync(folder, { recursive: true });
}

if (!only.length) {
  progress('start-up');
  const folder = join(temporary, 'I1');
  if (!existsSync(folder))
    save(
      folder,
      build(
        specs.find(({ id }) => id === 'I1'),
        mnist,
      ),
    );
  const cold = coldStarts(peers, folder, env, options.quick ? 3 : 9);
  const sizes = {};
  for (const peer of peers) {
    try {
      sizes[peer.id] = await bundledSize(peer);
    } catch (error) {
      sizes[peer.id] = null;
      console.error(`${peer.title} could not be bundled: ${error.message.split('\n')[0]}`);
    }
  }
  results.startup = { cold, sizes };
  progress('');
}

const file = join(root, 'bench/results/peers.json');
// What was measured alone takes its place beside the rest of the saved run.
const partial = options.startup || only.length > 0;
const saved =
  partial && !options.peers && existsSync(file) && JSON.parse(readFileSync(file, 'utf8'));
if (saved) {
  const known = new Map([...saved.workloads, ...results.workloads].map((each) => [each.id, each]));
  Object.assign(results, {
    header: saved.header,
    workloads: specs.map(({ id }) => known.get(id)).filter(Boolean),
    startup: results.startup ?? saved.startup,
  });
}

const report = markdownReport(results);
if (!only.length) console.log(report.slice(report.indexOf('|  | import')).split('\n\n')[0]);
const complete = !only.length && !options.peers && !options.quick && !options.startup;
if (complete || options.save) {
  mkdirSync(join(root, 'bench/results'), { recursive: true });
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(file.replace('json', 'md'), report);
  console.log('Written to bench/results/peers.json and peers.md.');
}
