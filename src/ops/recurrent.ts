import { fround, sigmoid, tanh } from '../math.js';
import type { Floats } from './definition.js';
import { denseBackwardInput, denseForward } from './dense.js';

/*
 * Recurrent cells, which walk through the steps of every sequence of a batch.
 *
 * Layout: rows of sequences stand one behind another, row n · steps + t for step t of sequence n:
 * h, c, previous, kept and their kin hold `units` columns [batch · steps][pitch]; gates, dz, dq hold
 * one block of `units` columns after another for each gate [batch · steps][gatePitch]. gates come with
 * the products of the inputs, x·w + b, which one dense kernel has made for all steps, and leave with
 * the gates themselves. u [units][gatePitch] are the recurrent weights. previous takes the h of the
 * step before. `walk` is a table of sizes and ways: see `readWalk`. h0 and c0 [batch][startPitch] are
 * the states before the first step; a startPitch of 0 makes the first row that of all sequences.
 *
 * `step` is room for one step of all sequences: the gradient of its recurrent products
 * [batch][gatePitch], then that of the h before it [batch][pitch], then what else is carried
 * [batch][pitch] each. dy is the gradient of h: of every step where `sequences` says so, else of the last one
 * alone [batch][pitch]. Every `truncate` steps, what a step would hand to the one before is dropped.
 * Padding of what is written is zero up to the next four columns, but for gates.
 *
 * mask [batch][maskPitch] says with 1 and 0 which steps of each sequence count; a maskPitch of 0 makes
 * its first number that of all. A step that does not leaves the state as it is, puts that out, and has a
 * gradient of +0: the gradient of its h goes on to the h before it, whatever the inputs hold there.
 *
 * Order of sums: the inputs' products as in `denseForward`, and those of h likewise, from +0 or from
 * the recurrent biases; then one plus the other. Back: dy, plus what the later step gives, which is in
 * the order of `denseBackwardInput`.
 */

/** How a layer walks: the numbers of its table by name. */
function readWalk(walk: Int32Array) {
  return {
    steps: walk[0]!,
    units: walk[1]!,
    pitch: walk[2]!,
    gatePitch: walk[3]!,
    /** From the last step to the first. */
    backwards: walk[4] === 1,
    /** Whether the states of all steps are put out. */
    sequences: walk[5] === 1,
    /** After how many steps the way back ends. */
    truncate: walk[6]!,
    /** In the simple cell, max(·, 0) in the place of tanh. */
    relu: walk[7] === 1,
  };
}

/** previous[n, t] = h of the step before t in each sequence, and h0 where t is the first. */
function keepPrevious(
  previous: Floats,
  h: Floats,
  h0: Floats,
  t: number,
  before: number,
  first: boolean,
  batch: number,
  steps: number,
  units: number,
  pitch: number,
  startPitch: number,
): void {
  for (let n = 0; n < batch; n++) {
    const to = (n * steps + t) * pitch;
    const from = (n * steps + before) * pitch;
    for (let j = 0; j < units; j++) {
      previous[to + j] = first ? h0[n * startPitch + j]! : h[from + j]!;
    }
  }
}

/** Whether step t of sequence n counts. */
const stepCounts = (mask: Int32Array, n: number, maskPitch: number, t: number) =>
  mask[maskPitch === 0 ? 0 : n * maskPitch + t] === 1;

/** The cell of the step before in sequence n: c0 before the first. */
function cellBefore(
  c: Floats,
  c0: Floats,
  n: number,
  before: number,
  first: boolean,
  steps: number,
  pitch: number,
  startPitch: number,
): Floats {
  return first ? c0.subarray(n * startPitch) : c.subarray((n * steps + before) * pitch);
}

const sigmoidSlope = (d: number, y: number) => fround(d * fround(y * fround(1 - y)));
const tanhSlope = (d: number, y: number) => fround(d * fround(1 - fround(y * y)));

/** What a step that is left out does to a state, [batch · steps] or one of them: it stays. */
function keepState(state: Floats, at: number, before: Floats, from: number, units: number): void {
  for (let j = 0; j < units; j++) state[at + j] = before[from + j]!;
}

/** Past steps that are left out, the gradient of h goes back as it is: dh = direct. */
function passOver(
  dh: Floats,
  direct: Floats,
  mask: Int32Array,
  t: number,
  batch: number,
  maskPitch: number,
  units: number,
  pitch: number,
): void {
  for (let n = 0; n < batch; n++) {
    if (!stepCounts(mask, n, maskPitch, t)) keepState(dh, n * pitch, direct, n * pitch, units);
  }
}

/** The gradient of h at a step: that of its outputs, and what the step after it gives. */
function gradientOfState(
  dy: Floats,
  row: number,
  n: number,
  j: number,
  isLast: boolean,
  pitch: number,
  sequences: boolean,
  carried: number,
): number {
  const own = sequences ? dy[row * pitch + j]! : isLast ? dy[n * pitch + j]! : 0;
  return fround(own + carried);
}

/**
 * The simple cell: h = f(z + previous·u), with f = tanh, or max(·, 0) where `relu` is 1. z may be h.
 * q takes the recurrent products of a step.
 */
export function simpleRnnForward(
  h: Floats,
  previous: Floats,
  q: Floats,
  z: Floats,
  u: Floats,
  zeros: Floats,
  h0: Floats,
  walk: Int32Array,
  mask: Int32Array,
  batch: number,
  maskPitch: number,
  startPitch: number,
): void {
  const { steps, units, pitch, backwards, relu } = readWalk(walk);
  for (let s = 0; s < steps; s++) {
    const t = backwards ? steps - 1 - s : s;
    const before = backwards ? t + 1 : t - 1;
    keepPrevious(previous, h, h0, t, before, s === 0, batch, steps, units, pitch, startPitch);
    const given = previous.subarray(t * pitch);
    const minus = Number.NEGATIVE_INFINITY;
    denseForward(q, given, u, zeros, batch, units, units, steps * pitch, pitch, minus);
    for (let n = 0; n < batch; n++) {
      const row = (n * steps + t) * pitch;
      if (!stepCounts(mask, n, maskPitch, t)) {
        keepState(h, row, previous, row, units);
        continue;
      }
      for (let j = 0; j < units; j++) {
        const sum = fround(z[row + j]! + q[n * pitch + j]!);
        h[row + j] = relu ? (sum < 0 ? 0 : sum) : tanh(sum);
      }
    }
  }
}

/** dz of all steps, from dy. */
export function simpleRnnBackward(
  dz: Floats,
  step: Floats,
  dy: Floats,
  h: Floats,
  u: Floats,
  walk: Int32Array,
  mask: Int32Array,
  batch: number,
  maskPitch: number,
): void {
  const { steps, units, pitch, backwards, sequences, relu, truncate } = readWalk(walk);
  const dh = step.subarray(batch * pitch);
  const direct = step.subarray(2 * batch * pitch);
  dh.fill(0, 0, batch * pitch);
  for (let s = steps - 1; s >= 0; s--) {
    const t = backwards ? steps - 1 - s : s;
    for (let n = 0; n < batch; n++) {
      const row = n * steps + t;
      const counts = stepCounts(mask, n, maskPitch, t);
      for (let j = 0; j < units; j++) {
        const i = n * pitch + j;
        const d = gradientOfState(dy, row, n, j, s === steps - 1, pitch, sequences, dh[i]!);
        if (!counts) {
          dz[row * pitch + j] = step[i] = 0;
          direct[i] = d;
          continue;
        }
        const y = h[row * pitch + j]!;
        dz[row * pitch + j] = step[i] = relu ? (y <= 0 ? 0 : d) : tanhSlope(d, y);
      }
    }
    if (s === 0) break;
    denseBackwardInput(dh, step, u, dh, batch, units, units, pitch, pitch, Number.NaN);
    passOver(dh, direct, mask, t, batch, maskPitch, units, pitch);
    if (s % truncate === 0) dh.fill(0, 0, batch * pitch);
  }
}

/**
 * Long short-term memory (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000).
 * The gates are i, f, g, o in PyTorch's order: with a = z + previous·u,
 *
 * i = σ(aᵢ), f = σ(a_f), g = tanh(a_g), o = σ(a_o); c = f·(c before) + i·g; h = o·tanh(c).
 */
export function lstmForward(
  h: Floats,
  c: Floats,
  gates: Floats,
  previous: Floats,
  q: Floats,
  u: Floats,
  zeros: Floats,
  h0: Floats,
  c0: Floats,
  walk: Int32Array,
  mask: Int32Array,
  batch: number,
  maskPitch: number,
  startPitch: number,
): void {
  const { steps, units, pitch, gatePitch, backwards } = readWalk(walk);
  for (let s = 0; s < steps; s++) {
    const t = backwards ? steps - 1 - s : s;
    const before = backwards ? t + 1 : t - 1;
    keepPrevious(previous, h, h0, t, before, s === 0, batch, steps, units, pitch, startPitch);
    const given = previous.subarray(t * pitch);
    const minus = Number.NEGATIVE_INFINITY;
    denseForward(q, given, u, zeros, batch, units, 4 * units, steps * pitch, gatePitch, minus);
    for (let n = 0; n < batch; n++) {
      const row = n * steps + t;
      const held = cellBefore(c, c0, n, before, s === 0, steps, pitch, startPitch);
      if (!stepCounts(mask, n, maskPitch, t)) {
        keepState(h, row * pitch, previous, row * pitch, units);
        keepState(c, row * pitch, held, 0, units);
        continue;
      }
      for (let j = 0; j < units; j++) {
        const at = row * gatePitch + j;
        const products = n * gatePitch + j;
        const i = sigmoid(fround(gates[at]! + q[products]!));
        const f = sigmoid(fround(gates[at + units]! + q[products + units]!));
        const g = tanh(fround(gates[at + 2 * units]! + q[products + 2 * units]!));
        const o = sigmoid(fround(gates[at + 3 * units]! + q[products + 3 * units]!));
        const cell = fround(fround(f * held[j]!) + fround(i * g));
        gates[at] = i;
        gates[at + units] = f;
        gates[at + 2 * units] = g;
        gates[at + 3 * units] = o;
        c[row * pitch + j] = cell;
        h[row * pitch + j] = fround(o * tanh(cell));
      }
    }
  }
}

/** dz of all steps, from dy. Of the cell, f·dc is carried. */
export function lstmBackward(
  dz: Floats,
  step: Floats,
  dy: Floats,
  gates: Floats,
  c: Floats,
  u: Floats,
  c0: Floats,
  walk: Int32Array,
  mask: Int32Array,
  batch: number,
  maskPitch: number,
  startPitch: number,
): void {
  const { steps, units, pitch, gatePitch, backwards, sequences, truncate } = readWalk(walk);
  const dh = step.subarray(batch * gatePitch);
  const dc = step.subarray(batch * (gatePitch + pitch));
  const direct = step.subarray(batch * (gatePitch + 2 * pitch));
  dh.fill(0, 0, 2 * batch * pitch);
  for (let s = steps - 1; s >= 0; s--) {
    const t = backwards ? steps - 1 - s : s;
    const before = backwards ? t + 1 : t - 1;
    for (let n = 0; n < batch; n++) {
      const row = n * steps + t;
      const counts = stepCounts(mask, n, maskPitch, t);
      const held = cellBefore(c, c0, n, before, s === 0, steps, pitch, startPitch);
      for (let j = 0; j < units; j++) {
        const at = row * gatePitch + j;
        const carried = n * pitch + j;
        const own = n * gatePitch + j;
        const d = gradientOfState(dy, row, n, j, s === steps - 1, pitch, sequences, dh[carried]!);
        if (!counts) {
          for (let k = 0; k < 4 * units; k += units) dz[at + k] = step[own + k] = 0;
          direct[carried] = d;
          continue;
        }
        const i = gates[at]!;
        const f = gates[at + units]!;
        const g = gates[at + 2 * units]!;
        const o = gates[at + 3 * units]!;
        const cell = tanh(c[row * pitch + j]!);
        const dcell = fround(dc[carried]! + tanhSlope(fround(d * o), cell));
        dz[at] = step[own] = sigmoidSlope(fround(dcell * g), i);
        dz[at + units] = step[own + units] = sigmoidSlope(fround(dcell * held[j]!), f);
        dz[at + 2 * units] = step[own + 2 * units] = tanhSlope(fround(dcell * i), g);
        dz[at + 3 * units] = step[own + 3 * units] = sigmoidSlope(fround(d * cell), o);
        dc[carried] = fround(dcell * f);
      }
    }
    if (s === 0) break;
    denseBackwardInput(dh, step, u, dh, batch, units, 4 * units, pitch, gatePitch, Number.NaN);
    passOver(dh, direct, mask, t, batch, maskPitch, units, pitch);
    if (s % truncate === 0) dh.fill(0, 0, 2 * batch * pitch);
  }
}

/**
 * The gated recurrent unit (Cho et al. 2014) in PyTorch's form, with gates r, z, n: with
 * q = previous·u + b₂,
 *
 * r = σ(aᵣ + qᵣ), z = σ(a_z + q_z), n = tanh(aₙ + r·qₙ); h = (1 − z)·n + z·previous.
 *
 * kept takes qₙ of all steps.
 */
export function gruForward(
  h: Floats,
  gates: Floats,
  kept: Floats,
  previous: Floats,
  q: Floats,
  u: Floats,
  b2: Floats,
  h0: Floats,
  walk: Int32Array,
  mask: Int32Array,
  batch: number,
  maskPitch: number,
  startPitch: number,
): void {
  const { steps, units, pitch, gatePitch, backwards } = readWalk(walk);
  for (let s = 0; s < steps; s++) {
    const t = backwards ? steps - 1 - s : s;
    const before = backwards ? t + 1 : t - 1;
    keepPrevious(previous, h, h0, t, before, s === 0, batch, steps, units, pitch, startPitch);
    const given = previous.subarray(t * pitch);
    const minus = Number.NEGATIVE_INFINITY;
    denseForward(q, given, u, b2, batch, units, 3 * units, steps * pitch, gatePitch, minus);
    for (let b = 0; b < batch; b++) {
      const row = b * steps + t;
      if (!stepCounts(mask, b, maskPitch, t)) {
        keepState(h, row * pitch, previous, row * pitch, units);
        continue;
      }
      for (let j = 0; j < units; j++) {
        const at = row * gatePitch + j;
        const products = b * gatePitch + j;
        const r = sigmoid(fround(gates[at]! + q[products]!));
        const z = sigmoid(fround(gates[at + units]! + q[products + units]!));
        const recurrent = q[products + 2 * units]!;
        const n = tanh(fround(gates[at + 2 * units]! + fround(r * recurrent)));
        gates[at] = r;
        gates[at + units] = z;
        gates[at + 2 * units] = n;
        kept[row * pitch + j] = recurrent;
        const held = previous[row * pitch + j]!;
        h[row * pitch + j] = fround(fround(fround(1 - z) * n) + fround(z * held));
      }
    }
  }
}

/** dz, the gradient of the inputs' products, and dq, that of the recurrent ones, from dy. */
export function gruBackward(
  dz: Floats,
  dq: Floats,
  step: Floats,
  dy: Floats,
  gates: Floats,
  kept: Floats,
  previous: Floats,
  u: Floats,
  walk: Int32Array,
  mask: Int32Array,
  batch: number,
  maskPitch: number,
): void {
  const { steps, units, pitch, gatePitch, backwards, sequences, truncate } = readWalk(walk);
  const dh = step.subarray(batch * gatePitch);
  const direct = step.subarray(batch * (gatePitch + pitch));
  dh.fill(0, 0, 2 * batch * pitch);
  for (let s = steps - 1; s >= 0; s--) {
    const t = backwards ? steps - 1 - s : s;
    for (let b = 0; b < batch; b++) {
      const row = b * steps + t;
      const counts = stepCounts(mask, b, maskPitch, t);
      for (let j = 0; j < units; j++) {
        const at = row * gatePitch + j;
        const carried = b * pitch + j;
        const own = b * gatePitch + j;
        const later = fround(dh[carried]! + direct[carried]!);
        const d = gradientOfState(dy, row, b, j, s === steps - 1, pitch, sequences, later);
        if (!counts) {
          for (let k = 0; k < 3 * units; k += units) dz[at + k] = dq[at + k] = step[own + k] = 0;
          direct[carried] = d;
          continue;
        }
        const r = gates[at]!;
        const z = gates[at + units]!;
        const n = gates[at + 2 * units]!;
        const held = previous[row * pitch + j]!;
        const dn = tanhSlope(fround(d * fround(1 - z)), n);
        const dr = sigmoidSlope(fround(dn * kept[row * pitch + j]!), r);
        dz[at] = dq[at] = step[own] = dr;
        const dupdate = sigmoidSlope(fround(d * fround(held - n)), z);
        dz[at + units] = dq[at + units] = step[own + units] = dupdate;
        dz[at + 2 * units] = dn;
        dq[at + 2 * units] = step[own + 2 * units] = fround(dn * r);
        direct[carried] = fround(d * z);
      }
    }
    if (s === 0) break;
    denseBackwardInput(dh, step, u, dh, batch, units, 3 * units, pitch, gatePitch, Number.NaN);
    if (s % truncate === 0) dh.fill(0, 0, 2 * batch * pitch);
  }
}
