import { earlyStopping } from '../callbacks.js';
import type { Checkpoint } from '../checkpoint.js';
import type { Callback } from '../hooks.js';
import type { Network } from '../network.js';
import type { FitResult } from '../training.js';
import type { Course } from './attachment.js';
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
  course: Course,
  screen: Screen,
  resume: Checkpoint | undefined,
  callbacks: readonly Callback[],
): Promise<FitResult> {
  const training = gather(store, parts.training);
  const watched = gather(store, parts.validation);
  const { epochs, batchSize, patience } = course;
  const watching = watched.y.length > 0;
  const stopper = earlyStopping({ patience, monitor: watching ? 'val_loss' : 'loss' });
  const status = trainingStatus(screen, training.y.length, batchSize);
  const aborter = new AbortController();
  const off = onInterrupt(() => {
    screen.status(() => 'stopping after this batch; Ctrl-C again ends at once', true);
    aborter.abort();
  });
  try {
    return await model.fit(training.x, targetsOf(schema, training.y), {
      epochs,
      batchSize,
      signal: aborter.signal,
      callbacks: [stopper, status, ...callbacks],
      ...(watching && { validationData: [watched.x, targetsOf(schema, watched.y)] }),
      ...(resume && { resume }),
    });
  } finally {
    off();
    screen.done();
  }
}
