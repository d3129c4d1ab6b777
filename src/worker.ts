import carried from '../build/worker-thread.js';
import type { TrainingWorker } from './fit-options.js';
import { RemoteTraining } from './workers/remote.js';
import type { Program } from './workers/thread.js';

export type { TrainingWorker } from './fit-options.js';

const workerOf = (program: Program, remedy: string): TrainingWorker => ({
  train: (training) =>
    new RemoteTraining(training).run(
      program,
      (problem) =>
        new Error(`worker: no worker can be made here${problem ? ` (${problem})` : ''}: ${remedy}`),
    ),
});

/**
 * Trains in a Web Worker, or in a worker thread of Node: `fit(x, y, { worker })`. The page or the
 * server stays free meanwhile, and the bits are those of a training without.
 *
 * The worker's program comes with this import, as text. A page whose Content-Security-Policy has no
 * `worker-src blob:` takes `workerAt`.
 */
export const worker: TrainingWorker = workerOf(
  { text: carried },
  'train without one; a page with a Content-Security-Policy needs `worker-src blob:`, or workerAt(url)',
);

/**
 * The same with the worker's program from a URL of your own: that of a copy of
 * `chainrule/dist/worker-thread.js`.
 */
export const workerAt = (url: string | URL): TrainingWorker =>
  workerOf({ url }, `is chainrule/dist/worker-thread.js at ${url}?`);
