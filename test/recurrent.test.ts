import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  type LayerSpec,
  layers,
  load,
  type NetworkSpec,
  type OptimizerSpec,
  ShapeError,
  save,
  sequential,
} from '../src/index.js';
import { threadsWith } from '../src/threads/backend.js';
import type { Case } from './architectures.js';
import { optimizerSpecs } from './catalogues.js';
import { engines, hexOf, networkOn, resultsOn } from './engines.js';
import { generator } from './kernels/core.js';

/** See scripts/golden-recurrent.py. */
const golden = JSON.parse(
  readFileSync(new URL('./fixtures/recurrent.json', import.meta.url), 'utf8'),
) as {
  readonly batch: number;
  readonly steps: number;
  readonly inputs: number;
  readonly units: number;
  readonly rate: number;
  readonly lengths: readonly number[];
  readonly pad: number;
  readonly cases: readonly {
    readonly kind: 'simpleRnn' | 'lstm' | 'gru';
    readonly sequences: boolean;
    readonly activation: 'tanh' | 'relu' | null;
    readonly both: boolean;
    readonly truncate: number | null;
    readonly masked: boolean;
    readonly stateful: boolean;
    readonly bias: boolean;
    readonly x: readonly number[];
    readonly y: readonly number[];
    readonly before: readonly Readonly<Record<string, readonly number[]>>[];
    readonly outputs: readonly number[];
    readonly losses: readonly number[];
    readonly after: readonly Readonly<Record<string, readonly number[]>>[];
  }[];
};

function expectClose(actual: ArrayLike<number>, expected: readonly number[], digits = 5): void {
  expect(actual.length).toBe(expected.length);
  expected.forEach((value, i) => {
    expect(actual[i]).toBeCloseTo(value, digits);
  });
}

const title = ({
  kind,
  activation,
  both,
  truncate,
  masked,
  stateful,
  bias,
  sequences,
}: (typeof golden.cases)[number]) =>
  [
    kind,
    activation,
    both && 'both ways',
    truncate && `truncated to ${truncate}`,
    masked && 'of several lengths',
    stateful && 'going on from batch to batch',
    !bias && 'without biases',
    sequences ? 'every step' : 'the last step',
  ]
    .filter(Boolean)
    .join(', ');

describe.each(engines)('PyTorch on %s', (engine) => {
  it.each(golden.cases.map((made) => [title(made), made] as const))('%s', (_, made) => {
    const options = {
      ...{ units: golden.units, returnSequences: made.sequences, useBias: made.bias },
      ...(made.truncate && { truncate: made.truncate }),
      ...(made.stateful && { stateful: golden.batch }),
    };
    const layer =
      made.kind === 'simpleRnn'
        ? layers.simpleRnn({ ...options, activation: made.activation! })
        : layers[made.kind](options);
    const model = networkOn(engine, {
      inputShape: [golden.steps, golden.inputs],
      layers: [
        ...(made.masked ? [layers.masking({ value: golden.pad })] : []),
        made.both ? layers.bidirectional(layer) : layer,
      ],
      loss: 'meanSquaredError',
      optimizer: { type: 'sgd', learningRate: golden.rate },
    });
    const named = (all: (typeof made)['before']) =>
      Object.fromEntries(
        all.flatMap((weights, direction) =>
          Object.entries(weights).map(([name, values]) => [
            `layers.${Number(made.masked)}.${made.both ? `branches.${direction}.0.` : ''}${name}`,
            values,
          ]),
        ),
      );
    model.setWeights(named(made.before));
    const x = Float32Array.from(made.x);
    // PyTorch puts out 0 behind the end of a sequence, where the state stays here.
    const counts = golden.lengths.flatMap((length) =>
      Array.from({ length: golden.steps }, (_, t) => Number(t < length)),
    );
    const padded = made.masked && made.sequences;
    const width = golden.units * (made.both ? 2 : 1);
    const outputs = model.predict(x);
    expectClose(
      padded ? outputs.map((v, i) => v * counts[Math.floor(i / width)]!) : outputs,
      made.outputs,
    );
    if (made.stateful) model.resetState();
    const weighted = padded ? { sampleWeight: counts } : {};
    for (const loss of made.losses) {
      expect(model.trainOnBatch(x, Float32Array.from(made.y), weighted).loss).toBeCloseTo(loss, 5);
    }
    const learnt = model.getWeights();
    for (const [name, values] of Object.entries(named(made.after))) {
      expectClose(learnt[name]!, values);
    }
  });
});

/** A random stack of recurrent layers, with data: widths on both sides of vectors and of thresholds. */
function randomCase(seed: number): Case {
  const random = generator(seed);
  const below = (bound: number) => Math.floor(random() * bound);
  const one = <T>(list: readonly T[]) => list[below(list.length)]!;
  const units = () => one([1, 2, 3, 4, 5, 8, 9, 12, 13, 16, 33]);
  const [steps, inputs] = [1 + below(5), one([1, 2, 3, 7, 8, 33])];
  const layer = (returnSequences: boolean): LayerSpec => {
    const options = {
      ...{ units: units(), returnSequences, goBackwards: below(2) === 1, useBias: below(4) > 0 },
      ...(below(3) === 0 && { truncate: 1 + below(4) }),
      ...{ biasInitializer: 'randomNormal' as const, ...(below(6) === 0 && { trainable: false }) },
    };
    const made = one([
      layers.simpleRnn({ ...options, activation: one(['tanh', 'relu'] as const) }),
      layers.lstm(options),
      layers.gru(options),
    ]);
    return below(3) === 0 ? layers.bidirectional(made, one([undefined, 'add'])) : made;
  };
  const masked = below(2) === 1;
  const stack = masked ? [layers.masking({ value: 1 }), layer(true)] : [layer(true)];
  if (below(2)) stack.push(layers.dropout({ rate: 0.3 }));
  if (below(3) === 0) stack.push(layers.layerNormalization());
  const everyStep = below(2) === 1;
  stack.push(layer(everyStep), layers.dense({ units: 3, activation: 'softmax' }));
  const rows = 1 + below(20);
  const labels = everyStep ? rows * steps : rows;
  const x = Float32Array.from({ length: rows * steps * inputs }, () => 3 * random() - 1.5);
  // Padding at the start, at the end and in between, and now and then all of a row.
  for (let step = 0; masked && step < rows * steps; step++) {
    if (below(3) === 0) x.fill(1, step * inputs, (step + 1) * inputs);
  }
  return {
    seed,
    spec: {
      inputShape: [steps, inputs],
      layers: stack,
      loss: 'sparseCategoricalCrossentropy',
      optimizer: optimizerSpecs[seed % optimizerSpecs.length] as OptimizerSpec,
      metrics: ['accuracy'],
      seed,
    },
    x,
    y: Float32Array.from({ length: labels }, () => below(3)),
    rows,
    inputs: steps * inputs,
    targetColumns: everyStep ? steps : 1,
    fit: { epochs: 2, batchSize: 1 + below(rows), ...(below(3) === 0 && { microBatchSize: 1 }) },
  };
}

describe('JS, the release build, the debug build and threads give the same bits', () => {
  const perTest = 8;
  const shared = [2, 3].map((n) => threadsWith(n, { leastProducts: 0 }));
  it.each(Array.from({ length: 8 }, (_, i) => i * perTest))('from seed %i on', async (first) => {
    for (let seed = first; seed < first + perTest; seed++) {
      const made = randomCase(seed);
      const where = `seed ${seed}: ${JSON.stringify(made.spec)}`;
      const js = await resultsOn('js', made);
      expect(await resultsOn('release', made), `release build, ${where}`).toEqual(js);
      expect(await resultsOn('debug', made), `debug build, ${where}`).toEqual(js);
      const n = shared[seed % 2]!;
      expect(await resultsOn(n, made), `${2 + (seed % 2)} threads, ${where}`).toEqual(js);
    }
  });
});

const spec = (layer: LayerSpec, changes: Partial<NetworkSpec> = {}): NetworkSpec => ({
  inputShape: [4, 3],
  layers: [layer],
  loss: 'meanSquaredError',
  seed: 2,
  ...changes,
});

describe.each(['simpleRnn', 'lstm', 'gru'] as const)('%s', (kind) => {
  const random = generator(4);
  const x = Float32Array.from({ length: 5 * 12 }, () => 2 * random() - 1);

  it('backwards is forwards through steps in the reverse order', () => {
    const there = sequential(spec(layers[kind]({ units: 6, returnSequences: true })));
    const back = sequential(
      spec(layers[kind]({ units: 6, returnSequences: true, goBackwards: true })),
    );
    const reverse = (values: Float32Array, width: number) =>
      values.map((_, i) => {
        const [row, place] = [Math.floor(i / (4 * width)), i % (4 * width)];
        const step = 3 - Math.floor(place / width);
        return values[row * 4 * width + step * width + (place % width)]!;
      });
    expect(reverse(back.predict(reverse(x, 3)), 6)).toEqual(there.predict(x));
  });

  it('gives at last what it gives at its last step', () => {
    for (const goBackwards of [false, true]) {
      const last = sequential(spec(layers[kind]({ units: 5, goBackwards })));
      const all = sequential(spec(layers[kind]({ units: 5, goBackwards, returnSequences: true })));
      const every = all.predict(x);
      const expected = last.predict(x).map((_, i) => {
        const [row, j] = [Math.floor(i / 5), i % 5];
        return every[(row * 4 + (goBackwards ? 0 : 3)) * 5 + j]!;
      });
      expect(last.predict(x)).toEqual(expected);
    }
  });

  it('goes through a file', async () => {
    const model = sequential(spec(layers.bidirectional(layers[kind]({ units: 3 }))));
    await model.fit(x, new Float32Array(5 * 6), { epochs: 1 });
    const again = load(save(model));
    expect(again.predict(x)).toEqual(model.predict(x));
    expect(save(again)).toEqual(save(model));
  });

  it('refuses what does not fit', () => {
    const made =
      (options: object, inputShape = [4, 3]) =>
      () =>
        sequential(spec({ type: kind, units: 2, ...options } as LayerSpec, { inputShape }));
    const where = `layers[0] (${kind}): `;
    expect(made({}, [4])).toThrow(ShapeError);
    expect(made({}, [4])).toThrow(
      `${where}expected rows of shape [steps, inputs], got [4]: layers.reshape(`,
    );
    expect(made({ units: 0 })).toThrow(`${where}units: expected a whole number of at least 1`);
    expect(made({ returnSequences: 1 })).toThrow(`${where}returnSequences: expected true or false`);
    expect(made({ goBackwards: 'no' })).toThrow(`${where}goBackwards: expected true or false`);
    expect(made({ recurrentInitializer: 'ortogonal' })).toThrow(
      `${where}recurrentInitializer: unknown name 'ortogonal'; did you mean 'orthogonal'?`,
    );
    expect(made({ truncate: 0 })).toThrow(
      `${where}truncate: expected a whole number of at least 1`,
    );
    expect(made({ unit: 3 })).toThrow("unknown option 'unit'; did you mean 'units'?");
  });
});

it('simpleRnn refuses other activations, and lstm what is no number', () => {
  const made = (layer: object) => () => sequential(spec(layer as LayerSpec));
  expect(made({ type: 'simpleRnn', units: 2, activation: 'sigmoid' })).toThrow(
    "layers[0] (simpleRnn): activation: unknown name 'sigmoid'; known: tanh, relu",
  );
  expect(made({ type: 'lstm', units: 2, forgetBias: null })).toThrow(
    'layers[0] (lstm): forgetBias: expected a number, got null',
  );
});

it('lstm begins with a forget gate that is open', () => {
  const biases = (options: object) =>
    sequential(spec({ type: 'lstm', units: 2, ...options } as LayerSpec)).getWeights()[
      'layers.0.b'
    ];
  expect([...biases({})!]).toEqual([0, 0, 1, 1, 0, 0, 0, 0]);
  expect([...biases({ forgetBias: 0.5, biasInitializer: 'ones' })!]).toEqual([
    1, 1, 1.5, 1.5, 1, 1, 1, 1,
  ]);
});

it('every backend learns the same from the sum of a sequence', async () => {
  const random = generator(1);
  const x = Float32Array.from({ length: 64 * 5 }, () => random());
  const y = Float32Array.from({ length: 64 }, (_, r) =>
    x.subarray(5 * r, 5 * r + 5).reduce((a, b) => a + b, 0),
  );
  const trained = await Promise.all(
    engines.map(async (engine) => {
      const model = networkOn(engine, {
        inputShape: [5, 1],
        layers: [layers.gru({ units: 8 }), layers.dense({ units: 1 })],
        loss: 'meanSquaredError',
        optimizer: { type: 'adam', learningRate: 0.02 },
      });
      const { history } = await model.fit(x, y, { epochs: 60, batchSize: 8 });
      return [hexOf(model), history.loss!.at(-1)] as const;
    }),
  );
  expect(trained[0]![1]).toBeLessThan(0.02);
  expect(trained[1]).toEqual(trained[0]);
  expect(trained[2]).toEqual(trained[0]);
});
