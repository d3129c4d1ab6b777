import { readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { build } from 'esbuild';
import { here } from './install.mjs';

/** A program for a runtime that resolves nothing itself, and the modules of WebAssembly it imports. */
export async function bundle(program, { conditions = [], wasm, ...options }) {
  const files = new Map();
  const plugin = {
    name: 'wasm',
    setup(esbuild) {
      esbuild.onResolve({ filter: /\.wasm(\?module)?$/ }, ({ path, resolveDir }) => {
        const name = basename(path).replace('?module', '');
        files.set(name, resolve(resolveDir, path.replace('?module', '')));
        return wasm === 'global'
          ? { path: name, namespace: 'wasm' }
          : { path: name, external: true };
      });
      esbuild.onLoad({ filter: /.*/, namespace: 'wasm' }, ({ path }) => ({
        contents: `export default globalThis.wasmModules[${JSON.stringify(path)}];`,
      }));
    },
  };
  const { outputFiles } = await build({
    entryPoints: [resolve(here, 'programs', program)],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    conditions,
    plugins: [plugin],
    logLevel: 'silent',
    ...options,
  });
  const imported = [...files].map(([name, file]) => ({ name, bytes: readFileSync(file) }));
  return { code: outputFiles[0].text, imported };
}
