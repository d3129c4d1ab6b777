import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Problem } from '../problem.js';

/** Rows that are larger than this many bytes together go to a file. */
const mostBytesInMemory = 1 << 25;
/** Floats that are written at a time. */
const bufferedFloats = 1 << 16;

/** Rows of numbers, read in any order. */
export interface RowStore {
  readonly rows: number;
  readonly width: number;
  /** Whether all rows are held in memory. */
  readonly inMemory: boolean;
  /** Copies a row to `out`, from place `at` on. */
  read(row: number, out: Float32Array, at: number): void;
  /** Gives up what is held, on the disk too. */
  close(): void;
}

/** Where rows go as they are read: into memory, and from a size on into a temporary file. */
export class RowWriter {
  readonly #width: number;
  readonly #limit: number;
  #chunks: Float32Array[] = [];
  #chunk: Float32Array;
  #filled = 0;
  #rows = 0;
  #file: { descriptor: number; path: string | undefined } | undefined;

  /** @param limit bytes that may be held in memory */
  constructor(width: number, limit = mostBytesInMemory) {
    this.#width = width;
    this.#limit = limit;
    const rows = Math.max(1, Math.floor(bufferedFloats / width));
    this.#chunk = new Float32Array(rows * width);
  }

  /** Room for the next row: it is to be written at this place of this array. */
  next(): { out: Float32Array; at: number } {
    if (this.#filled === this.#chunk.length) this.#flush();
    const at = this.#filled;
    this.#filled += this.#width;
    this.#rows++;
    return { out: this.#chunk, at };
  }

  /** Takes the last row back. */
  drop(): void {
    this.#filled -= this.#width;
    this.#rows--;
  }

  /** All rows, to be read. */
  finish(): RowStore {
    const width = this.#width;
    const rows = this.#rows;
    if (this.#file || rows * width * 4 > this.#limit) {
      this.#flush();
      return fileStore(this.#file!, rows, width);
    }
    const chunks = [...this.#chunks, this.#chunk];
    const perChunk = this.#chunk.length / width;
    return {
      rows,
      width,
      inMemory: true,
      read(row, out, at) {
        const chunk = Math.floor(row / perChunk);
        const from = (row - chunk * perChunk) * width;
        const source = chunks[chunk]!;
        for (let i = 0; i < width; i++) out[at + i] = source[from + i]!;
      },
      close() {},
    };
  }

  /** Gives up what has been written. */
  abandon(): void {
    if (this.#file) release(this.#file);
    this.#chunks = [];
  }

  #flush(): void {
    const size = this.#chunk.byteLength;
    if (!this.#file && (this.#chunks.length + 2) * size <= this.#limit) {
      this.#chunks.push(this.#chunk);
      this.#chunk = new Float32Array(this.#chunk.length);
    } else {
      this.#file ??= temporary();
      for (const chunk of this.#chunks) writeAll(this.#file.descriptor, chunk, chunk.length);
      this.#chunks = [];
      writeAll(this.#file.descriptor, this.#chunk, this.#filled);
    }
    this.#filled = 0;
  }
}

const open = new Set<{ descriptor: number; path: string | undefined }>();
let listening = false;

/** A file without a name where that can be had, so that nothing is left however the process ends. */
function temporary() {
  const path = join(
    tmpdir(),
    `chainrule-${process.pid}-${open.size}-${Date.now().toString(36)}.rows`,
  );
  const file = { descriptor: openSync(path, 'wx+', 0o600), path: path as string | undefined };
  try {
    unlinkSync(path);
    file.path = undefined;
  } catch {
    // Windows keeps the names of open files.
  }
  open.add(file);
  if (!listening) process.on('exit', () => open.forEach(release));
  listening = true;
  return file;
}

function release(file: { descriptor: number; path: string | undefined }): void {
  if (!open.delete(file)) return;
  closeSync(file.descriptor);
  if (file.path) unlinkSync(file.path);
}

function writeAll(descriptor: number, floats: Float32Array, count: number): void {
  const bytes = new Uint8Array(floats.buffer, floats.byteOffset, count * 4);
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(descriptor, bytes, done);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOSPC') throw error;
      throw new Problem(
        `${tmpdir()}: the disk is full, and the rows are too many to be held in memory: set TMPDIR to a folder with more room`,
        1,
      );
    }
  }
}

function fileStore(
  file: { descriptor: number; path: string | undefined },
  rows: number,
  width: number,
): RowStore {
  const bytes = new Uint8Array(width * 4);
  const floats = new Float32Array(bytes.buffer);
  return {
    rows,
    width,
    inMemory: false,
    read(row, out, at) {
      const start = row * bytes.length;
      for (let done = 0; done < bytes.length; ) {
        const read = readSync(file.descriptor, bytes, done, bytes.length - done, start + done);
        if (read === 0) throw new Error('the temporary file has been cut short');
        done += read;
      }
      for (let i = 0; i < width; i++) out[at + i] = floats[i]!;
    },
    close: () => release(file),
  };
}
