import {
  type LayerSpec,
  layers,
  load,
  type NetworkSpec,
  oneHot,
  robustScaler,
  type Snapshot,
  save,
  sequential,
  standardScaler,
} from 'chainrule';
import { FormatError, loadPredictor, ShapeError } from 'chainrule/predict';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { readSafetensors, writeSafetensors } from '../../src/formats/safetensors.js';
import { randomCase } from '../architectures.js';
import { activationSpecs, definitionOfLoss, lossSpecs, requiredActivation } from '../catalogues.js';
import { bits, generator } from '../kernels/core.js';
import { shaken } from '../shaken.js';

const backends = ['wasm', 'js'] as const;
const quiet = { onWarning() {} };

function expectSame(snapshot: Snapshot, x: Float32Array, inputs: number, where: string): void {
  const file = save(snapshot);
  const network = load(file, { backend: 'js', ...quiet });
  const expected = network.predict(x);
  for (const backend of backends) {
    const predictor = loadPredictor(file, { backend });
    const about = `${backend}, ${where}`;
    // One row first, so that the memory has to grow for the others.
    const row = predictor.predict(x.subarray(0, inputs));
    expect(bits(row), about).toEqual(bits(expected.subarray(0, row.length)));
    expect(bits(predictor.predict(x)), about).toEqual(bits(expected));
    expect(bits(predictor.predict(x.subarray(0, inputs))), about).toEqual(bits(row));
    expect(predictor.predictClasses(x), about).toEqual(network.predictClasses(x));
  }
}

describe('predicts the bits of the network, on both backends', () => {
  const cases = 300;
  const perTest = 50;

  it.each(Array.from({ length: cases / perTest }, (_, i) => i * perTest))(
    `over ${perTest} random architectures from seed %i on`,
    (first) => {
      for (let seed = first; seed < first + perTest; seed++) {
        const { spec, x, inputs } = randomCase(seed);
        const where = `seed ${seed}: ${JSON.stringify(spec)}`;
        expectSame(shaken(spec, seed), x, inputs, where);
      }
    },
  );

  it.each(activationSpecs.map((activation) => [JSON.stringify(activation), activation] as const))(
    'for %s, in a dense layer and by itself, also where values are extreme',
    (name, activation) => {
      const snapshot = shaken(
        {
          inputShape: [9],
          layers: [
            layers.activation(activation),
            layers.dense({ units: 13, activation }),
            layers.activation(activation),
          ],
        },
        5,
      );
      const random = generator(6);
      const x = Float32Array.from({ length: 90 }, (_, i) => (random() - 0.5) * 10 ** ((i % 9) - 3));
      expectSame(snapshot, x, 9, name);
    },
  );

  it.each(lossSpecs.map((loss) => [JSON.stringify(loss), loss] as const))(
    'decides as the network does that was trained with %s',
    (_, loss) => {
      const activation = requiredActivation(loss) ?? 'linear';
      const { logits } = definitionOfLoss(loss);
      for (const units of logits === 'softmax' ? [3] : [1, 3]) {
        const spec: NetworkSpec = {
          inputShape: [4],
          layers: [layers.dense({ units, activation })],
          loss,
          classes: units === 1 ? ['no', 'yes'] : ['__proto__', 'constructor', 'c'],
        };
        const random = generator(8);
        const x = Float32Array.from({ length: 4 * 50 }, () => 2 * random() - 1);
        expectSame(shaken(spec, 9), x, 4, JSON.stringify(spec));
      }
    },
  );

  it('where a file has null for an activation, as for one that is left out', () => {
    const dense = { type: 'dense', units: 2, activation: null } as unknown as LayerSpec;
    const spec: NetworkSpec = { inputShape: [2], layers: [dense] };
    expectSame(shaken(spec, 1), Float32Array.of(1, 2, 3, 4), 2, 'null');
  });

  it('for more rows than run at a time, at the thresholds of the kernels', () => {
    for (const units of [1, 3, 4, 5, 8, 9, 16, 17, 63, 64, 65, 129]) {
      const inputs = units === 65 ? 321 : 7;
      const spec: NetworkSpec = {
        inputShape: [inputs],
        layers: [layers.dense({ units }), layers.dense({ units: 3 })],
      };
      const random = generator(units);
      const x = Float32Array.from({ length: 515 * inputs }, () => random() - 0.5);
      expectSame(shaken(spec, units), x, inputs, `${units} units`);
    }
  });
});

describe('takes what the network takes', () => {
  const rows: (string | number)[][] = [
    ['red', 1, 10],
    ['blue', 2, -4],
    ['__proto__', 4, 3],
    ['red', 0.3, 5],
  ];

  async function mixed() {
    const model = sequential(
      {
        inputShape: [3],
        layers: [layers.dense({ units: 5, activation: 'tanh' }), layers.dense({ units: 2 })],
        loss: 'meanSquaredError',
        preprocess: { x: [oneHot(4), standardScaler(), null], y: robustScaler() },
      },
      quiet,
    );
    await model.fit(
      rows,
      rows.map((_, i) => [i * i, 100 - 7 * i]),
      { epochs: 3 },
    );
    return model;
  }

  it.each(backends)('categories, scaled columns and scaled targets, on %s', async (backend) => {
    const model = await mixed();
    const predictor = loadPredictor(save(model), { backend });
    expect(bits(predictor.predict(rows))).toEqual(bits(model.predict(rows)));
    expect(bits(predictor.predict(rows[1]!))).toEqual(bits(model.predict(rows[1]!)));
    for (const x of [
      [['green', 1, 2]],
      [['red', '1', 2]],
      [['red', Number.NaN, 2]],
      [['red', 1]],
    ]) {
      expect(() => model.predict(x)).toThrow();
      expect(() => predictor.predict(x)).toThrow(/^x: row 0/);
    }
  });

  it('scalers by their names alone', async () => {
    const model = sequential(
      {
        inputShape: [2],
        layers: [layers.dense({ units: 1 })],
        loss: 'meanSquaredError',
        preprocess: { x: ['standardScaler', null] as never, y: 'robustScaler' as never },
      },
      quiet,
    );
    const x = Float32Array.of(1, 2, 3, 5, 8, 13);
    await model.fit(x, [3, 4, 9], { epochs: 2 });
    expect(bits(loadPredictor(save(model)).predict(x))).toEqual(bits(model.predict(x)));
  });

  it('categories that the spec lists, before anything was learnt', () => {
    const model = sequential({
      inputShape: [2],
      layers: [layers.dense({ units: 2 })],
      preprocess: { x: [oneHot([1, true, '1']), null] },
    });
    const predictor = loadPredictor(save(model));
    const x = [
      [1, 5],
      [true, 6],
      ['1', 7],
    ];
    expect(bits(predictor.predict(x))).toEqual(bits(model.predict(x)));
    expect(() => predictor.predict([[false, 1]])).toThrow(
      "false is none of the categories known: 1, true, '1'",
    );
  });

  it('rows of every form', () => {
    const of = (inputShape: number[]) => {
      const model = sequential({
        inputShape,
        layers: [layers.flatten(), layers.dense({ units: 3 })],
      });
      return { model, predictor: loadPredictor(save(model).buffer) };
    };
    const flat = [1, 2, 3, 4, 5, 6];
    const typed = Float64Array.from([...flat, ...flat]);
    const deep = [
      [1, 2, 3],
      [4, 5, 6],
    ];
    const forms: [number[], Parameters<ReturnType<typeof of>['model']['predict']>[0][]][] = [
      [[6], [flat, [flat, flat], typed, [typed.subarray(0, 6), typed.subarray(6)]]],
      [
        [2, 3],
        [deep, [deep, deep], typed, deep.map((row) => Int32Array.from(row))],
      ],
      [[1], [flat, [[1], [2]], typed]],
    ];
    for (const [shape, list] of forms) {
      const { model, predictor } = of(shape);
      for (const x of list) expect(bits(predictor.predict(x))).toEqual(bits(model.predict(x)));
      const bad = [
        [],
        [[1, 2]],
        [[[1]]],
        5,
        null,
        'text',
        [['a']],
        [[Number.POSITIVE_INFINITY]],
        [[1e39]],
      ];
      for (const x of [...bad, new Float32Array(0), [flat, [1]], new Float32Array(5)] as never[]) {
        const width = shape.reduce((a, b) => a * b, 1);
        if (
          width === 1 &&
          (x as unknown) instanceof Float32Array &&
          (x as Float32Array).length === 5
        )
          continue;
        const refusal = (run: () => unknown) => {
          try {
            run();
          } catch (error) {
            return (error as Error).name;
          }
          return 'accepted';
        };
        const expected = refusal(() => model.predict(x));
        expect(expected).not.toBe('accepted');
        expect(
          refusal(() => predictor.predict(x)),
          JSON.stringify(x),
        ).toBe(expected);
      }
    }
  });

  it('an array for the outputs, which stays as it is where rows are refused', () => {
    const model = sequential({ inputShape: [2], layers: [layers.dense({ units: 2 })] });
    const predictor = loadPredictor(save(model));
    const out = new Float32Array(4).fill(7);
    expect(() =>
      predictor.predict(
        [
          [1, 2],
          [3, Number.NaN],
        ],
        out,
      ),
    ).toThrow('x: row 1, column 1: expected a finite number, got NaN');
    expect([...out]).toEqual([7, 7, 7, 7]);
    expect(predictor.predict([1, 2, 3, 4].map((v) => [v, v]).slice(0, 2), out)).toBe(out);
    expect(() => predictor.predict([[1, 2]], out)).toThrow(ShapeError);
    expect(() => predictor.predict([[1, 2]], [0, 0] as never)).toThrow(
      'out: expected a Float32Array',
    );
  });
});

describe('refuses', () => {
  const model = sequential({
    inputShape: [2],
    layers: [
      layers.batchNormalization(),
      layers.residual({
        layers: [layers.dense({ units: 2, activation: { type: 'elu', alpha: 0.5 } })],
      }),
      layers.parallel({ branches: [[], [layers.dense({ units: 3 })]] }),
    ],
    loss: 'meanSquaredError',
  });
  const file = save(model);

  type About = { spec: { layers: Record<string, unknown>[] } & Record<string, unknown> } & Record<
    string,
    unknown
  >;
  function edited(change: (about: About) => void): Uint8Array {
    const { tensors, metadata } = readSafetensors(file);
    const about = JSON.parse(metadata.get('chainrule')!) as About;
    change(about);
    return writeSafetensors({ tensors, metadata: new Map([['chainrule', JSON.stringify(about)]]) });
  }

  const set =
    (layer: number, options: object) =>
    ({ spec }: About) =>
      void Object.assign(spec.layers[layer]!, options);

  it.each<[string, (about: About) => void, string]>([
    [
      'a kind of layer',
      set(0, { type: '__proto__' }),
      'layers.0: type: expected one of dense, activation',
    ],
    [
      'no layer',
      ({ spec }) => void (spec.layers[0] = null as never),
      'layers.0: expected an object, got null',
    ],
    ['no layers', ({ spec }) => void (spec.layers = []), 'layers: expected at least one'],
    [
      'no list of layers',
      ({ spec }) => void (spec.layers = {} as never),
      'layers: expected a list',
    ],
    ['ε', set(0, { epsilon: 0 }), 'layers.0: epsilon: expected a number from'],
    ['a flag', set(0, { scale: 1 }), 'layers.0: scale: expected true or false, got 1'],
    [
      'a width',
      set(2, { branches: [[{ type: 'dense', units: 2 ** 40 }]] }),
      'layers.2.branches.0.0.w is missing: expected F32 of the shape [2, 1099511627776]',
    ],
    [
      'units',
      set(2, { branches: [[{ type: 'dense', units: 1.5 }]] }),
      'layers.2.branches.0.0: units: expected a whole number of at least 1, got 1.5',
    ],
    [
      'an activation',
      set(1, { layers: [{ type: 'activation', activation: 'constructor' }] }),
      'layers.1.layers.0: activation: expected one of linear',
    ],
    [
      'an option of an activation',
      set(1, { layers: [{ type: 'activation', activation: { type: 'leakyRelu', slope: -1 } }] }),
      'slope: expected a number from 0',
    ],
    ['branches of none', set(2, { branches: [] }), 'layers.2.branches: expected at least one'],
    ['a merge', set(2, { merge: 'toString' }), 'layers.2: merge: expected one of concatenate, add'],
    ['widths that do not add up', set(2, { merge: 'add' }), 'expected shape [2], got'],
    [
      'a layer left out',
      ({ spec }) => void spec.layers.pop(),
      "tensors: expected those of layers alone, got 'layers.2.branches.1.0.b'",
    ],
    [
      'an input shape',
      ({ spec }) => void (spec.inputShape = [2, 0]),
      'inputShape: expected a whole number',
    ],
    [
      'a row too wide',
      ({ spec }) => void (spec.inputShape = [2 ** 30, 2 ** 30]),
      'inputShape: numbers in a row',
    ],
    ['a deep shape', ({ spec }) => void (spec.inputShape = [1, 2]), 'layers.0: expected flat rows'],
    ['the short form', ({ spec }) => void (spec.task = 'regression'), 'task: expected none'],
    ['a loss', ({ spec }) => void (spec.loss = 'hasOwnProperty'), 'loss: expected one of'],
    ['classes too many', ({ spec }) => void (spec.classes = ['a']), 'classes: expected 5 names'],
    [
      'classes that come twice',
      ({ spec }) => void (spec.classes = ['a', 'b', 'c', 'd', 'a']),
      'classes: expected each name once',
    ],
    [
      'classes that are none',
      ({ spec }) => void (spec.classes = ['a', 'b', 'c', 'd', {}]),
      'classes: expected names',
    ],
    [
      'a scaler that is not fitted',
      ({ spec }) => void (spec.preprocess = { x: { type: 'standardScaler' } }),
      'preprocess.x: expected what fit() learns of its columns, got undefined',
    ],
    [
      'scalers of more columns than may be',
      ({ spec }) => {
        spec.inputShape = [2 ** 20];
        spec.preprocess = { x: { type: 'oneHot', categories: [1] } };
      },
      'preprocess.x: columns: expected a number from 1 to 262144, got 1048576',
    ],
    [
      'no scaler',
      ({ spec }) => void (spec.preprocess = { x: null }),
      'preprocess.x: expected what fit() learns of its columns',
    ],
    [
      'columns too few',
      (about) => {
        about.spec.preprocess = { x: { type: 'standardScaler' } };
        about.preprocessing = { x: [{ center: 0, scale: 1 }] };
      },
      'preprocess.x: expected 2 columns',
    ],
    [
      'a scale of 0',
      (about) => {
        about.spec.preprocess = { x: { type: 'standardScaler' } };
        about.preprocessing = {
          x: [
            { center: 0, scale: 0 },
            { center: 0, scale: 1 },
          ],
        };
      },
      'preprocess.x: scale: expected more than 0',
    ],
    ['a later format', (about) => void (about.format = 99), 'update it'],
  ])('%s', (_, change, message) => {
    const bytes = edited(change);
    expect(() => loadPredictor(bytes)).toThrow(FormatError);
    expect(() => loadPredictor(bytes)).toThrow(message);
    // What `save` does not write, `load` may write out.
    if (!message.startsWith('task')) expect(() => load(bytes, quiet).predict([1, 2])).toThrow();
  });

  it('weights that are not finite, negative variances, and other shapes', () => {
    const { tensors, metadata } = readSafetensors(file);
    const changed = (name: string, value: number) => {
      const values = new Float32Array(tensors.get(name)!.bytes.slice().buffer).fill(value);
      const bytes = new Uint8Array(values.buffer);
      const others = new Map(tensors).set(name, { ...tensors.get(name)!, bytes });
      return writeSafetensors({ tensors: others, metadata });
    };
    expect(() => loadPredictor(changed('layers.0.mean', Number.NaN))).toThrow(
      'layers.0.mean: expected finite numbers',
    );
    expect(() => loadPredictor(changed('layers.0.variance', -1))).toThrow(
      'layers.0.variance: expected numbers from 0 on',
    );
    const shape = [1, 2];
    const turned = new Map(tensors).set('layers.0.mean', {
      ...tensors.get('layers.0.mean')!,
      shape,
    });
    expect(() => loadPredictor(writeSafetensors({ tensors: turned, metadata }))).toThrow(
      'layers.0.mean: expected F32 of the shape [2]',
    );
  });

  it('no more than it describes of what few characters say of many columns', () => {
    const labels = Array.from({ length: 30 }, (_, i) => i);
    const bytes = edited(({ spec }) => {
      spec.inputShape = [2 ** 18];
      spec.preprocess = { x: { type: 'oneHot', categories: labels } };
      spec.layers = [{ type: 'layerNormalization', scale: false, shift: false }];
    });
    const { metadata } = readSafetensors(bytes);
    const alone = writeSafetensors({ tensors: new Map(), metadata });
    const before = process.memoryUsage().heapUsed;
    const predictor = loadPredictor(alone, { backend: 'js' });
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(2 ** 25);
    expect(predictor.classes).toBeUndefined();
  });

  it('a file cut short anywhere, and what are no bytes', () => {
    for (let length = 0; length < file.length; length++) {
      expect(() => loadPredictor(file.subarray(0, length))).toThrow(FormatError);
    }
    for (const bad of [undefined, 'text', [1, 2], {}] as never[]) {
      expect(() => loadPredictor(bad)).toThrow('loadPredictor: expected the bytes of a model file');
    }
    expect(() => loadPredictor(file, { backend: 'constructor' as never })).toThrow(
      "backend: expected 'wasm' or 'js'",
    );
  });

  it('more memory than there is, when it is to be used', () => {
    const wide = sequential(
      { inputShape: [1], layers: [layers.dense({ units: 1 })] },
      { backend: 'js' },
    );
    const { tensors, metadata } = readSafetensors(save(wide));
    const about = JSON.parse(metadata.get('chainrule')!);
    // Normalizations without weights of their own, of rows as wide as a file may ask for.
    about.spec.inputShape = [2 ** 23];
    const normalization = { type: 'layerNormalization', scale: false, shift: false };
    about.spec.layers = Array.from({ length: 400 }, () => normalization);
    const bytes = writeSafetensors({
      tensors: new Map(),
      metadata: new Map([['chainrule', JSON.stringify(about)]]),
    });
    expect(tensors.size).toBe(2);
    const predictor = loadPredictor(bytes, { backend: 'wasm' });
    expect(() => predictor.predict(new Float32Array(2 ** 23))).toThrow('no room for');
  });
});

describe('without WebAssembly', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('runs on plain JavaScript, with a warning', () => {
    const model = sequential({ inputShape: [2], layers: [layers.dense({ units: 2 })] });
    const file = save(model);
    vi.stubGlobal('WebAssembly', undefined);
    const warnings: string[] = [];
    const predictor = loadPredictor(file, { onWarning: (text) => warnings.push(text) });
    expect(predictor.backend).toBe('js');
    expect(warnings).toEqual([expect.stringContaining('the JS backend runs instead')]);
    expect(() => loadPredictor(file, { backend: 'wasm' })).toThrow();
  });
});
