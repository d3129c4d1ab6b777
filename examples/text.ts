/*
 * A network that learns to write as this project does, a character at a time: it reads README.md and
 * docs/, tells from each character and all before it which comes next, and shows what it would write as
 * it learns.
 *
 *     npm run demo:text
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { layers, type Network, sequential } from 'chainrule';
import { uniform } from './adding.js';
import { bold, dim, grouped, progressBar } from './terminal.js';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The text, and the characters in it by their frequency; rare ones are left out. */
function corpus() {
  const pages = readdirSync(`${root}docs`).filter((name) => name.endsWith('.md'));
  const files = ['README.md', ...pages.sort().map((name) => `docs/${name}`)];
  const all = files.map((name) => readFileSync(root + name, 'utf8')).join('\n\n');
  const counts = new Map<string, number>();
  for (const character of all) counts.set(character, (counts.get(character) ?? 0) + 1);
  const kept = [...counts].filter(([, count]) => count >= 20).sort(([, a], [, b]) => b - a);
  const characters = kept.map(([character]) => character);
  const places = new Map(characters.map((character, i) => [character, i]));
  const text = [...all].map((character) => places.get(character)).filter((i) => i !== undefined);
  return { characters, text };
}

/** As many sequences side by side, of so many steps a row, whose states go on from row to row. */
const networkOf = (vocabulary: number, units: number, sequences: number, steps: number) =>
  sequential({
    inputShape: [steps],
    layers: [
      layers.embedding({ vocabulary, units: 32 }),
      layers.lstm({ units, returnSequences: true, stateful: sequences }),
      layers.dense({ units: vocabulary, activation: 'softmax' }),
    ],
    loss: 'sparseCategoricalCrossentropy',
    optimizer: { type: 'adam', learningRate: 0.004 },
    clipping: { type: 'globalNorm', limit: 1 },
    seed: 1,
  });

/** What a network writes after a beginning, one step at a time: each character is drawn by its probability. */
function write(
  writer: Network,
  characters: readonly string[],
  beginning: string,
  length: number,
  random: () => number,
): string {
  const places: number[] = [];
  let shares: Float32Array = new Float32Array();
  const read = (place: number) => {
    places.push(place);
    shares = writer.predict([place]);
  };
  writer.resetState();
  for (const character of beginning) read(Math.max(0, characters.indexOf(character)));
  for (let i = 0; i < length; i++) {
    let left = random();
    const drawn = shares.findIndex((share) => {
      left -= share;
      return left < 0;
    });
    read(Math.max(0, drawn));
  }
  return places.map((place) => characters[place]).join('');
}

/** Trains for a while, and gives the loss: nats a character, at the start and at the end. */
export async function text({ seconds = 60, progress = false, window = 64, units = 128 } = {}) {
  const random = uniform(5);
  const { characters, text } = corpus();
  const rows = 32;
  const model = networkOf(characters.length, units, rows, window);
  const writer = networkOf(characters.length, units, 1, 1);
  // Each row reads a piece of the text of its own, window by window.
  const piece = Math.floor((text.length - 1) / rows);
  let at = 0;
  const bar = progress ? progressBar(seconds, 'seconds') : undefined;
  const start = performance.now();
  const losses: number[] = [];
  const told = [0.02, 0.1, 0.3, 1];
  for (let share = 0; share < 1; ) {
    const x = new Float32Array(rows * window);
    const y = new Float32Array(rows * window);
    if (at + window > piece) {
      // From another place than before, so that windows are cut in other places too.
      at = Math.floor(random() * window);
      model.resetState();
    }
    for (let r = 0; r < rows; r++) {
      const from = r * piece + at;
      for (let t = 0; t < window; t++) {
        x[r * window + t] = text[from + t]!;
        y[r * window + t] = text[from + t + 1]!;
      }
    }
    at += window;
    losses.push(model.trainOnBatch(x, y).loss);
    share = (performance.now() - start) / 1000 / seconds;
    const recent =
      losses.slice(-50).reduce((sum, loss) => sum + loss, 0) / Math.min(50, losses.length);
    bar?.update(Math.min(seconds, Math.round(share * seconds)), `loss ${recent.toFixed(2)}`);
    if (progress && share >= told[0]!) {
      told.shift();
      const { 'layers.1.h': _h, 'layers.1.c': _c, ...weights } = model.getWeights();
      writer.setWeights(weights);
      const sample = write(writer, characters, 'The ', 240, random);
      bar!.line(
        `${bold(`after ${grouped(losses.length * rows * window)} characters, loss ${recent.toFixed(2)}`)}\n${dim(sample)}\n`,
      );
    }
  }
  bar?.end();
  return { losses, characters, text, model };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { losses, characters, text: read } = await text({ progress: true });
  const last = losses.slice(-50).reduce((sum, loss) => sum + loss, 0) / 50;
  console.log(
    `${grouped(read.length)} characters of ${characters.length} kinds; loss ${last.toFixed(2)} nats a character, ` +
      `${(last / Math.LN2).toFixed(2)} bits; who knows nothing has ${Math.log(characters.length).toFixed(2)}`,
  );
}
