/*
 * One training step of a small network, by hand: forward, loss, backward, update. Two inputs x1, x2
 * lead to two sigmoid units h1, h2, and those to two sigmoid outputs y1, y2. The first half of this
 * file is the algorithm, in plain JavaScript; the second half prints it, and asks the library for
 * the same step. docs/backpropagation.md tells the story.
 *
 *     npx tsx examples/by-hand.ts
 */
import { fileURLToPath } from 'node:url';
import { layers, type NetworkOptions, type NetworkSpec, sequential } from 'chainrule';

/** Everything comes in twos here: inputs, hidden units, outputs. */
export type Pair = readonly [number, number];

/** w[i][j] is the weight from value i to unit j, b[j] the bias of unit j. */
export interface Layer {
  readonly w: readonly [Pair, Pair];
  readonly b: Pair;
}

/** All that the network learns. Its gradient has the same form: ∂L/∂w in the place of each w. */
export interface Parameters {
  readonly hidden: Layer;
  readonly output: Layer;
}

/** The inputs, the outputs that we want for them, the learning rate η, and where we start. */
export const x: Pair = [0.5, -1];
export const t: Pair = [1, 0];
export const rate = 0.5;
export const start: Parameters = {
  hidden: {
    w: [
      [0.4, -0.8], // from x1 to h1, to h2
      [-0.6, 0.2], // from x2 to h1, to h2
    ],
    b: [0.1, 0.2],
  },
  output: {
    w: [
      [0.3, 0.7], // from h1 to y1, to y2
      [-0.5, 0.4], // from h2 to y1, to y2
    ],
    b: [0.2, -0.1],
  },
};

/** The pair f(0), f(1). */
const each = <T>(f: (index: 0 | 1) => T): readonly [T, T] => [f(0), f(1)];

const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));

/** Inputs in, outputs out. A unit adds up what reaches it, and bends the sum. */
export function forward({ hidden, output }: Parameters, x: Pair) {
  const zh = each((j) => x[0] * hidden.w[0][j] + x[1] * hidden.w[1][j] + hidden.b[j]);
  const h = each((j) => sigmoid(zh[j]));
  const zy = each((k) => h[0] * output.w[0][k] + h[1] * output.w[1][k] + output.b[k]);
  const y = each((k) => sigmoid(zy[k]));
  return { zh, h, zy, y };
}

/** How wrong the outputs are: one number, 0 when they are what we want. */
export function lossOf(y: Pair, t: Pair): number {
  return ((y[0] - t[0]) ** 2 + (y[1] - t[1]) ** 2) / 2;
}

/** How the loss answers to every number on the way, from the last to the first. */
export function backward(
  { output }: Parameters,
  x: Pair,
  { h, y }: ReturnType<typeof forward>,
  t: Pair,
) {
  // To the outputs, then through the sigmoid, whose slope is y·(1 − y), to the sums behind them.
  const dy = each((k) => y[k] - t[k]);
  const deltaY = each((k) => dy[k] * y[k] * (1 - y[k]));
  // A hidden unit speaks to both outputs, so it answers for both; then through its sigmoid.
  const dh = each((j) => deltaY[0] * output.w[j][0] + deltaY[1] * output.w[j][1]);
  const deltaH = each((j) => dh[j] * h[j] * (1 - h[j]));
  // A weight multiplied the value where it starts: that times the delta where it ends. A bias
  // multiplied 1.
  const gradient: Parameters = {
    hidden: { w: each((i) => each((j) => x[i] * deltaH[j])), b: deltaH },
    output: { w: each((j) => each((k) => h[j] * deltaY[k])), b: deltaY },
  };
  return { dy, deltaY, dh, deltaH, gradient };
}

/** One step downhill: w ← w − η·∂L/∂w, for all weights and biases at once. */
export function update(parameters: Parameters, gradient: Parameters, rate: number): Parameters {
  const step = (layer: Layer, slope: Layer): Layer => ({
    w: each((i) => each((j) => layer.w[i][j] - rate * slope.w[i][j])),
    b: each((j) => layer.b[j] - rate * slope.b[j]),
  });
  return {
    hidden: step(parameters.hidden, gradient.hidden),
    output: step(parameters.output, gradient.output),
  };
}

// That was all. What follows uses it, checks it and prints it.

/** One whole step with all its numbers, and a second look at the loss. */
export function byHand() {
  const first = forward(start, x);
  const loss = lossOf(first.y, t);
  const back = backward(start, x, first, t);
  const updated = update(start, back.gradient, rate);
  const second = forward(updated, x);
  return { first, loss, back, updated, second, secondLoss: lossOf(second.y, t) };
}

/** The loss and the outputs after so many steps. */
export function repeat(steps: number) {
  let parameters = start;
  for (let step = 0; step < steps; step++) {
    const { gradient } = backward(parameters, x, forward(parameters, x), t);
    parameters = update(parameters, gradient, rate);
  }
  const { y } = forward(parameters, x);
  return { loss: lossOf(y, t), y };
}

/** The parameters in a row, as the library orders them, and their names in that order. */
export const listed = ({ hidden, output }: Parameters): number[] =>
  [hidden.w, hidden.b, output.w, output.b].flat(2);

export const names = [
  ...['w[x1→h1]', 'w[x1→h2]', 'w[x2→h1]', 'w[x2→h2]', 'b[h1]', 'b[h2]'],
  ...['w[h1→y1]', 'w[h1→y2]', 'w[h2→y1]', 'w[h2→y2]', 'b[y1]', 'b[y2]'],
];

/** The gradient without the chain rule: nudge one parameter up and down, and watch the loss. */
export function nudged(h = 1e-5): number[] {
  return names.map((_, n) => {
    const only = names.map((_, m) => (m === n ? 1 : 0));
    const pair = (at: number): Pair => [only[at]!, only[at + 1]!];
    const nudge: Parameters = {
      hidden: { w: [pair(0), pair(2)], b: pair(4) },
      output: { w: [pair(6), pair(8)], b: pair(10) },
    };
    const lossAt = (by: number) => lossOf(forward(update(start, nudge, -by), x).y, t);
    return (lossAt(h) - lossAt(-h)) / (2 * h);
  });
}

/** The same network, for the library. */
export const spec: NetworkSpec = {
  inputShape: [2],
  layers: [
    layers.dense({ units: 2, activation: 'sigmoid' }),
    layers.dense({ units: 2, activation: 'sigmoid' }),
  ],
  loss: { type: 'meanSquaredError', reduction: 'halfSum' },
  optimizer: { type: 'sgd', learningRate: rate },
};

/** The same step by the library, which computes in float32. */
export function byLibrary(options: NetworkOptions = {}) {
  const model = sequential(spec, options);
  model.setWeights({
    'layers.0.w': start.hidden.w.flat(),
    'layers.0.b': start.hidden.b,
    'layers.1.w': start.output.w.flat(),
    'layers.1.b': start.output.b,
  });
  const inARow = (values: Record<string, Float32Array>) =>
    Object.values(values).flatMap((numbers) => [...numbers]);
  const { weights } = model.gradients([x], [t]);
  const { loss } = model.trainOnBatch([x], [t]);
  return { loss, gradient: inARow(weights), updated: inARow(model.getWeights()) };
}

/** A number as it was given, or to six decimals; in brackets where its sign would confuse. */
function show(value: number): string {
  const given = String(value);
  const text = given.length <= 5 ? given : value.toFixed(6);
  return value < 0 ? `(${text})` : text;
}

const withoutFirstBrackets = (numbers: string) => numbers.replace(/^\((-[\d.]+)\)/, '$1');

/** `name = formula = numbers = result`, broken before the numbers where it gets long. */
function line(name: string, formula: string, numbers: string, result: number): string {
  const rest = `${withoutFirstBrackets(numbers)} = ${result.toFixed(6)}`;
  const whole = `${name} = ${formula} = ${rest}`;
  return whole.length <= 80 ? whole : `${name} = ${formula}\n${' '.repeat(name.length)} = ${rest}`;
}

/** One layer forward: `to` names its units, `from` the values that it reads. */
function forwardLines(
  { w, b }: Layer,
  [from, values]: readonly [string, Pair],
  [to, z, outputs]: readonly [string, Pair, Pair],
): string[] {
  const sums = each((j) => {
    const unit = `${to}${j + 1}`;
    const formula = each((i) => `${from}${i + 1}·w[${from}${i + 1}→${unit}] + `);
    const numbers = each((i) => `${show(values[i])}·${show(w[i][j])} + `);
    return line(`z[${unit}]`, `${formula.join('')}b[${unit}]`, numbers.join('') + show(b[j]), z[j]);
  });
  const bends = each((j) => {
    const unit = `${to}${j + 1}`;
    return line(unit, `σ(z[${unit}])`, `σ(${z[j].toFixed(6)})`, outputs[j]);
  });
  return [...sums, ...bends];
}

function lossLine(y: Pair, loss: number): string {
  const squares = each((k) => `(${show(y[k])} - ${show(t[k])})²`);
  return line('L', '½·((y1 - t1)² + (y2 - t2)²)', `½·(${squares.join(' + ')})`, loss);
}

/** A layer's deltas: the slope to each output of it, times the slope of the sigmoid there. */
const deltaLines = (to: string, slopes: Pair, outputs: Pair, deltas: Pair) =>
  each((j) => {
    const unit = `${to}${j + 1}`;
    const numbers = `${show(slopes[j])}·${show(outputs[j])}·(1 - ${show(outputs[j])})`;
    return line(`δ[${unit}]`, `∂L/∂${unit}·${unit}·(1 - ${unit})`, numbers, deltas[j]);
  });

/** A layer's gradients: of its weights, then of its biases. */
function gradientLines(
  gradient: Layer,
  [from, values]: readonly [string, Pair],
  [to, deltas]: readonly [string, Pair],
): string[] {
  const weights = each((i) =>
    each((j) => {
      const [value, unit] = [`${from}${i + 1}`, `${to}${j + 1}`];
      const numbers = `${show(values[i])}·${show(deltas[j])}`;
      return line(`∂L/∂w[${value}→${unit}]`, `${value}·δ[${unit}]`, numbers, gradient.w[i][j]);
    }),
  );
  const biases = each((j) => `∂L/∂b[${to}${j + 1}] = δ[${to}${j + 1}] = ${deltas[j].toFixed(6)}`);
  return [...weights.flat(), ...biases];
}

/** Rows of cells, the first to the left and the others to the right of their columns. */
const table = (rows: readonly (readonly string[])[]): string[] =>
  rows.map(([first, ...rest]) => first!.padEnd(12) + rest.map((s) => s.padStart(13)).join(''));

const largestDifference = (a: readonly number[], b: readonly number[]): string =>
  Math.max(...a.map((value, i) => Math.abs(value - b[i]!))).toExponential(1);

/** The story as text, one section after another. */
export function report(): string {
  const { first, loss, back, updated, second, secondLoss } = byHand();
  const { dy, deltaY, dh, deltaH, gradient } = back;
  const [gradients, nudges, library] = [listed(gradient), nudged(), byLibrary()];
  const before = listed(start);
  const after = listed(updated);
  const squares = gradients.reduce((sum, g) => sum + g * g, 0);
  const fixed = (value: number) => value.toFixed(6);

  const sections = [
    [
      '0. The numbers we start with',
      `x1 = ${x[0]}   x2 = ${x[1]}   t1 = ${t[0]}   t2 = ${t[1]}   η = ${rate}`,
      ...[0, 1, 6, 7].map((at) =>
        [at, at + 2, at + 4]
          .map((n) => `${names[n]} = ${before[n]}`.padEnd(19))
          .join('')
          .trimEnd(),
      ),
    ],
    [
      '1. Forward, to the hidden units',
      ...forwardLines(start.hidden, ['x', x], ['h', first.zh, first.h]),
    ],
    [
      '2. Forward, to the outputs',
      ...forwardLines(start.output, ['h', first.h], ['y', first.zy, first.y]),
    ],
    ['3. The loss', lossLine(first.y, loss)],
    [
      '4. Backward, to the outputs',
      ...each((k) => {
        const numbers = `${show(first.y[k])} - ${show(t[k])}`;
        return line(`∂L/∂y${k + 1}`, `y${k + 1} - t${k + 1}`, numbers, dy[k]);
      }),
      ...deltaLines('y', dy, first.y, deltaY),
      ...gradientLines(gradient.output, ['h', first.h], ['y', deltaY]),
    ],
    [
      '5. Backward, to the hidden units',
      ...each((j) => {
        const formula = each((k) => `δ[y${k + 1}]·w[h${j + 1}→y${k + 1}]`);
        const numbers = each((k) => `${show(deltaY[k])}·${show(start.output.w[j][k])}`);
        return line(`∂L/∂h${j + 1}`, formula.join(' + '), numbers.join(' + '), dh[j]);
      }),
      ...deltaLines('h', dh, first.h, deltaH),
      ...gradientLines(gradient.hidden, ['x', x], ['h', deltaH]),
    ],
    [
      '6. The update: w ← w - η·∂L/∂w',
      ...names.map((name, n) => {
        const numbers = `${show(before[n]!)} - ${rate}·${show(gradients[n]!)}`;
        return `${name.padEnd(8)} ← ${withoutFirstBrackets(numbers)} = ${fixed(after[n]!)}`;
      }),
    ],
    [
      '7. Forward again, with the new weights',
      ...forwardLines(updated.hidden, ['x', x], ['h', second.zh, second.h]),
      ...forwardLines(updated.output, ['h', second.h], ['y', second.zy, second.y]),
      lossLine(second.y, secondLoss),
      `The loss fell by ${fixed(loss)} - ${fixed(secondLoss)} = ${fixed(loss - secondLoss)}.`,
      `The slopes foretold η·Σ(∂L/∂w)² = ${rate}·${fixed(squares)} = ${fixed(rate * squares)}.`,
    ],
    [
      '8. The same step, again and again',
      ...table([
        ['steps', 'L', 'y1', 'y2'],
        ...[0, 1, 10, 100, 1000, 10000].map((steps) => {
          const { loss, y } = repeat(steps);
          return [String(steps), ...[loss, ...y].map(fixed)];
        }),
      ]),
    ],
    [
      '9. Three ways to one gradient',
      ...table([
        ['∂L/∂', 'chain rule', 'nudging', 'library'],
        ...names.map((name, n) => [
          name,
          ...[gradients[n]!, nudges[n]!, library.gradient[n]!].map(fixed),
        ]),
      ]),
    ],
    [
      '10. The same step by the library, in float32: largest differences',
      `loss         ${largestDifference([loss], [library.loss])}`,
      `gradients    ${largestDifference(gradients, library.gradient)}`,
      `new weights  ${largestDifference(after, library.updated)}`,
    ],
  ];
  return sections.map((lines) => `${lines.join('\n')}\n`).join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(report());
