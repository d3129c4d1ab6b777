// The test that every runtime runs: the same trainings from the same seeds, and one SHA-256 of all
// that they learnt. It is handed the package, since runtimes differ in how they import it.

/** Trainings that between them go through wide and narrow layers, and through most of chance. */
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

/** @returns {Promise<import('./checks.mjs').Outcome>} */
export async function check(chainrule, fused, formats) {
  if (formats) exchange(chainrule, formats);
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
  };
}
