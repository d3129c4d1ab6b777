// The modules as they are carried: with the exports that the host calls, in a file and, as text, in a
// source file, so that no file, fetch or await is needed at run time.
import { readFileSync, writeFileSync } from 'node:fs';
import { onlyExports } from './only-exports.mjs';
import { textOf } from './text-of-bytes.mjs';

for (const name of process.argv.slice(2)) {
  const called = name === 'predict' ? 'denseForward' : 'run';
  const module = onlyExports(readFileSync(`build/${name}.wasm`), [called]);
  writeFileSync(`build/${name}.inline.wasm`, module);
  writeFileSync(`build/${name}.inline.ts`, `export default ${JSON.stringify(textOf(module))};\n`);
}
