import { hint, show } from './checks.js';
import type { Logs } from './scoring.js';

/** Whether less of a monitored number is better, or more. */
export type Mode = 'min' | 'max';

/** Metrics of which more is better; of losses and errors less is. */
const moreIsBetter = [
  'accuracy',
  'topKAccuracy',
  'precision',
  'recall',
  'f1',
  'matthews',
  'rocAuc',
  'averagePrecision',
  'r2',
];
const lessIsBetter = [
  'loss',
  'logLoss',
  'meanAbsoluteError',
  'meanSquaredError',
  'rootMeanSquaredError',
  'meanAbsolutePercentageError',
];

/** The mode as given, or the one that goes with what is monitored. */
export function readMode(mode: unknown, monitor: unknown, where: string): Mode {
  if (typeof monitor !== 'string') {
    throw new TypeError(
      `${where}: monitor: expected the name of a log such as 'val_loss', got ${show(monitor)}`,
    );
  }
  if (mode !== undefined && mode !== 'min' && mode !== 'max') {
    throw new RangeError(`${where}: mode: expected 'min' or 'max', got ${show(mode)}`);
  }
  if (mode !== undefined) return mode;
  const name = monitor.replace(/^val_/, '');
  if (moreIsBetter.includes(name)) return 'max';
  if (lessIsBetter.includes(name)) return 'min';
  throw new TypeError(
    `${where}: mode: say whether less or more of ${show(monitor)} is better, 'min' or 'max'`,
  );
}

/** The log that is monitored; a name that none has is an error naming those that there are. */
export function monitored(logs: Logs, monitor: string, where: string): number {
  const value = logs[monitor];
  if (value !== undefined) return value;
  const names = Object.keys(logs);
  const unvalidated = monitor.startsWith('val_') && !names.some((name) => name.startsWith('val_'));
  const remedy = unvalidated
    ? 'there are no rows to validate on: give fit a validationSplit or validationData'
    : hint(monitor, names);
  throw new RangeError(
    `${where}: monitor: no log is called ${show(monitor)}, only ${names.join(', ')}; ${remedy}`,
  );
}

/**
 * Whether a value is better than the best so far by more than a least difference. Numbers that are
 * not finite never are.
 *
 * @param best undefined where there is none yet
 * @param delta absolute, or as a share of the best
 */
export function improves(
  value: number,
  best: number | undefined,
  mode: Mode,
  delta: number,
  relative = false,
): boolean {
  if (!Number.isFinite(value)) return false;
  if (best === undefined) return true;
  if (mode === 'min') return value < (relative ? best * (1 - delta) : best - delta);
  return value > (relative ? best * (1 + delta) : best + delta);
}
