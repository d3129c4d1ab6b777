// assembly/ → build/: the runner and the table of records, then the modules, then the bytes; the text of
// kernels for toModule, and the program of chainrule/worker.
import { execFileSync } from 'node:child_process';

const run = (script, ...args) =>
  execFileSync(process.execPath, [script, ...args], { stdio: 'inherit' });
const asc = 'node_modules/assemblyscript/bin/asc.js';

run('scripts/generate-runner.mjs');
run('scripts/generate-parts.mjs');
for (const target of ['release', 'debug', 'fused', 'threads']) run(asc, '--target', target);
run(asc, '--config', 'asconfig.predict.json', '--target', 'release');
run('scripts/embed.mjs', 'core', 'core.debug', 'core.fused', 'core.threads', 'predict');
run('scripts/embed-worker.mjs');
