// Peers written in Python, where the interpreter has the package.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Unsupported } from './adapter.mjs';
import { startChild } from './child.mjs';

/** The distribution's interpreter first: a package manager's torch lands there. */
export const python =
  process.env.PYTHON ?? (existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3');

/** The package's version, or null where it cannot be imported. */
export function pythonVersion(module) {
  const { status, stdout } = spawnSync(python, [
    '-c',
    `import ${module}; print(${module}.__version__)`,
  ]);
  return status === 0 ? stdout.toString().trim() : null;
}

export function preparePython(script, module, workload) {
  const file = fileURLToPath(new URL(`../python/${script}`, import.meta.url));
  return startChild(python, ['-B', file, workload.folder], workload).catch((error) => {
    if (/No module named/.test(error.message)) throw new Unsupported(`no ${module}`);
    throw error;
  });
}
