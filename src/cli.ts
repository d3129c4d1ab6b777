#!/usr/bin/env node
import { run } from './cli/run.js';

// A reader such as `head` has had enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
});
// What is left on the disk is cleaned when the process exits, which a signal by itself does not do.
for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1));
run(process.argv.slice(2), process).then((code) => {
  process.exitCode = code;
});
