import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  type InputRows,
  layers,
  load,
  minMaxScaler,
  type Network,
  type NetworkSpec,
  oneHot,
  robustScaler,
  sequential,
  standardScaler,
} from '../../../src/index.js';
import { toModule } from '../../../src/module.js';
import { randomCase } from '../../architectures.js';
import { activationSpecs } from '../../catalogues.js';
import { hex } from '../../engines.js';
import { shaken } from '../../shaken.js';
import { shapedCase } from '../../shaped.js';
import { floats } from '../draw.js';

const folder = mkdtempSync(join(tmpdir(), 'chainrule-module-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs code in a process of its own, which sees nothing of the library, and reads its JSON. */
function inFreshProcess(code: string): unknown {
  writeFileSync(join(folder, 'main.mjs'), code);
  const text = execFileSync(process.execPath, ['main.mjs'], { cwd: folder, encoding: 'utf8' });
  return JSON.parse(text);
}

/** Holds what modules predict, in one process for all of them, against what their networks do. */
function compare(cases: readonly { model: Network; x: InputRows }[]): void {
  const calls = cases.map(({ model, x }, i) => {
    writeFileSync(join(folder, `m${i}.mjs`), toModule(model));
    const rows = JSON.stringify(ArrayBuffer.isView(x) ? Array.from(x as Float32Array) : x);
    return `const m${i} = await import('./m${i}.mjs');
const x${i} = ${rows};
results.push([Array.from(m${i}.predict(x${i})), m${i}.predictClasses(x${i})]);`;
  });
  const results = inFreshProcess(
    `const results = [];\n${calls.join('\n')}\nconsole.log(JSON.stringify(results));`,
  ) as [number[], unknown[]][];
  cases.forEach(({ model, x }, i) => {
    const y = model.predict(x);
    expect(hex(Float32Array.from(results[i]![0])), `case ${i}`).toBe(hex(y));
    expect(results[i]![1], `case ${i}`).toEqual(model.predictClasses(x));
  });
}

const caseOf = (spec: NetworkSpec, rows = 9) => ({
  model: sequential(spec),
  x: floats(rows * spec.inputShape.reduce((a, b) => a * b, 1)),
});

describe('a module predicts what its network predicts, to the bit', () => {
  it('with each activation', () => {
    const list = activationSpecs.map((activation) =>
      caseOf({
        inputShape: [5],
        layers: [
          layers.dense({ units: 9, activation, biasInitializer: 'randomNormal' }),
          layers.dropout({ rate: 0.5 }),
          layers.dense({ units: 3, useBias: false }),
          layers.activation(activation),
        ],
      }),
    );
    compare(list);
  });

  it('with other shapes, wide and narrow', () => {
    compare([
      caseOf({ inputShape: [2, 3], layers: [layers.flatten(), layers.dense({ units: 1 })] }),
      caseOf({ inputShape: [3], layers: [layers.activation('softmax')] }),
      caseOf({ inputShape: [70], layers: [layers.dense({ units: 65, activation: 'relu' })] }),
      caseOf({ inputShape: [1], layers: [layers.dense({ units: 1 })], task: 'binary' }, 1),
    ]);
  });

  it('with sequences', () => {
    compare([
      caseOf({
        inputShape: [4, 3],
        layers: [
          layers.bidirectional(layers.lstm({ units: 5, returnSequences: true })),
          layers.simpleRnn({ units: 3, returnSequences: true, activation: 'relu' }),
          layers.gru({ units: 6, goBackwards: true }),
          layers.dense({ units: 2 }),
        ],
      }),
      caseOf({ inputShape: [4, 3], layers: [layers.gru({ units: 2 })] }),
    ]);
    const padded = { inputShape: [4, 2], layers: [layers.masking(), layers.lstm({ units: 3 })] };
    const x = Float32Array.of(
      1,
      0,
      0,
      0,
      0,
      3,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      4,
      5,
      6,
      7,
      0,
      0,
    );
    compare([{ model: load(shaken(padded, 1), { backend: 'js' }), x }]);
  });

  it('for random architectures of the whole catalogue', () => {
    const seeds = Array.from({ length: 80 }, (_, seed) => seed);
    compare(
      seeds.map((seed) => {
        const { spec, x } = randomCase(seed);
        const model = load(shaken(spec, seed), { backend: 'js', onWarning() {} });
        return {
          model,
          x: spec.inputShape.length > 1 ? x : x.subarray(0, 5 * spec.inputShape[0]!),
        };
      }),
    );
  });

  it('for random architectures on images and sequences', () => {
    compare(
      Array.from({ length: 60 }, (_, seed) => {
        const { spec, x } = shapedCase(seed);
        const model = load(shaken(spec, seed), { backend: 'js', onWarning() {} });
        return { model, x };
      }),
    );
  });

  it('with layers inside layers', () => {
    const wide = layers.dense({ units: 4, activation: 'gelu' });
    const list = [
      layers.residual({ layers: [wide, layers.dense({ units: 3 })] }),
      layers.parallel({
        branches: [[wide], [], [layers.residual({ layers: [layers.activation('tanh')] })]],
      }),
      layers.parallel({ branches: [[wide], [wide]], merge: 'add' }),
      layers.dense({ units: 2, trainable: false }),
    ];
    compare([caseOf({ inputShape: [3], layers: list })]);
  });

  it('with scalers, categories and names of classes', async () => {
    const numbers = sequential({
      inputShape: [3],
      layers: [layers.dense({ units: 4, activation: 'tanh' }), layers.dense({ units: 2 })],
      loss: 'meanSquaredError',
      preprocess: { x: [robustScaler(), null, minMaxScaler()], y: standardScaler() },
    });
    const x = floats(60);
    await numbers.fit(x, floats(40), { epochs: 2 });
    const rows = [
      ["it's", 1.5, true],
      ['a\u2028"b"', -0.1, false],
      ["it's", 12345.678, true],
    ] as unknown as InputRows;
    const classes = sequential({
      inputShape: [3],
      layers: [layers.dense({ units: 2, activation: 'softmax' })],
      loss: 'sparseCategoricalCrossentropy',
      preprocess: { x: [oneHot(3), standardScaler(), oneHot([false, true])] },
    });
    await classes.fit(rows, ['__proto__', 'constructor', '__proto__'], { epochs: 1 });
    compare([
      { model: numbers, x },
      { model: classes, x: rows },
    ]);
  });
});

describe('a module', () => {
  const model = sequential({
    inputShape: [2],
    layers: [layers.dense({ units: 1, activation: 'sigmoid' })],
    classes: ['no', 'yes'],
    loss: 'binaryCrossentropy',
  });
  const text = toModule(model);

  it('needs nothing, and builds no code', () => {
    expect(text).not.toMatch(/\b(import|require|eval|Function|WebAssembly)\b/);
    // Only what this network needs is in it.
    expect(text).not.toMatch(/function (softmax|gelu|tanh)/);
    expect(text.length).toBeLessThan(8000);
  });

  it('is the same every time', () => {
    expect(toModule(model)).toBe(text);
  });

  it('takes rows in each of their forms, and refuses what are none', () => {
    writeFileSync(join(folder, 'one.mjs'), text);
    const results = inFreshProcess(`
      import { classes, inputs, outputs, predict, predictClasses } from './one.mjs';
      const trial = (x) => {
        try {
          return [...predict(x)];
        } catch (error) {
          return error.name + ': ' + error.message;
        }
      };
      console.log(JSON.stringify([classes, inputs, outputs, predictClasses([[9, 9]]),
        trial([1, 2]), trial([[1, 2]]), trial([Float32Array.of(1, 2)]), trial(Float32Array.of(1, 2)),
        trial([]), trial([1, 2, 3]), trial([1, NaN]), trial([1, '2'])]));
    `);
    const y = [...model.predict([1, 2])];
    expect(results).toEqual([
      ['no', 'yes'],
      2,
      1,
      model.predictClasses([9, 9]),
      ...[y, y, y, y],
      [],
      'RangeError: x: expected rows of 2 numbers, got 3 numbers',
      'RangeError: x: expected a finite number, got NaN',
      'RangeError: x: expected a finite number, got 2',
    ]);
  });

  it('is not made where a scaler has not been fitted', () => {
    const raw = sequential({
      inputShape: [1],
      layers: [layers.dense({ units: 1 })],
      preprocess: { x: standardScaler() },
    });
    expect(() => toModule(raw)).toThrow('toModule: the scaler of x has not been fitted');
  });
});
