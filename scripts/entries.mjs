/**
 * What users can import. An entry is a line here: NAME is src/NAME.ts, imported as chainrule/NAME
 * (`index` as chainrule). `npm run build` makes its files and writes the exports map. A program is
 * run, not imported.
 */
export const entries = {
  index: 'everywhere',
  debug: 'everywhere',
  fused: 'everywhere',
  onnx: 'everywhere',
  // Where there are files.
  node: 'Node and its like',
  threads: 'everywhere',
  cli: 'program',
  module: 'everywhere',
  convert: 'everywhere',
  worker: 'everywhere',
  // Everywhere too, and in one file: it is short because it shares nothing.
  predict: 'alone',
};

/** Runtimes that compile no bytes on request: there, modules are imported, not carried as text. */
export const importing = {
  workerd: '',
  'edge-light': '?module',
};

/** The `exports` of package.json. */
export function exportsMap() {
  const map = {};
  for (const [name, where] of Object.entries(entries)) {
    if (where === 'program') continue;
    const types = `./dist/${name}.d.ts`;
    const conditions = {};
    if (where === 'everywhere' || where === 'alone') {
      for (const runtime of Object.keys(importing)) {
        conditions[runtime] = { types, default: `./dist/${runtime}/${name}.js` };
      }
    }
    conditions.import = { types, default: `./dist/${name}.js` };
    conditions.require = { types: `./dist/${name}.d.cts`, default: `./dist/${name}.cjs` };
    map[name === 'index' ? '.' : `./${name}`] = conditions;
  }
  map['./core.wasm'] = {
    import: { types: './dist/core.wasm.d.ts', default: './dist/core.wasm' },
    require: { types: './dist/core.wasm.d.cts', default: './dist/core.wasm' },
  };
  map['./package.json'] = './package.json';
  return map;
}
