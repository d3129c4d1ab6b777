/*
 * A small network tells three species of iris apart by the sizes of their leaves.
 *
 *     npm run demo:iris     or, with another seed,     npm run demo:iris -- 7
 */
import { dense, sequential, standardScaler } from 'chainrule';
import { holdOut, readCsv } from './dataset.js';
import { bold, confusionMatrix, percent, progressBar } from './terminal.js';

const seed = Number(process.argv[2] ?? 42);
const epochs = 100;
const classes = ['setosa', 'versicolor', 'virginica'];

const flowers = readCsv('data/iris.csv').map((row) => ({
  sizes: row.slice(0, 4).map(Number),
  species: row[4]!,
}));
const { training, test } = holdOut(flowers, ({ species }) => species, 0.2, seed);
const x = training.map(({ sizes }) => sizes);
const y = training.map(({ species }) => species);
const xTest = test.map(({ sizes }) => sizes);
const yTest = test.map(({ species }) => species);

// The task supplies relu, softmax, the cross-entropy and Adam; the scaler takes its means and
// deviations from the training rows, and is part of the model from then on.
const model = sequential({
  inputShape: [4],
  layers: [dense(16), dense(3)],
  task: 'multiclass',
  optimizer: { type: 'adam', learningRate: 0.01 },
  preprocess: { x: standardScaler() },
  classes,
  metrics: ['accuracy'],
  seed,
});
console.log(model.summary());
console.log(`
Trains on ${training.length} flowers. ${test.length} others, 20 % of each species as drawn by seed ${seed}, are
held out for the test.
`);

const bar = progressBar(epochs);
bar.line(bold('epoch        loss    accuracy'));
await model.fit(x, y, {
  epochs,
  batchSize: 16,
  callbacks: [
    {
      onEpochEnd({ epoch, logs }) {
        const { loss = 0, accuracy = 0 } = logs;
        const done = epoch + 1;
        bar.update(done);
        if (done > 1 && done % 20 > 0) return;
        const cells = [loss.toFixed(3), percent(accuracy)].map((cell) => cell.padStart(12));
        bar.line(`${String(done).padStart(5)}${cells.join('')}`);
      },
    },
  ],
});
bar.end();

const answers = model.predictClasses(xTest);
console.log(`\n${bold('The flowers of the test, and what they were taken for')}\n`);
console.log(confusionMatrix(yTest, answers.map(String), classes));

// A row is predicted as it was measured: the model scales it.
const sizes = [6.1, 2.8, 4.9, 1.7];
console.log(`\nA flower of ${sizes.join(', ')} cm:`);
model.predict(sizes).forEach((share, i) => {
  console.log(`${classes[i]!.padStart(12)} ${percent(share).padStart(7)}`);
});

console.log(`\ntest accuracy: ${percent(model.evaluate(xTest, yTest).accuracy!)}`);
