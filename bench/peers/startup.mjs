// What a peer costs before it computes: time to the first prediction, bytes to download.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { median } from './measure.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));

function wallOf(args, env) {
  const start = process.hrtime.bigint();
  const { status } = spawnSync(process.execPath, args, {
    cwd: here,
    env,
    stdio: 'ignore',
    timeout: 60_000,
  });
  return status === 0 ? Number(process.hrtime.bigint() - start) / 1e6 : null;
}

/** Milliseconds to the first prediction above a bare Node, by peer id; null where it fails. */
export function coldStarts(peers, folder, env, rounds) {
  const bare = [];
  const times = new Map(peers.map(({ id }) => [id, []]));
  for (let round = 0; round <= rounds; round++) {
    const nothing = wallOf(['-e', ''], env);
    if (round > 0) bare.push(nothing);
    for (const [id, list] of times) {
      if (list === null) continue;
      const wall = wallOf(['cold.mjs', id, folder], env);
      // The first round only fills the disk cache.
      if (wall === null) times.set(id, null);
      else if (round > 0) list.push(wall);
    }
  }
  const result = {};
  for (const [id, list] of times) result[id] = list ? median(list) - median(bare) : null;
  return { bare: median(bare), peers: result };
}

const gzipped = (bytes) => gzipSync(bytes, { level: 9 }).length;

/** Gzipped bytes of a minified minimal program and of the wasm files that it fetches. */
export async function bundledSize({ id }) {
  const { build } = await import('esbuild');
  const { program, wasmFiles = [] } = await import(`./adapters/${id}.mjs`);
  if (!program) return null;
  const { outputFiles } = await build({
    stdin: { contents: program, resolveDir: here },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    // Libraries that also run in Node ask for these behind a test for it.
    external: [...builtinModules, 'node:*', 'gl', 'webgpu'],
    alias: { chainrule: fileURLToPath(new URL('../../dist/index.js', import.meta.url)) },
    outdir: 'out',
    logLevel: 'silent',
  });
  const script = outputFiles.reduce((sum, { contents }) => sum + gzipped(contents), 0);
  const wasm = wasmFiles.map((file) => `${here}node_modules/${file}`).filter(existsSync);
  return { script, wasm: wasm.reduce((sum, file) => sum + gzipped(readFileSync(file)), 0) };
}
