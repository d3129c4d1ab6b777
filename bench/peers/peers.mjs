// Who takes part, in the order of the tables. Each id is a file in adapters/, whose contract is:
//
//   prepare(workload) → {
//     step(n)       training: n further batches in data order, from where the last call ended
//     predict(n)    inference: n calls of workload.batch rows each, in data order; the last outputs
//     outputs(rows) outputs for the first rows, flat; may be left out where predict is all there is
//     weights()     [{ w [inputs][units], b }], flat; left out where a library does not show them
//     variant       the parts of the workload that the library does in another way, checked as such
//     note          the same in words, for the table
//     memory()      peak bytes of the process that does the work, where that is not the worker
//   }
// Every function may be async. step and predict may return { cpu, wall } in seconds where the work is
// done in another process. prepare throws Unsupported for what a library cannot do. `fronts` lists
// the types of fronts that an adapter takes; without it dense layers are all. `program` is a minimal
// training program and `wasmFiles` what it fetches, for the bundled size.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { pythonVersion } from './support/python.mjs';

/** kind: 'own', 'javascript', 'native' or 'python'; `package` names the npm package. */
export const peers = [
  { id: 'chainrule', title: 'chainrule (WebAssembly)', kind: 'own' },
  { id: 'chainrule-js', title: 'chainrule (JavaScript)', kind: 'own' },
  { id: 'chainrule-fused', title: 'chainrule (fused)', kind: 'own' },
  { id: 'hand-js', title: 'hand-written JavaScript', kind: 'javascript' },
  {
    id: 'tfjs-wasm',
    title: 'TensorFlow.js (wasm)',
    kind: 'javascript',
    package: '@tensorflow/tfjs',
  },
  { id: 'tfjs-cpu', title: 'TensorFlow.js (cpu)', kind: 'javascript', package: '@tensorflow/tfjs' },
  { id: 'jax-js', title: 'jax-js', kind: 'javascript', package: '@jax-js/jax' },
  {
    id: 'onnxruntime-web',
    title: 'onnxruntime-web',
    kind: 'javascript',
    package: 'onnxruntime-web',
  },
  { id: 'brain', title: 'brain.js', kind: 'javascript', package: 'brain.js' },
  { id: 'synaptic', title: 'synaptic', kind: 'javascript', package: 'synaptic' },
  { id: 'neataptic', title: 'neataptic', kind: 'javascript', package: 'neataptic' },
  { id: 'convnetjs', title: 'convnetjs', kind: 'javascript', package: 'convnetjs' },
  { id: 'js-pytorch', title: 'js-pytorch', kind: 'javascript', package: 'js-pytorch' },
  { id: 'c', title: 'C (gcc -O3)', kind: 'native' },
  { id: 'c-native', title: 'C (gcc -O3 -march=native)', kind: 'native' },
  { id: 'c-openblas', title: 'C with OpenBLAS', kind: 'native' },
  { id: 'pytorch', title: 'PyTorch', kind: 'python', package: 'torch' },
  { id: 'scikit-learn', title: 'scikit-learn', kind: 'python', package: 'sklearn' },
];

const packageVersion = (file) =>
  JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8')).version;

/** The version a peer runs at, or '' where there is none to tell. */
export function versionOf({ kind, package: name }) {
  try {
    if (kind === 'own') return packageVersion('../../package.json');
    if (kind === 'python') return pythonVersion(name) ?? '';
    if (kind === 'native')
      return `gcc ${spawnSync('gcc', ['-dumpfullversion']).stdout.toString().trim()}`;
    return name ? packageVersion(`node_modules/${name}/package.json`) : '';
  } catch {
    return '';
  }
}

/** Peers whose id is one of `names` or begins with one and a hyphen; all without names. */
export function selectPeers(names) {
  if (!names.length) return peers;
  return peers.filter(({ id }) => names.some((name) => id === name || id.startsWith(`${name}-`)));
}
