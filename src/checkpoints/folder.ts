import { join } from 'node:path';
import { type FileSystem, persist, unfinished, writeWhole } from './write.js';

const nameOf = (epochs: number) => `checkpoint-${String(epochs).padStart(6, '0')}.safetensors`;
const best = 'best.safetensors';

/** Epochs behind a checkpoint, by its name; undefined for names of other files. */
function epochsOf(name: string): number | undefined {
  const digits = /^checkpoint-(\d{6,15})\.safetensors$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

const isOurs = (name: string) => name === best || epochsOf(name) !== undefined;

/** A folder of checkpoints: one file for each that is kept, and the best. */
export class CheckpointFolder {
  readonly path: string;
  readonly #system: FileSystem;

  constructor(path: string, system: FileSystem) {
    this.path = path;
    this.#system = system;
  }

  /** Makes the folder where there is none, and removes what a killed training left half written. */
  async prepare(): Promise<void> {
    await this.#system.mkdir(this.path, { recursive: true });
    for (const name of await this.#system.readdir(this.path)) {
      if (!name.endsWith(unfinished) || !isOurs(name.slice(0, -unfinished.length))) continue;
      await this.#remove(name);
    }
  }

  /** How many epochs are behind each checkpoint, the newest first; none where there is no folder. */
  async list(): Promise<number[]> {
    let names: string[];
    try {
      names = await this.#system.readdir(this.path);
    } catch (error) {
      if ((error as { code?: string }).code === 'ENOENT') return [];
      throw error;
    }
    const epochs = names.map(epochsOf).filter((count) => count !== undefined);
    return epochs.sort((a, b) => b - a);
  }

  file(epochs: number): string {
    return join(this.path, nameOf(epochs));
  }

  read(epochs: number): Promise<Uint8Array> {
    return persist(() => this.#system.readFile(this.file(epochs)));
  }

  write(epochs: number, bytes: Uint8Array): Promise<void> {
    return writeWhole(this.#system, this.file(epochs), bytes);
  }

  writeBest(bytes: Uint8Array): Promise<void> {
    return writeWhole(this.#system, join(this.path, best), bytes);
  }

  /** Removes all but the newest `keep`. What cannot be removed now is for the next time. */
  async prune(keep: number): Promise<void> {
    for (const epochs of (await this.list()).slice(keep)) {
      await this.#remove(nameOf(epochs)).catch(() => {});
    }
  }

  async #remove(name: string): Promise<void> {
    await persist(() => this.#system.unlink(join(this.path, name)));
  }
}
