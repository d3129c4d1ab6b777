import type { FromThread, ToThread } from './protocol.js';

/** A worker of any runtime. */
export interface Thread {
  post(message: ToThread): void;
  end(): void;
}

/** What comes from it: messages, or the news that none will come any more. */
export interface Listener {
  message(message: FromThread): void;
  failure(problem: string): void;
}

/** What starts a worker: a URL, or the text of its program. */
export type Program = { readonly url: string | URL } | { readonly text: string };

/** The parts of a Web Worker, and of its constructor, that are used here. */
type WebWorker = {
  postMessage(message: ToThread): void;
  terminate(): void;
  onmessage: ((event: { data: FromThread }) => void) | null;
  onmessageerror: (() => void) | null;
  onerror: ((event: { message?: string; preventDefault?(): void }) => void) | null;
};
type WebWorkerConstructor = new (url: string | URL, options: { type: 'module' }) => WebWorker;

const { Worker: Web } = globalThis as unknown as { Worker?: WebWorkerConstructor };

/** Starts a worker that runs the program. */
export async function startThread(program: Program, listener: Listener): Promise<Thread> {
  return Web ? startWeb(Web, program, listener) : startNode(program, listener);
}

function startWeb(Worker: WebWorkerConstructor, program: Program, listener: Listener): Thread {
  const made = 'text' in program;
  const url = made
    ? URL.createObjectURL(new Blob([program.text], { type: 'text/javascript' }))
    : program.url;
  const worker = new Worker(url, { type: 'module' });
  worker.onmessage = ({ data }) => listener.message(data);
  worker.onmessageerror = () => listener.failure('a message could not be read');
  worker.onerror = (event) => {
    event.preventDefault?.();
    listener.failure(event.message ?? '');
  };
  return {
    post: (message) => worker.postMessage(message),
    end() {
      worker.terminate();
      if (made) URL.revokeObjectURL(url as string);
    },
  };
}

const inNode = 'globalThis.chainrulePort = require("node:worker_threads").parentPort;\n';

/** Node's module, asked for in a way that bundlers for browsers do not look into. */
type Builtins = {
  getBuiltinModule?(name: string): typeof import('node:worker_threads') | undefined;
};

function startNode(program: Program, listener: Listener): Thread {
  const { process } = globalThis as { process?: Builtins };
  const threads = process?.getBuiltinModule?.('node:worker_threads');
  if (!threads?.Worker) throw new Error('this runtime has none; Node gives them from 20.16 on');
  const worker =
    'text' in program
      ? new threads.Worker(inNode + program.text, { eval: true })
      : new threads.Worker(new URL(program.url));
  worker.on('message', (message: FromThread) => listener.message(message));
  worker.on('messageerror', () => listener.failure('a message could not be read'));
  worker.on('error', (error) => listener.failure(String((error as Error)?.message ?? error)));
  worker.on('exit', (code) => listener.failure(`it ended with code ${code}`));
  return {
    post: (message) => worker.postMessage(message),
    end: () => void worker.terminate(),
  };
}
