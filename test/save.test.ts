import { runInNewContext } from 'node:vm';
import {
  type Checkpoint,
  callbacks,
  FormatError,
  type InputRows,
  layers,
  load,
  type Network,
  type NetworkSpec,
  oneHot,
  readSnapshot,
  readSpec,
  save,
  sequential,
  standardScaler,
} from 'chainrule';
import { describe, expect, it } from 'vitest';
import { readSafetensors, writeSafetensors } from '../src/formats/safetensors.js';
import { loadPredictor } from '../src/predict.js';
import format1 from './fixtures/format-1.json';
import { readFile } from './formats/reader.js';

const spec: NetworkSpec = {
  inputShape: [2],
  layers: [
    layers.dense({ units: 9, activation: { type: 'leakyRelu', slope: 0.125 } }),
    layers.dropout({ rate: 0.25 }),
    layers.dense({ units: 3, activation: 'softmax' }),
  ],
  loss: 'sparseCategoricalCrossentropy',
  optimizer: { type: 'adam', learningRate: 0.01 },
  metrics: ['accuracy'],
  preprocess: { x: [standardScaler(), oneHot(4)] },
  seed: 0xfffffff0,
};
const colours = ['red', 'green', 'blue'];
const x = Array.from({ length: 40 }, (_, i) => [i / 3, colours[i % 3]!]);
const y = x.map(([a, b]) => (b === 'red' ? 'stop' : (a as number) > 6 ? 'go' : 'look'));
const options = { epochs: 2, batchSize: 8 };

async function trained(backend: 'wasm' | 'js') {
  const model = sequential(spec, { backend });
  const { history } = await model.fit(x, y, options);
  return { model, history };
}

/** What the metadata hold. */
type About = { spec: NetworkSpec & { layers: object[] } } & Record<string, unknown>;

/** The file with its metadata changed. */
function edited(file: Uint8Array, change: (about: About) => unknown): Uint8Array {
  const { tensors, metadata } = readSafetensors(file);
  const about = change(JSON.parse(metadata.get('chainrule')!));
  return writeSafetensors({ tensors, metadata: new Map([['chainrule', JSON.stringify(about)]]) });
}

describe.each(['wasm', 'js'] as const)('a model saved on %s', (backend) => {
  const other = backend === 'wasm' ? 'js' : 'wasm';

  it('is read from a Buffer of Node as from plain bytes', async () => {
    const file = save((await trained('js')).model);
    const padded = Buffer.concat([Buffer.alloc(5), file]);
    expect(save(load(padded.subarray(5)))).toEqual(file);
  });

  it('predicts the same bits when it is loaded, on either backend', async () => {
    const { model } = await trained(backend);
    const file = save(model);
    for (const loaded of [load(file), load(file, { backend: other })]) {
      expect(loaded.predict(x)).toEqual(model.predict(x));
      expect(loaded.predictClasses(x)).toEqual(model.predictClasses(x));
      expect(loaded.toJSON()).toEqual(model.toJSON());
      expect(loaded.evaluate(x, y)).toEqual(model.evaluate(x, y));
    }
  });

  it('trains on with the same bits where the optimizer was saved too', async () => {
    const { model } = await trained(backend);
    const loaded = load(save(model, { optimizer: true }), { backend: other });
    const here = await model.fit(x, y, options);
    const there = await loaded.fit(x, y, options);
    expect(there.history).toEqual(here.history);
    expect(save(loaded, { optimizer: true })).toEqual(save(model, { optimizer: true }));
  });

  it('is the same file on both backends, and when it is loaded and saved again', async () => {
    const here = await trained(backend);
    const there = await trained(other);
    for (const kept of [{}, { optimizer: true }, { optimizer: true, history: here.history }]) {
      const file = save(here.model, kept);
      expect(save(there.model, kept)).toEqual(file);
      expect(save(load(file), kept)).toEqual(file);
      expect(save(readSnapshot(file))).toEqual(file);
    }
  });
});

describe('the file', () => {
  it('is read by a reader made from the format’s text alone', async () => {
    const { model, history } = await trained('wasm');
    const { metadata, tensors, data } = readFile(save(model, { optimizer: true, history }));
    expect(data % 8).toBe(0);
    expect(Object.keys(metadata)).toEqual(['chainrule']);
    const { weights, optimizer } = model.snapshot({ optimizer: true });
    for (const [name, { shape, values }] of Object.entries(weights)) {
      expect(tensors[name]).toEqual({ dtype: 'F32', shape, values: [...values] });
      const slot = tensors[`optimizer.slots.v.${name}`]!;
      expect(slot).toEqual({ dtype: 'F32', shape, values: [...optimizer!.slots.v![name]!] });
    }
    expect(tensors['optimizer.kept']!.values).toEqual([...optimizer!.kept]);
    expect(tensors.random).toEqual({ dtype: 'U32', shape: [3], values: [0xfffffff0, 10, 2] });
    expect(tensors['history.loss']).toEqual({ dtype: 'F64', shape: [2], values: history.loss });
    const about = JSON.parse(metadata.chainrule!);
    expect(Object.keys(about)).toEqual(['format', 'preprocessing', 'spec', 'version']);
    expect(about.spec).toEqual(model.toJSON());
    expect(about.spec.classes).toEqual(['go', 'look', 'stop']);
    expect(about.preprocessing.x[1]).toEqual({ count: 4, categories: ['blue', 'green', 'red'] });
  });

  it('keeps NaN and −0 of a history', () => {
    const model = sequential({
      inputShape: [1],
      task: 'regression',
      layers: [layers.dense({ units: 1 })],
    });
    const history = { loss: [Number.NaN, -0], ['__proto__']: [1, 2], constructor: [3, 4] };
    const read = readSnapshot(save(model, { history })).history!;
    expect(read.loss).toEqual([Number.NaN, -0]);
    expect(Object.keys(read).sort()).toEqual(['__proto__', 'constructor', 'loss']);
  });

  it('carries plain data of a training, with typed arrays and what JSON lacks', () => {
    const training = {
      $sum: Number.NaN,
      at: [1, -0, Number.NEGATIVE_INFINITY, null, 'text', true],
      bits: Uint32Array.of(0, 2 ** 32 - 1),
      'at.0': { $tensor: 'no reference', none: Float64Array.of() },
      at_: { x: Float32Array.of(0.1), y: Float64Array.of(Number.NaN, 0.1), z: Int32Array.of(-1) },
    };
    const snapshot = {
      ...sequential({ inputShape: [1], layers: [layers.dense({ units: 1 })] }).snapshot(),
      training,
    };
    const read = readSnapshot(save(snapshot));
    expect(read.training).toEqual(training);
    expect(save(read)).toEqual(save(snapshot));
  });

  it('takes names of the prototype as plain names', async () => {
    const named = sequential({
      inputShape: [2],
      task: 'multiclass',
      layers: [layers.dense({ units: 2 })],
      preprocess: { x: [oneHot(['__proto__', 'constructor']), null] },
      classes: ['constructor', '__proto__'],
    });
    const rows = [
      ['__proto__', 1],
      ['constructor', 0],
    ];
    await named.fit(rows, ['__proto__', 'constructor'], { epochs: 60 });
    const loaded = load(save(named));
    expect(loaded.classes).toEqual(['constructor', '__proto__']);
    expect(loaded.predictClasses(rows)).toEqual(named.predictClasses(rows));
  });

  it('does not depend on where its bytes stand', () => {
    const model = sequential(spec);
    const file = save(model);
    const moved = new Uint8Array(file.length + 5);
    moved.set(file, 5);
    expect(load(moved.subarray(5)).getWeights()).toEqual(model.getWeights());
    expect(load(file.buffer).getWeights()).toEqual(model.getWeights());
    // Edge runtimes hand over bytes of another realm.
    const alien = runInNewContext('Uint8Array.from(bytes)', { bytes: [...file] });
    expect(alien).not.toBeInstanceOf(Uint8Array);
    for (const given of [alien, alien.buffer]) {
      expect(load(given).getWeights()).toEqual(model.getWeights());
      expect(() => loadPredictor(given)).toThrow('preprocess.x: expected what fit() learns');
    }
    const spoken = new TextEncoder().encode(JSON.stringify(model));
    expect(readSpec(spoken.buffer)).toEqual(model.toJSON());
  });
});

describe('a file of format 1, as it was written when there was no other', () => {
  const file = new Uint8Array(Buffer.from(format1.file, 'base64'));
  const expected = Float32Array.from(format1.predictions);

  it.each(['wasm', 'js'] as const)('predicts the same on %s', (backend) => {
    const rows = format1.x as InputRows;
    expect(load(file, { backend }).predict(rows)).toEqual(expected);
    expect(loadPredictor(file, { backend }).predict(rows)).toEqual(expected);
    expect(load(file, { backend }).classes).toEqual(['__proto__', 'no', 'yes']);
  });

  it('goes on training where it was', async () => {
    const resume = readSnapshot(file) as Checkpoint;
    const model = load(resume);
    const { history } = await model.fit(format1.x as InputRows, format1.y, {
      epochs: 6,
      batchSize: 8,
      callbacks: [callbacks.earlyStopping({ monitor: 'loss' }), { onBatchEnd() {} }],
      resume,
    });
    expect(history.loss).toHaveLength(6);
    expect(history.loss.slice(0, 3)).toEqual(resume.history.loss);
    expect(resume.attachment).toEqual({ note: 'kept' });
  });
});

describe('what cannot be saved is refused', () => {
  it('weights that are not finite', () => {
    const snapshot = sequential(spec).snapshot();
    snapshot.weights['layers.2.b']!.values[1] = Number.POSITIVE_INFINITY;
    expect(() => save(snapshot)).toThrow(
      'weights: layers.2.b: expected finite numbers, got Infinity at place 1',
    );
  });

  it.each([
    [undefined, 'save: expected a network or a snapshot, got undefined'],
    ['model', "save: expected a network or a snapshot, got 'model'"],
  ])('%s', (given, message) => {
    expect(() => save(given as unknown as Network)).toThrow(message);
  });

  it('an option that there is not', () => {
    expect(() => save(sequential(spec), { optimiser: true } as object)).toThrow(
      "save: unknown option 'optimiser'; did you mean 'optimizer'?",
    );
  });
});

describe('a file that holds no model is refused', () => {
  const whole = save(sequential({ ...spec, preprocess: {} }), { optimizer: true });

  function refusal(file: Uint8Array): FormatError {
    try {
      load(file);
    } catch (error) {
      expect(error).toBeInstanceOf(FormatError);
      return error as FormatError;
    }
    throw new Error('it was loaded');
  }

  it('cut short anywhere', () => {
    for (let length = 0; length < whole.length; length += 7) refusal(whole.subarray(0, length));
    refusal(whole.subarray(0, whole.length - 1));
  });

  const changes: Record<string, [(about: About) => unknown, string]> = {
    'no object': [() => [], 'metadata chainrule: expected an object, got an array of 0'],
    'no format': [
      ({ format: _, ...rest }) => rest,
      'format: expected a number from 1 on, got undefined',
    ],
    'a later format': [
      (about) => ({ ...about, format: 2, version: '9.0.0', more: 1 }),
      "the file has format 2, written by chainrule '9.0.0'; chainrule 0.1.0 reads up to 1: update it",
    ],
    'another key': [(about) => ({ ...about, extra: 1 }), "unknown option 'extra'"],
    'no spec': [
      ({ spec: _, ...rest }) => rest,
      'metadata chainrule: spec: the spec: expected an object',
    ],
    'another layer': [
      (about) => ({ ...about, spec: { ...about.spec, layers: [{ type: 'constructor' }] } }),
      "metadata chainrule: spec: layers[0]: type: unknown name 'constructor'",
    ],
    'other units': [
      (about) => {
        Object.assign(about.spec.layers[0]!, { units: 8 });
        return about;
      },
      'model file: layers.0.w: expected F32 of the shape [2, 8], got F32 of [2, 9]',
    ],
    'more layers': [
      (about) => {
        about.spec.layers.push({ type: 'dense', units: 3, activation: 'softmax' });
        return about;
      },
      'model file: layers.3.w is missing: expected F32 of the shape [3, 3]',
    ],
    'fewer tensors': [
      (about) => {
        Object.assign(about.spec, { optimizer: 'sgd' });
        return about;
      },
      'model file: optimizer.kept: expected F64 of the shape [2], got F64 of [4]',
    ],
    'another seed': [
      (about) => ({ ...about, spec: { ...about.spec, seed: 1 } }),
      'model file: random: expected the seed 1, got 4294967280',
    ],
    'scalers that nobody asked for': [
      (about) => ({ ...about, preprocessing: { x: [] } }),
      "scalers.x: the spec's preprocess does not ask for it",
    ],
    'a reference to no tensor': [
      (about) => ({ ...about, training: { a: { $tensor: 'layers.0.w' } } }),
      'training.a: names no tensor of the file that it could be',
    ],
    'rows without end': [
      (about) => ({ ...about, spec: { ...about.spec, inputShape: [2 ** 40] } }),
      'inputShape: numbers in a row: expected at most 8,388,608, got 1099511627776',
    ],
    'layers without end': [
      (about) => ({
        ...about,
        spec: { ...about.spec, layers: new Array(5000).fill({ type: 'flatten' }) },
      }),
      'layers: expected at most 4,096, got 5000',
    ],
  };
  for (const [what, [change, message]] of Object.entries(changes)) {
    it(what, () => {
      expect(refusal(edited(whole, change)).message).toContain(message);
    });
  }

  it('tensors of no model', () => {
    const { tensors } = readSafetensors(whole);
    const file = writeSafetensors({ tensors, metadata: new Map() });
    expect(refusal(file).message).toContain("without the metadata 'chainrule'");
  });

  it('a tensor too many', () => {
    const { tensors, metadata } = readSafetensors(whole);
    const more = new Map(tensors).set('extra', {
      ...tensors.get('layers.0.w')!,
    });
    expect(refusal(writeSafetensors({ tensors: more, metadata })).message).toBe(
      "model file: 'extra' is no tensor of this model",
    );
  });

  it('what is no file', () => {
    expect(() => load('model.safetensors' as unknown as Uint8Array)).toThrow(TypeError);
    expect(() => readSnapshot({} as Uint8Array)).toThrow('expected the bytes of a model file');
  });
});

describe('a spec as JSON text', () => {
  it('gives the same network', () => {
    const model = sequential(spec);
    for (const text of [JSON.stringify(model), new TextEncoder().encode(JSON.stringify(model))]) {
      expect(readSpec(text)).toEqual(model.toJSON());
      expect(sequential(readSpec(text)).getWeights()).toEqual(model.getWeights());
    }
  });

  it.each([
    ['{"inputShape":[2],"layers":[]}', 'spec: layers: expected at least one layer'],
    ['{"inputShape":[2],', 'spec: expected a name in double quotes, got its end at byte 18'],
    [
      '{"inputShape":[2],"layers":[{"type":"dense","units":1e15},{"type":"dense","units":2}]}',
      'spec: layers[0] (dense): numbers in a row of outputs: expected at most 8,388,608',
    ],
    ['{"__proto__":{"inputShape":[2]},"layers":[]}', "spec: the spec: unknown option '__proto__'"],
  ])('%s is refused', (text, message) => {
    expect(() => readSpec(text)).toThrow(FormatError);
    expect(() => readSpec(text)).toThrow(message);
  });
});
