/** The losses. src/ops/losses.ts states formulas, order of sums, aliasing and padding. */
import { expBounded, expNegativeOf, log, log1pUnit, minusAbs, tanhOf } from './internal/math';
import { pointwise } from './internal/pointwise';
import { joinLanes, splatAt, tailMask } from './internal/simd';

/** 1, ½, log 2, 10⁻⁷ and 3·10³⁸. */
const ONE: usize = memory.data<f32>([1, 0.5, 0.6931471824645996, 1e-7, 3e38]);
const HALF: usize = ONE + 4;
const LN2: usize = ONE + 8;
const SMALLEST_RATE: usize = ONE + 12;
const LARGEST_RATE: usize = ONE + 16;

@unmanaged @final
class MeanSquaredError {
  @inline shared(y: v128, t: v128, _a: v128, _b: v128): v128 {
    return f32x4.sub(y, t);
  }

  @inline value(_y: v128, _t: v128, shared: v128, _a: v128, _b: v128): v128 {
    return f32x4.mul(shared, shared);
  }

  @inline slope(_y: v128, _t: v128, shared: v128, _a: v128, _b: v128): v128 {
    return f32x4.add(shared, shared);
  }
}

export function meanSquaredErrorLoss(
  dy: usize, losses: usize, y: usize, targets: usize, batch: i32, units: i32, pitch: i32,
  targetPitch: i32, lossScale: f32, gradientScale: f32,
): void {
  pointwise<MeanSquaredError>(
    dy, losses, y, targets, batch, units, pitch, targetPitch, lossScale, gradientScale, 0, 0,
  );
}

@unmanaged @final
class MeanAbsoluteError {
  @inline shared(y: v128, t: v128, _a: v128, _b: v128): v128 {
    return f32x4.sub(y, t);
  }

  @inline value(_y: v128, _t: v128, shared: v128, _a: v128, _b: v128): v128 {
    return f32x4.abs(shared);
  }

  @inline slope(_y: v128, _t: v128, shared: v128, _a: v128, _b: v128): v128 {
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
    dy, losses, y, targets, batch, units, pitch, targetPitch, lossScale, gradientScale, 0, 0,
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
  @inline shared(y: v128, t: v128, _a: v128, _b: v128): v128 {
    return f32x4.sub(y, t);
  }

  @inline value(_y: v128, _t: v128, shared: v128, delta: v128, _b: v128): v128 {
    const c = within(shared, delta);
    return f32x4.mul(c, f32x4.sub(shared, f32x4.mul(splatAt(HALF), c)));
  }

  @inline slope(_y: v128, _t: v128, shared: v128, delta: v128, _b: v128): v128 {
    return within(shared, delta);
  }
}

export function huberLoss(
  dy: usize, losses: usize, y: usize, targets: usize, batch: i32, units: i32, pitch: i32,
  targetPitch: i32, lossScale: f32, gradientScale: f32, delta: f32,
): void {
  pointwise<Huber>(
    dy, losses, y, targets, batch, units, pitch, targetPitch, lossScale, gradientScale, delta, 0,
  );
}

@unmanaged @final
class LogCosh {
  @inline shared(y: v128, t: v128, _a: v128, _b: v128): v128 {
    return expBounded(minusTwice(f32x4.sub(y, t)));
  }

  @inline value(y: v128, t: v128, shared: v128, _a: v128, _b: v128): v128 {
    const d = f32x4.sub(y, t);
    const e = expNegativeOf(minusTwice(d), shared);
    return f32x4.add(f32x4.sub(f32x4.abs(d), splatAt(LN2)), log1pUnit(e));
  }

  @inline slope(y: v128, t: v128, shared: v128, _a: v128, _b: v128): v128 {
    return tanhOf(f32x4.sub(y, t), shared);
  }
}

/** −2|d| */
// @ts-ignore: decorator
@inline
function minusTwice(d: v128): v128 {
  const a = minusAbs(d);
  return f32x4.add(a, a);
}

export function logCoshLoss(
  dy: usize, losses: usize, y: usize, targets: usize, batch: i32, units: i32, pitch: i32,
  targetPitch: i32, lossScale: f32, gradientScale: f32,
): void {
  pointwise<LogCosh>(
    dy, losses, y, targets, batch, units, pitch, targetPitch, lossScale, gradientScale, 0, 0,
  );
}

/** 1 − t·y */
// @ts-ignore: decorator
@inline
function missing(y: v128, t: v128): v128 {
  return f32x4.sub(splatAt(ONE), f32x4.mul(t, y));
}

@unmanaged @final
class Hinge {
  @inline shared(y: v128, t: v128, _a: v128, _b: v128): v128 {
    return missing(y, t);
  }

  @inline value(_y: v128, _t: v128, shared: v128, _a: v128, _b: v128): v128 {
    return f32x4.pmax(shared, f32x4.splat(0));
  }

  @inline slope(_y: v128, t: v128, shared: v128, _a: v128, _b: v128): v128 {
    return v128.andnot(f32x4.neg(t), f32x4.le(shared, f32x4.splat(0)));
  }
}

export function hingeLoss(
  dy: usize, losses: usize, y: usize, targets: usize, batch: i32, units: i32, pitch: i32,
  targetPitch: i32, lossScale: f32, gradientScale: f32,
): void {
  pointwise<Hinge>(
    dy, losses, y, targets, batch, units, pitch, targetPitch, lossScale, gradientScale, 0, 0,
  );
}

@unmanaged @final
class SquaredHinge {
  @inline shared(y: v128, t: v128, _a: v128, _b: v128): v128 {
    return f32x4.pmax(missing(y, t), f32x4.splat(0));
  }

  @inline value(_y: v128, _t: v128, shared: v128, _a: v128, _b: v128): v128 {
    return f32x4.mul(shared, shared);
  }

  @inline slope(_y: v128, t: v128, shared: v128, _a: v128, _b: v128): v128 {
    return f32x4.mul(f32x4.add(shared, shared), f32x4.neg(t));
  }
}

export function squaredHingeLoss(
  dy: usize, losses: usize, y: usize, targets: usize, batch: i32, units: i32, pitch: i32,
  targetPitch: i32, lossScale: f32, gradientScale: f32,
): void {
  pointwise<SquaredHinge>(
    dy, losses, y, targets, batch, units, pitch, targetPitch, lossScale, gradientScale, 0, 0,
  );
}

@unmanaged @final
class Poisson {
  @inline shared(y: v128, _t: v128, _a: v128, _b: v128): v128 {
    const rate = f32x4.add(f32x4.pmax(f32x4.splat(0), y), splatAt(SMALLEST_RATE));
    return f32x4.pmin(rate, splatAt(LARGEST_RATE));
  }

  @inline value(y: v128, t: v128, shared: v128, _a: v128, _b: v128): v128 {
    return f32x4.sub(y, f32x4.mul(t, log(shared)));
  }

  @inline slope(_y: v128, t: v128, shared: v128, _a: v128, _b: v128): v128 {
    return f32x4.sub(splatAt(ONE), f32x4.div(t, shared));
  }
}

export function poissonLoss(
  dy: usize, losses: usize, y: usize, targets: usize, batch: i32, units: i32, pitch: i32,
  targetPitch: i32, lossScale: f32, gradientScale: f32,
): void {
  pointwise<Poisson>(
    dy, losses, y, targets, batch, units, pitch, targetPitch, lossScale, gradientScale, 0, 0,
  );
}

export function cosineSimilarityLoss(
  dy: usize, losses: usize, y: usize, targets: usize, batch: i32, units: i32, pitch: i32,
  targetPitch: i32, lossScale: f32, gradientScale: f32,
): void {
  const scale = f32x4.splat(gradientScale);
  const tail = tailMask(units);
  const last = ((units - 1) >> 2) << 4;
  do {
    let products = f32x4.splat(0), squares = products, targetSquares = products;
    let at = 0;
    do {
      let output = v128.load(y + at);
      let target = v128.load(targets + at);
      if (at == last) {
        output = v128.and(output, tail);
        target = v128.and(target, tail);
      }
      products = f32x4.add(products, f32x4.mul(output, target));
      squares = f32x4.add(squares, f32x4.mul(output, output));
      targetSquares = f32x4.add(targetSquares, f32x4.mul(target, target));
      at += 16;
    } while (at <= last);
    const square: f32 = joinLanes(squares) + 1e-12;
    const targetSquare: f32 = joinLanes(targetSquares) + 1e-12;
    const inverse: f32 = 1 / (sqrt<f32>(square) * sqrt<f32>(targetSquare));
    const cosine: f32 = joinLanes(products) * inverse;
    const share = f32x4.splat(cosine / square);
    const factor = f32x4.splat(inverse);
    at = 0;
    do {
      const pull = f32x4.mul(factor, v128.load(targets + at));
      let slope = f32x4.mul(scale, f32x4.sub(f32x4.mul(share, v128.load(y + at)), pull));
      if (at == last) slope = v128.and(slope, tail);
      v128.store(dy + at, slope);
      at += 16;
    } while (at <= last);
    store<f32>(losses, lossScale * (<f32>1 - cosine));
    dy += pitch << 2;
    y += pitch << 2;
    targets += targetPitch << 2;
    losses += 4;
  } while (--batch);
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

/** Each row's loss and gradient times its weight. */
export function weightLosses(
  dy: usize, losses: usize, weights: usize, rows: i32, units: i32, pitch: i32, weightPitch: i32,
): void {
  const size = ((units + 3) >> 2) << 4;
  do {
    const weight = splatAt(weights);
    store<f32>(losses, load<f32>(weights) * load<f32>(losses));
    let at = 0;
    do {
      v128.store(dy + at, f32x4.mul(weight, v128.load(dy + at)));
      at += 16;
    } while (at != size);
    dy += pitch << 2;
    losses += 4;
    weights += weightPitch << 2;
  } while (--rows);
}
