// The module's bytes as text in a source file: no file, fetch or await is needed at run time.
import { readFileSync, writeFileSync } from 'node:fs';
import { textOf } from './text-of-bytes.mjs';

for (const name of process.argv.slice(2)) {
  const text = textOf(readFileSync(`build/${name}.wasm`));
  writeFileSync(`build/${name}.inline.ts`, `export default ${JSON.stringify(text)};\n`);
}
