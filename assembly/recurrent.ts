import { denseBackwardInput, denseForward } from './dense';
import { sigmoid, tanh } from './internal/math';
import { laneMask, multiplyAdd, splatAt } from './internal/simd';

/*
 * See src/ops/recurrent.ts for the formulas, the layout, the table of how to walk and the order of
 * every sum. A gate begins anywhere in a vector: loads run over into what stands behind it, stores do
 * not.
 */

const ONE = memory.data<f32>([1]);

/** The first `lanes` lanes, all of them from 4 on. */
// @ts-ignore: decorator
@inline
function storeLanes(to: usize, v: v128, lanes: i32): void {
  if (lanes >= 4) {
    v128.store(to, v);
    return;
  }
  v128.store32_lane(to, v, 0);
  if (lanes > 1) v128.store32_lane(to, v, 1, 4);
  if (lanes > 2) v128.store32_lane(to, v, 2, 8);
}

/** Zeros behind `columns` numbers of a row, up to the next four. */
// @ts-ignore: decorator
@inline
function closeRow(row: usize, columns: i32): void {
  for (let j = columns; j & 3; ++j) store<f32>(row + (<usize>j << 2), 0);
}

/** d · y · (1 − y) */
// @ts-ignore: decorator
@inline
function sigmoidSlope(d: v128, y: v128): v128 {
  return f32x4.mul(d, f32x4.mul(y, f32x4.sub(splatAt(ONE), y)));
}

/** d · (1 − y²) */
// @ts-ignore: decorator
@inline
function tanhSlope(d: v128, y: v128): v128 {
  return f32x4.mul(d, f32x4.sub(splatAt(ONE), f32x4.mul(y, y)));
}

/** The vector at `p`, or zeros where there is none. */
// @ts-ignore: decorator
@inline
function loadIf(there: bool, p: usize): v128 {
  return there ? v128.load(p) : f32x4.splat(0);
}

/** Zeros in so many bytes, a multiple of 16. */
function clear(from: usize, bytes: usize): void {
  const end = from + bytes;
  do {
    v128.store(from, f32x4.splat(0));
    from += 16;
  } while (from != end);
}

function keepPrevious(
  previous: usize, h: usize, h0: usize, t: i32, before: i32, first: bool, batch: i32, steps: i32,
  units: i32, pitch: i32, startPitch: i32,
): void {
  const stride = <usize>(steps * pitch) << 2;
  let to = previous + (<usize>(t * pitch) << 2);
  let from = first ? h0 : h + (<usize>(before * pitch) << 2);
  const fromStride = first ? <usize>startPitch << 2 : stride;
  do {
    keepState(to, from, units);
    to += stride;
    from += fromStride;
  } while (--batch);
}

/** The cell of the step before in sequence n: c0 before the first. */
// @ts-ignore: decorator
@inline
function cellBefore(
  c: usize, c0: usize, n: i32, before: i32, first: bool, steps: i32, pitch: i32, startPitch: i32,
): usize {
  return first
    ? c0 + (<usize>(n * startPitch) << 2)
    : c + (<usize>((n * steps + before) * pitch) << 2);
}

/** Whether step t of sequence n counts. */
// @ts-ignore: decorator
@inline
function counts(mask: usize, n: i32, maskPitch: i32, t: i32): bool {
  return load<i32>(mask + (maskPitch ? <usize>(n * maskPitch + t) << 2 : 0)) != 0;
}

/** A state that stays as it was, in whole vectors. */
function keepState(to: usize, from: usize, units: i32): void {
  const bytes = <usize>((units + 3) & -4) << 2;
  let at: usize = 0;
  do {
    v128.store(to + at, v128.load(from + at));
    at += 16;
  } while (at != bytes);
}

function passOver(
  dh: usize, direct: usize, mask: usize, t: i32, batch: i32, maskPitch: i32, units: i32, pitch: i32,
): void {
  for (let n = 0; n < batch; ++n) {
    const own = <usize>(n * pitch) << 2;
    if (!counts(mask, n, maskPitch, t)) keepState(dh + own, direct + own, units);
  }
}

/** The gradient of h, four units of it: see the twin. `place` is theirs in a row, in bytes. */
// @ts-ignore: decorator
@inline
function gradientOfState(
  dy: usize, row: i32, n: i32, place: usize, isLast: bool, pitch: i32, sequences: i32, carried: v128,
): v128 {
  const at = <usize>((sequences ? row : n) * pitch) << 2;
  return f32x4.add(loadIf(sequences != 0 || isLast, dy + at + place), carried);
}

export function simpleRnnForward(
  h: usize, previous: usize, q: usize, z: usize, u: usize, zeros: usize, h0: usize, walk: usize,
  mask: usize, batch: i32, maskPitch: i32, startPitch: i32,
): void {
  const steps = load<i32>(walk), units = load<i32>(walk, 4), pitch = load<i32>(walk, 8);
  const backwards = load<i32>(walk, 16), relu = load<i32>(walk, 28);
  for (let s = 0; s < steps; ++s) {
    const t = backwards ? steps - 1 - s : s;
    const before = backwards ? t + 1 : t - 1;
    keepPrevious(previous, h, h0, t, before, s == 0, batch, steps, units, pitch, startPitch);
    const given = previous + (<usize>(t * pitch) << 2);
    denseForward(q, given, u, zeros, batch, units, units, steps * pitch, pitch, -Infinity);
    for (let n = 0; n < batch; ++n) {
      const row = <usize>((n * steps + t) * pitch) << 2;
      if (!counts(mask, n, maskPitch, t)) {
        keepState(h + row, previous + row, units);
        continue;
      }
      const products = q + (<usize>(n * pitch) << 2);
      for (let j = 0; j < units; j += 4) {
        const place = <usize>j << 2;
        const sum = f32x4.add(v128.load(z + row + place), v128.load(products + place));
        const y = relu ? v128.andnot(sum, f32x4.lt(sum, f32x4.splat(0))) : tanh(sum);
        v128.store(h + row + place, v128.and(y, laneMask(units - j)));
      }
    }
  }
}

export function simpleRnnBackward(
  dz: usize, step: usize, dy: usize, h: usize, u: usize, walk: usize, mask: usize, batch: i32,
  maskPitch: i32,
): void {
  const steps = load<i32>(walk), units = load<i32>(walk, 4), pitch = load<i32>(walk, 8);
  const backwards = load<i32>(walk, 16), sequences = load<i32>(walk, 20);
  const truncate = load<i32>(walk, 24), relu = load<i32>(walk, 28);
  const rowBytes = <usize>pitch << 2;
  const dh = step + <usize>batch * rowBytes;
  const direct = dh + <usize>batch * rowBytes;
  clear(dh, <usize>batch * rowBytes);
  for (let s = steps - 1; s >= 0; --s) {
    const t = backwards ? steps - 1 - s : s;
    for (let n = 0; n < batch; ++n) {
      const row = n * steps + t;
      const at = <usize>row * rowBytes;
      const own = <usize>n * rowBytes;
      const counted = counts(mask, n, maskPitch, t);
      for (let j = 0; j < units; j += 4) {
        const place = <usize>j << 2;
        const carried = v128.load(dh + own + place);
        const last = s == steps - 1;
        const d = gradientOfState(dy, row, n, place, last, pitch, sequences, carried);
        if (!counted) {
          v128.store(dz + at + place, f32x4.splat(0));
          v128.store(step + own + place, f32x4.splat(0));
          v128.store(direct + own + place, v128.and(d, laneMask(units - j)));
          continue;
        }
        const y = v128.load(h + at + place);
        const slope = relu ? v128.andnot(d, f32x4.le(y, f32x4.splat(0))) : tanhSlope(d, y);
        const masked = v128.and(slope, laneMask(units - j));
        v128.store(dz + at + place, masked);
        v128.store(step + own + place, masked);
      }
    }
    if (s == 0) break;
    denseBackwardInput(dh, step, u, dh, batch, units, units, pitch, pitch, NaN);
    passOver(dh, direct, mask, t, batch, maskPitch, units, pitch);
    if (s % truncate == 0) clear(dh, <usize>batch * rowBytes);
  }
}

export function lstmForward(
  h: usize, c: usize, gates: usize, previous: usize, q: usize, u: usize, zeros: usize, h0: usize,
  c0: usize, walk: usize, mask: usize, batch: i32, maskPitch: i32, startPitch: i32,
): void {
  const steps = load<i32>(walk), units = load<i32>(walk, 4), pitch = load<i32>(walk, 8);
  const gatePitch = load<i32>(walk, 12), backwards = load<i32>(walk, 16);
  const gate = <usize>units << 2;
  for (let s = 0; s < steps; ++s) {
    const t = backwards ? steps - 1 - s : s;
    const before = backwards ? t + 1 : t - 1;
    keepPrevious(previous, h, h0, t, before, s == 0, batch, steps, units, pitch, startPitch);
    const given = previous + (<usize>(t * pitch) << 2);
    denseForward(q, given, u, zeros, batch, units, 4 * units, steps * pitch, gatePitch, -Infinity);
    for (let n = 0; n < batch; ++n) {
      const row = n * steps + t;
      const cell = <usize>(row * pitch) << 2;
      const heldAt = cellBefore(c, c0, n, before, s == 0, steps, pitch, startPitch);
      if (!counts(mask, n, maskPitch, t)) {
        keepState(h + cell, previous + cell, units);
        keepState(c + cell, heldAt, units);
        continue;
      }
      for (let j = 0; j < units; j += 4) {
        const place = <usize>j << 2;
        const at = gates + (<usize>(row * gatePitch) << 2) + place;
        const products = q + (<usize>(n * gatePitch) << 2) + place;
        const at1 = at + gate, at2 = at1 + gate, at3 = at2 + gate;
        const q1 = products + gate, q2 = q1 + gate, q3 = q2 + gate;
        const i = sigmoid(f32x4.add(v128.load(at), v128.load(products)));
        const f = sigmoid(f32x4.add(v128.load(at1), v128.load(q1)));
        const g = tanh(f32x4.add(v128.load(at2), v128.load(q2)));
        const o = sigmoid(f32x4.add(v128.load(at3), v128.load(q3)));
        const held = v128.load(heldAt + place);
        const next = multiplyAdd(i, g, f32x4.mul(f, held));
        const lanes = units - j;
        storeLanes(at, i, lanes);
        storeLanes(at1, f, lanes);
        storeLanes(at2, g, lanes);
        storeLanes(at3, o, lanes);
        const mask = laneMask(lanes);
        v128.store(c + cell + place, v128.and(next, mask));
        v128.store(h + cell + place, v128.and(f32x4.mul(o, tanh(next)), mask));
      }
    }
  }
}

export function lstmBackward(
  dz: usize, step: usize, dy: usize, gates: usize, c: usize, u: usize, c0: usize, walk: usize,
  mask: usize, batch: i32, maskPitch: i32, startPitch: i32,
): void {
  const steps = load<i32>(walk), units = load<i32>(walk, 4), pitch = load<i32>(walk, 8);
  const gatePitch = load<i32>(walk, 12), backwards = load<i32>(walk, 16);
  const sequences = load<i32>(walk, 20), truncate = load<i32>(walk, 24);
  const gate = <usize>units << 2;
  const rowBytes = <usize>pitch << 2, gateBytes = <usize>gatePitch << 2;
  const dh = step + <usize>batch * gateBytes;
  const dc = dh + <usize>batch * rowBytes;
  const direct = dc + <usize>batch * rowBytes;
  clear(dh, 2 * <usize>batch * rowBytes);
  for (let s = steps - 1; s >= 0; --s) {
    const t = backwards ? steps - 1 - s : s;
    const before = backwards ? t + 1 : t - 1;
    for (let n = 0; n < batch; ++n) {
      const row = n * steps + t;
      const at = <usize>row * gateBytes, own = <usize>n * gateBytes;
      const cell = c + <usize>row * rowBytes;
      const heldAt = cellBefore(c, c0, n, before, s == 0, steps, pitch, startPitch);
      const counted = counts(mask, n, maskPitch, t);
      if (!counted) {
        clear(dz + at, gate << 2);
        clear(step + own, gate << 2);
      }
      for (let j = 0; j < units; j += 4) {
        const place = <usize>j << 2;
        const carried = <usize>n * rowBytes + place;
        const last = s == steps - 1;
        const later = v128.load(dh + carried);
        const d = gradientOfState(dy, row, n, place, last, pitch, sequences, later);
        if (!counted) {
          v128.store(direct + carried, v128.and(d, laneMask(units - j)));
          continue;
        }
        const from = gates + at + place;
        const i = v128.load(from), f = v128.load(from + gate);
        const g = v128.load(from + 2 * gate), o = v128.load(from + 3 * gate);
        const y = tanh(v128.load(cell + place));
        const dcell = f32x4.add(v128.load(dc + carried), tanhSlope(f32x4.mul(d, o), y));
        const held = v128.load(heldAt + place);
        const di = sigmoidSlope(f32x4.mul(dcell, g), i);
        const df = sigmoidSlope(f32x4.mul(dcell, held), f);
        const dg = tanhSlope(f32x4.mul(dcell, i), g);
        const dout = sigmoidSlope(f32x4.mul(d, y), o);
        const lanes = units - j;
        const to = dz + at + place, stepTo = step + own + place;
        storeLanes(to, di, lanes);
        storeLanes(to + gate, df, lanes);
        storeLanes(to + 2 * gate, dg, lanes);
        storeLanes(to + 3 * gate, dout, lanes);
        storeLanes(stepTo, di, lanes);
        storeLanes(stepTo + gate, df, lanes);
        storeLanes(stepTo + 2 * gate, dg, lanes);
        storeLanes(stepTo + 3 * gate, dout, lanes);
        v128.store(dc + carried, v128.and(f32x4.mul(dcell, f), laneMask(lanes)));
      }
    }
    if (s == 0) break;
    denseBackwardInput(dh, step, u, dh, batch, units, 4 * units, pitch, gatePitch, NaN);
    passOver(dh, direct, mask, t, batch, maskPitch, units, pitch);
    if (s % truncate == 0) clear(dh, 2 * <usize>batch * rowBytes);
  }
}

export function gruForward(
  h: usize, gates: usize, kept: usize, previous: usize, q: usize, u: usize, b2: usize, h0: usize,
  walk: usize, mask: usize, batch: i32, maskPitch: i32, startPitch: i32,
): void {
  const steps = load<i32>(walk), units = load<i32>(walk, 4), pitch = load<i32>(walk, 8);
  const gatePitch = load<i32>(walk, 12), backwards = load<i32>(walk, 16);
  const gate = <usize>units << 2;
  for (let s = 0; s < steps; ++s) {
    const t = backwards ? steps - 1 - s : s;
    const before = backwards ? t + 1 : t - 1;
    keepPrevious(previous, h, h0, t, before, s == 0, batch, steps, units, pitch, startPitch);
    const given = previous + (<usize>(t * pitch) << 2);
    denseForward(q, given, u, b2, batch, units, 3 * units, steps * pitch, gatePitch, -Infinity);
    for (let b = 0; b < batch; ++b) {
      const row = b * steps + t;
      const state = <usize>(row * pitch) << 2;
      if (!counts(mask, b, maskPitch, t)) {
        keepState(h + state, previous + state, units);
        continue;
      }
      for (let j = 0; j < units; j += 4) {
        const place = <usize>j << 2;
        const at = gates + (<usize>(row * gatePitch) << 2) + place;
        const products = q + (<usize>(b * gatePitch) << 2) + place;
        const at1 = at + gate, at2 = at1 + gate;
        const r = sigmoid(f32x4.add(v128.load(at), v128.load(products)));
        const z = sigmoid(f32x4.add(v128.load(at1), v128.load(products + gate)));
        const recurrent = v128.load(products + 2 * gate);
        const n = tanh(multiplyAdd(r, recurrent, v128.load(at2)));
        const lanes = units - j;
        const mask = laneMask(lanes);
        storeLanes(at, r, lanes);
        storeLanes(at1, z, lanes);
        storeLanes(at2, n, lanes);
        v128.store(kept + state + place, v128.and(recurrent, mask));
        const held = v128.load(previous + state + place);
        const fresh = f32x4.mul(f32x4.sub(splatAt(ONE), z), n);
        v128.store(h + state + place, v128.and(multiplyAdd(z, held, fresh), mask));
      }
    }
  }
}

export function gruBackward(
  dz: usize, dq: usize, step: usize, dy: usize, gates: usize, kept: usize, previous: usize,
  u: usize, walk: usize, mask: usize, batch: i32, maskPitch: i32,
): void {
  const steps = load<i32>(walk), units = load<i32>(walk, 4), pitch = load<i32>(walk, 8);
  const gatePitch = load<i32>(walk, 12), backwards = load<i32>(walk, 16);
  const sequences = load<i32>(walk, 20), truncate = load<i32>(walk, 24);
  const gate = <usize>units << 2;
  const rowBytes = <usize>pitch << 2, gateBytes = <usize>gatePitch << 2;
  const dh = step + <usize>batch * gateBytes;
  const direct = dh + <usize>batch * rowBytes;
  clear(dh, 2 * <usize>batch * rowBytes);
  for (let s = steps - 1; s >= 0; --s) {
    const t = backwards ? steps - 1 - s : s;
    for (let b = 0; b < batch; ++b) {
      const row = b * steps + t;
      const at = <usize>row * gateBytes, own = <usize>b * gateBytes;
      const state = <usize>row * rowBytes;
      const counted = counts(mask, b, maskPitch, t);
      if (!counted) {
        const bytes = <usize>((3 * units + 3) & -4) << 2;
        clear(dz + at, bytes);
        clear(dq + at, bytes);
        clear(step + own, bytes);
      }
      for (let j = 0; j < units; j += 4) {
        const place = <usize>j << 2;
        const carried = <usize>b * rowBytes + place;
        const later = f32x4.add(v128.load(dh + carried), v128.load(direct + carried));
        const last = s == steps - 1;
        const d = gradientOfState(dy, row, b, place, last, pitch, sequences, later);
        if (!counted) {
          v128.store(direct + carried, v128.and(d, laneMask(units - j)));
          continue;
        }
        const from = gates + at + place;
        const r = v128.load(from), z = v128.load(from + gate), n = v128.load(from + 2 * gate);
        const held = v128.load(previous + state + place);
        const dn = tanhSlope(f32x4.mul(d, f32x4.sub(splatAt(ONE), z)), n);
        const dr = sigmoidSlope(f32x4.mul(dn, v128.load(kept + state + place)), r);
        const dupdate = sigmoidSlope(f32x4.mul(d, f32x4.sub(held, n)), z);
        const recurrent = f32x4.mul(dn, r);
        const lanes = units - j;
        const inputs = dz + at + place, products = dq + at + place, stepTo = step + own + place;
        storeLanes(inputs, dr, lanes);
        storeLanes(inputs + gate, dupdate, lanes);
        storeLanes(inputs + 2 * gate, dn, lanes);
        storeLanes(products, dr, lanes);
        storeLanes(products + gate, dupdate, lanes);
        storeLanes(products + 2 * gate, recurrent, lanes);
        storeLanes(stepTo, dr, lanes);
        storeLanes(stepTo + gate, dupdate, lanes);
        storeLanes(stepTo + 2 * gate, recurrent, lanes);
        v128.store(direct + carried, v128.and(f32x4.mul(d, z), laneMask(lanes)));
      }
      closeRow(dz + at, 3 * units);
      closeRow(dq + at, 3 * units);
      closeRow(step + own, 3 * units);
    }
    if (s == 0) break;
    denseBackwardInput(dh, step, u, dh, batch, units, 3 * units, pitch, gatePitch, NaN);
    if (s % truncate == 0) clear(dh, 2 * <usize>batch * rowBytes);
  }
}
