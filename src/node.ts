import * as fs from 'node:fs/promises';
import type { Checkpoint } from './checkpoint.js';
import { CheckpointFolder } from './checkpoints/folder.js';
import type { FileSystem } from './checkpoints/write.js';
import { numberWithin, onlyKeys, show, wholeNumber } from './checks.js';
import { FormatError } from './errors.js';
import type { Callback } from './hooks.js';
import { readSnapshot } from './load.js';
import { improves, type Mode, monitored, readMode } from './monitor.js';
import { save } from './save.js';
import type { Logs } from './scoring.js';
import type { Plain } from './snapshot.js';

export { CheckpointError, type FileSystem } from './checkpoints/write.js';

export interface CheckpointFileOptions {
  /** Where the files go; made where it is not there. One training at a time writes into a folder. */
  readonly folder: string;
  /** How many of the newest checkpoints to keep; default 3. */
  readonly keep?: number;
  /** Epochs between two checkpoints; default 1. The last epoch always has one. */
  readonly every?: number;
  /** The log that says which epoch was the best; default 'val_loss' where there is one, else 'loss'. */
  readonly monitor?: string;
  /** Whether less or more of it is better; default: what goes with the monitored name. */
  readonly mode?: Mode;
  /** Plain JSON to keep in each file, as that of `save`. */
  readonly attachment?: Plain;
  /** In place of `node:fs/promises`. */
  readonly fs?: FileSystem;
}

/**
 * Writes the training into files at the end of epochs, so that a process which is killed at any moment
 * loses nothing that was written: `checkpoint-000012.safetensors` behind twelve epochs, and
 * `best.safetensors` behind the best one. Each is written under another name, synced, and renamed.
 *
 * @throws CheckpointError at an epoch's end, where a file cannot be written: those before are whole.
 *   Error as the training begins, where the folder has checkpoints that the training does not go on
 *   from
 */
export function checkpointFile(
  options: CheckpointFileOptions,
): Callback & Required<Pick<Callback, 'state' | 'restore'>> {
  const where = 'checkpointFile';
  onlyKeys(options, ['folder', 'keep', 'every', 'monitor', 'mode', 'attachment', 'fs'], where);
  const { monitor, keep = 3, every = 1, attachment } = options;
  wholeNumber(keep, `${where}: keep`);
  wholeNumber(every, `${where}: every`);
  if (monitor !== undefined) readMode(options.mode, monitor, where);
  const folder = folderOf(options.folder, options.fs, where);
  const watch = (logs: Logs) => monitor ?? ('val_loss' in logs ? 'val_loss' : 'loss');

  let best: number | undefined;
  let resumed = false;
  return {
    async onTrainBegin({ epoch }) {
      const goesOn = resumed;
      resumed = false;
      if (!goesOn) best = undefined;
      await folder.prepare();
      const [latest] = await folder.list();
      if (latest === undefined || (goesOn && latest <= epoch + 1)) return;
      throw new Error(
        `${where}: ${folder.file(latest)} is not of this training: resume from it ` +
          `(fit(x, y, { resume: await latestCheckpoint(${show(folder.path)}) })), or take an empty folder`,
      );
    },
    async onEpochEnd({ epoch, epochs, logs, checkpoint }) {
      const done = epoch + 1;
      const name = watch(logs);
      const value = monitored(logs, name, where);
      const better = improves(value, best, readMode(options.mode, name, where), 0);
      if (!better && done % every !== 0 && done !== epochs) return;
      if (better) best = value;
      const bytes = save(checkpoint(), attachment === undefined ? {} : { attachment });
      // The best first: a training killed in between writes it again when it gets there again.
      if (better) await folder.writeBest(bytes);
      if (done % every !== 0 && done !== epochs) return;
      await folder.write(done, bytes);
      await folder.prune(keep);
    },
    state: () => ({ best: best ?? null }),
    restore(state) {
      onlyKeys(state, ['best'], `${where}: state`);
      const { best: given } = state as { best: unknown };
      const most = Number.MAX_VALUE;
      best = given === null ? undefined : numberWithin(given, `${where}: state: best`, -most, most);
      resumed = true;
    },
  };
}

function folderOf(path: unknown, system: FileSystem = fs, where: string): CheckpointFolder {
  if (typeof path === 'string' && path !== '') return new CheckpointFolder(path, system);
  throw new TypeError(`${where}: folder: expected a path, got ${show(path)}`);
}

/**
 * The newest checkpoint that `checkpointFile` has left in a folder; undefined where there is none.
 * `load(checkpoint)` makes its network, and `fit(x, y, { resume: checkpoint })` goes on from it.
 *
 * Should a disk have damaged the newest, the one before is taken, with a warning.
 *
 * @param options onWarning: takes warnings, default `console.warn`; fs: in place of `node:fs/promises`
 * @throws FormatError where there are checkpoints, and all are damaged
 */
export async function latestCheckpoint(
  path: string,
  options: { readonly onWarning?: (message: string) => void; readonly fs?: FileSystem } = {},
): Promise<Checkpoint | undefined> {
  const where = 'latestCheckpoint';
  onlyKeys(options, ['onWarning', 'fs'], where);
  const folder = folderOf(path, options.fs, where);
  const { onWarning = console.warn } = options;
  let damaged: FormatError | undefined;
  for (const epochs of await folder.list()) {
    try {
      return readSnapshot(await folder.read(epochs)) as Checkpoint;
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      damaged ??= error;
      onWarning(`chainrule: ${folder.file(epochs)} is damaged: ${error.message}`);
    }
  }
  if (damaged) throw damaged;
  return undefined;
}
