/*
 * A small transformer learns to add from text alone, "123+989=": it reads sums character by character,
 * learns which character comes next, and is then asked for the answers to sums that it has never seen.
 *
 *     npx tsx examples/transformer.ts
 */
import { fileURLToPath } from 'node:url';
import { dense, layers, type Network, schedules, sequential } from 'chainrule';
import { bold, green, grouped, percent, progressBar, red } from './terminal.js';

const alphabet = '0123456789+=';

/** A sum as text. The answer stands backwards, the ones first, as one adds by hand. */
const question = (a: number, b: number, digits: number) =>
  `${[a, b].map((n) => String(n).padStart(digits, '0')).join('+')}=`;
const answer = (a: number, b: number, digits: number) =>
  [...String(a + b).padStart(digits + 1, '0')].reverse().join('');

/** Characters as their places in the alphabet, and back. */
const encode = (text: string) => [...text].map((character) => alphabet.indexOf(character));
const decode = (places: readonly number[]) => places.map((place) => alphabet[place]).join('');

/** Different pairs of numbers below `limit`, by chance, and the same in every run. */
function pairs(count: number, limit: number): [number, number][] {
  const drawn = new Set<number>();
  let state = 1;
  while (drawn.size < count) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    drawn.add(Math.floor((state / 2 ** 32) * limit * limit));
  }
  return [...drawn].map((n) => [Math.floor(n / limit), n % limit]);
}

/**
 * Each position takes from those before it, and then thinks for itself; what comes of that is added to
 * what it was.
 */
const block = (units: number) => [
  layers.residual({
    layers: [layers.layerNormalization(), layers.attention({ heads: 4, causal: true })],
  }),
  layers.residual({
    layers: [layers.layerNormalization(), dense(2 * units, { activation: 'gelu' }), dense(units)],
  }),
];

/** From places of characters to the shares of those that may come next, at each position. */
const transformer = (steps: number, units: number) =>
  sequential({
    inputShape: [steps],
    layers: [
      layers.embedding({ vocabulary: alphabet.length, units }),
      layers.positionalEmbedding(),
      ...block(units),
      layers.layerNormalization(),
      dense(alphabet.length, { activation: 'softmax' }),
    ],
    loss: 'sparseCategoricalCrossentropy',
    optimizer: 'adam',
  });

/** Goes on with texts, one character after another, the likeliest each time. */
function goOn(model: Network, texts: readonly string[], steps: number): string[] {
  const rows = texts.map(encode);
  const start = rows[0]!.length;
  for (let at = start; at <= steps; at++) {
    // No position takes from those behind it, so it does not matter what stands there.
    const filled = rows.map((row) => [...row, ...Array<number>(steps - row.length).fill(0)]);
    const next = model.predictClasses(filled) as number[];
    rows.forEach((row, r) => {
      row.push(next[r * steps + at - 1]!);
    });
  }
  return rows.map((row) => decode(row.slice(start)));
}

/**
 * Learns from `count` sums of numbers with so many digits, and is tested on 1,000 others.
 *
 * @param tell hears of each epoch: its loss, and the share of the answers that are right
 */
export async function addition(
  digits: number,
  count: number,
  epochs: number,
  tell: (epoch: number, loss: number, right: number) => void = () => {},
) {
  const all = pairs(count + 1000, 10 ** digits);
  const [training, tests] = [all.slice(0, count), all.slice(count)];
  const codes = training.map(([a, b]) => encode(question(a, b, digits) + answer(a, b, digits)));
  const steps = codes[0]!.length - 1;
  const model = transformer(steps, 48);
  const ask = (sums: typeof all) =>
    goOn(
      model,
      sums.map(([a, b]) => question(a, b, digits)),
      steps,
    );
  const right = () =>
    ask(tests).filter((text, i) => text === answer(...tests[i]!, digits)).length / tests.length;
  await model.fit(
    codes.map((places) => places.slice(0, -1)),
    codes.map((places) => places.slice(1)),
    {
      epochs,
      batchSize: 64,
      learningRate: schedules.cosine({ learningRate: 0.004 }),
      // Nobody can know the question: only the answer counts.
      sampleWeight: codes.map(() => [
        ...Array(steps - digits - 1).fill(0),
        ...Array(digits + 1).fill(1),
      ]),
      callbacks: [{ onEpochEnd: ({ epoch, logs }) => tell(epoch + 1, logs.loss!, right()) }],
    },
  );
  return { model, ask, tests, right: right() };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [digits, count, epochs] = [3, 15_000, 6];
  console.log(`Learns from ${grouped(count)} sums of a million, and is asked for 1,000 others.\n`);
  const bar = progressBar(epochs);
  bar.line(bold('epoch        loss    answers right'));
  const { model, ask, tests, right } = await addition(digits, count, epochs, (epoch, ...told) => {
    const cells = [told[0].toFixed(3).padStart(12), percent(told[1]).padStart(17)];
    bar.update(epoch);
    bar.line(`${String(epoch).padStart(5)}${cells.join('')}`);
  });
  bar.end();
  console.log(`\n${model.summary()}\n`);
  const some = tests.slice(0, 5);
  const answers = ask(some);
  some.forEach(([a, b], i) => {
    const said = Number([...answers[i]!].reverse().join(''));
    console.log(`${a} + ${b} = ${said} ${said === a + b ? green('right') : red(`no, ${a + b}`)}`);
  });
  console.log(`\nanswers right: ${percent(right)}`);
}
