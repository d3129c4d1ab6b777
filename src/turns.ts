/** Work between two looks at the clock, and in one run of a list, in floating point operations. */
export const sliceWork = 2e7;
/** After this many milliseconds the event loop gets a turn. */
const turnTime = 50;
/** And after this much work where the clock stands still, as it does in some edge runtimes. */
const turnWork = 2e8;

/** Something to wait for before a training goes on. */
export interface Pause {
  readonly until: PromiseLike<unknown>;
}

export const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';

/** Lets timers, events and rendering have their turn. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else if (typeof MessageChannel === 'function') {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(0);
    } else setTimeout(resolve, 0);
  });
}

/** Keeps long work from holding up the event loop. */
export class Turns {
  #last = performance.now();
  #workSinceTurn = 0;
  #workSinceLook = 0;

  /** Whether the event loop should have a turn. The clock is looked at only now and then. */
  due(work: number): boolean {
    this.#workSinceTurn += work;
    this.#workSinceLook += work;
    if (this.#workSinceLook < sliceWork / 4) return false;
    this.#workSinceLook = 0;
    const elapsed = performance.now() - this.#last;
    return elapsed >= turnTime || (elapsed === 0 && this.#workSinceTurn >= turnWork);
  }

  take(): Pause {
    const done = () => {
      this.#last = performance.now();
      this.#workSinceTurn = 0;
    };
    return { until: nextTurn().then(done) };
  }
}
