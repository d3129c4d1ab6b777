import { FormatError } from 'chainrule';
import { Random } from '../../src/random.js';

/** A kind of file: whole ones to begin with, how to damage them, and what reads them. */
export interface Kind {
  readonly name: string;
  /** Makes whole files, each of which must be read. Called once. */
  seeds(): readonly Uint8Array[];
  /** A damaged file, told by the random numbers alone. */
  mutate(seed: Uint8Array, random: Random, seeds: readonly Uint8Array[]): Uint8Array;
  /** Reads a file as users would; FormatError is the only error that it may raise. */
  read(file: Uint8Array): unknown;
}

export interface Report {
  readonly loaded: number;
  readonly refused: number;
  /** The longest time on the processor, in milliseconds, and the file that took it. */
  readonly slowest: number;
  readonly slowestFile: number;
  /** The most memory in use that one file added, beyond four times its size, in bytes. */
  readonly memory: number;
  readonly memoryFile: number;
}

/** What a file may take: milliseconds on the processor, and bytes besides four times its own. */
export const mostTime = 1000;
export const mostMemory = 64 * 2 ** 20;

/** What engines say of bugs: such an error behind a FormatError is ours, not the file's. */
const bug =
  /is not (a function|a constructor|iterable|defined|an object)|Cannot (read|convert|destructure|set|mix|create)|Invalid (array|typed array|array buffer|string|count)|call stack|allocation failed|out of bounds|out of memory|reading '/i;

const inUse = () => {
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  // What buffers take is part of `external` in some versions of Node, and not in others.
  return heapUsed + Math.max(external, arrayBuffers);
};

/** The names of all that objects, arrays and functions inherit. */
const inherited = () =>
  [Object.prototype, Array.prototype, Function.prototype, Uint8Array.prototype].flatMap(
    (prototype) => Reflect.ownKeys(prototype).map(String),
  );

/** The file of a number; the same on every machine. */
export function fileOf(kind: Kind, seeds: readonly Uint8Array[], number: number): Uint8Array {
  const random = new Random(0xf122, 1, number);
  return kind.mutate(seeds[random.below(seeds.length)]!, random, seeds);
}

/**
 * Reads files from one number to another. Each must be read or refused with a FormatError that says
 * where; anything else is raised as an error that names the file.
 */
export function fuzz(kind: Kind, from: number, to: number): Report {
  const seeds = kind.seeds();
  for (const seed of seeds) kind.read(seed);
  const names = inherited();
  let [loaded, refused, slowest, slowestFile, memory, memoryFile] = [0, 0, 0, -1, 0, -1];
  for (let number = from; number < to; number++) {
    const file = fileOf(kind, seeds, number);
    const copy = file.slice();
    const before = inUse();
    const begun = process.cpuUsage();
    let problem: string | undefined;
    try {
      kind.read(file);
      loaded++;
    } catch (error) {
      refused++;
      problem = faultOf(error);
    }
    const { user, system } = process.cpuUsage(begun);
    const time = (user + system) / 1000;
    const more = inUse() - before - 4 * file.length;
    if (time > slowest) [slowest, slowestFile] = [time, number];
    if (more > memory) [memory, memoryFile] = [more, number];
    if (time > mostTime) problem ??= `took ${time} ms`;
    if (more > mostMemory) problem ??= `took ${more} bytes more than four times its size`;
    if (Buffer.compare(file, copy) !== 0) problem ??= 'was changed while it was read';
    if (problem) throw new Error(`${kind.name} file ${number} of ${file.length} bytes: ${problem}`);
  }
  if (inherited().join() !== names.join()) throw new Error(`${kind.name}: a prototype was changed`);
  return { loaded, refused, slowest, slowestFile, memory, memoryFile };
}

/** What is wrong with the error of a file; undefined for a good refusal. */
function faultOf(error: unknown): string | undefined {
  if (!(error instanceof FormatError))
    return `raised ${error instanceof Error ? error.stack : error}`;
  const { message, offset, cause } = error;
  if (cause instanceof Error && bug.test(cause.message)) return `failed by a bug: ${cause.stack}`;
  if (bug.test(message)) return `was refused in the engine's words: ${message}`;
  if (offset === undefined && !/^[^:]+: ./.test(message))
    return `was refused without a place: ${message}`;
  return undefined;
}
