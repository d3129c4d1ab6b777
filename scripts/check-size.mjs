// What a program costs that imports the package: bundled and minified by esbuild, gzipped. Each has a
// limit. `check-size.mjs --files` says besides what each file adds to the first.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { build, transform } from 'esbuild';

/** Programs, and how many bytes each may have. */
const limits = {
  "export { sequential } from 'chainrule'": 71_000,
  "import { sequential } from 'chainrule'": 100,
  "export { loadPredictor } from 'chainrule/predict'": 12_000,
};

const gzipped = (text) => gzipSync(text, { level: 9 }).length;

/** A program made of the package (as built) or of its sources, minified. */
async function bundle(program, entry) {
  const { outputFiles, metafile } = await build({
    stdin: { contents: program, resolveDir: process.cwd() },
    alias: { 'chainrule/predict': './dist/predict.js', chainrule: entry },
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: 'esm',
    target: 'es2022',
    tsconfigRaw: '{}',
  });
  return { text: outputFiles[0].text, inputs: Object.values(metafile.outputs)[0].inputs };
}

for (const [program, limit] of Object.entries(limits)) {
  const bytes = gzipped((await bundle(program, './dist/index.js')).text);
  console.log(`${program}: ${bytes} bytes gzipped, at most ${limit}`);
  if (bytes > limit) process.exitCode = 1;
}

if (process.argv.includes('--files')) {
  const { inputs } = await bundle(Object.keys(limits)[0], './src/index.ts');
  const texts = new Map();
  for (const [file, { bytesInOutput }] of Object.entries(inputs)) {
    if (file === '<stdin>' || bytesInOutput === 0) continue;
    const { code } = await transform(readFileSync(file, 'utf8'), { loader: 'ts', minify: true });
    texts.set(file, code);
  }
  const without = (file) => [...texts].filter(([name]) => name !== file).map(([, text]) => text);
  const whole = gzipped(without('').join(''));
  const rows = [...texts.keys()].map((file) => ({
    file,
    minified: inputs[file].bytesInOutput,
    gzipped: whole - gzipped(without(file).join('')),
  }));
  console.table(rows.sort((a, b) => b.gzipped - a.gzipped));
}
