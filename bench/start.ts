import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { type Effort, median, quantile } from './measure.js';
import type { Table } from './report.js';

/** What stands between a user and the first prediction: the time to start, and the bytes to load. */

const root = fileURLToPath(new URL('..', import.meta.url));

const address = (file: string) => JSON.stringify(pathToFileURL(join(root, file)).href);

/** Programs that start more and more of the package; of nothing, to begin with. */
const programs: Readonly<Record<string, string>> = {
  'import an empty file': `import 'data:text/javascript,';`,
  'import chainrule': `import ${address('dist/index.js')};`,
  'import, make 4-16-3, predict': `
import { sequential } from ${address('dist/index.js')};
const model = sequential({
  inputShape: [4],
  layers: [
    { type: 'dense', units: 16, activation: 'relu' },
    { type: 'dense', units: 3, activation: 'softmax' },
  ],
});
model.predict([5.1, 3.5, 1.4, 0.2]);
`,
};

/** Milliseconds of a Node process from its start to its end. */
function lifetime(...args: readonly string[]): number {
  const start = performance.now();
  execFileSync(process.execPath, args);
  return performance.now() - start;
}

/** All that `import 'chainrule'` loads: a file, and those that it imports. */
function loaded(file: string): string {
  const text = readFileSync(join(root, 'dist', file), 'utf8');
  const imported = [...text.matchAll(/\bfrom\s*"\.\/([^"]+)"/g)];
  return text + imported.map(([, other]) => loaded(other!)).join('');
}

const gzipped = (bytes: Uint8Array) => gzipSync(bytes, { level: 9 }).length;

export async function start({ quick }: Effort): Promise<Table[]> {
  // Always anew: an old one would be measured in silence.
  execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: root, stdio: 'inherit' });
  const bare: number[] = [];
  const times = Object.keys(programs).map((): number[] => []);
  // The first round fills the disk's cache.
  for (let round = -1; round < (quick ? 5 : 31); round++) {
    const nothing = lifetime('-e', '');
    const each = Object.values(programs).map((text) => lifetime('--input-type=module', '-e', text));
    if (round < 0) continue;
    bare.push(nothing);
    for (const [i, time] of each.entries()) times[i]!.push(time);
  }
  const published = Buffer.from(loaded('index.js'));
  const wasm = readFileSync(join(root, 'build/core.inline.wasm'));
  const size = (name: string, bytes: Uint8Array) => ({
    name,
    values: { bytes: bytes.length, gzipped: gzipped(bytes) },
  });
  return [
    {
      title: 'Start of a fresh process',
      columns: [
        { key: 'over', title: 'over bare Node, ms' },
        { key: 'first', title: 'whole, ms' },
        { key: 'bare', title: 'bare Node, ms' },
        { key: 'spread', title: '± ms' },
      ],
      rows: Object.keys(programs).map((name, i) => {
        const whole = times[i]!;
        const over = whole.map((time, round) => time - bare[round]!);
        return {
          name,
          values: {
            over: median(over),
            first: median(whole),
            bare: median(bare),
            spread: (quantile(over, 0.75) - quantile(over, 0.25)) / 2,
          },
        };
      }),
      headline: { key: 'over', better: 'less' },
      notes: [`wall clock, medians of ${bare.length} processes of each kind in turn`],
    },
    {
      title: 'Sizes in bytes',
      columns: [
        { key: 'bytes', title: 'bytes' },
        { key: 'gzipped', title: 'gzipped' },
      ],
      rows: [size('everything that chainrule exports', published), size('core.wasm in it', wasm)],
      headline: { key: 'gzipped', better: 'less' },
    },
  ];
}
