import type { Callback } from '../hooks.js';
import { grouped } from './problem.js';
import { shortNumber } from './terminal/plots.js';
import { bar, duration, type Screen, short } from './terminal/screen.js';

/**
 * Draws how far a training is: epochs, loss, what the validation says, rows a second and how long it
 * may take at most.
 */
export function trainingStatus(screen: Screen, rows: number, batchSize: number): Callback {
  const begun = performance.now();
  let validation = '';
  const draw = (epoch: number, epochs: number, share: number, loss: number | undefined) => {
    screen.status(() => {
      const seconds = (performance.now() - begun) / 1000;
      const done = epoch + share;
      const left = (seconds / done) * (epochs - done);
      const parts = [
        `epoch ${Math.min(epochs, epoch + 1)}/${epochs}`,
        bar(done / epochs, 16, screen.paintStatus),
        loss === undefined ? '' : `loss ${shortNumber(loss)}`,
        validation,
        `${short((done * rows) / seconds)} rows/s`,
        `≤ ${duration(left)} left`,
      ];
      return fitted(parts, screen.width);
    });
  };
  // Small trainings would spend their time on drawing: batches are watched where an epoch is long.
  const watched = rows > 20_000;
  return {
    ...(watched && {
      onBatchEnd({ epoch, epochs, batch, logs }) {
        draw(epoch, epochs, Math.min(1, ((batch + 1) * batchSize) / rows), logs.loss);
      },
    }),
    onEpochEnd({ epoch, epochs, logs }) {
      const name = ['val_accuracy', 'val_r2', 'val_loss'].find((key) => key in logs);
      if (name) validation = `${name.replace('_', ' ')} ${shortNumber(logs[name]!)}`;
      draw(epoch, epochs, 1, logs.loss);
    },
  };
}

/** As many of the parts, in order, as fit into a line. */
function fitted(parts: readonly string[], width: number): string {
  let line = '';
  let length = 0;
  for (const part of parts) {
    if (part === '') continue;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours take no room
    const visible = part.replace(/\u001b\[\d+m/g, '').length;
    if (length + visible + 2 >= width) break;
    line += (line === '' ? '' : '  ') + part;
    length += visible + 2;
  }
  return line;
}

/** Rows a step: few for small tables, more for large ones, a power of two. */
export function defaultBatchSize(rows: number): number {
  let size = 16;
  while (size < 256 && size * 200 < rows) size *= 2;
  return size;
}

/** `64 → 32 → 3`. */
export const shownRows = (training: number, validation: number, test: number) =>
  `${grouped(training)} to learn from, ${grouped(validation)} to watch, ${grouped(test)} to judge by`;
