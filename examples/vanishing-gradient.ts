/*
 * A gradient on its way down through ten layers, and what helps it to arrive. Three networks of the
 * same shape learn to tell two half-moons apart; they differ in what each layer does to its sum.
 * docs/backpropagation.md tells the story.
 *
 *     npx tsx examples/vanishing-gradient.ts
 */
import { fileURLToPath } from 'node:url';
import { datasets, type LayerSpec, layerStatistics, layers, sequential } from 'chainrule';
import { bold, cyan, dim, percent } from './terminal.js';

const depth = 10;
const units = 16;
const { x, y } = datasets.moons({ rows: 400, noise: 0.15, seed: 1 });

type Activation = 'sigmoid' | 'relu';

/** Ten layers of units, with something between the sum and the activation where that is wanted. */
function deep(activation: Activation, between: readonly LayerSpec[] = []) {
  const block = [layers.dense({ units }), ...between, layers.activation(activation)];
  return sequential(
    {
      inputShape: [2],
      layers: [
        ...Array.from({ length: depth }, () => block).flat(),
        layers.dense({ units: 1, activation: 'sigmoid' }),
      ],
      loss: 'binaryCrossentropy',
      optimizer: { type: 'adam', learningRate: 0.005 },
      metrics: ['accuracy'],
      seed: 3,
    },
    { onWarning() {} },
  );
}

/** The norm of each dense layer's gradient over all rows, from the first to the last. */
function gradientNorms(model: ReturnType<typeof deep>): number[] {
  return layerStatistics(model, x, y)
    .layers.filter(({ type }) => type === 'dense')
    .map(({ gradientNorm }) => gradientNorm!);
}

/** What each network is called, how it is made, and its gradients and training. */
export async function vanishing(epochs = 60) {
  const networks = {
    'ten sigmoids': () => deep('sigmoid'),
    'ten sigmoids, sums normalised': () => deep('sigmoid', [layers.batchNormalization()]),
    'ten relus, heUniform weights': () => deep('relu'),
  };
  const results = [];
  for (const [name, make] of Object.entries(networks)) {
    const model = make();
    const norms = gradientNorms(model);
    const { history } = await model.fit(x, y, { epochs });
    results.push({ name, norms, loss: history.loss.at(-1)!, accuracy: history.accuracy!.at(-1)! });
  }
  return results;
}

/** A bar on a logarithmic scale: one character for each power of √10 above 10⁻⁸. */
const bar = (norm: number) => cyan('█'.repeat(Math.max(1, Math.round(2 * (Math.log10(norm) + 8)))));

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log('How long the gradient of the loss is in each layer, before the first step\n');
  for (const { name, norms, loss, accuracy } of await vanishing()) {
    console.log(bold(name));
    norms.forEach((norm, i) => {
      const where = i === depth ? 'output' : `layer ${i + 1}`;
      console.log(`  ${where.padEnd(9)}${norm.toExponential(1).padStart(8)}  ${bar(norm)}`);
    });
    console.log(dim(`  after 60 epochs: loss ${loss.toFixed(3)}, ${percent(accuracy)} right\n`));
  }
}
