import { createWriteStream, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Problem } from './problem.js';

/**
 * A file that can be read more than once: standard input, which cannot, is written to a temporary
 * file, which is removed when the process ends.
 *
 * @param path of a file, or - for standard input
 */
export async function spooled(path: string): Promise<{ path: string; name: string }> {
  if (path !== '-') return { path, name: path };
  const name = 'standard input';
  if (process.stdin.isTTY) {
    throw new Problem(
      `${name}: expected a table from a pipe, as in: cat data.csv | chainrule train -`,
    );
  }
  const folder = await mkdtemp(join(tmpdir(), 'chainrule-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'input.csv');
  try {
    await pipeline(process.stdin, createWriteStream(file));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Problem(`${name}: ${code === 'ENOSPC' ? `no room in ${tmpdir()}` : message}`, 1);
  }
  return { path: file, name };
}
