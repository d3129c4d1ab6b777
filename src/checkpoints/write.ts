import type * as fs from 'node:fs/promises';
import { dirname } from 'node:path';

/** What is used of the file system; `node:fs/promises` has it. */
export type FileSystem = Pick<
  typeof fs,
  'mkdir' | 'open' | 'readdir' | 'readFile' | 'rename' | 'unlink'
>;

/** A file could not be written. What was there before is as it was. */
export class CheckpointError extends Error {
  static override readonly name = 'CheckpointError';
  override readonly name = 'CheckpointError';
  /** What the system called the trouble: 'ENOSPC', 'EIO' … */
  readonly code: string | undefined;
  /** The file that was to be written. */
  readonly path: string;

  constructor(message: string, path: string, cause: unknown) {
    super(message, { cause });
    this.path = path;
    this.code = codeOf(cause);
  }
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

const isOneOf = (error: unknown, codes: readonly string[]) => codes.includes(codeOf(error) ?? '');

/** What Windows says while another process, such as a virus scanner, looks at a file. */
const sharing = ['EPERM', 'EBUSY', 'EACCES'];

/** Tries, each after twice the time of the one before: 1.3 seconds in all. */
const tries = 8;
const firstWait = 10;

/** Does what another process may be in the way of, again and again for a while. */
export async function persist<T>(act: () => Promise<T>): Promise<T> {
  for (let i = 1; ; i++) {
    try {
      return await act();
    } catch (error) {
      if (i === tries || !isOneOf(error, sharing)) throw error;
      await new Promise((resolve) => setTimeout(resolve, firstWait * 2 ** (i - 1)));
    }
  }
}

/** The ending of a file that is being written. */
export const unfinished = '.unfinished';

/** Makes the names in a folder last, where the system has a way to. */
async function syncFolder(system: FileSystem, folder: string): Promise<void> {
  // Windows opens no folders, and some file systems sync none; there, renaming is all one can do.
  const without = ['EISDIR', 'EPERM', 'EACCES', 'EINVAL', 'ENOTSUP', 'ENOSYS'];
  let handle: fs.FileHandle | undefined;
  try {
    handle = await system.open(folder, 'r');
    await handle.sync();
  } catch (error) {
    if (!isOneOf(error, without)) throw error;
  } finally {
    await handle?.close();
  }
}

async function writeAll(system: FileSystem, path: string, bytes: Uint8Array): Promise<void> {
  const handle = await persist(() => system.open(path, 'w'));
  try {
    // A disk that is nearly full takes a part, and says so only at the next try.
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await handle.write(bytes, at, bytes.length - at);
      if (bytesWritten === 0) throw new Error(`only ${at} of ${bytes.length} bytes were taken`);
      at += bytesWritten;
    }
    await handle.sync();
  } catch (error) {
    await handle.close().catch(() => {});
    throw error;
  }
  await handle.close();
}

/**
 * Writes a file so that at each moment its name stands for either all of the old bytes or all of the
 * new ones, whatever happens: into another file, synced, then renamed, and the folder synced.
 *
 * @throws CheckpointError, and what was there before is still there
 */
export async function writeWhole(
  system: FileSystem,
  path: string,
  bytes: Uint8Array,
): Promise<void> {
  const beside = path + unfinished;
  try {
    await writeAll(system, beside, bytes);
    await persist(() => system.rename(beside, path));
    await syncFolder(system, dirname(path));
  } catch (error) {
    // Left behind, it would only take room; the next training cleans up as well.
    await system.unlink(beside).catch(() => {});
    const problem = error instanceof Error ? error.message : String(error);
    throw new CheckpointError(`${path} could not be written: ${problem}`, path, error);
  }
}
