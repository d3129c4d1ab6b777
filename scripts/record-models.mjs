// Models as TensorFlow.js and brain.js write them, with their own predictions, for test/formats. The
// libraries are those of the comparison, and brain.js 1 beside them:
//
//     npm --prefix bench/peers ci
//     npm --prefix bench/peers i --no-save --ignore-scripts brain-1@npm:brain.js@1.6.1
//     node scripts/record-models.mjs
//
// writes test/fixtures/tfjs.json and test/fixtures/brain.json. model.json and the weights are what
// TensorFlow.js sends when it saves over HTTP; where there are two shards, they were one, cut in two.
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(new URL('../bench/peers/package.json', import.meta.url));
const tf = require('@tensorflow/tfjs');
await tf.setBackend('cpu');

let state = 1;
const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
/** Multiples of 1/64, which are exact in float32. */
const numbers = (count) =>
  Array.from({ length: count }, () => Math.round(random() * 256 - 128) / 64);

/** What TensorFlow.js sends to a server when it saves a model. */
async function saved(model) {
  let sent;
  const fetchFunc = async (_url, { body }) => {
    sent = { json: body.get('model.json'), weights: body.get('model.weights.bin') };
    return new Response();
  };
  await model.save(tf.io.http('http://localhost/model', { fetchFunc }));
  const weights = sent.weights ? Buffer.from(await sent.weights.arrayBuffer()) : Buffer.alloc(0);
  return { json: await sent.json.text(), weights };
}

/** @param places rows hold whole numbers below it; where it is negative, from 0 to it */
async function recordTfjs(name, model, inputShape, shards = 1, places = 0) {
  const rows = 5;
  // Numbers of our own in place of TensorFlow.js's: the file stays the same from run to run.
  const own = model.weights.map(({ name, shape }) => {
    const values = numbers(shape.reduce((a, b) => a * b, 1)).map((v) => v / 4);
    return tf.tensor(name.includes('variance') ? values.map((v) => v ** 2 + 0.5) : values, shape);
  });
  for (const [i, weight] of model.weights.entries()) weight.write(own[i]);
  const size = rows * inputShape.reduce((a, b) => a * b, 1);
  const whole = () => Math.floor(random() * Math.abs(places));
  const x = places === 0 ? numbers(size) : Array.from({ length: size }, whole);
  const y = [...model.predict(tf.tensor(x, [rows, ...inputShape])).dataSync()];
  const { json, weights } = await saved(model);
  const modelJson = JSON.parse(json);
  const [group] = modelJson.weightsManifest;
  if (shards === 2) group.paths = ['group1-shard1of2.bin', 'group1-shard2of2.bin'];
  // The cut goes through a number.
  const cut = shards === 2 ? Math.floor(weights.length / 2) + 1 : weights.length;
  const parts = [weights.subarray(0, cut), weights.subarray(cut)];
  const files = group.paths.map((path, i) => [path, parts[i].toString('base64')]);
  return { name, modelJson, files: Object.fromEntries(files), x, y };
}

const { layers, sequential } = tf;
const chain = (inputShape, ...list) => {
  const model = sequential();
  list.forEach(([kind, options], i) => {
    model.add(layers[kind]({ ...options, name: `${kind}_${i}`, ...(i === 0 && { inputShape }) }));
  });
  return model;
};

const activations = ['linear', 'relu', 'elu', 'selu', 'gelu', 'gelu_new', 'swish', 'softplus'];
activations.push('softsign', 'sigmoid', 'tanh', 'softmax');
const recorded = [];
for (const activation of activations) {
  const model = chain([3], ['dense', { units: 4, activation }]);
  recorded.push(await recordTfjs(`dense, ${activation}`, model, [3]));
}
const classifier = [
  ['dense', { units: 6, activation: 'relu' }],
  ['dropout', { rate: 0.25 }],
  ['dense', { units: 5, useBias: false }],
  ['activation', { activation: 'tanh' }],
  ['dense', { units: 3, activation: 'softmax' }],
];
recorded.push(await recordTfjs('classifier, one shard', chain([4], ...classifier), [4]));
recorded.push(await recordTfjs('classifier, two shards', chain([4], ...classifier), [4], 2));
const others = [
  ['flatten', {}],
  ['dense', { units: 4 }],
  ['leakyReLU', { alpha: 0.2 }],
  ['dense', { units: 4 }],
  ['elu', {}],
  ['dense', { units: 4 }],
  ['reLU', {}],
  ['dense', { units: 4 }],
  ['softmax', {}],
];
recorded.push(await recordTfjs('layers of their own', chain([2, 3], ...others), [2, 3]));
const normalised = [
  ['dense', { units: 4 }],
  ['batchNormalization', {}],
  ['activation', { activation: 'relu' }],
  ['gaussianNoise', { stddev: 0.3 }],
  ['dense', { units: 4 }],
  ['layerNormalization', {}],
  ['gaussianDropout', { rate: 0.3 }],
  ['dense', { units: 2 }],
  ['batchNormalization', { center: false, scale: false, epsilon: 0.01 }],
];
recorded.push(await recordTfjs('normalised', chain([3], ...normalised), [3]));
const input = tf.input({ shape: [3] });
const hidden = layers.dense({ units: 4, activation: 'relu', name: 'hidden' }).apply(input);
const outputs = layers.dense({ units: 2, name: 'top' }).apply(hidden);
const functional = tf.model({ inputs: input, outputs });
recorded.push(await recordTfjs('functional, a chain', functional, [3]));
const branch = layers.dense({ units: 4, name: 'branch' }).apply(hidden);
const sum = layers.add({ name: 'sum' }).apply([branch, hidden]);
const residual = tf.model({ inputs: input, outputs: sum });
recorded.push(await recordTfjs('functional, residual', residual, [3]));
const joined = layers.concatenate({ name: 'joined' }).apply([branch, hidden]);
recorded.push(
  await recordTfjs('functional, parallel', tf.model({ inputs: input, outputs: joined }), [3]),
);

const image = [
  ['conv2d', { filters: 4, kernelSize: [3, 2], padding: 'same', activation: 'relu' }],
  ['batchNormalization', {}],
  ['maxPooling2d', { poolSize: 2, strides: 1 }],
  ['depthwiseConv2d', { kernelSize: 2, depthMultiplier: 2, useBias: false }],
  ['conv2d', { filters: 3, kernelSize: 3, dilationRate: 2, padding: 'same', activation: 'tanh' }],
  ['conv2dTranspose', { filters: 2, kernelSize: [3, 2], strides: 2 }],
  ['averagePooling2d', { poolSize: [2, 3], strides: [2, 1], padding: 'same' }],
  ['upSampling2d', { size: [1, 2] }],
  ['conv2dTranspose', { filters: 2, kernelSize: 3, strides: 2, padding: 'same' }],
  ['flatten', {}],
  ['dense', { units: 2 }],
];
recorded.push(await recordTfjs('images', chain([5, 6, 3], ...image), [5, 6, 3]));
const pooled = [
  ['conv2d', { filters: 4, kernelSize: 2, strides: [2, 1], padding: 'same' }],
  ['globalMaxPooling2d', {}],
  ['reshape', { targetShape: [-1, 2] }],
  ['conv1d', { filters: 3, kernelSize: 2, padding: 'same', activation: 'elu' }],
  ['maxPooling1d', { poolSize: 2, strides: 1, padding: 'same' }],
  ['averagePooling1d', { poolSize: 2, strides: 1 }],
  ['globalAveragePooling1d', {}],
];
recorded.push(await recordTfjs('pooled', chain([4, 5, 2], ...pooled), [4, 5, 2]));
const lstm = (units, options) => layers.lstm({ units, recurrentActivation: 'sigmoid', ...options });
const steps = [
  ['dense', { units: 4, activation: 'tanh' }],
  [
    'bidirectional',
    { layer: lstm(3, { returnSequences: true, name: 'both' }), mergeMode: 'concat' },
  ],
  ['layerNormalization', {}],
  ['timeDistributed', { layer: layers.dense({ units: 3, name: 'each' }) }],
  ['bidirectional', { layer: layers.simpleRNN({ units: 4, name: 'sum' }), mergeMode: 'sum' }],
];
recorded.push(await recordTfjs('steps', chain([4, 3], ...steps), [4, 3]));
const back = [
  ['lstm', { units: 3, recurrentActivation: 'sigmoid', goBackwards: true, useBias: false }],
];
recorded.push(await recordTfjs('backwards', chain([5, 2], ...back), [5, 2]));
const words = [
  ['embedding', { inputDim: 5, outputDim: 3, maskZero: true, inputLength: 6 }],
  ['simpleRNN', { units: 3, activation: 'relu', returnSequences: true }],
  ['lstm', { units: 2, recurrentActivation: 'sigmoid' }],
];
recorded.push(await recordTfjs('words', chain([6], ...words), [6], 1, 5));
const padded = [
  ['masking', { maskValue: 2 }],
  ['lstm', { units: 2, recurrentActivation: 'sigmoid' }],
];
recorded.push(await recordTfjs('padded', chain([4, 1], ...padded), [4, 1], 1, -3));

const write = (name, content) => {
  const url = new URL(`../test/fixtures/${name}.json`, import.meta.url);
  writeFileSync(url, `${JSON.stringify(content)}\n`);
};
write('tfjs', { tool: `TensorFlow.js ${tf.version.tfjs}`, models: recorded });

/** A network trained for a while, as brain.js writes it, and what it says. */
function recordBrain(library, name, options, data, questions) {
  const network = new library.NeuralNetwork(options);
  network.train(data, { iterations: 200, errorThresh: 1e-9 });
  const answers = questions.map((x) => Object.values(network.run(x)));
  // Through text, as users keep it.
  return { name, json: JSON.parse(JSON.stringify(network.toJSON())), questions, answers };
}

const xor = [0, 1, 2, 3].map((i) => ({ input: [i >> 1, i & 1], output: [(i >> 1) ^ (i & 1)] }));
const points = [
  [0.1, 0.9],
  [0.5, 0.25],
  [1, 1],
];
const colours = [
  { input: { r: 0.03, g: 0.7, b: 0.5 }, output: { black: 1, white: 0 } },
  { input: { r: 0.16, g: 0.09, b: 0.2 }, output: { white: 1, black: 0 } },
  { input: { r: 0.5, g: 0.5, b: 1 }, output: { white: 1, black: 0 } },
];
const questions = [
  { r: 1, g: 0.4, b: 0 },
  { r: 0, g: 0.1, b: 0.2 },
];
const versions = ['brain-1', 'brain.js'].map((name) => {
  const library = require(name);
  const { version } = require(`${name}/package.json`);
  const plain = ['sigmoid', 'relu', 'leaky-relu', 'tanh'].map((activation) =>
    recordBrain(library, activation, { activation, hiddenLayers: [4, 3] }, xor, points),
  );
  const named = recordBrain(library, 'named', { hiddenLayers: [3] }, colours, questions);
  return { version, models: [...plain, named] };
});
write('brain', { tool: 'brain.js', versions });
