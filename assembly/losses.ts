/** The losses. src/ops/losses.ts states formulas, order of sums, aliasing and padding. */
import { addInOrder, exponentials, maxima, splatLane } from './internal/fourRows';
import { expNegative, log, log1pUnit, minusAbs, shareOf } from './internal/math';
import { joinLanes, splatAt, tailMask } from './internal/simd';

/*
 * A pointwise loss is a class without fields, called on a null reference, which compiles to a loop
 * without a call: `shared` is what value and slope have in common, each for four outputs.
 */

const ONE: usize = memory.data<f32>([1, 0.5]);
const HALF: usize = ONE + 4;

// @ts-ignore: decorator
@inline
function pointwise<L>(
  dy: usize, losses: usize, y: usize, targets: usize, batch: i32, units: i32, pitch: i32,
  targetPitch: i32, lossScale: f32, gradientScale: f32, option: f32,
): void {
  if (units == 1) {
    column<L>(dy, losses, y, targets, batch, pitch, targetPitch, lossScale, gradientScale, option);
    return;
  }
  const loss = changetype<L>(0);
  const scalar = f32x4.splat(option);
  const scale = f32x4.splat(gradientScale);
  const tail = tailMask(units);
  const last = ((units - 1) >> 2) << 4;
  do {
    let sum = f32x4.splat(0);
    let at = 0;
    do {
      const output = v128.load(y + at);
      const target = v128.load(targets + at);
      const shared = loss.shared(output, target, scalar);
      let value = loss.value(output, target, shared, scalar);
      let slope = f32x4.mul(scale, loss.slope(output, target, shared, scalar));
      if (at == last) {
        value = v128.and(value, tail);
        slope = v128.and(slope, tail);
      }
      sum = f32x4.add(sum, value);
      v128.store(dy + at, slope);
      at += 16;
    } while (at <= last);
    store<f32>(losses, lossScale * joinLanes(sum));
    dy += pitch << 2;
    y += pitch << 2;
    targets += targetPitch << 2;
    losses += 4;
  } while (--batch);
}

/** One output a row: four rows fill a vector, the last row standing in for those that lack. */
// @ts-ignore: decorator
@inline
function column<L>(
  dy: usize, losses: usize, y: usize, targets: usize, batch: i32, pitch: i32, targetPitch: i32,
  lossScale: f32, gradientScale: f32, option: f32,
): void {
  const loss = changetype<L>(0);
  const scalar = f32x4.splat(option);
  const only = tailMask(1);
  for (let r = 0; r < batch; r += 4) {
    const most = batch - 1 - r;
    const r1 = min(1, most);
    const r2 = min(2, most);
    const r3 = min(3, most);
    const row1 = (r1 * pitch) << 2;
    const row2 = (r2 * pitch) << 2;
    const row3 = (r3 * pitch) << 2;
    const output = gather(y, y + row1, y + row2, y + row3);
    const target = gather(
      targets,
      targets + ((r1 * targetPitch) << 2),
      targets + ((r2 * targetPitch) << 2),
      targets + ((r3 * targetPitch) << 2),
    );
    const shared = loss.shared(output, target, scalar);
    // A lane's sum starts at +0, as it does where a row has more outputs.
    const value = f32x4.add(f32x4.splat(0), loss.value(output, target, shared, scalar));
    const slope = loss.slope(output, target, shared, scalar);
    // A whole vector each, so that the padding behind the one output becomes zero.
    const slopes = f32x4.mul(f32x4.splat(gradientScale), slope);
    v128.store(dy, v128.and(slopes, only));
    v128.store(dy + row1, v128.and(splatLane(slopes, 1), only));
    v128.store(dy + row2, v128.and(splatLane(slopes, 2), only));
    v128.store(dy + row3, v128.and(splatLane(slopes, 3), only));
    scatter(
      losses,
      losses + (r1 << 2),
      losses + (r2 << 2),
      losses + (r3 << 2),
      f32x4.mul(f32x4.splat(lossScale), value),
    );
    y += pitch << 4;
    dy += pitch << 4;
    targets += targetPitch << 4;
    losses += 16;
  }
}

/** Four floats from four places. */
// @ts-ignore: decorator
@inline
function gather(a: usize, b: usize, c: usize, d: usize): v128 {
  const ab = v128.load_lane<f32>(b, v128.load32_zero(a), 1);
  return v128.load_lane<f32>(d, v128.load_lane<f32>(c, ab, 2), 3);
}

/** Four floats to four places. */
// @ts-ignore: decorator
@inline
function scatter(a: usize, b: usize, c: usize, d: usize, v: v128): void {
  v128.store_lane<f32>(a, v, 0);
  v128.store_lane<f32>(b, v, 1);
  v128.store_lane<f32>(c, v, 2);
  v128.store_lane<f32>(d, v, 3);
}

@unmanaged @final
class MeanSquaredError {
  @inline shared(y: v128, t: v128, _option: v128): v128 {
    return f32x4.sub(y, t);
  }

  @inline value(_y: v128, _t: v128, shared: v128, _option: v128): v128 {
    return f32x4.mul(shared, shared);
  }

  @inline slope(_y: v128, _t: v128, shared: v128, _option: v128): v128 {
    return f32x4.add(shared, shared);
  }
}

export function meanSquaredErrorLoss(
  dy: usize, losses: usize, y: usize, targets: usize, batch: i32, units: i32, pitch: i32,
  targetPitch: i32, lossScale: f32, gradientScale: f32,
): void {
  pointwise<MeanSquaredError>(
    dy, losses, y, targets, batch, units, pitch, targetPitch, lossScale, gradientScale, 0,
  );
}

@unmanaged @final
class MeanAbsoluteError {
  @inline shared(y: v128, t: v128, _option: v128): v128 {
    return f32x4.sub(y, t);
  }

  @inline value(_y: v128, _t: v128, shared: v128, _option: v128): v128 {
    return f32x4.abs(shared);
  }

  @inline slope(_y: v128, _t: v128, shared: v128, _option: v128): v128 {
    const size = f32x4.abs(shared);
    const sign = v128.or(v128.xor(shared, size), splatAt(ONE));
    return v128.bitselect(sign, shared, f32x4.gt(size, f32x4.splat(0)));
  }
}

export function meanAbsoluteErrorLoss(
  dy: usize, losses: usize, y: usize, targets: usize, batch: i32, units: i32, pitch: i32,
  targetPitch: i32, lossScale: f32, gradientScale: f32,
): void {
  pointwise<MeanAbsoluteError>(
    dy, losses, y, targets, batch, units, pitch, targetPitch, lossScale, gradientScale, 0,
  );
}

/** min(max(x, −bound), bound) */
// @ts-ignore: decorator
@inline
function within(x: v128, bound: v128): v128 {
  return f32x4.pmax(f32x4.pmin(x, bound), f32x4.neg(bound));
}

@unmanaged @final
class Huber {
  @inline shared(y: v128, t: v128, _delta: v128): v128 {
    return f32x4.sub(y, t);
  }

  @inline value(_y: v128, _t: v128, shared: v128, delta: v128): v128 {
    const c = within(shared, delta);
    return f32x4.mul(c, f32x4.sub(shared, f32x4.mul(splatAt(HALF), c)));
  }

  @inline slope(_y: v128, _t: v128, shared: v128, delta: v128): v128 {
    return within(shared, delta);
  }
}

export function huberLoss(
  dy: usize, losses: usize, y: usize, targets: usize, batch: i32, units: i32, pitch: i32,
  targetPitch: i32, lossScale: f32, gradientScale: f32, delta: f32,
): void {
  pointwise<Huber>(
    dy, losses, y, targets, batch, units, pitch, targetPitch, lossScale, gradientScale, delta,
  );
}

@unmanaged @final
class BinaryCrossentropy {
  @inline shared(y: v128, _t: v128, _option: v128): v128 {
    return expNegative(minusAbs(y));
  }

  @inline value(y: v128, t: v128, shared: v128, _option: v128): v128 {
    const above = f32x4.sub(f32x4.pmax(f32x4.splat(0), y), f32x4.mul(y, t));
    return f32x4.add(above, log1pUnit(shared));
  }

  @inline slope(y: v128, t: v128, shared: v128, _option: v128): v128 {
    const dividend = v128.bitselect(shareOf(shared, y), splatAt(ONE), f32x4.lt(y, f32x4.splat(0)));
    return f32x4.sub(f32x4.div(dividend, f32x4.add(splatAt(ONE), shared)), t);
  }
}

export function binaryCrossentropyLoss(
  dy: usize, losses: usize, y: usize, targets: usize, batch: i32, units: i32, pitch: i32,
  targetPitch: i32, lossScale: f32, gradientScale: f32,
): void {
  pointwise<BinaryCrossentropy>(
    dy, losses, y, targets, batch, units, pitch, targetPitch, lossScale, gradientScale, 0,
  );
}

export function categoricalCrossentropyLoss(
  dy: usize, losses: usize, y: usize, targets: usize, batch: i32, units: i32, pitch: i32,
  targetPitch: i32, lossScale: f32, gradientScale: f32,
): void {
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
      let a = v128.load(targets + at);
      let b = v128.load(t1 + at);
      let c = v128.load(t2 + at);
      let d = v128.load(t3 + at);
      if (at == last) {
        a = v128.and(a, tail);
        b = v128.and(b, tail);
        c = v128.and(c, tail);
        d = v128.and(d, tail);
      }
      total = addInOrder(total, a, b, c, d);
      value = addInOrder(
        value,
        surprise(a, y + at, splatLane(max, 0), splatLane(logSum, 0)),
        surprise(b, y1 + at, splatLane(max, 1), splatLane(logSum, 1)),
        surprise(c, y2 + at, splatLane(max, 2), splatLane(logSum, 2)),
        surprise(d, y3 + at, splatLane(max, 3), splatLane(logSum, 3)),
      );
      at += 16;
    } while (at <= last);
    at = 0;
    do {
      let a = excess(dy + at, splatLane(inverse, 0), splatLane(total, 0), targets + at, scale);
      let b = excess(d1 + at, splatLane(inverse, 1), splatLane(total, 1), t1 + at, scale);
      let c = excess(d2 + at, splatLane(inverse, 2), splatLane(total, 2), t2 + at, scale);
      let d = excess(d3 + at, splatLane(inverse, 3), splatLane(total, 3), t3 + at, scale);
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

/** t · (log Σ − (y − max)) */
// @ts-ignore: decorator
@inline
function surprise(t: v128, y: usize, max: v128, logSum: v128): v128 {
  return f32x4.mul(t, f32x4.sub(logSum, f32x4.sub(v128.load(y), max)));
}

/** scale · (e · inverse · total − t) */
// @ts-ignore: decorator
@inline
function excess(e: usize, inverse: v128, total: v128, t: usize, scale: v128): v128 {
  const p = f32x4.mul(v128.load(e), inverse);
  return f32x4.mul(scale, f32x4.sub(f32x4.mul(p, total), v128.load(t)));
}

export function sparseCategoricalCrossentropyLoss(
  dy: usize, losses: usize, y: usize, targets: usize, batch: i32, units: i32, pitch: i32,
  targetPitch: i32, lossScale: f32, gradientScale: f32,
): void {
  const row = pitch << 2;
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
    const max = maxima(y, y1, y2, y3, units);
    const sum = exponentials(dy, d1, d2, d3, y, y1, y2, y3, units, max);
    const inverse = f32x4.div(splatAt(ONE), sum);
    const label0 = label(targets);
    const label1 = label(targets + ((r1 * targetPitch) << 2));
    const label2 = label(targets + ((r2 * targetPitch) << 2));
    const label3 = label(targets + ((r3 * targetPitch) << 2));
    const logit = gather(y + label0, y1 + label1, y2 + label2, y3 + label3);
    const value = f32x4.sub(log(sum), f32x4.sub(logit, max));
    const e = gather(dy + label0, d1 + label1, d2 + label2, d3 + label3);
    const slope = f32x4.mul(scale, f32x4.sub(f32x4.mul(e, inverse), splatAt(ONE)));
    let at = 0;
    do {
      let a = f32x4.mul(scale, f32x4.mul(v128.load(dy + at), splatLane(inverse, 0)));
      let b = f32x4.mul(scale, f32x4.mul(v128.load(d1 + at), splatLane(inverse, 1)));
      let c = f32x4.mul(scale, f32x4.mul(v128.load(d2 + at), splatLane(inverse, 2)));
      let d = f32x4.mul(scale, f32x4.mul(v128.load(d3 + at), splatLane(inverse, 3)));
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

/** The rows in their order to the sum of their epoch; true when that is no longer finite. */
export function addLosses(sums: usize, losses: usize, counters: usize, batch: i32): bool {
  const sum = sums + (<usize>load<i32>(counters, 12) << 3);
  let total = load<f64>(sum);
  const end = losses + (batch << 2);
  do {
    total += <f64>load<f32>(losses);
    losses += 4;
  } while (losses != end);
  store<f64>(sum, total);
  return !isFinite(total);
}
