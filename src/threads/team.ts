import type { Op } from '../backends/backend.js';
import type { Meeting, Team, Walk } from '../backends/wasm.js';
import { ThreadError } from '../errors.js';
import { isWhole, productsOf, shareOf } from './shares.js';
import { startWorker, type Worker } from './start.js';

/** Lists with fewer products of numbers than this are walked by one thread: waking others costs more. */
const leastProducts = 2_000_000;
/** Milliseconds after which a thread that says nothing is given up. */
const patience = 30_000;

/** What tests change. */
export interface TeamOptions {
  readonly leastProducts?: number;
  readonly patience?: number;
  readonly program?: string;
}
/** Looks at a word before waiting for it. */
const looks = 300_000;

/** Words that threads share beside the network's memory: a task, and how it goes. */
const word = { task: 0, done: 1, failed: 2, steps: 3, walks: 4 } as const;

/** What each of the other threads does: waits for a task, walks its list, says so. */
const serve = `
function serve({ code, memory, control, thread, sync }) {
  const words = new Int32Array(control);
  const inMemory = () => new Int32Array(memory.buffer, sync, 3);
  const { run } = new WebAssembly.Instance(code, { env: { memory } }).exports;
  for (let task = 0; ; task++) {
    for (let i = 0; i < ${looks} && Atomics.load(words, ${word.task}) === task; i++);
    Atomics.wait(words, ${word.task}, task);
    const at = ${word.walks} + 3 * thread;
    try {
      run(words[at], words[at + 1], words[${word.steps}], words[at + 2]);
    } catch {
      Atomics.store(words, ${word.failed}, 1);
      Atomics.store(inMemory(), 2, 1);
      Atomics.notify(inMemory(), 1);
    }
    Atomics.add(words, ${word.done}, 1);
    Atomics.notify(words, ${word.done});
  }
}`;

/** Whether this thread may wait for others: a page's own may not. */
function mayWait(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0);
    return true;
  } catch {
    return false;
  }
}

const ended = new FinalizationRegistry<readonly Worker[]>((workers) => {
  for (const worker of workers) worker.terminate();
});

/** Threads, each of which walks a list of its own over the same memory. */
export class Threads implements Team {
  readonly threads: number;
  readonly memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
  readonly bytes = 64;
  readonly #module: WebAssembly.Module;
  readonly #words: Int32Array;
  #sync = 0;
  #workers: Worker[] | undefined;
  /** How many of the others are there. */
  #present = 0;
  #broken = false;
  readonly #options: Required<TeamOptions>;

  constructor(module: WebAssembly.Module, threads: number, options: TeamOptions = {}) {
    this.#module = module;
    this.threads = threads;
    this.#options = { leastProducts, patience, program: serve, ...options };
    this.#words = new Int32Array(new SharedArrayBuffer(4 * (word.walks + 3 * threads)));
  }

  begin(pointer: number): void {
    this.#sync = pointer;
  }

  share(ops: readonly Op[]): readonly (readonly (Op | Meeting)[])[] {
    const { leastProducts } = this.#options;
    if (this.threads === 1 || productsOf(ops) < leastProducts) return [ops];
    const meet: Meeting = { meeting: this.threads };
    return Array.from({ length: this.threads }, (_, thread) => {
      const own: (Op | Meeting)[] = [];
      ops.forEach((op, i) => {
        const share = shareOf(op, thread, this.threads);
        if (share) own.push(share);
        const next = ops[i + 1];
        // What one thread does alone, one after another, needs no waiting in between.
        if (!next || !isWhole(op) || !isWhole(next)) own.push(meet);
      });
      return own;
    });
  }

  /** Whether the others are there: they are started when this is asked for the first time. */
  ready(): boolean {
    if (this.#broken) throw new ThreadError('threads: one has been lost: load the network anew');
    if (!this.#workers) this.#start();
    return this.#present === this.threads - 1;
  }

  #start(): void {
    this.#workers = [];
    if (!mayWait()) return;
    const control = this.#words.buffer;
    for (let thread = 1; thread < this.threads; thread++) {
      const data = { code: this.#module, memory: this.memory, control, thread, sync: this.#sync };
      const here = () => {
        this.#present++;
      };
      this.#workers.push(startWorker(this.#options.program, data, here));
    }
    ended.register(this, this.#workers);
  }

  walk(walks: readonly Walk[], steps: number, own: () => number): number {
    const words = this.#words;
    const meeting = new Int32Array(this.memory.buffer, this.#sync, 3);
    meeting[0] = meeting[2] = 0;
    words[word.done] = words[word.failed] = 0;
    words[word.steps] = steps;
    walks.forEach(({ list, end, scratch }, t) => {
      words.set([list, end, scratch], word.walks + 3 * t);
    });
    Atomics.add(words, word.task, 1);
    Atomics.notify(words, word.task);
    let done = 0;
    try {
      done = own();
    } finally {
      // Whoever still waits for this thread need not.
      if (done < steps) {
        Atomics.compareExchange(meeting, 2, 0, 1);
        Atomics.notify(meeting, 1);
      }
      this.#await(words);
    }
    if (meeting[2] === 2 || words[word.failed] !== 0) this.#fail('has failed');
    return done;
  }

  #await(words: Int32Array): void {
    const others = this.threads - 1;
    const begun = performance.now();
    for (let i = 0; ; i++) {
      const finished = Atomics.load(words, word.done);
      if (finished === others) return;
      if (i < looks) continue;
      Atomics.wait(words, word.done, finished, 100);
      if (performance.now() - begun > this.#options.patience) this.#fail('does not answer');
    }
  }

  #fail(what: string): never {
    this.#broken = true;
    for (const worker of this.#workers ?? []) worker.terminate();
    throw new ThreadError(`threads: one of ${this.threads} ${what}`);
  }
}
