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
      const where = `epoch ${Math.min(epochs, epoch + 1)}/${epochs}`;
      const parts = [
        loss === undefined ? '' : `loss ${shortNumber(loss)}`,
        validation,
        `${short((done * rows) / seconds)} rows/s`,
        `≤ ${duration(left)} left`,
      ];
      // The bar takes the room that the words leave.
      const room = screen.width - fitted([where, ...parts], screen.width).length - 4;
      const size = Math.max(4, Math.min(16, room));
      const drawn = bar(done / epochs, size, screen.paintStatus);
      return `${where}  ${drawn}${fitted(['', ...parts], screen.width - where.length - size - 2)}`;
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
      const name = Object.keys(shownMetrics).find((key) => key in logs);
      if (name) validation = `${shownMetrics[name]} ${shortNumber(logs[name]!)}`;
      draw(epoch, epochs, 1, logs.loss);
    },
  };
}

const shownMetrics: Readonly<Record<string, string>> = {
  val_accuracy: 'val acc',
  val_r2: 'val R²',
  val_loss: 'val loss',
};

/** The first part and as many of the others, in order, as fit into a line. */
function fitted([first, ...parts]: readonly string[], width: number): string {
  let line = first!;
  for (const part of parts) {
    if (part === '') continue;
    if (line.length + part.length + 2 >= width) break;
    line += `  ${part}`;
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
