import * as real from 'node:fs/promises';
import type { FileSystem } from 'chainrule/node';

/** The steps of writing a file, in the order in which they come. */
export const steps = [
  'open',
  'write',
  'sync',
  'close',
  'rename',
  'openFolder',
  'syncFolder',
] as const;

export type Step = (typeof steps)[number] | 'read';

const errorOf = (code: string, step: string) =>
  Object.assign(new Error(`${code}: injected, ${step}`), { code });

/** What a disk does that takes only so many bytes at a time, and fails where it is told to. */
export interface Faults {
  /** Which step fails, and how. */
  step?: Step;
  code?: string;
  /** How many times it fails; default always. */
  times?: number;
  /** The most bytes that one write takes. */
  most?: number;
  /** Bytes after which there is no room: ENOSPC. */
  room?: number;
}

/** The real file system, with faults. */
export function faulty(faults: Faults): FileSystem & { readonly done: string[] } {
  const done: string[] = [];
  let left = faults.times ?? Number.POSITIVE_INFINITY;
  let room = faults.room ?? Number.POSITIVE_INFINITY;
  const pass = (step: Step) => {
    done.push(step);
    if (faults.step !== step || left <= 0) return;
    left--;
    throw errorOf(faults.code!, step);
  };
  return {
    done,
    mkdir: real.mkdir,
    readdir: real.readdir,
    readFile: (async (path: string) => {
      pass('read');
      return real.readFile(path);
    }) as typeof real.readFile,
    unlink: real.unlink,
    async rename(from, to) {
      pass('rename');
      await real.rename(from, to);
    },
    async open(path, flags) {
      const folder = flags === 'r';
      pass(folder ? 'openFolder' : 'open');
      const handle = await real.open(path, flags);
      return {
        async write(bytes: Uint8Array, at: number, length: number) {
          pass('write');
          if (room === 0) throw errorOf('ENOSPC', 'write');
          const size = Math.min(length, faults.most ?? length, room);
          room -= size;
          return handle.write(bytes, at, size);
        },
        async sync() {
          pass(folder ? 'syncFolder' : 'sync');
          await handle.sync();
        },
        async close() {
          await handle.close();
          pass('close');
        },
      } as unknown as real.FileHandle;
    },
  } as FileSystem & { readonly done: string[] };
}
