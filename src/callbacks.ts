import { flag, numberWithin, onlyKeys, show, wholeNumber } from './checks.js';
import type { Callback, CallbackContext } from './hooks.js';
import { improves, type Mode, monitored, readMode } from './monitor.js';
import type { Weights } from './network.js';

/** A callback that can give and take what it has learnt. */
type Stateful = Callback & Required<Pick<Callback, 'state' | 'restore'>>;

export interface EarlyStoppingOptions {
  /** The log to watch; default 'val_loss'. */
  readonly monitor?: string;
  /** Epochs without improvement that are put up with; default 10. */
  readonly patience?: number;
  /** How much better counts as better, δ ≥ 0; default 0. */
  readonly minDelta?: number;
  /** Whether less or more of it is better; default: what goes with the monitored name. */
  readonly mode?: Mode;
  /** Patience runs on until the value is better than this, however it improves. */
  readonly baseline?: number;
  /** Whether the training ends with the weights of its best epoch; default true. */
  readonly restoreBestWeights?: boolean;
}

/** What `earlyStopping` gives. */
export interface EarlyStopping extends Stateful {
  /** The best value of the last training, and its epoch from 0; undefined before the first. */
  readonly best: number | undefined;
  readonly bestEpoch: number | undefined;
}

function readFunction<F>(value: F, where: string): F {
  if (typeof value === 'function') return value;
  throw new TypeError(`${where}: expected a function, got ${show(value)}`);
}

/**
 * Ends a training with the stop reason 'earlyStopping' once a log has not improved for `patience`
 * epochs: is not below best − δ, or not above best + δ where more is better. However the training
 * ends, except by an error, the weights of the best epoch are put back; what the optimizer has
 * gathered is not. It remembers, so one object serves one training at a time.
 *
 * @throws RangeError at the first epoch's end where no log has the name
 */
export function earlyStopping(options: EarlyStoppingOptions = {}): EarlyStopping {
  const where = 'earlyStopping';
  const keys = ['monitor', 'patience', 'minDelta', 'mode', 'baseline', 'restoreBestWeights'];
  onlyKeys(options, keys, where);
  const { monitor = 'val_loss', patience = 10, minDelta = 0, baseline } = options;
  const mode = readMode(options.mode, monitor, where);
  wholeNumber(patience, `${where}: patience`, 0);
  numberWithin(minDelta, `${where}: minDelta`, 0, Number.MAX_VALUE);
  const finite = (value: unknown, name: string) =>
    numberWithin(value, `${where}: ${name}`, -Number.MAX_VALUE, Number.MAX_VALUE);
  if (baseline !== undefined) finite(baseline, 'baseline');
  const restoring = flag(options.restoreBestWeights ?? true, `${where}: restoreBestWeights`);

  let best: number | undefined;
  let bestEpoch: number | undefined;
  let weights: Weights | undefined;
  let waited = 0;
  let restored = false;
  return {
    get best() {
      return best;
    },
    get bestEpoch() {
      return bestEpoch;
    },
    onTrainBegin() {
      if (!restored) {
        best = bestEpoch = weights = undefined;
        waited = 0;
      }
      restored = false;
    },
    onEpochEnd({ model, epoch, logs, stop }) {
      const value = monitored(logs, monitor, where);
      waited++;
      if (improves(value, best, mode, minDelta)) {
        best = value;
        bestEpoch = epoch;
        if (restoring) weights = model.getWeights();
        if (improves(value, baseline, mode, minDelta)) waited = 0;
      }
      if (waited > 0 && waited >= patience) stop('earlyStopping');
    },
    onTrainEnd({ setWeights }) {
      if (weights) setWeights(weights);
      weights = undefined;
    },
    state() {
      // They are never written to, so that they need not be copied.
      return {
        best: best ?? null,
        bestEpoch: bestEpoch ?? null,
        waited,
        weights: weights ? { ...weights } : null,
      };
    },
    restore(state) {
      onlyKeys(state, ['best', 'bestEpoch', 'waited', 'weights'], `${where}: state`);
      const given = state as Record<string, unknown>;
      const value = given.best === null ? undefined : finite(given.best, 'state: best');
      const at = given.bestEpoch;
      const epoch = at === null ? undefined : wholeNumber(at, `${where}: state: bestEpoch`, 0);
      waited = wholeNumber(given.waited, `${where}: state: waited`, 0);
      best = value;
      bestEpoch = epoch;
      weights = undefined;
      if (given.weights) {
        const entries = Object.entries(given.weights as Record<string, ArrayLike<number>>);
        // JSON text makes an object with numbers for keys of a typed array.
        weights = Object.fromEntries(
          entries.map(([name, w]) => [name, Float32Array.from(Object.values(w))]),
        );
      }
      restored = true;
    },
  };
}

/** The longest time that timers take: 2³¹ − 1 milliseconds. */
const longest = 2147483;

/**
 * Ends a training with the stop reason 'timeLimit' between two batches, once it has taken so many
 * seconds; what was learnt is kept. It costs nothing while the training runs. How far one gets then
 * depends on the machine, so the same seed no longer gives the same weights.
 *
 * @param options seconds ≥ 0, at most 24 days. A training that `restore`d a state has had a part.
 */
export function timeLimit(options: { readonly seconds: number }): Stateful {
  const where = 'timeLimit';
  onlyKeys(options, ['seconds'], where);
  const seconds = numberWithin(options.seconds, `${where}: seconds`, 0, longest);
  let had = 0;
  let begun: number | undefined;
  let restored = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const used = () => had + (begun === undefined ? 0 : (performance.now() - begun) / 1000);
  return {
    onTrainBegin({ stop }) {
      clearTimeout(timer);
      if (!restored) had = 0;
      restored = false;
      begun = performance.now();
      timer = setTimeout(() => stop('timeLimit'), Math.max(0, seconds - had) * 1000);
      // In Node a timer keeps the process alive, and a training that fails does not clear it.
      (timer as { unref?: () => void }).unref?.();
    },
    onTrainEnd() {
      clearTimeout(timer);
      had = used();
      begun = undefined;
    },
    state: () => ({ seconds: used() }),
    restore(state) {
      onlyKeys(state, ['seconds'], `${where}: state`);
      const given = (state as { seconds: unknown }).seconds;
      had = numberWithin(given, `${where}: state: seconds`, 0, Number.MAX_VALUE);
      begun = undefined;
      restored = true;
    },
  };
}

/**
 * Writes one line an epoch: `epoch 3/50: loss 0.3412, val_loss 0.3597`.
 *
 * @param options write: takes the line, without a line break; default `console.log`
 */
export function progress(options: { readonly write?: (line: string) => unknown } = {}): Callback {
  onlyKeys(options, ['write'], 'progress');
  const write = readFunction(options.write ?? ((line) => console.log(line)), 'progress: write');
  return {
    onEpochEnd({ epoch, epochs, logs }) {
      const parts = Object.entries(logs).map(
        ([name, value]) => `${name} ${Number(value.toPrecision(4))}`,
      );
      return write(`epoch ${epoch + 1}/${epochs}: ${parts.join(', ')}`);
    },
  };
}

/**
 * Calls a function at the end of every so many epochs, and waits for it, so that what it stores is a
 * whole state: `save: (context) => keep(context.checkpoint())`.
 *
 * @param options save: takes the context of the epoch's end, with `model`, `epoch`, `logs` and
 *   `checkpoint()`; every: how many epochs lie between two calls, default 1
 */
export function checkpoint(options: {
  readonly save: (context: CallbackContext) => unknown;
  readonly every?: number;
}): Callback {
  onlyKeys(options, ['save', 'every'], 'checkpoint');
  const save = readFunction(options.save, 'checkpoint: save');
  const every = wholeNumber(options.every ?? 1, 'checkpoint: every');
  return {
    onEpochEnd: (context) => ((context.epoch + 1) % every === 0 ? save(context) : undefined),
  };
}

/** The callbacks that the library has. */
export const callbacks = { checkpoint, earlyStopping, progress, timeLimit };
