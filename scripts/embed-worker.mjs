// src/worker-thread.ts with all that it needs → one file that a worker runs, and the same as text for
// src/worker.ts: a worker needs no second file, whatever bundler the program goes through.
import { writeFileSync } from 'node:fs';
import { build } from 'esbuild';

const { outputFiles } = await build({
  entryPoints: ['src/worker-thread.ts'],
  bundle: true,
  minify: true,
  write: false,
  format: 'iife',
  target: 'es2022',
});
const { text } = outputFiles[0];
writeFileSync('build/worker-thread.script.js', text);
writeFileSync('build/worker-thread.ts', `export default ${JSON.stringify(text)};\n`);
