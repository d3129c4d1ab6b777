// The C network under the name that run.mjs compiled it to, where it could.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Unsupported } from './adapter.mjs';
import { startChild } from './child.mjs';

/** Name of the binary, compiler flags, and what to link besides libm: the first that works. */
export const builds = [
  { name: 'c', flags: ['-O3'], libraries: [[]] },
  { name: 'c-native', flags: ['-O3', '-march=native'], libraries: [[]] },
  {
    name: 'c-openblas',
    flags: ['-O3', '-march=native', '-DBLAS'],
    libraries: [['-lopenblas'], ['-l:libopenblas.so.0']],
  },
];

export function prepareNative(name, workload) {
  const binary = join(process.env.PEERS_NATIVE ?? '', name);
  if (!existsSync(binary))
    throw new Unsupported(name === 'c-openblas' ? 'no gcc or OpenBLAS' : 'no gcc');
  const { folder, sizes, hidden, output, optimizer, batch, rows } = workload;
  const settings = [hidden, output, optimizer.type, optimizer.learningRate, batch, rows];
  return startChild(binary, [folder, sizes.join(','), ...settings.map(String)], workload);
}
