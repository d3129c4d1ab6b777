import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  byHand,
  byLibrary,
  listed,
  names,
  nudged,
  type Pair,
  rate,
  repeat,
  report,
  spec,
  start,
  t,
  x,
} from '../examples/by-hand.js';
import { jsBackend } from '../src/backends/js.js';
import {
  layers,
  type Network,
  type NetworkSpec,
  type Rows,
  sequential,
  type Targets,
} from '../src/index.js';
import { resolveModel } from '../src/layers/model.js';
import { Plan } from '../src/plan.js';

const page = readFileSync(new URL('../docs/backpropagation.md', import.meta.url), 'utf8');
const picture = readFileSync(new URL('../docs/backpropagation.svg', import.meta.url), 'utf8');

/** Half a unit in the last place of a float32 of size 1: the relative error of one rounding. */
const rounding = 2 ** -24;

/**
 * What float32 may cost a value or a slope, relative to it. Adding up the roundings along the longest
 * chain, that of ∂L/∂w[x1→h1], to first order, with 3 ULP for a sigmoid and with the factors by which
 * sums of opposite signs magnify, gives some 80 roundings at worst; the others have fewer.
 */
const chain = 128 * rounding;

/** Six decimals are printed. */
const printing = 0.5e-6;

/** All numbers of the step by name, as the example prints them. */
function stepByHand(): Map<string, number> {
  const { first, loss, back, updated, second, secondLoss } = byHand();
  const numbers = new Map<string, number>();
  const add = (name: (n: number) => string, pair: Pair) =>
    pair.forEach((value, i) => {
      numbers.set(name(i + 1), value);
    });
  const addPass = (mark: string, { zh, h, zy, y }: typeof first, loss: number) => {
    add((j) => `z[h${j}]${mark}`, zh);
    add((j) => `h${j}${mark}`, h);
    add((k) => `z[y${k}]${mark}`, zy);
    add((k) => `y${k}${mark}`, y);
    numbers.set(`L${mark}`, loss);
  };
  addPass('', first, loss);
  add((k) => `∂L/∂y${k}`, back.dy);
  add((k) => `δ[y${k}]`, back.deltaY);
  add((j) => `∂L/∂h${j}`, back.dh);
  add((j) => `δ[h${j}]`, back.deltaH);
  const gradients = listed(back.gradient);
  const after = listed(updated);
  names.forEach((name, n) => {
    numbers.set(`∂L/∂${name}`, gradients[n]!);
    numbers.set(`${name}'`, after[n]!);
  });
  addPass("'", second, secondLoss);
  return numbers;
}

/** The same numbers, every one of them from the library. */
function stepByLibrary(backend: 'wasm' | 'js'): Map<string, number> {
  const numbers = new Map<string, number>();
  const add = (name: (n: number) => string, values: ArrayLike<number>) => {
    for (let i = 0; i < values.length; i++) numbers.set(name(i + 1), values[i]!);
  };
  const create = (part: Partial<NetworkSpec>) => {
    const model = sequential({ ...spec, ...part }, { backend });
    expect(model.backend).toBe(backend);
    return model;
  };
  const sigmoids = layers.dense({ units: 2, activation: 'sigmoid' });
  const sums = layers.dense({ units: 2 });

  const model = create({});
  model.setWeights({
    'layers.0.w': start.hidden.w.flat(),
    'layers.0.b': start.hidden.b,
    'layers.1.w': start.output.w.flat(),
    'layers.1.b': start.output.b,
  });

  /** The values of each layer, from networks that end after it, and before its sigmoid. */
  const addPass = (mark: string): { h: Float32Array; y: Float32Array } => {
    const weights = model.getWeights();
    const outputs = (...stack: (typeof sums)[]) => {
      const part = create({ layers: stack });
      const { 'layers.0.w': w, 'layers.0.b': b } = weights;
      part.setWeights(stack.length === 1 ? { 'layers.0.w': w!, 'layers.0.b': b! } : weights);
      return part.predict([x]);
    };
    const h = outputs(sigmoids);
    const y = model.predict([x]);
    add((j) => `z[h${j}]${mark}`, outputs(sums));
    add((j) => `h${j}${mark}`, h);
    add((k) => `z[y${k}]${mark}`, outputs(sigmoids, sums));
    add((k) => `y${k}${mark}`, y);
    numbers.set(`L${mark}`, model.evaluate([x], [t]).loss);
    return { h, y };
  };
  const { h, y } = addPass('');

  // The slopes to y and h are those to the inputs of a network that begins there.
  const loss = create({ layers: [layers.activation('linear')] });
  add((k) => `∂L/∂y${k}`, loss.gradients([y], [t], { inputs: true }).inputs!);
  const output = create({ layers: [sigmoids] });
  output.setWeights({ 'layers.0.w': start.output.w.flat(), 'layers.0.b': start.output.b });
  add((j) => `∂L/∂h${j}`, output.gradients([h], [t], { inputs: true }).inputs!);

  const gradients = model.gradients([x], [t]);
  // A delta is the slope to a bias.
  add((j) => `δ[h${j}]`, gradients.weights['layers.0.b']!);
  add((k) => `δ[y${k}]`, gradients.weights['layers.1.b']!);
  const order = ['layers.0.w', 'layers.0.b', 'layers.1.w', 'layers.1.b'];
  const inARow = (values: Record<string, Float32Array>) => order.flatMap((k) => [...values[k]!]);
  inARow(gradients.weights).forEach((value, n) => {
    numbers.set(`∂L/∂${names[n]}`, value);
  });
  expect(gradients.loss).toBe(numbers.get('L'));
  expect(model.trainOnBatch([x], [t]).loss).toBe(gradients.loss);
  inARow(model.getWeights()).forEach((value, n) => {
    numbers.set(`${names[n]}'`, value);
  });
  addPass("'");
  return numbers;
}

/**
 * The lines of the step as printed: name, what stands between, result. Names of the second pass and
 * of new weights get a stroke.
 */
function printedStep(): { name: string; formulas: string[]; result: number }[] {
  const [first, second] = report()
    .replaceAll(/\n +=/g, ' =')
    .replace(/^.*\n1\./s, '1.')
    .replace(/\n8\..*$/s, '')
    .split('7. ');
  return [first!, second!].flatMap((text, pass) =>
    text.split('\n').flatMap((line) => {
      const [, name, sign, rest] = /^([^\s.]+) +([=←]) (.*)$/.exec(line) ?? [];
      if (!name) return [];
      const formulas = rest!.split(' = ');
      const result = Number(formulas.pop());
      return [{ name: pass === 1 || sign === '←' ? `${name}'` : name, formulas, result }];
    }),
  );
}

/** How far a float32 computation of a number may be from its value. */
function allowed(name: string, value: number): number {
  const n = names.indexOf(name.slice(0, -1));
  if (n < 0) return chain * Math.abs(value);
  // A new weight: the old one and itself are rounded, and its slope is η times as wrong as it was.
  const slope = listed(byHand().back.gradient)[n]!;
  return 2 * rounding + rate * (chain + 2 * rounding) * Math.abs(slope);
}

describe('the numbers of the step', () => {
  const ours = stepByHand();

  test('are those worked out by other means', () => {
    // z and the logistic function by pocket calculator; the slopes by mpmath 1.3.0, with 40 digits:
    // diff(L, w) of the loss written out as one formula, so without the chain rule.
    const { first, loss, secondLoss } = byHand();
    expect(first.zh[0]).toBeCloseTo(0.5 * 0.4 + 0.6 + 0.1, 15);
    expect(first.zh[1]).toBeCloseTo(-0.4, 15);
    expect(first.h[0]).toBeCloseTo(0.710949502625, 12);
    expect(first.h[1]).toBeCloseTo(0.401312339888, 12);
    expect(loss).toBeCloseTo(0.302192698884, 12);
    expect(ours.get('∂L/∂w[x1→h1]')).toBeCloseTo(0.00718376790173, 12);
    expect(ours.get('∂L/∂w[x2→h2]')).toBeCloseTo(-0.0274254773211, 12);
    expect(ours.get('∂L/∂b[h1]')).toBeCloseTo(0.0143675358035, 12);
    expect(ours.get('∂L/∂w[h1→y2]')).toBeCloseTo(0.104679142333, 12);
    expect(ours.get('∂L/∂w[h2→y1]')).toBeCloseTo(-0.0443477457157, 12);
    expect(ours.get('∂L/∂b[y1]')).toBeCloseTo(-0.110506808059, 12);
    expect(ours.get("w[h1→y1]'")).toBeCloseTo(0.3 + 0.5 * 0.0785647602263, 12);
    expect(secondLoss).toBeCloseTo(0.273441207667, 12);
  });

  test('have the slopes that nudging finds', () => {
    // The third derivatives are below 1, so the quotient is off by less than h²/6; and by the errors
    // of two losses, less than 2⁻⁵³ each, over 2h.
    const h = 1e-5;
    const tolerance = (h * h) / 6 + 2 ** -53 / h;
    const slopes = nudged(h);
    names.forEach((name, n) => {
      expect(Math.abs(slopes[n]! - ours.get(`∂L/∂${name}`)!), name).toBeLessThan(tolerance);
    });
  });

  test.each(['wasm', 'js'] as const)('are those of the library on %s', (backend) => {
    const theirs = stepByLibrary(backend);
    expect([...theirs.keys()].sort()).toEqual([...ours.keys()].sort());
    for (const [name, value] of ours) {
      const difference = Math.abs(theirs.get(name)! - value);
      expect(difference, name).toBeLessThanOrEqual(allowed(name, value));
    }
  });

  test('are the same on both backends, to the bit', () => {
    expect([...stepByLibrary('wasm')]).toEqual([...stepByLibrary('js')]);
    expect(byLibrary({ backend: 'wasm' })).toEqual(byLibrary({ backend: 'js' }));
  });

  test('are what is printed', () => {
    const printed = new Map(printedStep().map(({ name, result }) => [name, result]));
    expect([...printed.keys()].sort()).toEqual([...ours.keys()].sort());
    for (const [name, value] of ours) {
      expect(printed.get(name)!.toFixed(6), name).toBe(value.toFixed(6));
    }
  });

  test('follow from the numbers printed beside them', () => {
    for (const { name, formulas, result } of printedStep()) {
      const last = formulas.at(-1)!;
      const value = last.startsWith('δ') ? ours.get(last)! : evaluate(last);
      // At most five printed numbers enter a line, each with a slope below 1, and one comes out.
      expect(Math.abs(value - result), name).toBeLessThan(6 * printing);
    }
  });
});

/** A printed formula of numbers: sums, products, brackets, squares, ½ and σ. */
function evaluate(formula: string): number {
  const code = formula
    .replaceAll('½', '0.5')
    .replaceAll('·', '*')
    .replaceAll('²', '**2')
    .replaceAll('σ(', 'sigmoid(');
  expect(code).toMatch(/^(sigmoid|[\d.()*+\- ])+$/);
  return new Function('sigmoid', `return ${code}`)((z: number) => 1 / (1 + Math.exp(-z)));
}

describe.each(['wasm', 'js'] as const)('what the page says besides, on %s', (backend) => {
  const create = (part: Partial<NetworkSpec>) => {
    const model = sequential({ ...spec, ...part }, { backend });
    model.setWeights({
      'layers.0.w': start.hidden.w.flat(),
      'layers.0.b': start.hidden.b,
      'layers.1.w': start.output.w.flat(),
      'layers.1.b': start.output.b,
    });
    return model;
  };

  test('a thousand steps end where the example ends', () => {
    const model = create({});
    for (let step = 0; step < 1000; step++) model.trainOnBatch([x], [t]);
    const { loss, y } = repeat(1000);
    // Each step rounds each of the twelve parameters, of size below 4, once more; the steps pull
    // towards one another, so this bound is generous.
    const tolerance = 1000 * 4 * rounding;
    const theirs = model.predict([x]);
    expect(Math.abs(theirs[0]! - y[0])).toBeLessThan(tolerance);
    expect(Math.abs(theirs[1]! - y[1])).toBeLessThan(tolerance);
    expect(Math.abs(model.evaluate([x], [t]).loss - loss)).toBeLessThan(tolerance);
  });

  test("Adam's first step moves every parameter by η", () => {
    const model = create({ optimizer: { type: 'adam', learningRate: 0.001 } });
    const before = Object.values(model.getWeights()).flatMap((values) => [...values]);
    model.trainOnBatch([x], [t]);
    const after = Object.values(model.getWeights()).flatMap((values) => [...values]);
    listed(byHand().back.gradient).forEach((slope, n) => {
      const moved = after[n]! - before[n]!;
      // ε = 1e-8 beside slopes above 0.007, and the rounding of parameters below 1.
      expect(Math.abs(moved + 0.001 * Math.sign(slope)), names[n]!).toBeLessThan(2e-9 + rounding);
    });
  });

  test('nudging by the public functions agrees to three digits', () => {
    const model = create({});
    const { weights } = model.gradients([x], [t]);
    const before = model.getWeights();
    for (const [name, values] of Object.entries(weights)) {
      values.forEach((slope, i) => {
        const numeric = nudge(model, [x], [t], name, i);
        expect(Math.abs(numeric - slope), `${name} ${i}`).toBeLessThan(1e-3 * Math.abs(slope));
      });
    }
    expect(model.getWeights()).toEqual(before);
  });

  test('softmax with cross-entropy: p - t', () => {
    const block = blocks('text').find((text) => /^p = +\d/m.test(text))!;
    const row = (name: string) =>
      block
        .split('\n')
        .find((line) => line.startsWith(name))!
        .match(/-?\d\.\d+/g)!
        .map(Number);
    const model = sequential(
      {
        inputShape: [3],
        layers: [layers.activation('softmax')],
        loss: 'categoricalCrossentropy',
      },
      { backend },
    );
    const z = [row('z')];
    const target = [row('t')];
    const { loss, inputs } = model.gradients(z, target, { inputs: true });
    const close = (theirs: ArrayLike<number>, printed: number[]) => {
      expect(theirs.length).toBe(printed.length);
      printed.forEach((value, i) => {
        expect(Math.abs(theirs[i]! - value)).toBeLessThan(printing + chain);
      });
    };
    close(model.predict(z), row('p'));
    close(inputs!, row('δ'));
    close([loss], row('L'));
  });
});

/** As the page has it. */
function nudge(model: Network, x: Rows, y: Targets, name: string, i: number, h = 0.01): number {
  const values = model.getWeights()[name]!;
  const lossAt = (w: number) => {
    model.setWeights({ [name]: values.with(i, w) });
    return model.evaluate(x, y).loss;
  };
  const slope = (lossAt(values[i]! + h) - lossAt(values[i]! - h)) / (2 * h);
  model.setWeights({ [name]: values });
  return slope;
}

/** The fenced blocks of the page with this info string. */
const blocks = (info: string): string[] =>
  [...page.matchAll(/^```([^\n]*)\n(.*?)^```$/gms)].flatMap(([, found, text]) =>
    found === info ? [text!] : [],
  );

describe('the page', () => {
  test('shows what the program prints, all of it and nothing else', () => {
    expect(blocks('text by-hand').join('\n')).toBe(report());
  });

  test('lists the kernels that the step runs', () => {
    const plan = new Plan(resolveModel(spec), jsBackend());
    const ops = plan.describe({
      batch: 1,
      rows: 'given',
      training: true,
      outputs: false,
      loss: true,
      gradients: 'parameters',
      update: true,
    });
    const block = blocks('text').find((text) => text.startsWith('sigmoidRowForward'))!;
    const listed = block.trimEnd().split('\n');
    expect(listed.map((line) => line.split(' ')[0])).toEqual(ops.map(({ kernel }) => kernel));
  });

  test('names kernels that are where it says', () => {
    const rows = page.split('\n').filter((line) => /^\|.*\.\.\/src\/ops\/\w+\.ts/.test(line));
    expect(rows.length).toBe(10);
    for (const row of rows) {
      const [, , kernels, file] = row.split('|');
      const path = /\((.*)\)/.exec(file!)![1]!;
      const source = readFileSync(new URL(path, new URL('../docs/', import.meta.url)), 'utf8');
      for (const [, kernel] of kernels!.matchAll(/`(\w+)`/g)) {
        expect(source).toContain(`export function ${kernel}(`);
      }
    }
  });

  test('has code that is the code tested here', () => {
    const code = blocks('ts').find((text) => text.startsWith('function nudge('))!;
    expect(readFileSync(new URL(import.meta.url), 'utf8')).toContain(code);
  });

  test('has a picture of these very numbers', () => {
    const numbers = [...picture.matchAll(/>(?:\w\d? (?:= )?)?(-?[\d.]+)</g)].map(([, n]) => n!);
    expect(numbers.length).toBeGreaterThanOrEqual(33);
    const printed = new Set(report().match(/-?\d+(\.\d+)?/g));
    for (const number of numbers) expect(printed, number).toContain(number);
  });
});
