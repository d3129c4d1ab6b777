// Plays the host of Vercel's edge runtime: compiles modules, and forbids its guest to make code.
import { EdgeVM } from '@edge-runtime/vm';
import { bundle } from '../support/bundle.mjs';

const { code, imported } = await bundle('edge.mjs', {
  conditions: ['edge-light'],
  wasm: 'global',
  format: 'iife',
});
const wasmModules = {};
for (const { name, bytes } of imported) wasmModules[name] = await WebAssembly.compile(bytes);
const vm = new EdgeVM({
  codeGeneration: { strings: false, wasm: false },
  extend: (context) => Object.assign(context, { wasmModules }),
});
vm.evaluate(code);
console.log(`OUTCOME ${JSON.stringify(await vm.context.outcome)}`);
