// Reads damaged files, a million of each kind, and prints what became of them:
//
//   npm run fuzz                          all kinds
//   npm run fuzz -- json 200000           one kind, so many
//   npm run fuzz -- json 4711 only        one file: what it is, and what happens
import { fileOf, fuzz } from '../test/fuzz/harness.js';
import { kinds } from '../test/fuzz/kinds.js';

const [name, given = '1000000', only] = process.argv.slice(2);
const chosen = name ? kinds.filter((kind) => kind.name === name) : kinds;
if (chosen.length === 0)
  throw new Error(`known kinds: ${kinds.map((kind) => kind.name).join(', ')}`);
const count = Number(given);

for (const kind of chosen) {
  if (only) {
    const file = fileOf(kind, kind.seeds(), count);
    console.log(Buffer.from(file).toString('latin1'));
    console.log(kind.read(file));
    continue;
  }
  const { loaded, refused, slowest, slowestFile, memory, memoryFile } = fuzz(kind, 0, count);
  console.log(
    `${kind.name}: ${count} files, ${loaded} read, ${refused} refused; ` +
      `the slowest ${slowest.toFixed(0)} ms (file ${slowestFile}), ` +
      `the largest ${(memory / 2 ** 20).toFixed(1)} MiB beyond 4 × its size (file ${memoryFile})`,
  );
}
