import { constants } from 'node:fs';
import { access, open, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Problem, printable } from './problem.js';

const shown = (path: string) => printable(path, 200);

/** What to say of a failed write: a file that was there before is untouched. */
export function failed(path: string, error: unknown): Problem {
  const { code, message } = error as NodeJS.ErrnoException;
  const reasons: Readonly<Record<string, string>> = {
    ENOSPC: 'the disk is full',
    EACCES: 'no permission to write there',
    EPERM: 'no permission to write there',
    EROFS: 'the disk is read-only',
    ENOENT: 'there is no such folder',
    EISDIR: 'it is a folder',
    EDQUOT: 'the quota is used up',
  };
  const reason = reasons[code ?? ''] ?? printable(message, 120);
  return new Problem(`${shown(path)}: cannot be written: ${reason}`, 1);
}

/** Refuses to overwrite, before any work is done for what would be written. */
export async function checkFree(path: string, force: boolean): Promise<void> {
  if (force) return;
  const exists = await access(path, constants.F_OK).then(
    () => true,
    () => false,
  );
  if (exists) throw new Problem(`${shown(path)} is there already: --force overwrites it`);
}

/** Writes a file whole or not at all: under another name first, then in its place. */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const file = await PartialFile.create(path);
  try {
    await file.write(content);
    await file.finish();
  } catch (error) {
    await file.abandon();
    throw error;
  }
}

/** A file's bytes. */
export async function readWhole(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reasons: Readonly<Record<string, string>> = {
      ENOENT: 'there is no such file',
      EISDIR: 'expected a file, got a folder',
      EACCES: 'no permission to read it',
    };
    throw new Problem(`${shown(path)}: ${reasons[code ?? ''] ?? printable(message, 120)}`);
  }
}

/** A file that is written piece by piece, and takes its place once it is whole. */
export class PartialFile {
  readonly #path: string;
  readonly #partial: string;
  readonly #file: Awaited<ReturnType<typeof open>>;

  private constructor(path: string, partial: string, file: Awaited<ReturnType<typeof open>>) {
    this.#path = path;
    this.#partial = partial;
    this.#file = file;
  }

  static async create(path: string): Promise<PartialFile> {
    const partial = join(dirname(path), `.${basename(path)}.${process.pid}.partial`);
    try {
      return new PartialFile(path, partial, await open(partial, 'w'));
    } catch (error) {
      throw failed(path, error);
    }
  }

  async write(text: string | Uint8Array): Promise<void> {
    try {
      await this.#file.writeFile(text);
    } catch (error) {
      throw failed(this.#path, error);
    }
  }

  async finish(): Promise<void> {
    try {
      await this.#file.sync();
      await this.#file.close();
      await rename(this.#partial, this.#path);
    } catch (error) {
      throw failed(this.#path, error);
    }
  }

  async abandon(): Promise<void> {
    await this.#file.close().catch(() => {});
    await rm(this.#partial, { force: true });
  }
}
