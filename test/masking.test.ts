import { describe, expect, it } from 'vitest';
import {
  type LayerSpec,
  layers,
  load,
  type NetworkSpec,
  ShapeError,
  save,
  sequential,
  standardScaler,
} from '../src/index.js';
import { toOnnx } from '../src/onnx.js';
import { engines, networkOn } from './engines.js';
import { generator } from './kernels/core.js';

const kinds = ['simpleRnn', 'lstm', 'gru'] as const;
const steps = 5;
const inputs = 2;
const units = 3;
const random = generator(8);
const numbers = (count: number) => Float32Array.from({ length: count }, () => 2 * random() - 1);

/** Two sequences of three steps, and where padding stands in five. */
const short = numbers(2 * 3 * inputs);
const places = { end: [0, 1, 2], start: [2, 3, 4], between: [0, 2, 4] };
const padded = (at: readonly number[], value: number) => {
  const x = new Float32Array(2 * steps * inputs).fill(value);
  for (let n = 0; n < 2; n++) {
    at.forEach((to, t) => {
      const from = (n * 3 + t) * inputs;
      x.set(short.subarray(from, from + inputs), (n * steps + to) * inputs);
    });
  }
  return x;
};

const spec = (stack: readonly LayerSpec[], changes: Partial<NetworkSpec> = {}): NetworkSpec => ({
  inputShape: [steps, inputs],
  layers: stack,
  loss: 'meanSquaredError',
  optimizer: 'sgd',
  seed: 3,
  ...changes,
});

describe.each(kinds)('%s', (kind) => {
  describe.each(engines)('on %s', (engine) => {
    it.each(Object.entries(places))('takes no account of padding: %s', (_, at) => {
      for (const goBackwards of [false, true]) {
        const layer = layers[kind]({ units, goBackwards });
        const plain = networkOn(engine, spec([layer], { inputShape: [3, inputs] }));
        const masked = networkOn(engine, spec([layers.masking({ value: 7 }), layer]));
        const weights = plain.getWeights();
        masked.setWeights(
          Object.fromEntries(
            Object.entries(weights).map(([name, w]) => [name.replace('layers.0', 'layers.1'), w]),
          ),
        );
        const x = padded(at, 7);
        expect(masked.predict(x)).toEqual(plain.predict(short));
        const y = new Float32Array(2 * units).fill(0.5);
        const expected = plain.gradients(short, y, { inputs: true });
        const given = masked.gradients(x, y, { inputs: true });
        expect(given.loss).toBe(expected.loss);
        for (const [name, dw] of Object.entries(expected.weights)) {
          // The steps of a sequence are added in their order either way, and padding adds 0.
          const dwMasked = given.weights[name.replace('layers.0', 'layers.1')]!;
          dw.forEach((value, i) => {
            expect(dwMasked[i]).toBe(value);
          });
        }
        given.inputs!.forEach((slope, i) => {
          const [row, step, c] = [
            Math.floor(i / (steps * inputs)),
            Math.floor(i / inputs) % steps,
            i % inputs,
          ];
          const t = at.indexOf(step);
          if (t < 0) expect(Object.is(slope, 0)).toBe(true);
          else expect(slope).toBe(expected.inputs![(row * 3 + t) * inputs + c]);
        });
      }
    });
  });

  it('puts out the state as it is at steps that are left out', () => {
    const model = sequential(
      spec([layers.masking(), layers[kind]({ units, returnSequences: true })]),
    );
    const y = model.predict(padded([1, 2, 4], 0));
    const at = (row: number, step: number) =>
      y.subarray((row * steps + step) * units, (row * steps + step + 1) * units);
    for (const row of [0, 1]) {
      expect([...at(row, 0)]).toEqual([0, 0, 0]);
      expect(at(row, 3)).toEqual(at(row, 2));
    }
  });

  it('gives 0 for a row that is nothing but padding, and learns nothing of it', async () => {
    const stack = [layers.masking(), layers.bidirectional(layers[kind]({ units }))];
    const model = sequential(spec(stack));
    const x = new Float32Array(steps * inputs);
    expect([...model.predict(x)]).toEqual([0, 0, 0, 0, 0, 0]);
    const before = model.getWeights();
    model.trainOnBatch(x, new Float32Array(2 * units).fill(1));
    expect(model.getWeights()).toEqual(before);
  });

  it('steps over padding behind an embedding and layers that work at each step', () => {
    const stack = (maskZero: boolean) => [
      layers.embedding({ vocabulary: 6, units: 4, maskZero }),
      layers.dropout({ rate: 0.2 }),
      layers.residual({ layers: [layers.dense({ units: 4, activation: 'tanh' })] }),
      layers.layerNormalization(),
      layers.bidirectional(layers[kind]({ units, returnSequences: true })),
      layers[kind]({ units: 2 }),
    ];
    const plain = sequential({ inputShape: [3], layers: stack(false), seed: 5 });
    const masked = sequential({ inputShape: [7], layers: stack(true), seed: 5 });
    const expected = plain.predict([4, 1, 5]);
    expect(masked.predict([4, 1, 5, 0, 0, 0, 0])).toEqual(expected);
    expect(masked.predict([0, 0, 0, 0, 4, 1, 5])).toEqual(expected);
    expect(masked.predict([0, 4, 0, 1, 0, 5, 0])).toEqual(expected);
    const again = load(save(masked));
    expect(again.predict([0, 4, 0, 1, 0, 5, 0])).toEqual(expected);
    expect(save(again)).toEqual(save(masked));
  });
});

describe.each(engines)('attention and the mean of steps, on %s,', (engine) => {
  const stack = (...first: LayerSpec[]) => [
    ...first,
    layers.residual({ layers: [layers.attention({ heads: 2, units: 4 })] }),
    layers.residual({ layers: [layers.attention({ heads: 1, causal: true })] }),
    layers.globalAveragePooling(),
  ];
  const plain = networkOn(engine, spec(stack(), { inputShape: [3, inputs] }));
  const masked = networkOn(engine, spec(stack(layers.masking({ value: 7 }))));
  masked.setWeights(
    Object.fromEntries(
      Object.entries(plain.getWeights()).map(([name, w]) => [
        name.replace(/\d/, (i) => `${+i + 1}`),
        w,
      ]),
    ),
  );
  const y = new Float32Array(2 * inputs).fill(0.5);
  const expected = plain.gradients(short, y, { inputs: true });

  it.each(Object.entries(places))('take no account of padding: %s', (_, at) => {
    const x = padded(at, 7);
    expect(masked.predict(x)).toEqual(plain.predict(short));
    const given = masked.gradients(x, y, { inputs: true });
    expect(given.loss).toBe(expected.loss);
    given.inputs!.forEach((slope, i) => {
      const [row, step] = [Math.floor(i / (steps * inputs)), Math.floor(i / inputs) % steps];
      const t = at.indexOf(step);
      if (t < 0) expect(Object.is(slope, 0)).toBe(true);
      else expect(slope).toBeCloseTo(expected.inputs![(row * 3 + t) * inputs + (i % inputs)]!, 6);
    });
  });

  it('give 0 for a row that is nothing but padding, and learn nothing of it', () => {
    const x = new Float32Array(steps * inputs).fill(7);
    expect([...masked.predict(x)]).toEqual([0, 0]);
    const { weights } = masked.gradients(x, Float32Array.of(1, 1));
    for (const dw of Object.values(weights)) expect(new Set(dw)).toEqual(new Set([0]));
  });
});

it('replaces what padding is filled with by 0, so that no layer reckons with it', () => {
  const model = sequential(spec([layers.masking({ value: 3e38 }), layers.activation('linear')]));
  expect(model.predict(padded([0, 1, 2], 3e38))).toEqual(padded([0, 1, 2], 0));
  // A step is left out only if all of its numbers are the value.
  const one = Float32Array.of(3e38, 0, 1, 3e38, 3e38, 3e38, 0, 0, -0, 0);
  expect([...model.predict(one)]).toEqual([...one.slice(0, 4), 0, 0, ...one.slice(6)]);
  const zeros = sequential(spec([layers.masking(), layers.simpleRnn({ units: 1 })]));
  expect([...zeros.predict(new Float32Array(10).fill(-0))]).toEqual([0]);
});

it('branches have masks of their own, and those that go on together one', () => {
  const branch = (width: number, kind: (typeof kinds)[number]): LayerSpec[] => [
    layers.embedding({ vocabulary: 4, units: width, maskZero: true }),
    layers[kind]({ units: 2 }),
  ];
  const model = sequential({
    inputShape: [3],
    layers: [layers.parallel({ branches: [branch(2, 'gru'), branch(3, 'lstm')] })],
  });
  expect(model.predict([1, 2, 0])).not.toEqual(model.predict([1, 2, 3]));
  expect(model.predict([1, 2, 0])).toEqual(model.predict([0, 1, 2]));
  const joined = (second: boolean) => () =>
    sequential({
      inputShape: [3],
      layers: [
        layers.parallel({
          branches: [
            [layers.embedding({ vocabulary: 4, units: 2, maskZero: true })],
            [layers.embedding({ vocabulary: 9, units: 3, maskZero: second })],
          ],
        }),
        layers.gru({ units: 2 }),
      ],
    });
  const one = joined(false)();
  expect(one.predict([1, 2, 0])).toEqual(one.predict([0, 1, 2]));
  expect(joined(true)).toThrow(
    'layers[0] (parallel): puts steps together that the masks of layers[0].branches[0][0] and ' +
      'layers[0].branches[1][0] leave out: expected one mask',
  );
});

describe('refuses', () => {
  const made =
    (...stack: LayerSpec[]) =>
    () =>
      sequential(spec(stack));

  it.each<[string, LayerSpec]>([
    ['flatten', layers.flatten()],
    ['reshape', layers.reshape({ shape: [2, 5] })],
    ['conv1d', layers.conv1d({ filters: 2, kernelSize: 3, padding: 'same' })],
    ['globalMaxPooling', layers.globalMaxPooling()],
    ['batchNormalization', layers.batchNormalization()],
    ['activityRegularization', layers.activityRegularization({ l2: 0.1 })],
  ])('%s behind a mask, which would take all steps alike', (name, layer) => {
    expect(made(layers.masking(), layers.dense({ units: 2 }), layer)).toThrow(
      `layers[2] (${name}): takes all steps alike, and the mask of layers[0] leaves some out: ` +
        'let globalAveragePooling, or a recurrent layer without returnSequences, come before it, ' +
        'which leave no steps',
    );
    made(layers.masking(), layers.gru({ units: 2 }), layers.flatten())();
  });

  it('what does not fit', () => {
    expect(made(layers.masking({ value: Number.NaN }))).toThrow('layers[0] (masking): value');
    expect(made(layers.masking({ value: 4e38 }))).toThrow('layers[0] (masking): value');
    expect(made({ type: 'masking', maskValue: 1 } as never)).toThrow(
      "layers[0]: unknown option 'maskValue'",
    );
    expect(() => sequential(spec([layers.masking()], { inputShape: [4] }))).toThrow(ShapeError);
    expect(() => sequential(spec([layers.masking()], { inputShape: [4] }))).toThrow(
      'layers[0] (masking): expected rows of shape [steps, features], got [4]',
    );
    expect(made(layers.dense({ units: 2 }), layers.masking())).toThrow(
      "layers[1] (masking): takes the network's inputs themselves, where it looks for its value: " +
        'only flatten and reshape may come before it',
    );
    const embedding = { type: 'embedding', vocabulary: 3, units: 2, maskZero: 1 } as never;
    expect(() => sequential({ inputShape: [4], layers: [embedding] })).toThrow(
      'layers[0] (embedding): maskZero: expected true or false',
    );
    expect(() =>
      sequential(
        spec([layers.masking(), layers.gru({ units: 1 })], { preprocess: { x: standardScaler() } }),
      ),
    ).toThrow('preprocess.x: layers[0] (masking) takes inputs as they are, which are not scaled');
  });

  it('a mask in ONNX', () => {
    const behind = (layer: LayerSpec) => () =>
      toOnnx(
        sequential({
          inputShape: [4],
          layers: [layers.embedding({ vocabulary: 3, units: 2, maskZero: true }), layer],
        }),
      );
    for (const layer of [
      layers.lstm({ units: 2 }),
      layers.attention({ heads: 1 }),
      layers.globalAveragePooling(),
    ]) {
      expect(behind(layer)).toThrow(
        `toOnnx: layers[1] (${layer.type}) passes over what a mask leaves out, wherever it is, which has no ONNX form`,
      );
    }
    behind(layers.dense({ units: 2 }))();
    expect(() => toOnnx(sequential(spec([layers.masking()])))).toThrow(
      'toOnnx: layers[0] (masking) has no ONNX form',
    );
  });
});
