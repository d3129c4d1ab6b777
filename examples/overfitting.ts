/*
 * A network that learns its rows by heart, and four ways to keep it from that. Sixty noisy points of
 * two half-moons are to learn from, a thousand others show what has been understood.
 * docs/backpropagation.md tells the story.
 *
 *     npx tsx examples/overfitting.ts
 */
import { fileURLToPath } from 'node:url';
import { augment, type Callback, callbacks, datasets, layers, sequential } from 'chainrule';
import { bold, cyan, dim, percent } from './terminal.js';

const training = datasets.moons({ rows: 60, noise: 0.35, seed: 5 });
const test = datasets.moons({ rows: 1000, noise: 0.35, seed: 105 });

interface Remedy {
  readonly l2?: number;
  readonly dropout?: number;
  readonly noise?: number;
  readonly callbacks?: readonly Callback[];
}

/** Trains a network that is far too large for sixty rows, with one remedy or none. */
async function learn({ l2 = 0, dropout = 0, noise = 0, callbacks = [] }: Remedy, epochs: number) {
  const hidden = () => [
    layers.dense({ units: 64, activation: 'relu', ...(l2 > 0 && { weightRegularizer: { l2 } }) }),
    ...(dropout > 0 ? [layers.dropout({ rate: dropout })] : []),
  ];
  const model = sequential({
    inputShape: [2],
    layers: [...hidden(), ...hidden(), layers.dense({ units: 1, activation: 'sigmoid' })],
    loss: 'binaryCrossentropy',
    optimizer: { type: 'adam', learningRate: 0.005 },
    metrics: ['accuracy'],
    seed: 1,
  });
  const { history } = await model.fit(training.x, training.y, {
    epochs,
    validationData: [test.x, test.y],
    callbacks,
    ...(noise > 0 && { augment: augment.noise({ deviation: noise }) }),
  });
  return {
    history,
    training: model.evaluate(training.x, training.y),
    test: model.evaluate(test.x, test.y),
  };
}

/** Each way of training, and what came of it. */
export async function overfitting(epochs = 300) {
  const ways: Record<string, Remedy> = {
    'by heart': {},
    'early stopping': { callbacks: [callbacks.earlyStopping({ patience: 30 })] },
    'dropout 0.5': { dropout: 0.5 },
    'L2 0.01': { l2: 0.01 },
    'noise 0.3 on every batch': { noise: 0.3 },
  };
  const results = [];
  for (const [name, way] of Object.entries(ways)) {
    results.push({ name, ...(await learn(way, epochs)) });
  }
  return results;
}

/** The loss over the epochs as a line of blocks, the same scale for all. */
function line(values: readonly number[], width: number, most: number): string {
  const blocks = '▁▂▃▄▅▆▇█';
  return Array.from({ length: width }, (_, i) => {
    const value = values[Math.floor((i / width) * values.length)]!;
    return blocks[Math.min(7, Math.floor((value / most) * 8))];
  }).join('');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(
    'Loss on 60 rows to learn from, and on 1,000 others, over the epochs (▁ is 0, █ is 1 or more)\n',
  );
  for (const { name, history, training, test } of await overfitting()) {
    console.log(`${bold(name)} ${dim(`${history.loss.length} epochs`)}`);
    console.log(
      `  learnt  ${cyan(line(history.loss, 48, 1))}  ${percent(training.accuracy!)} right`,
    );
    console.log(
      `  others  ${cyan(line(history.val_loss!, 48, 1))}  ${percent(test.accuracy!)} right, loss ${test.loss.toFixed(2)}\n`,
    );
  }
}
