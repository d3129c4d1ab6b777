import { FormatError } from '../errors.js';
import { load, readSnapshot } from '../load.js';
import type { Network, NetworkOptions } from '../network.js';
import { latestCheckpoint } from '../node.js';
import type { Snapshot } from '../snapshot.js';
import { type Attachment, readAttachment } from './attachment.js';
import { readWhole } from './files.js';
import { Problem, printable } from './problem.js';
import type { TableSchema } from './table/schema.js';

/** A model's file; what the command line keeps in it where that has trained it. */
export interface ModelFile {
  readonly path: string;
  readonly snapshot: Snapshot;
  readonly attachment: Attachment | undefined;
  network(options?: NetworkOptions): Network;
}

/** @throws Problem for what is no model file */
export async function readModel(path: string): Promise<ModelFile> {
  const bytes = await readWhole(path);
  return modelOf(path, () => readSnapshot(bytes));
}

/** The newest checkpoint in a folder. */
export async function readCheckpoint(folder: string): Promise<ModelFile> {
  const onWarning = (message: string) => process.stderr.write(`${printable(message, 300)}\n`);
  const checkpoint = await latestCheckpoint(folder, { onWarning });
  if (checkpoint) return modelOf(folder, () => checkpoint);
  throw new Problem(`${printable(folder, 200)}: there is no checkpoint in it`);
}

function modelOf(path: string, read: () => Snapshot): ModelFile {
  const shown = printable(path, 200);
  try {
    const snapshot = read();
    const attachment = readAttachment(snapshot.attachment, snapshot.spec);
    return { path: shown, snapshot, attachment, network: (options) => load(snapshot, options) };
  } catch (error) {
    if (error instanceof FormatError) {
      throw new Problem(`${shown}: no model file: ${printable(error.message, 300)}`);
    }
    throw error;
  }
}

/** The table that a model was trained on, which commands on CSV files need. */
export function schemaOf({ attachment, path }: ModelFile): TableSchema {
  if (attachment) return attachment.table;
  throw new Problem(
    `${path}: the model was not trained by this command line, so it does not know the columns of a CSV file; use it from JavaScript: load(bytes).predict(rows)`,
  );
}
