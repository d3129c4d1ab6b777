import type { instantiate } from '../../build/core.js';
import { floats, kernels, meeting } from '../../build/kernels.js';
import type { Tensor } from '../tensor.js';
import type { Arguments, Backend, KernelName, Kernels, Op, Program, WasmBuild } from './backend.js';
import { dataBytes, LinearMemory } from './memory.js';

/** What the exports must be, kernel by kernel, for the twins in src/ops. */
type Twins = { [K in KernelName]: (...args: Arguments<K, number>) => ReturnType<Kernels[K]> };

/** This is the contract: it is a type only while every kernel has its twin. */
type WithTwins<Exports extends Twins> = Exports;

/** The module's exports, as the compiler of assembly/ describes them. What is carried has `run` alone. */
type Core = WithTwins<Awaited<ReturnType<typeof instantiate>>>;

const recordWords = 16;

const floatBits = new Float32Array(1);
const intBits = new Int32Array(floatBits.buffer);

/** A place in a list where threads wait for one another. */
export interface Meeting {
  readonly meeting: number;
}

/** A list of one thread, ready to be walked. */
export interface Walk {
  readonly list: number;
  readonly end: number;
  readonly scratch: number;
}

/** Threads that walk lists side by side. */
export interface Team {
  readonly threads: number;
  readonly memory: WebAssembly.Memory;
  /** Bytes that it needs behind the module's own data. */
  readonly bytes: number;
  /** The list of each thread: one alone where several would lose. */
  share(ops: readonly Op[]): readonly (readonly (Op | Meeting)[])[];
  /** Whether they can be walked now; else one thread walks them, to the same bits. */
  ready(): boolean;
  /** Walks them all, `steps` times; the first one is walked by `own`. */
  walk(walks: readonly Walk[], steps: number, own: () => number): number;
  /** Is told where its bytes are. */
  begin(pointer: number): void;
}

let numbers: ReadonlyMap<string, number> | undefined;

/** A kernel's number: its place among all of them. */
function numberOf(kernel: KernelName): number {
  numbers ??= new Map(Object.keys(kernels).map((name, number) => [name, number]));
  return numbers.get(kernel)!;
}

/** A list as the runner reads it: records of 16 words, the kernel's number first. */
function encode(
  ops: readonly (Op | Meeting)[],
  pointer: (tensor: Tensor) => number,
  sync: number,
): Int32Array {
  const words = new Int32Array(ops.length * recordWords);
  ops.forEach((op, i) => {
    if ('meeting' in op) {
      words.set([meeting, sync, op.meeting], i * recordWords);
      return;
    }
    const { kernel, args } = op;
    const number = numberOf(kernel);
    words[i * recordWords] = number;
    const firstFloat = args.length - Number(floats[number]);
    args.forEach((arg, j) => {
      const at = i * recordWords + 1 + j;
      if (typeof arg !== 'number') words[at] = pointer(arg);
      else if (j < firstFloat) words[at] = arg;
      else {
        floatBits[0] = arg;
        words[at] = intBits[0]!;
      }
    });
  });
  return words;
}

/** What makes lists ready for an instance of the module, on a network's memory. */
export function runnerOf(
  module: WebAssembly.Module,
  arena: LinearMemory,
  team?: Team,
): Backend['compile'] {
  // By its constructor: a module that an edge runtime hands over comes from another realm, so that
  // helpers which ask whether it is an `instanceof WebAssembly.Module` take it for bytes.
  const instance = new WebAssembly.Instance(module, { env: { memory: arena.memory } });
  const { run } = instance.exports as unknown as Pick<Core, 'run'>;
  const pointer = (tensor: Tensor) => arena.pointer(tensor);
  /** Which program's records stand in each slot of the region for records. */
  const owners: (Program | undefined)[] = [];
  let nextSlot = 0;

  return (ops, { scratch, records: region }) => {
    const shared = team?.share(ops) ?? [ops];
    // The list of one thread comes first, and those of several behind it.
    const lists = shared.length > 1 ? [ops, ...shared] : [ops];
    const encoded = lists.map((list) => encode(list, pointer, dataBytes));
    const count = ops.length;
    const scratchPointer = pointer(scratch);
    const scratchBytes = (scratch.columns / (team?.threads ?? 1)) * 4;
    let slot = -1;
    const program: Program = {
      run(steps) {
        // One row through layers that do nothing: the runner expects an op.
        if (count === 0) return steps;
        if (slot < 0 || owners[slot] !== program) {
          slot = nextSlot;
          nextSlot = (nextSlot + 1) % region.rows;
          owners[slot] = program;
          const place = arena.view(region) as Int32Array;
          let at = slot * region.pitch;
          for (const words of encoded) {
            place.set(words, at);
            at += words.length;
          }
        }
        const list = pointer(region) + slot * region.pitch * 4;
        const listEnd = list + encoded[0]!.byteLength;
        if (lists.length === 1 || !team!.ready()) {
          return run(list, listEnd, steps, scratchPointer);
        }
        let from = listEnd;
        const walks = encoded.slice(1).map(({ byteLength }, t) => {
          const walk = {
            list: from,
            end: from + byteLength,
            scratch: scratchPointer + t * scratchBytes,
          };
          from = walk.end;
          return walk;
        });
        const [first] = walks;
        return team!.walk(walks, steps, () => run(first!.list, first!.end, steps, first!.scratch));
      },
    };
    return program;
  };
}

/**
 * The WebAssembly backend: one memory and one instance of the module for each network.
 *
 * @param module compiled once, and shared by all networks
 * @param name which build of the module it is
 * @param team who walks lists, if several threads do
 */
export function wasmBackend(
  module: WebAssembly.Module,
  name: WasmBuild = 'wasm',
  team?: Team,
): Backend {
  const memory = team?.memory ?? new WebAssembly.Memory({ initial: 1 });
  const arena = new LinearMemory(memory, dataBytes + (team?.bytes ?? 0));
  team?.begin(dataBytes);
  const compile = runnerOf(module, arena, team);
  return Object.assign(arena, { name, threads: team?.threads ?? 1, module, compile });
}
