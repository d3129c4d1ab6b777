// A dense network in plain JavaScript, as tight as it gets without leaving the language: Float32Array
// storage, sums in registers (blocks of four rows by two units), batches read in place, the SGD
// update fused into the weight gradient, and zeros of the first layer's input skipped where the data
// has many of them. It stands for what a good engineer writes instead of taking a library.

import {
  adamStep,
  biasGradient,
  forward,
  forwardSparse,
  inputGradient,
  relu,
  reluSlope,
  sigmoid,
  sigmoidSlope,
  softmax,
  weightGradient,
  weightGradientSparse,
} from './kernels.mjs';

/** A smaller share of non-zeros takes the sparse first layer: at 784-128-10 both cost the same at a half. */
const sparseBelow = 0.5;

/**
 * A network with its own copy of the initial weights. `density` is the share of non-zeros in x.
 * Returns `layers`, `predict(x, row, rows)` → its output buffer, `trainBatch(x, y, row)`.
 */
export function createNetwork({
  sizes,
  hidden,
  output,
  loss,
  optimizer,
  batch,
  layers,
  density = 1,
}) {
  const sparse = density < sparseBelow;
  const adam = optimizer.type === 'adam';
  const rate = optimizer.learningRate;
  const like = (array) => new Float32Array(array.length);
  const nets = layers.map(({ w, b }, i) => ({
    inputs: sizes[i],
    units: sizes[i + 1],
    w: w.slice(),
    b: b.slice(),
    y: new Float32Array(batch * sizes[i + 1]),
    dz: new Float32Array(batch * sizes[i + 1]),
    activation: i === layers.length - 1 ? output : hidden,
    slots: adam ? [w, b].map((p) => ({ g: like(p), m: like(p), v: like(p) })) : null,
  }));
  const last = nets.length - 1;
  const places = new Int32Array(Math.max(sizes[0], batch));
  let power1 = 1;
  let power2 = 1;

  function predict(x, row, rows) {
    let input = x;
    let start = row * sizes[0];
    for (let i = 0; i <= last; i++) {
      const { w, b, y, inputs, units, activation } = nets[i];
      if (i === 0 && sparse) forwardSparse(y, input, start, w, b, rows, inputs, units, places);
      else forward(y, input, start, w, b, rows, inputs, units);
      if (activation === 'relu') relu(y, rows * units);
      else if (activation === 'sigmoid') sigmoid(y, rows * units);
      else if (activation === 'softmax') softmax(y, rows, units);
      input = y;
      start = 0;
    }
    return input;
  }

  function trainBatch(x, t, row) {
    const y = predict(x, row, batch);
    const top = nets[last];
    const count = batch * top.units;
    for (let i = 0, q = row * top.units; i < count; i++) top.dz[i] = y[i] - t[q + i];
    if (loss === 'squaredError' && output === 'sigmoid') sigmoidSlope(top.dz, y, count);
    if (adam) {
      power1 *= 0.9;
      power2 *= 0.999;
    }
    for (let i = last; i >= 0; i--) {
      const { w, b, dz, inputs, units, slots } = nets[i];
      // First the gradient of the input: the fused step overwrites the weights that it reads.
      if (i > 0) {
        const below = nets[i - 1];
        inputGradient(below.dz, dz, w, batch, inputs, units);
        (hidden === 'relu' ? reluSlope : sigmoidSlope)(below.dz, below.y, batch * inputs);
      }
      const source = i > 0 ? nets[i - 1].y : x;
      const start = i > 0 ? 0 : row * inputs;
      const keep = adam ? 0 : 1;
      const scale = adam ? 1 / batch : -rate / batch;
      const dw = adam ? slots[0].g : w;
      if (i === 0 && sparse)
        weightGradientSparse(dw, keep, scale, source, start, dz, batch, inputs, units, places);
      else weightGradient(dw, keep, scale, source, start, dz, batch, inputs, units);
      biasGradient(adam ? slots[1].g : b, keep, scale, dz, batch, units);
      if (adam) {
        const root = Math.sqrt(1 / (1 - power2));
        adamStep(w, slots[0].g, slots[0].m, slots[0].v, rate / (1 - power1), root);
        adamStep(b, slots[1].g, slots[1].m, slots[1].v, rate / (1 - power1), root);
      }
    }
  }

  return { layers: nets, predict, trainBatch };
}
