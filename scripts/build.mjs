// src/ and build/ → dist/, once for each way in which a runtime gets at a module of WebAssembly, and
// the exports map of package.json.
import { chmodSync, copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { transform } from 'esbuild';
import { build } from 'tsup';
import { entries, exportsMap, importing } from './entries.mjs';

/** Puts an import of NAME.wasm in the place of build/NAME.inline.ts, and notes the name. */
const importModules = (suffix, names) => ({
  name: 'import-modules',
  setup(esbuild) {
    esbuild.onLoad({ filter: /[\\/]build[\\/][^\\/]+\.inline\.ts$/ }, ({ path }) => {
      const name = basename(path, '.inline.ts');
      names.add(name);
      return {
        contents: `import module from '../${name}.wasm${suffix}'; export default module;`,
        loader: 'ts',
      };
    });
    esbuild.onResolve({ filter: /\.wasm(\?module)?$/ }, ({ path }) => ({ path, external: true }));
    // Those runtimes have no workers either, and the program of one is as large as the package.
    esbuild.onLoad({ filter: /[\\/]build[\\/]worker-thread\.ts$/ }, () => ({
      contents: "export default '';",
      loader: 'ts',
    }));
  },
});

/**
 * Lets every entry import all that `index` does, so that this ends up in one file: each file of several
 * costs half a millisecond at the start. The module comes first in it, since text of another kind
 * between two halves makes both compress worse.
 */
const inOneFile = {
  name: 'in-one-file',
  setup(esbuild) {
    esbuild.onLoad({ filter: /[\\/]src[\\/][^\\/]+\.ts$/ }, ({ path }) => {
      const name = basename(path, '.ts');
      if (!sharing.includes(name)) return undefined;
      const text = readFileSync(path, 'utf8');
      const contents =
        name === 'index'
          ? `import '../build/core.inline.js';\n${text}`
          : `${text}\nimport './index.js';`;
      return { contents, loader: 'ts' };
    });
    // Such an import counts as one for its side effects, or it would be left out.
    esbuild.onResolve({ filter: /^(\.\/index|\.\.\/build\/core\.inline)\.js$/ }, (asked) => {
      const { importer, path, resolveDir } = asked;
      if (basename(resolveDir) !== 'src' || !sharing.includes(basename(importer, '.ts'))) return;
      return { path: join(resolveDir, path.replace(/js$/, 'ts')), sideEffects: true };
    });
  },
};

const bundle = (options, sources) =>
  build({
    config: false,
    entry: Object.fromEntries(sources.map((name) => [name, `src/${name}.ts`])),
    format: ['esm'],
    target: 'es2022',
    platform: 'neutral',
    // What entries have in common exists once, so that `instanceof` holds across them.
    splitting: true,
    silent: true,
    external: [/^node:/, 'stream'],
    esbuildOptions(esbuild) {
      // There is less to parse at the start. Lines stay short, since an error that nobody catches is
      // shown with its whole line.
      esbuild.minify = true;
      esbuild.lineLimit = 120;
      esbuild.mainFields = ['module', 'main'];
      // The parser of CSV asks for this before it asks for Node's streams, which are not used.
      esbuild.define = { PAPA_BROWSER_CONTEXT: 'true', require: 'undefined' };
    },
    ...options,
  });

/** Imports of whole files keep an order of side effects. There are none, and each is one file to load. */
function dropBareImports(folder) {
  for (const file of readdirSync(folder)) {
    if (!file.endsWith('.js')) continue;
    const text = readFileSync(`${folder}/${file}`, 'utf8');
    writeFileSync(`${folder}/${file}`, text.replace(/\bimport\s*"\.\/chunk-[^"]+";/g, ''));
  }
}

/** The same files again as CommonJS: one by one, so that they too share what they share. */
async function addCommonJs(folder) {
  const renamed = (text) =>
    text.replace(/((?:from|import)\s*\(?\s*['"]\.\/[^'"]+)\.js(?=['"])/g, '$1.cjs');
  for (const file of readdirSync(folder)) {
    const text = () => readFileSync(`${folder}/${file}`, 'utf8');
    if (file.endsWith('.d.ts')) {
      writeFileSync(`${folder}/${file.slice(0, -3)}.cts`, renamed(text()));
    } else if (file.endsWith('.js')) {
      const { code } = await transform(renamed(text()), {
        format: 'cjs',
        platform: 'node',
        target: 'es2022',
        minifyWhitespace: true,
        lineLimit: 120,
      });
      writeFileSync(`${folder}/${file.slice(0, -3)}.cjs`, code);
    }
  }
}

rmSync('dist', { recursive: true, force: true });

const entriesThat = (are) => Object.keys(entries).filter((name) => are(entries[name]));
const programs = entriesThat((are) => are === 'program');
const everywhere = entriesThat((are) => are === 'everywhere');
const alone = entriesThat((are) => are === 'alone');
const sharing = entriesThat((are) => are !== 'alone');

/** All of these entries: those that share code, and each of the others by itself. */
async function bundleAll(options, names) {
  await bundle(options, names);
  for (const name of alone) await bundle({ ...options, splitting: false }, [name]);
}

await bundleAll({ outDir: 'dist', dts: true, esbuildPlugins: [inOneFile] }, sharing);
writeFileSync(
  'dist/core.wasm.d.ts',
  'declare const module: WebAssembly.Module;\nexport default module;\n',
);
dropBareImports('dist');
await addCommonJs('dist');
for (const name of programs) {
  for (const ending of ['d.ts', 'd.cts', 'cjs']) rmSync(`dist/${name}.${ending}`, { force: true });
  chmodSync(`dist/${name}.js`, 0o755);
}
const licence = readFileSync('node_modules/papaparse/LICENSE', 'utf8').trim();
writeFileSync('dist/THIRD_PARTY_NOTICES', `In cli.js: papaparse\n\n${licence}\n`);
const modules = new Set();
for (const [runtime, suffix] of Object.entries(importing)) {
  const esbuildPlugins = [importModules(suffix, modules), inOneFile];
  await bundleAll({ outDir: `dist/${runtime}`, esbuildPlugins }, everywhere);
  dropBareImports(`dist/${runtime}`);
}
for (const name of modules) copyFileSync(`build/${name}.inline.wasm`, `dist/${name}.wasm`);
copyFileSync('build/worker-thread.script.js', 'dist/worker-thread.js');

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
manifest.exports = exportsMap();
writeFileSync('package.json', `${JSON.stringify(manifest, null, 2)}\n`);
