import { describe, expect, it } from 'vitest';
import { fromTfjs } from '../../../src/convert.js';
import { readSafetensors } from '../../../src/formats/safetensors.js';
import { FormatError, type Network } from '../../../src/index.js';
import keras from '../../fixtures/keras.json';
import tfjs from '../../fixtures/tfjs.json';

type Model = (typeof tfjs.models)[number];
// biome-ignore lint/suspicious/noExplicitAny: damaged at will
type Edit = Record<string, any>;

const filesOf = ({ files }: Model) =>
  Object.fromEntries(
    Object.entries(files).map(([path, text]) => [path, Buffer.from(text, 'base64')]),
  );

const named = (name: string) => tfjs.models.find((model) => model.name === name)!;
const classifier = named('classifier, one shard');

function predictsTheSame(model: Network, { x, y }: Pick<Model, 'x' | 'y'>): void {
  const ours = model.predict(Float32Array.from(x));
  expect(ours.length).toBe(y.length);
  ours.forEach((value, i) => {
    expect(Math.abs(value - y[i]!), `output ${i}`).toBeLessThan(1e-5);
  });
}

describe('models that TensorFlow.js wrote predict the same', () => {
  it.each(tfjs.models.map((model) => [model.name, model] as const))('%s', (_name, model) =>
    predictsTheSame(fromTfjs(model.modelJson, filesOf(model)), model),
  );

  it('given as text, as bytes, and with files in each of their forms', () => {
    const text = JSON.stringify(classifier.modelJson);
    const [[path, bytes]] = Object.entries(filesOf(classifier)) as [[string, Buffer]];
    for (const json of [text, new TextEncoder().encode(text)]) {
      for (const files of [bytes, new Map([[path, bytes]]), { [path.slice(2)]: bytes }]) {
        predictsTheSame(fromTfjs(json, files), classifier);
      }
    }
  });

  it('with their layers as they were', () => {
    const { layers, inputShape } = fromTfjs(classifier.modelJson, filesOf(classifier)).toJSON();
    expect(inputShape).toEqual([4]);
    expect(layers).toEqual([
      { type: 'dense', units: 6, activation: 'relu' },
      { type: 'dropout', rate: 0.25 },
      { type: 'dense', units: 5, useBias: false, activation: 'tanh' },
      { type: 'dense', units: 3, activation: 'softmax' },
    ]);
  });
});

it('normalization and noise come with their options', () => {
  const model = named('normalised');
  const { layers } = fromTfjs(model.modelJson, filesOf(model)).toJSON();
  expect(layers).toEqual([
    { type: 'dense', units: 4 },
    { type: 'batchNormalization', epsilon: 0.001, momentum: 0.01 },
    { type: 'activation', activation: 'relu' },
    { type: 'gaussianNoise', stddev: 0.3 },
    { type: 'dense', units: 4 },
    { type: 'layerNormalization', epsilon: 0.001 },
    { type: 'dense', units: 2 },
    { type: 'batchNormalization', epsilon: 0.01, momentum: 0.01, scale: false, shift: false },
  ]);
  const along = structuredClone(model.modelJson) as Edit;
  along.modelTopology.config.layers[5].config.axis = [1, 2];
  expect(() => fromTfjs(along, filesOf(model))).toThrow(
    "LayerNormalization 'layerNormalization_5': axis: expected −1, got 1, 2",
  );
});

it('cells as Python names them, with the gates of a GRU in another order', () => {
  const { safetensors, x, y } = keras.recurrent;
  const { tensors } = readSafetensors(Buffer.from(safetensors, 'base64'));
  const list = [...tensors].map(([name, { shape }]) => ({ name, shape, dtype: 'float32' }));
  const config = (name: string, units: number, more = {}) => ({
    ...{ name, units, activation: 'tanh', recurrent_activation: 'sigmoid', return_sequences: true },
    ...more,
  });
  const layers = [
    { class_name: 'LSTM', config: { ...config('lstm', 3), batch_input_shape: [null, 5, 2] } },
    { class_name: 'GRU', config: config('gru', 4, { reset_after: true }) },
    { class_name: 'SimpleRNN', config: config('simple_rnn', 2, { return_sequences: false }) },
  ];
  const model = {
    modelTopology: { class_name: 'Sequential', config: { layers } },
    weightsManifest: [{ paths: ['all.bin'], weights: list }],
  };
  const bytes = Buffer.concat([...tensors.values()].map((tensor) => tensor.bytes));
  predictsTheSame(fromTfjs(model, bytes), { x, y });
  layers[1]!.config = config('gru', 4, { reset_after: false });
  expect(() => fromTfjs(model, bytes)).toThrow("GRU 'gru': reset_after: expected true");
});

it('what Python converted has the model inside, and quantized weights are opened', () => {
  // The numbers 0.5 and −1.25 as bytes: value · scale + min.
  const config = (name: string, more: object) => ({ name, ...more });
  const model = {
    modelTopology: {
      keras_version: '2.15.0',
      model_config: {
        class_name: 'Sequential',
        config: {
          layers: [
            { class_name: 'InputLayer', config: config('in', { batch_input_shape: [null, 1] }) },
            { class_name: 'Dense', config: config('d', { units: 2, activation: 'linear' }) },
          ],
        },
      },
    },
    weightsManifest: [
      {
        paths: ['a', 'b'],
        weights: [
          {
            name: 'model/d/kernel',
            shape: [1, 2],
            dtype: 'float32',
            quantization: { dtype: 'uint8', scale: 0.25, min: -1.25 },
          },
          {
            name: 'model/d/bias',
            shape: [2],
            dtype: 'float32',
            quantization: { dtype: 'float16' },
          },
        ],
      },
    ],
  };
  // In half precision, 0x3c00 is 1 and 0xc100 is −2.5.
  const files = { a: Uint8Array.of(7, 0, 0x00), b: Uint8Array.of(0x3c, 0x00, 0xc1) };
  expect([...fromTfjs(model, files).predict([2])]).toEqual([2, -5]);
});

describe('refused with a FormatError that names the place:', () => {
  const refused: [string, (model: Edit) => void, string][] = [
    [
      'a layer that there is not',
      (m) => (m.modelTopology.config.layers[1].class_name = 'ConvLSTM2D'),
      "model.json: modelTopology: config: layers[1]: ConvLSTM2D 'dropout_1': there is no such layer here",
    ],
    [
      'a layer named as what objects inherit',
      (m) => (m.modelTopology.config.layers[1].class_name = '__proto__'),
      'there is no such layer here',
    ],
    [
      'an activation that there is not',
      (m) => (m.modelTopology.config.layers[0].config.activation = 'constructor'),
      "Dense 'dense_0': there is no activation 'constructor' here; known: linear, relu",
    ],
    [
      'an activation that is another one here',
      (m) => (m.modelTopology.config.layers[0].config.activation = 'hard_sigmoid'),
      "the activation 'hard_sigmoid' is 0.2x + 0.5 in TensorFlow.js, and x/6 + 0.5 here",
    ],
    [
      'weights of another shape',
      (m) => (m.modelTopology.config.layers[0].config.units = 5),
      "Dense 'dense_0': kernel: expected the shape [4, 5], got [4, 6]",
    ],
    [
      'weights of no layer',
      (m) => m.modelTopology.config.layers.pop(),
      "the weights 'dense_4/kernel' belong to no layer",
    ],
    [
      'weights that are missing',
      (m) => (m.modelTopology.config.layers[0].config.name = 'other'),
      "Dense 'other': its weights 'other/kernel' are missing",
    ],
    [
      'numbers of other types',
      (m) => (m.weightsManifest[0].weights[0].dtype = 'int32'),
      "model.json: weightsManifest[0]: weights[0]: dtype: expected float32 numbers, got 'int32'",
    ],
    [
      'fewer bytes than there should be',
      (m) => (m.weightsManifest[0].weights[0].shape = [2 ** 40, 2]),
      'model.json: weightsManifest[0]: its weights take 8796093022',
    ],
    [
      'a file that was not given',
      (m) => (m.weightsManifest[0].paths = ['../../etc/passwd']),
      "there are no bytes for '../../etc/passwd' among the files",
    ],
    [
      'a path named as what objects inherit',
      (m) => (m.weightsManifest[0].paths = ['__proto__']),
      "there are no bytes for '__proto__' among the files",
    ],
    [
      'one file for all numbers',
      (m) => (m.weightsManifest[0].paths = new Array(3).fill('./model.weights.bin')),
      "the path './model.weights.bin' comes twice",
    ],
    [
      'no layers',
      (m) => (m.modelTopology.config.layers = m.weightsManifest = []),
      'config: layers: expected at least one layer, and at most 4096, got 0',
    ],
    ['no model', (m) => delete m.modelTopology, 'model.json: modelTopology: expected an object'],
    [
      'rows wider than memory',
      (m) => {
        m.modelTopology.config.layers = [
          { class_name: 'ReLU', config: { batch_input_shape: [null, 2 ** 45] } },
        ];
        m.weightsManifest = [];
      },
      'model.json: inputShape: numbers in a row: expected at most',
    ],
  ];

  it.each(refused)('%s', (_name, edit, message) => {
    const model = structuredClone(classifier.modelJson) as Edit;
    edit(model);
    const run = () => fromTfjs(model, filesOf(classifier));
    expect(run).toThrow(FormatError);
    expect(run).toThrow(message);
  });

  it.each<[string, string, number, Edit, string]>([
    [
      'images',
      'channels first',
      0,
      { data_format: 'channels_first' },
      'data_format: expected channels_last',
    ],
    [
      'images',
      'padding of another kind',
      0,
      { padding: 'causal' },
      'padding: expected valid or same, got causal',
    ],
    [
      'images',
      'kernels as wide as the image',
      0,
      { kernel_size: [3, 2, 2] },
      'kernel_size: expected 2 sizes',
    ],
    [
      'images',
      'strides past kernels',
      5,
      { strides: [9, 2] },
      'strides: expected no more than kernel_size',
    ],
    [
      'images',
      'smooth images',
      7,
      { interpolation: 'bilinear' },
      'interpolation: expected nearest',
    ],
    [
      'pooled',
      'another number of values',
      2,
      { target_shape: [3] },
      'target_shape: the shape [4] does not fit',
    ],
    [
      'steps',
      'means of both ways',
      1,
      { merge_mode: 'ave' },
      'merge_mode: expected concat or sum, got ave',
    ],
    [
      'backwards',
      'the last step first',
      0,
      { return_sequences: true },
      'go_backwards: expected false with return_sequences',
    ],
    [
      'backwards',
      'another cell',
      0,
      { recurrent_activation: 'hard_sigmoid' },
      'recurrent_activation: expected sigmoid, got hard_sigmoid',
    ],
    ['backwards', 'a state that is kept', 0, { stateful: true }, 'stateful: expected false'],
  ])('%s: %s', (name, _what, at, changes, message) => {
    const given = named(name);
    const model = structuredClone(given.modelJson) as Edit;
    Object.assign(model.modelTopology.config.layers[at].config, changes);
    const run = () => fromTfjs(model, filesOf(given));
    expect(run).toThrow(FormatError);
    expect(run).toThrow(message);
  });

  it('functional models whose layers are used twice', () => {
    const residual = named('functional, residual');
    const model = structuredClone(residual.modelJson) as Edit;
    const [, hidden] = model.modelTopology.config.layers;
    hidden.inbound_nodes.push(hidden.inbound_nodes[0]);
    expect(() => fromTfjs(model, filesOf(residual))).toThrow(
      "'hidden' is used 2 times, and layers cannot share weights",
    );
  });

  it('files that are none', () => {
    expect(() => fromTfjs(classifier.modelJson, undefined as never)).toThrow(
      'fromTfjs: expected files by their paths, got undefined',
    );
  });
});
