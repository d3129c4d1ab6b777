import type { Augmenting } from '../augmentation.js';
import type { Course } from '../checkpoint.js';
import { Digest } from '../digest.js';
import type { Held } from '../lists.js';
import { checkSequences } from '../sequences.js';
import type { NetworkState } from '../state.js';
import { isThenable } from '../turns.js';
import { type ClassWeight, weighRows } from '../weights.js';
import { type Batch, type Batches, iterate, readBatch } from './batches.js';
import type { Feed, Part } from './feed.js';
import { addTo, type Block, pickRows, Window } from './window.js';

/** Rows to validate on at a time, where batches have nothing in common. */
const rowsAtOnce = 256;

/** What a feed of batches that come one after another is made of. */
export interface StreamedRows {
  readonly batches: Batches;
  readonly stepsPerEpoch: number | undefined;
  readonly scheduled: boolean;
  readonly validationData: Block | undefined;
  readonly augmenting: Augmenting | undefined;
  readonly classWeight: ClassWeight | undefined;
  readonly signal: AbortSignal | undefined;
  /** Where a resumed training stands, and what puts the network back if the batches are others. */
  readonly resumed: { readonly course: Course; readonly putBack: () => void } | undefined;
}

const nothing: Part = { cursor: 0, rows: 0 };

/** Batches from an iterable, each put into memory as it comes. */
export class StreamFeed implements Feed {
  readonly batchSize = Number.POSITIVE_INFINITY;
  readonly rows = undefined;
  readonly validating: number;
  readonly orders = 1;
  readonly #state: NetworkState;
  readonly #rows: StreamedRows;
  readonly #window: Window;
  #iterator: Iterator<Batch> | AsyncIterator<Batch> | undefined;
  /** Batches that this epoch has taken, their rows, and a digest of them. */
  #taken = 0;
  #done = 0;
  #digest = new Digest();
  #epoch = 0;
  /** Rows that a resumed training has been trained on before. */
  #skip = 0;
  /** Whether a batch is being waited for, and whether it still has a place to go. */
  #waiting = false;
  #ended = false;

  constructor(state: NetworkState, rows: StreamedRows) {
    this.#state = state;
    this.#rows = rows;
    this.validating = rows.validationData?.inputs.rows ?? 0;
    const atOnce = Math.max(1, Math.min(this.#validatedAtOnce, this.validating));
    this.#window = new Window(state, atOnce, rows.scheduled);
  }

  get #validatedAtOnce(): number {
    return this.#state.model.stateful?.sequences ?? rowsAtOnce;
  }

  /** What this epoch has had so far. */
  get course(): Pick<Course, 'rows' | 'digest'> {
    return { rows: this.#done, digest: this.#digest.toString() };
  }

  ready(): Held {
    return this.#window.ready();
  }

  begin(epoch: number, done: number): void {
    this.#epoch = epoch;
    this.#taken = this.#done = 0;
    this.#digest = new Digest();
    this.#iterator ??= iterate(this.#rows.batches);
    this.#skip = done;
  }

  next(): Part | undefined | PromiseLike<Part | undefined> {
    const { stepsPerEpoch, signal, batches } = this.#rows;
    if (this.#taken === stepsPerEpoch) {
      // One that goes by only once goes on in the next epoch; others start anew.
      if ((this.#iterator as unknown) === batches) return undefined;
      const end = this.#close();
      return end?.then(() => undefined);
    }
    const result = this.#guard(() => this.#iterator!.next());
    if (!isThenable(result)) return this.#take(result);
    this.#waiting = true;
    const part = (result as PromiseLike<IteratorResult<Batch>>).then(
      (came) => {
        this.#waiting = false;
        return this.#ended ? undefined : this.#take(came);
      },
      (error) => {
        this.#waiting = false;
        this.#iterator = undefined;
        throw error;
      },
    );
    return signal ? beforeAbort(part, signal) : part;
  }

  validate(done: number): Part {
    const { columns, targetColumns } = this.#state.model;
    const count = Math.min(this.#validatedAtOnce, this.validating - done);
    const rows = Int32Array.from({ length: count }, (_, r) => done + r);
    return this.#window.put(pickRows(this.#rows.validationData!, rows, columns, targetColumns));
  }

  end(): undefined | PromiseLike<unknown> {
    this.#ended = true;
    const waiting = this.#waiting;
    const end = this.#close();
    // Nobody knows whether a batch that is waited for ever comes.
    return waiting ? undefined : end;
  }

  /** An iterator that fails is not told that it is no longer needed. */
  #guard<T>(next: () => T): T {
    try {
      return next();
    } catch (error) {
      this.#iterator = undefined;
      throw error;
    }
  }

  /** Tells the iterator that no more is wanted; what it says to that is of no interest. */
  #close(): PromiseLike<unknown> | undefined {
    const iterator = this.#iterator;
    this.#iterator = undefined;
    const end: unknown = iterator?.return?.();
    return isThenable(end) ? end.then(undefined, () => {}) : undefined;
  }

  #take(result: IteratorResult<Batch>): Part | undefined | PromiseLike<Part | undefined> {
    if (result.done) {
      this.#iterator = undefined;
      this.#verify();
      if (this.#taken > 0) return undefined;
      const again =
        typeof this.#rows.batches === 'function'
          ? ''
          : '; what goes by only once serves one epoch: give a function that makes one for each, () => batches()';
      throw new RangeError(`batches: expected at least one in an epoch, got none${again}`);
    }
    const { value } = result;
    if (isThenable(value)) {
      return value.then((batch) => (this.#ended ? undefined : this.#put(batch)));
    }
    return this.#put(value);
  }

  #put(batch: unknown): Part {
    const { augmenting } = this.#rows;
    const where = `batch ${this.#taken}`;
    const { block, classes } = readBatch(this.#state, batch, where);
    const { inputs, targets } = block;
    checkSequences(this.#state.model, inputs.rows, `${where}: x`, true);
    const weights = weighRows(
      this.#state.model,
      targets,
      block.weights,
      this.#rows.classWeight,
      classes,
      undefined,
    );
    addTo(this.#digest, { inputs, targets, weights });
    const number = this.#taken++;
    this.#done += inputs.rows;
    if (this.#skip > 0) {
      if (this.#done >= this.#skip) this.#verify();
      return nothing;
    }
    this.#state.classes = classes;
    if (!augmenting) return this.#window.put({ inputs, targets, weights });
    const copy = {
      inputs: { ...inputs, values: inputs.values.slice() },
      targets: { ...targets, values: targets.values.slice() },
      weights,
    };
    augmenting.apply(copy, 0, inputs.rows, this.#epoch, number);
    return this.#window.put(copy);
  }

  /** Refuses batches that are others than those which the checkpoint's training has had. */
  #verify(): void {
    if (this.#skip === 0) return;
    const { course, putBack } = this.#rows.resumed!;
    this.#skip = 0;
    if (this.#done === course.rows && this.#digest.toString() === course.digest) return;
    putBack();
    throw new RangeError(
      "resume: batches: other ones than the checkpoint's training has had in this epoch; give the same in the same order",
    );
  }
}

/** What comes first: a part, or an abort, which brings none. */
function beforeAbort<T>(part: PromiseLike<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const abort = () => resolve(undefined);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    part.then(
      (value) => {
        signal.removeEventListener('abort', abort);
        resolve(value);
      },
      (error) => {
        signal.removeEventListener('abort', abort);
        reject(error);
      },
    );
  });
}
