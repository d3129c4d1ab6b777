import { type Checkpoint, readCheckpoint, restoreMemories } from '../checkpoint.js';
import { areBatches } from '../feeds/batches.js';
import { type FitOptions, readOptions, type WorkerTraining } from '../fit-options.js';
import { type Callback, type CallbackContext, hooks, type StopReason } from '../hooks.js';
import { type Plain, restoreSnapshot, type Snapshot } from '../snapshot.js';
import type { FitResult } from '../training.js';
import { errorOf, type FromThread, type HookEvent, type Order, rateSpec } from './protocol.js';
import { type Program, startThread, type Thread } from './thread.js';

/** What callbacks remember, as a checkpoint keeps it. */
const memoriesOf = (callbacks: readonly Callback[]) =>
  callbacks.map((callback) => (callback.state?.() ?? null) as Plain);

/**
 * A training in a worker. The network here is that of the worker whenever callbacks are told of
 * something, and at the end; in between it is as it was.
 */
export class RemoteTraining {
  readonly #training: WorkerTraining;
  readonly #options: FitOptions;
  readonly #callbacks: readonly Callback[];
  /** How many callbacks have been told already of the event that comes first. */
  #skip = 0;
  #failure: { readonly error: unknown } | undefined;
  /** What the callbacks remembered before the training ended. */
  #memories: readonly Plain[] = [];

  constructor(training: WorkerTraining) {
    this.#training = training;
    this.#options = training.options;
    this.#callbacks = this.#options.callbacks ?? [];
  }

  /** Checks what can be told here, and says what is to be done. */
  #order(): Order {
    const { network, state, x, y } = this.#training;
    const { worker: _, callbacks, signal: __, learningRate, augment, ...plain } = this.#options;
    if (areBatches(x, y)) {
      throw new TypeError(
        'worker: an iterable of batches cannot be posted to a worker: give rows in arrays, or train without a worker',
      );
    }
    readOptions(this.#options);
    if (augment !== undefined) {
      throw new TypeError(
        'worker: augment: a function cannot be posted to a worker: train without a worker',
      );
    }
    const { name, module, threads = 1 } = state.plan.backend;
    const backend = name === 'js' || !module ? 'js' : { name, module, threads };
    const used = hooks.filter((hook) => this.#callbacks.some((callback) => callback[hook]));
    const { resume } = plain;
    return {
      ...{ type: 'train', backend, x, y, learningRate: rateSpec(learningRate) },
      aborted: false,
      snapshot: network.snapshot({ optimizer: true }),
      options: resume ? { ...plain, resume: this.#resumed(resume) } : plain,
      hooks: callbacks && callbacks.length > 0 ? used : undefined,
    };
  }

  /** A checkpoint of a training with these callbacks, as one of a training with one that asks them. */
  #resumed(given: Snapshot): Checkpoint {
    const checkpoint = readCheckpoint(given, this.#training.state.model);
    const callbacks = this.#callbacks;
    const { training } = checkpoint;
    restoreMemories(
      { ...checkpoint, training: { ...training, schedule: null } },
      undefined,
      callbacks,
    );
    const all = training.called >= callbacks.length;
    this.#skip = all ? 0 : training.called;
    return {
      ...checkpoint,
      training: {
        ...training,
        called: Number(all && callbacks.length > 0),
        callbacks: callbacks.length > 0 ? [null] : [],
      },
    };
  }

  /** Makes the network here that of the worker. */
  #take(snapshot: Snapshot): void {
    const { state } = this.#training;
    restoreSnapshot(state, snapshot);
    state.classes = snapshot.spec.classes;
  }

  /** Where the training stands, with callbacks of which so many are told, in a hook of this side. */
  #checkpoint({ training, history }: Checkpoint, called: number): Checkpoint {
    const { optimizer, ...snapshot } = this.#training.network.snapshot({ optimizer: true });
    const callbacks = memoriesOf(this.#callbacks);
    return {
      ...{ ...snapshot, optimizer: optimizer!, history },
      training: { ...training, called, callbacks },
    };
  }

  /** Tells the callbacks of an event, one after another, and gives what they want. */
  async #tell({ hook, context, snapshot, checkpoint }: HookEvent) {
    this.#take(snapshot);
    let stop: StopReason | undefined;
    let weights: Record<string, ArrayLike<number>> | undefined;
    const skip = checkpoint ? this.#skip : 0;
    if (checkpoint) this.#skip = 0;
    for (const [i, callback] of this.#callbacks.entries()) {
      if (i < skip || !callback[hook]) continue;
      let telling = true;
      const told: CallbackContext = {
        ...context,
        model: this.#training.network,
        stop: (reason = 'stopped') => {
          stop ??= reason;
        },
        setWeights: (given) => {
          this.#training.setWeights(given);
          weights = { ...weights, ...given };
        },
        checkpoint: () => {
          if (telling && checkpoint) return this.#checkpoint(checkpoint, i + 1);
          throw new Error(
            'checkpoint: expected to be called while onEpochBegin, onBatchEnd or onEpochEnd runs',
          );
        },
      };
      await callback[hook](told);
      telling = false;
    }
    if (hook !== 'onTrainEnd') this.#memories = memoriesOf(this.#callbacks);
    return { stop, weights };
  }

  /** The result, with what the callbacks here remember of it. */
  #result({ checkpoint, ...result }: FitResult): FitResult {
    if (!checkpoint) return result;
    const { training } = checkpoint;
    const called = training.called > 0 ? this.#callbacks.length : 0;
    const own = { ...training, called, callbacks: this.#memories };
    return { ...result, checkpoint: { ...checkpoint, training: own } };
  }

  async run(program: Program, unavailable: (problem: string) => Error): Promise<FitResult> {
    const order = this.#order();
    this.#memories = memoriesOf(this.#callbacks);
    const { signal } = this.#options;
    let thread: Thread | undefined;
    const abort = () => thread?.post({ type: 'abort' });
    try {
      return await new Promise<FitResult>((resolve, reject) => {
        let ready = false;
        const failure = (problem: string) =>
          reject(
            ready
              ? new Error(`worker: it ended before the training did: ${problem}`)
              : unavailable(problem),
          );
        const message = (came: FromThread) => {
          if (came.type === 'ready') {
            ready = true;
            thread!.post({ ...order, aborted: signal?.aborted === true });
          } else if (came.type === 'hook') {
            this.#tell(came).then(
              (wanted) => thread!.post({ type: 'told', failed: false, ...wanted }),
              (error) => {
                this.#failure = { error };
                const none = { stop: undefined, weights: undefined };
                thread!.post({ type: 'told', failed: true, ...none });
              },
            );
          } else if (came.type === 'warning') {
            const { message } = came;
            this.#training.state.warn(message, message.replace(/^chainrule: /, ''));
          } else {
            if (came.snapshot) this.#take(came.snapshot);
            if (came.type === 'done') resolve(this.#result(came.result));
            else reject(this.#failure ? this.#failure.error : errorOf(came.error));
          }
        };
        const guarded = (came: FromThread) => {
          try {
            message(came);
          } catch (error) {
            reject(error);
          }
        };
        signal?.addEventListener('abort', abort);
        startThread(program, { message: guarded, failure }).then(
          (started) => {
            thread = started;
          },
          (error) => reject(unavailable(String((error as Error)?.message ?? error))),
        );
      });
    } finally {
      signal?.removeEventListener('abort', abort);
      thread?.end();
    }
  }
}
