// What is measured: architectures, data, initial weights and their order, the same for every peer.
//
// A workload is a plain object:
//   id, title, kind: 'training' | 'inference'
//   sizes      [inputs, …hidden units, outputs]
//   front      what stands before the dense layers, where something does:
//              { type: 'convolution', size, channels, kernel, filters } images of size × size × channels
//                through a convolution for each number of filters, same padding, relu, then the mean
//                of all positions
//              { type: 'recurrence', steps, inputs, units } sequences through an LSTM, then its last step
//   hidden     'relu' | 'sigmoid'          activation of the hidden layers
//   output     'softmax' | 'sigmoid' | 'linear'
//   loss       'crossEntropy' | 'squaredError' (half the sum over outputs), averaged over the batch
//   optimizer  { type: 'sgd' | 'adam', learningRate }; no momentum; Adam with 0.9, 0.999, 1e-8
//   batch      rows of one step (training) or of one call (inference)
//   rows       rows of data; a multiple of batch, so that no batch is short; never shuffled
//   checkSteps steps after which a peer must agree with reference.mjs
// and, once built: x [rows][inputs], y [rows][outputs] (one-hot for classes), labels (classes only),
// layers [{ w [inputs][units], b [units] }], all row-major Float32Array (labels Int32Array), and
// shapes [[inputs, units]] of each w. A convolution is a layer of kernel² × channels inputs (rows and
// columns of the kernel, then channels), an LSTM one of its inputs and then its units as inputs, and
// four times its units, in the order i f g o.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const sgd = (learningRate) => ({ type: 'sgd', learningRate });
const adam = { type: 'adam', learningRate: 0.001 };
const classes = { hidden: 'relu', output: 'softmax', loss: 'crossEntropy' };
const xor = {
  kind: 'training',
  data: 'xor',
  sizes: [2, 3, 1],
  hidden: 'sigmoid',
  output: 'sigmoid',
  loss: 'squaredError',
  rows: 4,
  checkSteps: 40,
  optimizer: sgd(0.5),
};
const wide = {
  ...classes,
  kind: 'training',
  data: 'digits',
  sizes: [784, 512, 512, 10],
  batch: 128,
  rows: 2048,
  checkSteps: 3,
};
const surface = {
  kind: 'training',
  data: 'surface',
  sizes: [16, 64, 64, 1],
  hidden: 'relu',
  output: 'linear',
  loss: 'squaredError',
  batch: 64,
  rows: 1024,
  checkSteps: 12,
};
const images = {
  ...classes,
  data: 'images',
  sizes: [32 * 32 * 3, 16, 32, 10],
  front: { type: 'convolution', size: 32, channels: 3, kernel: 3, filters: [16, 32] },
  batch: 32,
  rows: 128,
  optimizer: sgd(0.1),
};
const sequences = {
  ...classes,
  data: 'sequences',
  sizes: [50 * 64, 64, 10],
  front: { type: 'recurrence', steps: 50, inputs: 64, units: 64 },
  batch: 32,
  rows: 256,
  optimizer: sgd(0.1),
};
const inference = { ...classes, kind: 'inference', optimizer: sgd(0.1), checkSteps: 0 };

export const specs = [
  { ...xor, id: 'W1-b1', title: 'XOR 2-3-1, batch 1', batch: 1 },
  { ...xor, id: 'W1-b4', title: 'XOR 2-3-1, batch 4', batch: 4 },
  {
    ...classes,
    id: 'W2',
    title: 'iris 4-16-3, batch 16',
    kind: 'training',
    data: 'iris',
    sizes: [4, 16, 3],
    batch: 16,
    rows: 144,
    checkSteps: 18,
    optimizer: sgd(0.05),
  },
  {
    ...classes,
    id: 'W3',
    title: 'digits 784-128-10, batch 32',
    kind: 'training',
    data: 'digits',
    sizes: [784, 128, 10],
    batch: 32,
    rows: 4096,
    checkSteps: 8,
    optimizer: sgd(0.1),
  },
  { ...wide, id: 'W4-sgd', title: '784-512-512-10, batch 128, SGD', optimizer: sgd(0.05) },
  { ...wide, id: 'W4-adam', title: '784-512-512-10, batch 128, Adam', optimizer: adam },
  { ...surface, id: 'W5-sgd', title: '16-64-64-1, batch 64, SGD', optimizer: sgd(0.05) },
  { ...surface, id: 'W5-adam', title: '16-64-64-1, batch 64, Adam', optimizer: adam },
  {
    ...inference,
    id: 'I1',
    title: '4-16-3, one row',
    data: 'iris',
    sizes: [4, 16, 3],
    batch: 1,
    rows: 144,
  },
  {
    ...inference,
    id: 'I2',
    title: '784-128-10, one row',
    data: 'digits',
    sizes: [784, 128, 10],
    batch: 1,
    rows: 256,
  },
  {
    ...inference,
    id: 'I3',
    title: '784-128-10, 256 rows',
    data: 'digits',
    sizes: [784, 128, 10],
    batch: 256,
    rows: 256,
  },
  {
    ...inference,
    id: 'I4',
    title: '784-512-512-10, 256 rows',
    data: 'digits',
    sizes: [784, 512, 512, 10],
    batch: 256,
    rows: 256,
  },
  {
    ...images,
    id: 'C1-training',
    title: 'conv 32×32×3 → 16 → 32, batch 32, training',
    kind: 'training',
    checkSteps: 2,
  },
  {
    ...images,
    id: 'C1-inference',
    title: 'conv 32×32×3 → 16 → 32, batch 32, inference',
    kind: 'inference',
    checkSteps: 0,
  },
  {
    ...sequences,
    id: 'R1-training',
    title: 'LSTM 64 → 64, 50 steps, batch 32, training',
    kind: 'training',
    checkSteps: 3,
  },
  {
    ...sequences,
    id: 'R1-inference',
    title: 'LSTM 64 → 64, 50 steps, batch 32, inference',
    kind: 'inference',
    checkSteps: 0,
  },
];

/** [inputs, units] of each layer's weights. */
function shapesOf({ sizes, front }) {
  const dense = (from) => sizes.slice(from, -1).map((size, i) => [size, sizes[from + i + 1]]);
  if (front?.type === 'convolution') {
    const channels = [front.channels, ...front.filters];
    const shapes = front.filters.map((filters, i) => [front.kernel ** 2 * channels[i], filters]);
    return [...shapes, ...dense(front.filters.length)];
  }
  if (front?.type === 'recurrence')
    return [[front.inputs + front.units, 4 * front.units], ...dense(1)];
  return dense(0);
}

/** How many of the layers are the front's. */
export const frontLayers = ({ front }) =>
  front?.type === 'convolution' ? front.filters.length : front ? 1 : 0;

/** A small 32-bit generator (mulberry32): the data must not depend on the engine. */
function generator(seed) {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Nearly normal, from twelve uniforms: no logarithm, whose last bits differ between engines. */
function normal(random) {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += random();
  return sum;
}

const generators = {
  xor(x, y) {
    x.set([0, 0, 0, 1, 1, 0, 1, 1]);
    y.set([0, 1, 1, 0]);
  },

  // Fisher's class means and standard deviations; the real classes overlap, and so do these, so
  // that the loss of a long run never falls to zero and takes the gradients into subnormals.
  iris(x, y, rows, random) {
    const means = [
      [5.006, 3.428, 1.462, 0.246],
      [5.936, 2.77, 4.26, 1.326],
      [6.588, 2.974, 5.552, 2.026],
    ];
    const spreads = [
      [0.352, 0.379, 0.174, 0.105],
      [0.516, 0.314, 0.47, 0.198],
      [0.636, 0.322, 0.552, 0.275],
    ];
    for (let row = 0; row < rows; row++) {
      const label = row % 3;
      for (let k = 0; k < 4; k++) {
        const value = means[label][k] + spreads[label][k] * normal(random);
        x[row * 4 + k] =
          (value - [5.843, 3.057, 3.758, 1.199][k]) / [0.828, 0.436, 1.765, 0.762][k];
      }
      y[row * 3 + label] = 1;
    }
  },

  // A smooth surface inside (0, 1), so that networks whose output is a sigmoid can take part.
  surface(x, y, rows, random) {
    for (let row = 0; row < rows; row++) {
      let sum = 0;
      for (let k = 0; k < 16; k++) {
        const value = 2 * random() - 1;
        x[row * 16 + k] = value;
        sum += k < 8 ? value * value : value;
      }
      y[row] = 0.5 + sum / 16 + 0.02 * normal(random);
    }
  },

  // A stripe pattern per class, in noise.
  images(x, y, rows, random) {
    for (let row = 0; row < rows; row++) {
      const label = row % 10;
      for (let p = 0; p < 32 * 32; p++) {
        const place = (label % 2 ? p % 32 : p >> 5) % (2 + (label >> 1));
        for (let c = 0; c < 3; c++)
          x[row * 3072 + p * 3 + c] =
            (place === 0 ? 1 : -0.25) * (1 - 0.3 * c) + 0.5 * normal(random);
      }
      y[row * 10 + label] = 1;
    }
  },

  // One of ten inputs is raised over the last steps, in noise.
  sequences(x, y, rows, random) {
    for (let row = 0; row < rows; row++) {
      const label = row % 10;
      for (let i = 0; i < 50 * 64; i++) x[row * 3200 + i] = 0.5 * normal(random);
      for (let step = 30; step < 50; step++) x[row * 3200 + step * 64 + label] += 1;
      y[row * 10 + label] = 1;
    }
  },

  digits(x, y, rows, random, mnist) {
    if (mnist) {
      for (let i = 0; i < rows * 784; i++) x[i] = mnist.images[i] / 255;
      for (let row = 0; row < rows; row++) y[row * 10 + mnist.labels[row]] = 1;
      return;
    }
    // A blob per class on a dark ground: about 19 % of the pixels are not zero, as in MNIST.
    for (let row = 0; row < rows; row++) {
      const label = Math.floor(random() * 10);
      const cx = 9 + (label % 4) * 3.3 + normal(random);
      const cy = 9 + Math.floor(label / 4) * 5 + normal(random);
      for (let p = 0; p < 784; p++) {
        const distance = ((p % 28) - cx) ** 2 + (Math.floor(p / 28) - cy) ** 2;
        if (distance < 49 && random() < 0.97)
          x[row * 784 + p] = (1 + Math.floor(random() * 255)) / 255;
      }
      y[row * 10 + label] = 1;
    }
  },
};

/** MNIST from $MNIST_DIR or from a data folder beside the repository, where there is one. */
export function findMnist() {
  const besides = fileURLToPath(new URL('../../../shared/data/', import.meta.url));
  for (const folder of [process.env.MNIST_DIR, besides]) {
    if (!folder || !existsSync(join(folder, 'mnist-10k.images.u8'))) continue;
    return {
      images: readFileSync(join(folder, 'mnist-10k.images.u8')),
      labels: readFileSync(join(folder, 'mnist-10k.labels.u8')),
    };
  }
  return null;
}

/** Fills in data and initial weights. */
export function build(spec, mnist = null) {
  const { sizes, rows } = spec;
  const outputs = sizes.at(-1);
  const x = new Float32Array(rows * sizes[0]);
  const y = new Float32Array(rows * outputs);
  generators[spec.data](x, y, rows, generator(1), mnist);
  const labels = spec.output === 'softmax' ? new Int32Array(rows) : undefined;
  if (labels)
    for (let i = 0; i < y.length; i++)
      if (y[i] === 1) labels[Math.floor(i / outputs)] = i % outputs;
  const random = generator(2);
  const shapes = shapesOf(spec);
  const layers = shapes.map(([inputs, units]) => {
    // Glorot's bound; biases are not zero, so that a peer which drops them is found out.
    const bound = Math.sqrt(6 / (inputs + units));
    return {
      w: Float32Array.from({ length: inputs * units }, () => bound * (2 * random() - 1)),
      b: Float32Array.from({ length: units }, () => 0.1 * (random() - 0.5)),
    };
  });
  return { ...spec, shapes, x, y, labels, layers };
}

const arrays = ({ x, y, labels, layers }) => ({
  'x.f32': x,
  'y.f32': y,
  ...(labels && { 'labels.i32': labels }),
  ...Object.fromEntries(
    layers.flatMap(({ w, b }, i) => [
      [`w${i}.f32`, w],
      [`b${i}.f32`, b],
    ]),
  ),
});

/** Writes a workload as JSON and raw little-endian arrays, which C and Python read as they are. */
export function save(folder, workload) {
  const { x, y, labels, layers, ...spec } = workload;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'workload.json'), JSON.stringify(spec));
  for (const [file, array] of Object.entries(arrays(workload)))
    writeFileSync(join(folder, file), array);
}

export function readArray(file, Type = Float32Array) {
  const bytes = readFileSync(file);
  return new Type(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

/** Reads what `save` wrote; `folder` is kept for peers that are processes of their own. */
export function load(folder) {
  const spec = JSON.parse(readFileSync(join(folder, 'workload.json'), 'utf8'));
  const read = (name, Type) => readArray(join(folder, name), Type);
  return {
    ...spec,
    folder,
    x: read('x.f32'),
    y: read('y.f32'),
    labels: spec.output === 'softmax' ? read('labels.i32', Int32Array) : undefined,
    layers: spec.shapes.map((_, i) => ({ w: read(`w${i}.f32`), b: read(`b${i}.f32`) })),
  };
}

/** Row `i` of a flat row-major array, as a view. */
export const row = (array, width, i) => array.subarray(i * width, (i + 1) * width);
