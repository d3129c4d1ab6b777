// The readable truth: a network in float64, one row at a time. Peers must agree with it. What may
// stand before the dense layers is in fronts.mjs.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fronts } from './fronts.mjs';
import { frontLayers, readArray } from './workloads.mjs';

const activations = {
  relu: { value: (z) => (z > 0 ? z : 0), slope: (y) => (y > 0 ? 1 : 0) },
  leakyRelu: { value: (z) => (z > 0 ? z : 0.001 * z), slope: (y) => (y > 0 ? 1 : 0.001) },
  sigmoid: { value: (z) => 1 / (1 + Math.exp(-z)), slope: (y) => y * (1 - y) },
  linear: { value: (z) => z, slope: () => 1 },
  // Only ever the output of a cross-entropy, whose derivative by z is taken as a whole.
  softmax: { value: (z) => z, slope: () => 1 },
};

function softmax(z) {
  const top = Math.max(...z);
  const powers = z.map((value) => Math.exp(value - top));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((value) => value / sum);
}

/**
 * Activations of every dense layer for one row, before them those of the front, or the row itself;
 * `trace` is what the front keeps for its way back.
 */
function forward(workload, layers, x, row) {
  const { sizes, hidden, output, front } = workload;
  const given = Float64Array.from(x.subarray(row * sizes[0], (row + 1) * sizes[0]));
  const trace = front && fronts[front.type].forward(front, layers, given);
  const values = [trace ? trace.features : given];
  const dense = layers.slice(frontLayers(workload));
  dense.forEach(({ w, b }, i) => {
    const z = Float64Array.from(b);
    const units = z.length;
    values[i].forEach((value, k) => {
      if (value !== 0) for (let j = 0; j < units; j++) z[j] += value * w[k * units + j];
    });
    const last = i === dense.length - 1;
    values.push(
      last && output === 'softmax' ? softmax(z) : z.map(activations[last ? output : hidden].value),
    );
  });
  return { values, trace };
}

/**
 * Adds the gradients of one row to `gradients`, from the last layer down. `afterLayer(i)` is called
 * between a layer's own gradients and those of its input, which read its weights.
 */
function backward(workload, layers, { values, trace }, row, gradients, afterLayer) {
  const { front } = workload;
  const below = frontLayers(workload);
  const outputs = values.at(-1);
  let delta = outputs.map((value, j) => value - workload.y[row * outputs.length + j]);
  if (workload.loss === 'squaredError') {
    delta = delta.map((value, j) => value * activations[workload.output].slope(outputs[j]));
  }
  for (let i = layers.length - 1; i >= below; i--) {
    const { w } = layers[i];
    const { dw, db } = gradients[i];
    const units = delta.length;
    const inputs = values[i - below];
    const { slope } = activations[i > below ? workload.hidden : 'linear'];
    for (let j = 0; j < units; j++) db[j] += delta[j];
    inputs.forEach((value, k) => {
      if (value !== 0) for (let j = 0; j < units; j++) dw[k * units + j] += value * delta[j];
    });
    afterLayer?.(i);
    delta = inputs.map((value, k) => {
      let sum = 0;
      for (let j = 0; j < units; j++) sum += w[k * units + j] * delta[j];
      return sum * slope(value);
    });
  }
  if (front) fronts[front.type].backward(front, layers, trace, delta, gradients);
}

/**
 * SGD, Adam or brain.js's RMSProp. Two habits of libraries are options: no correction of the averages' bias, and an
 * epsilon added before the correction (the "epsilon hat" of the paper) instead of after it.
 */
function update(optimizer, parameter, gradient, state, step, batch) {
  const { type, learningRate, biasCorrection = true, epsilonHat = false } = optimizer;
  const scale1 = biasCorrection ? 1 - 0.9 ** step : 1;
  const scale2 = Math.sqrt(biasCorrection ? 1 - 0.999 ** step : 1);
  const epsilon = 1e-8 * (epsilonHat ? 1 : scale2);
  for (let i = 0; i < parameter.length; i++) {
    const g = gradient[i] / batch;
    if (type === 'sgd') {
      parameter[i] -= learningRate * g;
      continue;
    }
    if (type === 'rmsprop') {
      state.v[i] = 0.999 * state.v[i] + 0.001 * g * g;
      parameter[i] -= (learningRate * g) / Math.sqrt(state.v[i] + 1e-8);
      continue;
    }
    state.m[i] = 0.9 * state.m[i] + 0.1 * g;
    state.v[i] = 0.999 * state.v[i] + 0.001 * g * g;
    parameter[i] -=
      ((learningRate / scale1) * scale2 * state.m[i]) / (Math.sqrt(state.v[i]) + epsilon);
  }
}

/**
 * Weights after training on `rowsSeen` rows, in order and round again, in batches of `workload.batch`.
 * Some libraries update a layer before they send the error through it to the layer below: not the
 * gradient of the loss, but near it at small rates. `updatesFirst` reproduces that.
 */
export function train(workload, rowsSeen) {
  const layers = workload.layers.map(({ w, b }) => ({
    w: Float64Array.from(w),
    b: Float64Array.from(b),
  }));
  const slots = layers.map(({ w, b }) =>
    [w, b].map((p) => ({ m: new Float64Array(p.length), v: new Float64Array(p.length) })),
  );
  let seen = 0;
  for (let step = 1; seen < rowsSeen; step++) {
    const gradients = layers.map(({ w, b }) => ({
      dw: new Float64Array(w.length),
      db: new Float64Array(b.length),
    }));
    const apply = (i) => {
      update(workload.optimizer, layers[i].w, gradients[i].dw, slots[i][0], step, workload.batch);
      update(workload.optimizer, layers[i].b, gradients[i].db, slots[i][1], step, workload.batch);
    };
    for (let left = workload.batch; left > 0; left--, seen++) {
      const row = seen % workload.rows;
      const passed = forward(workload, layers, workload.x, row);
      const early = left === 1 && workload.updatesFirst;
      backward(workload, layers, passed, row, gradients, early ? apply : undefined);
    }
    if (!workload.updatesFirst) for (let i = 0; i < layers.length; i++) apply(i);
  }
  return layers;
}

/** Outputs of the first `rows` rows, flat. */
export function predict(workload, layers, rows) {
  const outputs = new Float64Array(rows * workload.sizes.at(-1));
  for (let row = 0; row < rows; row++) {
    const { values } = forward(workload, layers, workload.x, row);
    outputs.set(values.at(-1), row * workload.sizes.at(-1));
  }
  return outputs;
}

/** The workload's loss, averaged over rows, from flat outputs. */
export function lossOf(workload, outputs) {
  let sum = 0;
  for (let i = 0; i < outputs.length; i++) {
    const [p, t] = [outputs[i], workload.y[i]];
    if (workload.loss === 'squaredError') sum += 0.5 * (p - t) ** 2;
    else if (t > 0) sum -= t * Math.log(Math.max(p, 1e-12));
    if (workload.loss === 'binaryCrossEntropy' && t < 1)
      sum -= (1 - t) * Math.log(Math.max(1 - p, 1e-12));
  }
  return sum / (outputs.length / workload.sizes.at(-1));
}

const norm = (values) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));

// Float32 against float64, in any order of additions, stays within some 1e-5 of the distance that
// the weights have moved; a forgotten bias, rate, mean or slope shows as 10 % or more. Adam's first
// steps are signs of gradients, and signs of gradients near zero may differ.
const tolerance = 0.02;

/** What a peer must reproduce, plain data. `variant` is the workload as that peer can do it. */
export function expectation(workload, variant = {}) {
  const task = { ...workload, ...variant };
  // A check of training looks at some rows, a check of inference at those of the first call.
  const rows = workload.kind === 'training' ? Math.min(64, workload.rows) : workload.batch;
  const layers = train(task, workload.checkSteps * workload.batch);
  return {
    rows,
    layers,
    outputs: predict(task, layers, rows),
    startLoss: lossOf(task, predict(task, workload.layers, rows)),
  };
}

/** Keeps the expectation of the plain workload beside it: it is the same for most peers. */
export function saveExpectation(folder, { rows, startLoss, layers, outputs }) {
  writeFileSync(join(folder, 'expected.json'), JSON.stringify({ rows, startLoss }));
  const all = [...layers.flatMap(({ w, b }) => [w, b]), outputs];
  const flat = new Float64Array(all.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of all) {
    flat.set(part, at);
    at += part.length;
  }
  writeFileSync(join(folder, 'expected.f64'), flat);
}

export function loadExpectation(folder, workload) {
  const flat = readArray(join(folder, 'expected.f64'), Float64Array);
  let at = 0;
  const layers = workload.layers.map(({ w, b }) => ({
    w: flat.subarray(at, (at += w.length)),
    b: flat.subarray(at, (at += b.length)),
  }));
  return {
    ...JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')),
    layers,
    outputs: flat.subarray(at),
  };
}

/** A result that is not the expected one, as opposed to a failure. */
export class Disagreement extends Error {}

/** Throws where outputs or weights (when readable) are not the expected ones; else the figures. */
export function agree(workload, variant, expected, outputs, layers) {
  const task = { ...workload, ...variant };
  const loss = lossOf(task, outputs);
  const expectedLoss = lossOf(task, expected.outputs);
  const errors = [];
  if (
    !(
      Math.abs(loss - expectedLoss) <=
      tolerance * Math.abs(expected.startLoss - expectedLoss) + 1e-5
    )
  ) {
    errors.push(`loss ${loss.toPrecision(4)}, should be ${expectedLoss.toPrecision(4)}`);
  }
  layers?.forEach(({ w, b }, i) => {
    for (const [name, actual, target, start] of [
      ['weights', w, expected.layers[i].w, workload.layers[i].w],
      ['biases', b, expected.layers[i].b, workload.layers[i].b],
    ]) {
      const moved = norm(target.map((value, j) => value - start[j]));
      const off = norm(target.map((value, j) => value - actual[j]));
      if (off <= tolerance * moved + 1e-6) continue;
      errors.push(
        `${name} of layer ${i} off by ${((100 * off) / moved).toPrecision(2)} % of their change`,
      );
    }
  });
  if (errors.length) throw new Disagreement(errors.join(', '));
  return { loss, expectedLoss, weights: layers ? 'compared' : 'not readable' };
}

/** Throws where the outputs of an inference are not the expected ones. */
export function agreeOutputs(expected, outputs) {
  let off = outputs.length === expected.length ? 0 : Number.NaN;
  for (let i = 0; i < expected.length; i++) off = Math.max(off, Math.abs(expected[i] - outputs[i]));
  if (!(off <= 1e-4)) throw new Disagreement(`outputs off by ${off.toPrecision(3)}`);
  return { outputsOff: off };
}
