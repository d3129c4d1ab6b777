// The module's bytes as a string in a source file: no file, fetch or await is needed at run time.
import { readFileSync, writeFileSync } from 'node:fs';

for (const name of process.argv.slice(2)) {
  const bytes = readFileSync(`build/${name}.wasm`);
  writeFileSync(`build/${name}.inline.ts`, `export default '${bytes.toString('hex')}';\n`);
}
