#!/usr/bin/env node
import { failed } from './cli/files.js';
import { run } from './cli/run.js';

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // A reader such as `head` has had enough.
  if (error.code === 'EPIPE') process.exit(0);
  process.stderr.write(`chainrule: ${failed('standard output', error).message}\n`);
  process.exit(1);
});
// That nobody reads notes any more is no reason to lose what is being learnt.
process.stderr.on('error', () => {});
// What is left on the disk is cleaned when the process exits, which a signal by itself does not do.
for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1));
run(process.argv.slice(2), process).then((code) => {
  process.exitCode = code;
});
