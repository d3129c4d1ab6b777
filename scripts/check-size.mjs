// What a program costs that imports the package: bundled and minified by esbuild, gzipped. Each has a
// limit. `check-size.mjs --files` says besides what each file adds to the first, and `--parts` what the
// parts of the package do, as docs/size.md has it.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { build, transform } from 'esbuild';

/** Programs, and how many bytes each may have. */
const limits = {
  "export { sequential } from 'chainrule'": 93_500,
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

/** The parts of the first program, by the files that are theirs: the first that fits. */
const parts = {
  'the module of WebAssembly': /core\.inline/,
  'layers for sequences and images, with their kernels in JavaScript':
    /src\/(ops|layers)\/(attention|convolution|embedding|mask|pooling|recurrent)/,
  'the twins of the others: kernels in JavaScript': /src\/(ops|math\.ts)/,
  'plans and backends': /src\/(backends|plan|lowering|lists|tensor)|build\//,
  'layers, initial weights, chance': /src\/(layers|initializers|random|math64)/,
  'data, scalers, categories: checked and converted':
    /src\/(data|categories|scalers|weights|state|prepare|checks|errors|fit-options|finite|table)/,
  'training: epochs, feeds, rates, callbacks':
    /src\/(training|runs|rates|feeds|turns|hooks|augmentation|monitor|schedules|callbacks)/,
  metrics: /src\/(metrics|scoring)/,
  'warnings and diagnosis': /src\/(watch|divergence|measure|probe)/,
  'snapshots and checkpoints': /src\/(snapshot|checkpoint|digest)/,
  'the network itself': /./,
};

/** What would be saved without each of some groups of files of the first program. */
async function shares(groupOf) {
  const { inputs } = await bundle(Object.keys(limits)[0], './src/index.ts');
  const texts = [];
  for (const [file, { bytesInOutput }] of Object.entries(inputs)) {
    if (file === '<stdin>' || bytesInOutput === 0) continue;
    const { code } = await transform(readFileSync(file, 'utf8'), { loader: 'ts', minify: true });
    // Bundling takes these away.
    const own = code.replace(/import(?:[^"';]*from)?"[^"]*";|export\{[^}]*\}(from"[^"]*")?;/g, '');
    texts.push({ group: groupOf(file), code: own, minified: bytesInOutput });
  }
  // As in what is published, the module comes first.
  texts.sort((a, b) => b.minified - a.minified);
  const without = (left) => gzipped(texts.map((t) => (t.group === left ? '' : t.code)).join(''));
  const whole = without(undefined);
  const groups = [...new Set(texts.map(({ group }) => group))].map((group) => {
    const minified = texts.reduce((sum, t) => sum + (t.group === group ? t.minified : 0), 0);
    return { group, minified, gzipped: whole - without(group) };
  });
  console.table(groups.sort((a, b) => b.gzipped - a.gzipped));
}

if (process.argv.includes('--files')) await shares((file) => file);
if (process.argv.includes('--parts')) {
  await shares((file) => Object.keys(parts).find((name) => parts[name].test(file)));
}
