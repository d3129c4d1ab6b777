// The test that every runtime runs: the same trainings from the same seeds, and one SHA-256 of all
// that they learnt. It is handed the package, since runtimes differ in how they import it.

/**
 * Trainings that between them go through wide and narrow layers, images, sequences and words, and
 * through most of chance.
 */
const trainings = ({ datasets, dense, layers, schedules, standardScaler }) => [
  {
    data: datasets.spirals({ rows: 150, seed: 3 }),
    spec: {
      layers: [
        layers.dense({ units: 70, activation: 'tanh', weightInitializer: 'orthogonal' }),
        layers.dropout({ rate: 0.25 }),
        layers.dense({ units: 17, activation: 'gelu' }),
        layers.dense({ units: 2, activation: 'softmax' }),
      ],
      loss: 'sparseCategoricalCrossentropy',
      optimizer: { type: 'adam', learningRate: 0.01 },
      metrics: ['accuracy', 'rocAuc'],
    },
    fit: { epochs: 3, batchSize: 16, validationSplit: 0.2 },
  },
  {
    data: datasets.friedman({ rows: 120, seed: 5 }),
    spec: {
      layers: [
        layers.dense({ units: 33, activation: 'silu' }),
        layers.dense({ units: 9, activation: 'softplus' }),
        layers.dense({ units: 1 }),
      ],
      loss: { type: 'huber', delta: 0.5 },
      optimizer: { type: 'sgd', momentum: 0.9, nesterov: true },
      preprocess: { x: standardScaler(), y: standardScaler() },
    },
    fit: { epochs: 4, batchSize: 64, learningRate: schedules.cosine() },
  },
  {
    data: datasets.moons({ rows: 64, seed: 7 }),
    spec: { layers: [dense(16), dense(1)], task: 'binary' },
    fit: { epochs: 10, batchSize: 1 },
  },
  {
    data: datasets.friedman({ rows: 50, seed: 8 }),
    spec: {
      layers: [
        layers.reshape({ shape: [5, 2, 1] }),
        layers.conv2d({ filters: 9, kernelSize: [3, 2], padding: 'same', activation: 'silu' }),
        layers.batchNormalization(),
        layers.maxPooling2d({ poolSize: [2, 1], strides: 1 }),
        layers.conv2d({ filters: 18, kernelSize: 2, groups: 9, activation: 'tanh' }),
        layers.spatialDropout({ rate: 0.1 }),
        layers.conv2dTranspose({ filters: 5, kernelSize: 3, strides: 2 }),
        layers.averagePooling2d(),
        layers.flatten(),
        layers.dense({ units: 1 }),
      ],
      loss: 'meanSquaredError',
      optimizer: { type: 'sgd', learningRate: 0.001 },
    },
    fit: { epochs: 2, batchSize: 12 },
  },
  {
    data: datasets.friedman({ rows: 40, seed: 4 }),
    spec: {
      layers: [
        layers.reshape({ shape: [5, 2] }),
        layers.bidirectional(layers.lstm({ units: 7, returnSequences: true })),
        layers.residual({ layers: [layers.layerNormalization(), layers.attention({ heads: 2 })] }),
        layers.gru({ units: 6, returnSequences: true, truncate: 3 }),
        layers.simpleRnn({ units: 5, goBackwards: true }),
        layers.dense({ units: 1 }),
      ],
      loss: 'huber',
      optimizer: { type: 'adam', learningRate: 0.002 },
    },
    fit: { epochs: 2, batchSize: 9 },
  },
  {
    data: datasets.parity({ bits: 6 }),
    spec: {
      layers: [
        layers.embedding({ vocabulary: 2, units: 8, maskZero: true }),
        layers.positionalEmbedding(),
        layers.residual({ layers: [layers.attention({ heads: 4, causal: true })] }),
        layers.globalAveragePooling(),
        layers.dense({ units: 1, activation: 'sigmoid' }),
      ],
      loss: 'binaryCrossentropy',
      optimizer: 'sgd',
    },
    fit: { epochs: 2, batchSize: 10 },
  },
];

const seeds = [1, 2026];

/** Everything learnt on a backend, as bytes. */
async function learn(chainrule, options) {
  const parts = [];
  let name;
  for (const { data, spec, fit } of trainings(chainrule)) {
    for (const seed of seeds) {
      const model = chainrule.sequential({ inputShape: data.inputShape, ...spec, seed }, options);
      name = model.backend;
      const { history } = await model.fit(data.x, data.y, fit);
      parts.push(...Object.values(model.getWeights()), model.predict(data.x));
      for (const values of Object.values(history)) parts.push(Float64Array.from(values));
    }
  }
  return { name, parts };
}

async function digest(parts) {
  const bytes = await new Blob(parts).arrayBuffer();
  const hash = await crypto.subtle.digest('SHA-256', bytes);
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** 'trained' where the fused backend learns nearly what the plain one does, 'refused' where it says no. */
async function tryFused(chainrule, fused, plain) {
  let learnt;
  try {
    learnt = await learn(chainrule, { backend: fused });
  } catch (error) {
    if (!error.message.startsWith('chainrule/fused needs relaxed SIMD')) throw error;
    return 'refused';
  }
  if (learnt.name !== 'fused') throw new Error(`the fused backend calls itself ${learnt.name}`);
  learnt.parts.forEach((part, i) => {
    part.forEach((value, j) => {
      // Chance, data and shapes are the same; thousands of roundings are not.
      if (!(Math.abs(value - plain[i][j]) < 0.05)) {
        throw new Error(`fused: ${value} where the plain backend has ${plain[i][j]}`);
      }
    });
  });
  return 'trained';
}

const sameBits = (a, b) => a.length === b.length && a.every((value, i) => Object.is(value, b[i]));

const quiet = { onWarning() {} };

/** A training that is stopped, goes into a file, and goes on from there on the other backend. */
async function resume({ dense, load, readSnapshot, save, sequential }) {
  const layers = [dense(6, { activation: 'tanh' }), dense(1)];
  const spec = { inputShape: [2], layers, task: 'binary', seed: 5 };
  const [x, y] = [[0, 0, 0, 1, 1, 0, 1, 1].map((v) => v - 0.25), [0, 1, 1, 0]];
  const rows = Float32Array.from(x);
  const stopping = (at) => [{ onBatchEnd: ({ epoch, stop }) => epoch === at && stop() }];
  const options = (at) => ({ epochs: 9, batchSize: 3, callbacks: stopping(at) });
  const whole = sequential(spec, quiet);
  await whole.fit(rows, y, options(-1));
  const { checkpoint } = await sequential(spec, quiet).fit(rows, y, options(4));
  const read = readSnapshot(save(checkpoint));
  const other = load(read, { backend: 'js' });
  await other.fit(rows, y, { ...options(-1), resume: read });
  for (const [name, values] of Object.entries(whole.getWeights())) {
    if (!sameBits(other.getWeights()[name], values))
      throw new Error(`resumed: other bits in ${name}`);
  }
}

/** Weights and models of other libraries, with one dense layer: w [2, 1] = 1, 2 and b = 0.5. */
function fromOthers({ dense }, { fromTfjs, fromPyTorch, fromKeras }) {
  const numbers = new Uint8Array(Float32Array.of(1, 2, 0.5).buffer);
  const config = { name: 'd', units: 1, batch_input_shape: [null, 2] };
  const weights = [
    { name: 'd/kernel', shape: [2, 1], dtype: 'float32' },
    { name: 'd/bias', shape: [1], dtype: 'float32' },
  ];
  const json = {
    modelTopology: {
      class_name: 'Sequential',
      config: { layers: [{ class_name: 'Dense', config }] },
    },
    weightsManifest: [{ paths: ['weights.bin'], weights }],
  };
  const safetensors = (w, b, shape) => {
    const header = new TextEncoder().encode(
      JSON.stringify({
        [w]: { dtype: 'F32', shape, data_offsets: [0, 8] },
        [b]: { dtype: 'F32', shape: [1], data_offsets: [8, 12] },
      }),
    );
    const file = new Uint8Array(8 + header.length + 12);
    file[0] = header.length % 256;
    file[1] = header.length >> 8;
    file.set(header, 8);
    file.set(numbers, 8 + header.length);
    return file;
  };
  const spec = { inputShape: [2], layers: [dense(1)] };
  const models = {
    fromTfjs: fromTfjs(json, numbers, quiet),
    fromPyTorch: fromPyTorch(safetensors('0.weight', '0.bias', [1, 2]), spec, quiet),
    fromKeras: fromKeras(safetensors('dense/kernel', 'dense/bias', [2, 1]), spec, quiet),
  };
  for (const [name, model] of Object.entries(models)) {
    const [y] = model.predict([3, 4]);
    if (y !== 11.5) throw new Error(`${name}: expected 11.5, got ${y}`);
  }
}

/** Models to and from other formats, on the default backend and on plain JavaScript. */
function exchange(chainrule, { toOnnx, fromOnnx, fromBrain, toModule, loadPredictor }) {
  const { dense, save, sequential } = chainrule;
  const layers = [dense(5, { activation: 'gelu' }), dense(2, { activation: 'softmax' })];
  const model = sequential({ inputShape: [3], layers, classes: ['no', 'yes'] }, quiet);
  const x = [0.5, -1, 2];
  const y = model.predict(x);
  for (const options of [{}, { backend: 'js' }]) {
    const again = fromOnnx(toOnnx(model), { ...options, ...quiet });
    if (!sameBits(again.predict(x), y)) throw new Error(`ONNX on ${again.backend}: other bits`);
  }
  for (const backend of [model.backend, 'js']) {
    const predictor = loadPredictor(save(model), backend === 'js' ? { backend } : quiet);
    const same = predictor.backend === backend && sameBits(predictor.predict(x), y);
    if (!same) throw new Error(`predictor on ${predictor.backend}: other bits or backend`);
  }
  const [w, b] = Object.values(
    sequential({ inputShape: [2], layers: [dense(1)] }, quiet).getWeights(),
  );
  const brain = {
    sizes: [2, 1],
    layers: [{}, { weights: [[...w]], biases: [...b] }],
    trainOpts: { activation: 'sigmoid' },
  };
  const [probability] = fromBrain(brain, quiet).predict([1, 1]);
  const expected = 1 / (1 + Math.exp(-(w[0] + w[1] + b[0])));
  if (!(Math.abs(probability - expected) < 1e-6)) throw new Error('brain.js: other predictions');
  if (!toModule(model).includes('export function predict(x)')) throw new Error('toModule: no text');
}

/**
 * 'trained' where a worker learns the bits that this thread does, and a page draws frames meanwhile;
 * 'refused' where there are no workers.
 */
async function tryWorker({ dense, schedules, sequential }, worker) {
  const layers = [dense(64, { activation: 'tanh' }), dense(64, { activation: 'tanh' }), dense(3)];
  const spec = { inputShape: [16], layers, task: 'regression', seed: 3 };
  const x = Float32Array.from({ length: 512 * 16 }, (_, i) => ((i * 37) % 101) / 50 - 1);
  const y = Float32Array.from({ length: 512 * 3 }, (_, i) => ((i * 53) % 97) / 48 - 1);
  let frames = 0;
  let drawing = true;
  const draw = globalThis.requestAnimationFrame;
  // Long enough for a page to draw some frames.
  const options = { epochs: draw ? 200 : 5, learningRate: schedules.cosine() };
  const next = () => {
    frames++;
    if (drawing) draw(next);
  };
  draw?.(next);
  let epochs = 0;
  const there = sequential(spec, quiet);
  try {
    const callbacks = [{ onEpochEnd: () => epochs++ }];
    await there.fit(x, y, { ...options, worker, callbacks });
  } catch (error) {
    if (!error.message.startsWith('worker: no worker can be made here')) throw error;
    return 'refused';
  } finally {
    drawing = false;
  }
  const here = sequential(spec, quiet);
  await here.fit(x, y, options);
  for (const [name, values] of Object.entries(here.getWeights())) {
    if (!sameBits(there.getWeights()[name], values))
      throw new Error(`worker: other bits in ${name}`);
  }
  if (epochs !== options.epochs) throw new Error(`worker: told of ${epochs} epochs`);
  if (draw && frames < 3) throw new Error(`worker: the page has drawn ${frames} frames meanwhile`);
  return 'trained';
}

/**
 * 'trained' where two threads learn the bits of one; 'alone' where this thread may not wait for others,
 * and has the same bits by itself; 'refused' where memory cannot be shared.
 */
async function tryThreads({ dense, sequential }, threads, worker) {
  const layers = [dense(256, { activation: 'relu' }), dense(256, { activation: 'relu' }), dense(3)];
  const spec = { inputShape: [256], layers, task: 'regression', seed: 3 };
  const x = Float32Array.from({ length: 512 * 256 }, (_, i) => ((i * 37) % 101) / 50 - 1);
  const y = Float32Array.from({ length: 512 * 3 }, (_, i) => ((i * 53) % 97) / 48 - 1);
  const one = sequential(spec);
  let several;
  try {
    several = sequential(spec, { backend: threads(2) });
  } catch (error) {
    if (!error.message.startsWith('threads: ')) throw error;
    return 'refused';
  }
  // Others are woken for a list that they share, and for nothing else.
  let woken = 0;
  const { notify } = Atomics;
  Atomics.notify = (...given) => {
    woken++;
    return notify.apply(Atomics, given);
  };
  const fit = { epochs: 4, batchSize: 64 };
  try {
    // Browsers start them while nobody waits.
    for (let part = 0; part < 20; part++) {
      await several.fit(x, y, fit);
      await one.fit(x, y, fit);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    if (worker && globalThis.document) {
      await several.fit(x, y, { ...fit, worker });
      await one.fit(x, y, fit);
    }
  } finally {
    Atomics.notify = notify;
  }
  const weights = several.getWeights();
  for (const [name, values] of Object.entries(one.getWeights())) {
    if (!sameBits(values, weights[name])) throw new Error(`threads: other bits in ${name}`);
  }
  return woken > 0 ? 'trained' : 'alone';
}

/** @returns {Promise<import('./checks.mjs').Outcome>} */
export async function check(chainrule, fused, entries = {}) {
  const { worker, workerAt: _, threads, ThreadError: __, ...formats } = entries;
  if (formats.toOnnx) {
    exchange(chainrule, formats);
    fromOthers(chainrule, formats);
    await resume(chainrule);
  }
  const warnings = [];
  const { name, parts } = await learn(chainrule, {
    onWarning: (warning) => warnings.push(warning),
  });
  const hash = await digest(parts);
  const js = await digest((await learn(chainrule, { backend: 'js' })).parts);
  if (js !== hash) throw new Error(`${name} learns ${hash}, and plain JavaScript ${js}`);
  return {
    hash,
    backend: name,
    warnings,
    fused: fused && (await tryFused(chainrule, fused, parts)),
    worker: worker && (await tryWorker(chainrule, worker)),
    threads: threads && (await tryThreads(chainrule, threads, worker)),
  };
}
