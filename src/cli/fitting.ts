import { earlyStopping } from '../callbacks.js';
import type { Checkpoint } from '../checkpoint.js';
import type { Callback } from '../hooks.js';
import type { Network } from '../network.js';
import type { FitResult } from '../training.js';
import type { Course } from './attachment.js';
import { shuffledBatches } from './streaming.js';
import type { Parts } from './table/parts.js';
import { gather } from './table/parts.js';
import type { TableSchema } from './table/schema.js';
import type { RowStore } from './table/store.js';
import type { Screen } from './terminal/screen.js';
import { trainingStatus } from './training.js';

/** Targets as `fit` takes them: names of classes, or numbers. */
export const targetsOf = ({ classes }: TableSchema, y: Float32Array): string[] | Float32Array =>
  classes ? Array.from(y, (c) => classes[c]!) : y;

/**
 * Calls `stop` at the first Ctrl-C. A second one ends the process at once.
 *
 * @returns what gives Ctrl-C its usual meaning back
 */
function onInterrupt(stop: () => void): () => void {
  let asked = false;
  const listener = () => {
    if (asked) process.exit(130);
    asked = true;
    stop();
  };
  process.on('SIGINT', listener);
  return () => process.off('SIGINT', listener);
}

/** Trains a network on the rows of a table; Ctrl-C ends it between two batches. */
export async function fitTable(
  model: Network,
  schema: TableSchema,
  store: RowStore,
  parts: Parts,
  seed: number,
  course: Course,
  screen: Screen,
  resume: Checkpoint | undefined,
  callbacks: readonly Callback[],
): Promise<FitResult> {
  const { epochs, batchSize, patience } = course;
  const watched = gather(store, parts.validation);
  const watching = watched.y.length > 0;
  const stopper = earlyStopping({ patience, monitor: watching ? 'val_loss' : 'loss' });
  const status = trainingStatus(screen, parts.training.length, batchSize);
  const aborter = new AbortController();
  const off = onInterrupt(() => {
    screen.status(() => 'stopping after this batch; Ctrl-C again ends at once', true);
    aborter.abort();
  });
  const options = {
    epochs,
    signal: aborter.signal,
    callbacks: [stopper, status, ...callbacks],
    ...(watching && { validationData: [watched.x, targetsOf(schema, watched.y)] as const }),
    ...(resume && { resume }),
  };
  try {
    if (store.inMemory) {
      const { x, y } = gather(store, parts.training);
      return await model.fit(x, targetsOf(schema, y), { ...options, batchSize });
    }
    const { hook, epoch } = resume?.training ?? { hook: 'onEpochBegin', epoch: 0 };
    const first = hook === 'onEpochEnd' ? epoch + 1 : epoch;
    const batches = shuffledBatches(store, parts.training, batchSize, seed, first);
    return await model.fit(function* () {
      for (const { x, y } of batches()) yield { x, y: targetsOf(schema, y) };
    }, options);
  } finally {
    off();
    screen.done();
  }
}
