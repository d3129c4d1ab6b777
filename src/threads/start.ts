/** A thread that has been started. */
export interface Worker {
  terminate(): unknown;
}

type WebWorker = Worker & {
  postMessage(data: object): void;
  onmessage: (() => void) | null;
};

interface Scope {
  readonly Worker?: new (url: string) => WebWorker;
  readonly process?: {
    readonly versions?: { readonly node?: string };
    getBuiltinModule?(
      name: 'node:worker_threads',
    ): typeof import('node:worker_threads') | undefined;
    getBuiltinModule?(name: 'node:os'): typeof import('node:os') | undefined;
  };
  readonly navigator?: { readonly hardwareConcurrency?: number };
}

/** How many threads can run at once. */
export function cores(): number {
  const { navigator, process } = globalThis as unknown as Scope;
  const counted = process?.getBuiltinModule?.('node:os')?.availableParallelism?.();
  return counted ?? navigator?.hardwareConcurrency ?? Number.POSITIVE_INFINITY;
}

/**
 * Starts a thread that calls the function `serve` of the program with the data, which never returns.
 *
 * @param here called once it can be counted on: at once in Node, where a thread needs nothing of the
 *   one that waits for it, and later in browsers
 */
export function startWorker(program: string, data: object, here: () => void): Worker {
  const { Worker: Web, process } = globalThis as unknown as Scope;
  // Node's and its like's are asked for in a way that bundlers for browsers do not look into.
  const node = process?.versions?.node && process.getBuiltinModule?.('node:worker_threads');
  if (node) {
    const call = "serve(require('node:worker_threads').workerData);";
    const worker = new node.Worker(`${program}\n${call}`, { eval: true, workerData: data });
    worker.unref();
    here();
    return worker;
  }
  if (!Web) throw new Error('threads: this runtime has no workers; Node gives them from 20.16 on');
  const call = 'onmessage = ({ data }) => { postMessage(0); serve(data); };';
  const url = URL.createObjectURL(new Blob([`${program}\n${call}`], { type: 'text/javascript' }));
  const worker = new Web(url);
  worker.onmessage = () => {
    URL.revokeObjectURL(url);
    here();
  };
  worker.postMessage(data);
  return worker;
}
