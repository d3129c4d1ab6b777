import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'tsup';
import { type Effort, median, quantile } from './measure.js';
import type { Table } from './report.js';

/** What stands between a user and the first prediction: the time to start, and the bytes to load. */

const root = fileURLToPath(new URL('..', import.meta.url));

const program = `
import { sequential } from ${JSON.stringify(pathToFileURL(join(root, 'dist/index.js')).href)};
const model = sequential({
  inputShape: [4],
  layers: [
    { type: 'dense', units: 16, activation: 'relu' },
    { type: 'dense', units: 3, activation: 'softmax' },
  ],
});
model.predict([5.1, 3.5, 1.4, 0.2]);
`;

/** Milliseconds of a Node process from its start to its end. */
function lifetime(source: string): number {
  const start = performance.now();
  execFileSync(process.execPath, ['--input-type=module', '-e', source]);
  return performance.now() - start;
}

/** The package's files in a temporary folder, minified or as they are published. */
async function bundle(minify: boolean): Promise<Buffer> {
  const folder = mkdtempSync(join(tmpdir(), 'chainrule-bundle-'));
  try {
    await build({
      config: false,
      entry: { index: join(root, 'src/index.ts') },
      format: ['esm'],
      target: 'es2022',
      platform: 'neutral',
      minify,
      dts: false,
      silent: true,
      outDir: folder,
    });
    return readFileSync(join(folder, 'index.js'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const gzipped = (bytes: Uint8Array) => gzipSync(bytes, { level: 9 }).length;

export async function start({ quick }: Effort): Promise<Table[]> {
  // Always anew: an old one would be measured in silence.
  execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: root, stdio: 'inherit' });
  const bare: number[] = [];
  const first: number[] = [];
  // The first round fills the disk's cache.
  for (let round = -1; round < (quick ? 5 : 31); round++) {
    const times = [lifetime(''), lifetime(program)];
    if (round < 0) continue;
    bare.push(times[0]!);
    first.push(times[1]!);
  }
  const over = first.map((time, i) => time - bare[i]!);
  const published = await bundle(false);
  const minified = await bundle(true);
  const wasm = readFileSync(join(root, 'build/core.wasm'));
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
      rows: [
        {
          name: 'import, make 4-16-3, predict',
          values: {
            over: median(over),
            first: median(first),
            bare: median(bare),
            spread: (quantile(over, 0.75) - quantile(over, 0.25)) / 2,
          },
        },
      ],
      headline: { key: 'over', better: 'less' },
      notes: [`wall clock, medians of ${bare.length} processes of each kind in turn`],
    },
    {
      title: 'Sizes in bytes',
      columns: [
        { key: 'bytes', title: 'bytes' },
        { key: 'gzipped', title: 'gzipped' },
      ],
      rows: [
        size('everything that chainrule exports', published),
        size('the same, minified', minified),
        size('core.wasm in it', wasm),
      ],
      headline: { key: 'gzipped', better: 'less' },
    },
  ];
}
