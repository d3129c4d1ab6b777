/**
 * The losses of probabilities. src/ops/crossentropies.ts states formulas, order of sums, aliasing and
 * padding.
 */
import { addInOrder, exponentials, maxima, splatLane } from './internal/fourRows';
import { expNegative, log, log1pUnit, minusAbs, shareOf } from './internal/math';
import { gather, pointwise, scatter } from './internal/pointwise';
import { splatAt, tailMask } from './internal/simd';

/** 1, ½, 2⁻¹²⁶ and 2⁻²⁵. */
const ONE: usize = memory.data<f32>([1, 0.5, 1.1754943508222875e-38, 2.9802322387695312e-8]);
const HALF: usize = ONE + 4;
const SMALLEST_NORMAL: usize = ONE + 8;
const SMALLEST_REST: usize = ONE + 12;

@unmanaged @final
class BinaryCrossentropy {
  @inline shared(y: v128, _t: v128, _smoothing: v128, _weight: v128): v128 {
    return expNegative(minusAbs(y));
  }

  @inline value(y: v128, t: v128, shared: v128, smoothing: v128, weight: v128): v128 {
    const target = halfSmoothed(t, smoothing);
    const tail = log1pUnit(shared);
    const above = f32x4.sub(f32x4.pmax(f32x4.splat(0), y), f32x4.mul(y, target));
    const surprise = f32x4.add(negativePart(y), tail);
    const more = f32x4.mul(f32x4.sub(weight, splatAt(ONE)), f32x4.mul(target, surprise));
    return f32x4.add(f32x4.add(above, tail), more);
  }

  @inline slope(y: v128, t: v128, shared: v128, smoothing: v128, weight: v128): v128 {
    const one = splatAt(ONE);
    const target = halfSmoothed(t, smoothing);
    const p = f32x4.div(
      v128.bitselect(shareOf(shared, y), one, f32x4.lt(y, f32x4.splat(0))),
      f32x4.add(one, shared),
    );
    const more = f32x4.mul(
      f32x4.sub(weight, one),
      f32x4.mul(target, f32x4.sub(p, one)),
    );
    return f32x4.add(f32x4.sub(p, target), more);
  }
}

/** t·(1 − ε) + ε/2 */
// @ts-ignore: decorator
@inline
function halfSmoothed(t: v128, smoothing: v128): v128 {
  const keep = f32x4.sub(splatAt(ONE), smoothing);
  return f32x4.add(f32x4.mul(t, keep), f32x4.mul(splatAt(HALF), smoothing));
}

/** max(−y, 0), and 0 for NaN. */
// @ts-ignore: decorator
@inline
function negativePart(y: v128): v128 {
  return f32x4.pmax(f32x4.splat(0), f32x4.neg(y));
}

export function binaryCrossentropyLoss(
  dy: usize, losses: usize, y: usize, targets: usize, batch: i32, units: i32, pitch: i32,
  targetPitch: i32, lossScale: f32, gradientScale: f32, labelSmoothing: f32, positiveWeight: f32,
): void {
  pointwise<BinaryCrossentropy>(
    dy, losses, y, targets, batch, units, pitch, targetPitch, lossScale, gradientScale,
    labelSmoothing, positiveWeight,
  );
}

/** What value and slope have in common besides `shared`: log(1 + e), w·t·q^γ and (1 − t)·p^γ. */
let logRest: v128 = i32x4(0, 0, 0, 0);
let positive: v128 = i32x4(0, 0, 0, 0);
let negative: v128 = i32x4(0, 0, 0, 0);

@unmanaged @final
class BinaryFocalCrossentropy {
  @inline shared(y: v128, t: v128, gamma: v128, weight: v128): v128 {
    const e = expNegative(minusAbs(y));
    logRest = log1pUnit(e);
    positive = f32x4.mul(f32x4.mul(weight, t), powerOf(gamma, minusLogQ(y)));
    negative = f32x4.mul(f32x4.sub(splatAt(ONE), t), powerOf(gamma, minusLogP(y)));
    return e;
  }

  @inline value(y: v128, _t: v128, _shared: v128, _gamma: v128, _weight: v128): v128 {
    return f32x4.add(f32x4.mul(positive, minusLogP(y)), f32x4.mul(negative, minusLogQ(y)));
  }

  @inline slope(y: v128, _t: v128, shared: v128, gamma: v128, _weight: v128): v128 {
    const one = splatAt(ONE);
    const sum = f32x4.add(one, shared);
    const small = shareOf(shared, minusAbs(y));
    const below = f32x4.lt(y, f32x4.splat(0));
    const p = f32x4.div(v128.bitselect(small, one, below), sum);
    const q = f32x4.div(v128.bitselect(one, small, below), sum);
    const up = f32x4.add(f32x4.mul(f32x4.mul(gamma, q), minusLogQ(y)), p);
    const down = f32x4.add(f32x4.mul(f32x4.mul(gamma, p), minusLogP(y)), q);
    return f32x4.sub(f32x4.mul(negative, up), f32x4.mul(positive, down));
  }
}

/** −log p and −log q, once `logRest` is there. */
// @ts-ignore: decorator
@inline
function minusLogP(y: v128): v128 {
  return f32x4.add(negativePart(y), logRest);
}

// @ts-ignore: decorator
@inline
function minusLogQ(y: v128): v128 {
  return f32x4.add(f32x4.pmax(f32x4.splat(0), y), logRest);
}

/** exp(−γ·x) for x ≥ 0. */
// @ts-ignore: decorator
@inline
function powerOf(gamma: v128, x: v128): v128 {
  return expNegative(f32x4.neg(f32x4.mul(gamma, x)));
}

export function binaryFocalCrossentropyLoss(
  dy: usize, losses: usize, y: usize, targets: usize, batch: i32, units: i32, pitch: i32,
  targetPitch: i32, lossScale: f32, gradientScale: f32, gamma: f32, positiveWeight: f32,
): void {
  pointwise<BinaryFocalCrossentropy>(
    dy, losses, y, targets, batch, units, pitch, targetPitch, lossScale, gradientScale, gamma,
    positiveWeight,
  );
}

/** The cross-entropy of smoothed targets, or with their own entropy off: the divergence. */
function distribution(
  divergence: bool, dy: usize, losses: usize, y: usize, targets: usize, batch: i32, units: i32,
  pitch: i32, targetPitch: i32, lossScale: f32, gradientScale: f32, smoothing: f32,
): void {
  const keep = f32x4.splat(<f32>1 - smoothing);
  const share = f32x4.splat(smoothing / <f32>units);
  const row = pitch << 2;
  const targetRow = targetPitch << 2;
  const scale = f32x4.splat(gradientScale);
  const tail = tailMask(units);
  const last = ((units - 1) >> 2) << 4;
  for (let left = batch; left > 0; left -= 4) {
    const r1 = i32(left > 1);
    const r2 = r1 + i32(left > 2);
    const r3 = r2 + i32(left > 3);
    const y1 = y + r1 * row;
    const y2 = y + r2 * row;
    const y3 = y + r3 * row;
    const d1 = dy + r1 * row;
    const d2 = dy + r2 * row;
    const d3 = dy + r3 * row;
    const t1 = targets + r1 * targetRow;
    const t2 = targets + r2 * targetRow;
    const t3 = targets + r3 * targetRow;
    const max = maxima(y, y1, y2, y3, units);
    const sum = exponentials(dy, d1, d2, d3, y, y1, y2, y3, units, max);
    const inverse = f32x4.div(splatAt(ONE), sum);
    const logSum = log(sum);
    let total = f32x4.splat(0);
    let value = f32x4.splat(0);
    let at = 0;
    do {
      let a = smoothed(targets + at, keep, share);
      let b = smoothed(t1 + at, keep, share);
      let c = smoothed(t2 + at, keep, share);
      let d = smoothed(t3 + at, keep, share);
      if (at == last) {
        a = v128.and(a, tail);
        b = v128.and(b, tail);
        c = v128.and(c, tail);
        d = v128.and(d, tail);
      }
      total = addInOrder(total, a, b, c, d);
      value = addInOrder(
        value,
        weighted(divergence, a, y + at, splatLane(max, 0), splatLane(logSum, 0)),
        weighted(divergence, b, y1 + at, splatLane(max, 1), splatLane(logSum, 1)),
        weighted(divergence, c, y2 + at, splatLane(max, 2), splatLane(logSum, 2)),
        weighted(divergence, d, y3 + at, splatLane(max, 3), splatLane(logSum, 3)),
      );
      at += 16;
    } while (at <= last);
    at = 0;
    do {
      let a = excess(
        dy + at, splatLane(inverse, 0), splatLane(total, 0), smoothed(targets + at, keep, share), scale,
      );
      let b = excess(
        d1 + at, splatLane(inverse, 1), splatLane(total, 1), smoothed(t1 + at, keep, share), scale,
      );
      let c = excess(
        d2 + at, splatLane(inverse, 2), splatLane(total, 2), smoothed(t2 + at, keep, share), scale,
      );
      let d = excess(
        d3 + at, splatLane(inverse, 3), splatLane(total, 3), smoothed(t3 + at, keep, share), scale,
      );
      if (at == last) {
        a = v128.and(a, tail);
        b = v128.and(b, tail);
        c = v128.and(c, tail);
        d = v128.and(d, tail);
      }
      v128.store(dy + at, a);
      v128.store(d1 + at, b);
      v128.store(d2 + at, c);
      v128.store(d3 + at, d);
      at += 16;
    } while (at <= last);
    scatter(
      losses,
      losses + (r1 << 2),
      losses + (r2 << 2),
      losses + (r3 << 2),
      f32x4.mul(f32x4.splat(lossScale), value),
    );
    dy += row << 2;
    y += row << 2;
    targets += targetRow << 2;
    losses += 16;
  }
}

/** t·(1 − ε) + ε/K */
// @ts-ignore: decorator
@inline
function smoothed(t: usize, keep: v128, share: v128): v128 {
  return f32x4.add(f32x4.mul(v128.load(t), keep), share);
}

/** log Σ − (y − max) */
// @ts-ignore: decorator
@inline
function surprise(y: usize, max: v128, logSum: v128): v128 {
  return f32x4.sub(logSum, f32x4.sub(v128.load(y), max));
}

/** t · surprise, or t · (surprise + log t) with log t = 0 for t below 2⁻¹²⁶. */
// @ts-ignore: decorator
@inline
function weighted(divergence: bool, t: v128, y: usize, max: v128, logSum: v128): v128 {
  let value = surprise(y, max, logSum);
  if (divergence) {
    const known = log(f32x4.pmin(t, splatAt(ONE)));
    value = f32x4.add(value, v128.andnot(known, f32x4.lt(t, splatAt(SMALLEST_NORMAL))));
  }
  return f32x4.mul(t, value);
}

/** scale · (e · inverse · total − t) */
// @ts-ignore: decorator
@inline
function excess(e: usize, inverse: v128, total: v128, t: v128, scale: v128): v128 {
  const p = f32x4.mul(v128.load(e), inverse);
  return f32x4.mul(scale, f32x4.sub(f32x4.mul(p, total), t));
}

export function categoricalCrossentropyLoss(
  dy: usize, losses: usize, y: usize, targets: usize, batch: i32, units: i32, pitch: i32,
  targetPitch: i32, lossScale: f32, gradientScale: f32, labelSmoothing: f32,
): void {
  distribution(
    false, dy, losses, y, targets, batch, units, pitch, targetPitch, lossScale, gradientScale,
    labelSmoothing,
  );
}

export function klDivergenceLoss(
  dy: usize, losses: usize, y: usize, targets: usize, batch: i32, units: i32, pitch: i32,
  targetPitch: i32, lossScale: f32, gradientScale: f32,
): void {
  distribution(
    true, dy, losses, y, targets, batch, units, pitch, targetPitch, lossScale, gradientScale, 0,
  );
}

/** The cross-entropy of smoothed classes, or the focal one. */
function classLoss(
  focal: bool, dy: usize, losses: usize, y: usize, targets: usize, batch: i32, units: i32,
  pitch: i32, targetPitch: i32, lossScale: f32, gradientScale: f32, smoothing: f32, gamma: f32,
): void {
  const keep = <f32>1 - smoothing;
  const smooth: f32 = smoothing / <f32>units;
  const share = f32x4.splat(smooth);
  const hot = f32x4.splat(keep + smooth);
  const power = f32x4.splat(gamma);
  const row = pitch << 2;
  const tail = tailMask(units);
  const last = ((units - 1) >> 2) << 4;
  for (let left = batch; left > 0; left -= 4) {
    const r1 = i32(left > 1);
    const r2 = r1 + i32(left > 2);
    const r3 = r2 + i32(left > 3);
    const y1 = y + r1 * row;
    const y2 = y + r2 * row;
    const y3 = y + r3 * row;
    const d1 = dy + r1 * row;
    const d2 = dy + r2 * row;
    const d3 = dy + r3 * row;
    const max = maxima(y, y1, y2, y3, units);
    const sum = exponentials(dy, d1, d2, d3, y, y1, y2, y3, units, max);
    const inverse = f32x4.div(splatAt(ONE), sum);
    const label0 = label(targets);
    const label1 = label(targets + ((r1 * targetPitch) << 2));
    const label2 = label(targets + ((r2 * targetPitch) << 2));
    const label3 = label(targets + ((r3 * targetPitch) << 2));
    const logit = gather(y + label0, y1 + label1, y2 + label2, y3 + label3);
    const logSum = log(sum);
    const logP = f32x4.sub(logSum, f32x4.sub(logit, max));
    const p = f32x4.mul(gather(dy + label0, d1 + label1, d2 + label2, d3 + label3), inverse);
    let scale = f32x4.splat(gradientScale);
    let value = f32x4.mul(f32x4.splat(keep), logP);
    let at = 0;
    if (focal) {
      const q = f32x4.pmax(f32x4.sub(splatAt(ONE), p), splatAt(SMALLEST_REST));
      const weight = expNegative(f32x4.mul(power, log(q)));
      const more = f32x4.div(f32x4.mul(f32x4.mul(power, p), logP), q);
      scale = f32x4.mul(scale, f32x4.mul(weight, f32x4.add(splatAt(ONE), more)));
      value = f32x4.mul(weight, logP);
    } else if (smoothing != 0) {
      let all = f32x4.splat(0);
      do {
        let a = surprise(y + at, splatLane(max, 0), splatLane(logSum, 0));
        let b = surprise(y1 + at, splatLane(max, 1), splatLane(logSum, 1));
        let c = surprise(y2 + at, splatLane(max, 2), splatLane(logSum, 2));
        let d = surprise(y3 + at, splatLane(max, 3), splatLane(logSum, 3));
        if (at == last) {
          a = v128.and(a, tail);
          b = v128.and(b, tail);
          c = v128.and(c, tail);
          d = v128.and(d, tail);
        }
        all = addInOrder(all, a, b, c, d);
        at += 16;
      } while (at <= last);
      value = f32x4.add(value, f32x4.mul(share, all));
      at = 0;
    }
    const slope = f32x4.mul(scale, f32x4.sub(p, hot));
    do {
      let a = classSlope(dy + at, splatLane(inverse, 0), share, splatLane(scale, 0));
      let b = classSlope(d1 + at, splatLane(inverse, 1), share, splatLane(scale, 1));
      let c = classSlope(d2 + at, splatLane(inverse, 2), share, splatLane(scale, 2));
      let d = classSlope(d3 + at, splatLane(inverse, 3), share, splatLane(scale, 3));
      if (at == last) {
        a = v128.and(a, tail);
        b = v128.and(b, tail);
        c = v128.and(c, tail);
        d = v128.and(d, tail);
      }
      v128.store(dy + at, a);
      v128.store(d1 + at, b);
      v128.store(d2 + at, c);
      v128.store(d3 + at, d);
      at += 16;
    } while (at <= last);
    scatter(dy + label0, d1 + label1, d2 + label2, d3 + label3, slope);
    scatter(
      losses,
      losses + (r1 << 2),
      losses + (r2 << 2),
      losses + (r3 << 2),
      f32x4.mul(f32x4.splat(lossScale), value),
    );
    dy += row << 2;
    y += row << 2;
    targets += targetPitch << 4;
    losses += 16;
  }
}

/** The class at a target, in bytes from the start of its row. */
// @ts-ignore: decorator
@inline
function label(target: usize): usize {
  return <usize>(<i32>load<f32>(target)) << 2;
}

/** scale · (e · inverse − share) */
// @ts-ignore: decorator
@inline
function classSlope(e: usize, inverse: v128, share: v128, scale: v128): v128 {
  return f32x4.mul(scale, f32x4.sub(f32x4.mul(v128.load(e), inverse), share));
}

export function sparseCategoricalCrossentropyLoss(
  dy: usize, losses: usize, y: usize, targets: usize, batch: i32, units: i32, pitch: i32,
  targetPitch: i32, lossScale: f32, gradientScale: f32, labelSmoothing: f32,
): void {
  classLoss(
    false, dy, losses, y, targets, batch, units, pitch, targetPitch, lossScale, gradientScale,
    labelSmoothing, 0,
  );
}

export function sparseCategoricalFocalCrossentropyLoss(
  dy: usize, losses: usize, y: usize, targets: usize, batch: i32, units: i32, pitch: i32,
  targetPitch: i32, lossScale: f32, gradientScale: f32, gamma: f32,
): void {
  classLoss(
    true, dy, losses, y, targets, batch, units, pitch, targetPitch, lossScale, gradientScale, 0,
    gamma,
  );
}
