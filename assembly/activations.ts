/** The element-wise activations. src/ops/activations.ts states formulas, aliasing and padding. */
import {
  erfc,
  expNegative,
  expShare,
  expm1Negative,
  gaussian,
  log1pUnit,
  minusAbs,
  sigmoid,
  tanh,
} from './internal/math';
import { multiplyAdd, splatAt, tailMask } from './internal/simd';

/*
 * An activation is a class without fields: `value` gives four of its outputs, `gradient` four
 * products dy · f′, from what its definition says, y or z. It is called on a null reference, which
 * compiles to a loop without a call.
 */

/** y = f(z): whole vectors, then the last of each row masked, since f(0) need not be 0. */
// @ts-ignore: decorator
@inline
function forward<A>(y: usize, z: usize, rows: i32, columns: i32, pitch: i32, option: f32): void {
  const activation = changetype<A>(0);
  const scalar = f32x4.splat(option);
  const tail = tailMask(columns);
  const bytes = ((columns + 3) >> 2) << 4;
  const skipped = (pitch << 2) - bytes;
  do {
    const end = z + bytes;
    let value: v128;
    do {
      value = activation.value(v128.load(z), scalar);
      v128.store(y, value);
      z += 16;
      y += 16;
    } while (z != end);
    v128.store(y - 16, v128.and(value, tail));
    z += skipped;
    y += skipped;
  } while (--rows);
}

/** y = f(x·w + b) of one row, down one vector of columns after the other. */
// @ts-ignore: decorator
@inline
function rowForward<A>(
  y: usize, x: usize, w: usize, b: usize, inputs: i32, units: i32, pitch: i32,
): void {
  const activation = changetype<A>(0);
  const end = x + (inputs << 2);
  do {
    let sum = v128.load(b);
    let at = x, row = w;
    do {
      sum = multiplyAdd(splatAt(at), v128.load(row), sum);
      at += 4;
      row += pitch << 2;
    } while (at != end);
    const mask = units > 4 ? i32x4.splat(-1) : tailMask(units);
    v128.store(y, v128.and(activation.value(sum, f32x4.splat(0)), mask));
    w += 16;
    b += 16;
    y += 16;
    units -= 4;
  } while (units > 0);
}

/** dz = dy ⊙ f′, from s = y or z. */
// @ts-ignore: decorator
@inline
function backward<A>(
  dz: usize, dy: usize, s: usize, rows: i32, columns: i32, pitch: i32, option: f32,
): void {
  const activation = changetype<A>(0);
  const scalar = f32x4.splat(option);
  const tail = tailMask(columns);
  const bytes = ((columns + 3) >> 2) << 4;
  const skipped = (pitch << 2) - bytes;
  do {
    const end = s + bytes;
    let gradient: v128;
    do {
      gradient = activation.gradient(v128.load(dy), v128.load(s), scalar);
      v128.store(dz, gradient);
      s += 16;
      dy += 16;
      dz += 16;
    } while (s != end);
    v128.store(dz - 16, v128.and(gradient, tail));
    s += skipped;
    dy += skipped;
    dz += skipped;
  } while (--rows);
}

const ONE: usize = memory.data<f32>([1]);

@unmanaged @final
class Relu {
  @inline value(z: v128, _option: v128): v128 {
    return f32x4.pmax(z, f32x4.splat(0));
  }

  @inline gradient(dy: v128, y: v128, _option: v128): v128 {
    return v128.andnot(dy, f32x4.le(y, f32x4.splat(0)));
  }
}

export function reluForward(y: usize, z: usize, rows: i32, columns: i32, pitch: i32): void {
  forward<Relu>(y, z, rows, columns, pitch, 0);
}

export function reluBackward(
  dz: usize, dy: usize, y: usize, rows: i32, columns: i32, pitch: i32,
): void {
  backward<Relu>(dz, dy, y, rows, columns, pitch, 0);
}

@unmanaged @final
class LeakyRelu {
  @inline value(z: v128, slope: v128): v128 {
    return v128.bitselect(z, f32x4.mul(slope, z), f32x4.gt(z, f32x4.splat(0)));
  }

  @inline gradient(dy: v128, y: v128, slope: v128): v128 {
    return v128.bitselect(dy, f32x4.mul(slope, dy), f32x4.gt(y, f32x4.splat(0)));
  }
}

export function leakyReluForward(
  y: usize, z: usize, rows: i32, columns: i32, pitch: i32, slope: f32,
): void {
  forward<LeakyRelu>(y, z, rows, columns, pitch, slope);
}

export function leakyReluBackward(
  dz: usize, dy: usize, y: usize, rows: i32, columns: i32, pitch: i32, slope: f32,
): void {
  backward<LeakyRelu>(dz, dy, y, rows, columns, pitch, slope);
}

@unmanaged @final
class Elu {
  @inline value(z: v128, alpha: v128): v128 {
    const below = f32x4.mul(alpha, expm1Negative(f32x4.pmin(z, f32x4.splat(0))));
    return v128.bitselect(z, below, f32x4.gt(z, f32x4.splat(0)));
  }

  @inline gradient(dy: v128, y: v128, alpha: v128): v128 {
    const below = f32x4.mul(dy, f32x4.add(y, alpha));
    return v128.bitselect(dy, below, f32x4.gt(y, f32x4.splat(0)));
  }
}

export function eluForward(
  y: usize, z: usize, rows: i32, columns: i32, pitch: i32, alpha: f32,
): void {
  forward<Elu>(y, z, rows, columns, pitch, alpha);
}

export function eluBackward(
  dz: usize, dy: usize, y: usize, rows: i32, columns: i32, pitch: i32, alpha: f32,
): void {
  backward<Elu>(dz, dy, y, rows, columns, pitch, alpha);
}

/** λ and λα. */
const SELU: usize = memory.data<f32>([1.0507009873554805, 1.7580993408473766]);

@unmanaged @final
class Selu {
  @inline value(z: v128, _option: v128): v128 {
    const below = f32x4.mul(splatAt(SELU + 4), expm1Negative(f32x4.pmin(z, f32x4.splat(0))));
    return v128.bitselect(f32x4.mul(splatAt(SELU), z), below, f32x4.gt(z, f32x4.splat(0)));
  }

  @inline gradient(dy: v128, y: v128, _option: v128): v128 {
    const below = f32x4.add(y, splatAt(SELU + 4));
    return f32x4.mul(dy, v128.bitselect(splatAt(SELU), below, f32x4.gt(y, f32x4.splat(0))));
  }
}

export function seluForward(y: usize, z: usize, rows: i32, columns: i32, pitch: i32): void {
  forward<Selu>(y, z, rows, columns, pitch, 0);
}

export function seluBackward(
  dz: usize, dy: usize, y: usize, rows: i32, columns: i32, pitch: i32,
): void {
  backward<Selu>(dz, dy, y, rows, columns, pitch, 0);
}

/** √½, ½, where Φ(−|z|) is 0, and 1 / √(2π). */
const GELU: usize = memory.data<f32>([0.7071067811865476, 0.5, 13, 0.3989422804014327]);

/** A slope for −|z| made into that for z, where the two are 1 together. */
// @ts-ignore: decorator
@inline
function mirrored(below: v128, z: v128): v128 {
  return v128.bitselect(
    f32x4.sub(splatAt(ONE), below),
    below,
    f32x4.gt(z, f32x4.splat(0)),
  );
}

@unmanaged @final
class Gelu {
  @inline value(z: v128, _option: v128): v128 {
    const x = f32x4.pmin(f32x4.abs(z), splatAt(GELU + 8));
    const a = f32x4.mul(x, splatAt(GELU));
    const tail = f32x4.mul(f32x4.mul(splatAt(GELU + 4), x), erfc(a, gaussian(a)));
    return f32x4.sub(f32x4.pmax(f32x4.splat(0), z), tail);
  }

  @inline gradient(dy: v128, z: v128, _option: v128): v128 {
    const x = f32x4.pmin(f32x4.abs(z), splatAt(GELU + 8));
    const a = f32x4.mul(x, splatAt(GELU));
    const e = gaussian(a);
    const density = f32x4.mul(f32x4.mul(x, splatAt(GELU + 12)), e);
    const below = f32x4.sub(f32x4.mul(splatAt(GELU + 4), erfc(a, e)), density);
    return f32x4.mul(dy, mirrored(below, z));
  }
}

export function geluForward(y: usize, z: usize, rows: i32, columns: i32, pitch: i32): void {
  forward<Gelu>(y, z, rows, columns, pitch, 0);
}

export function geluBackward(
  dz: usize, dy: usize, z: usize, rows: i32, columns: i32, pitch: i32,
): void {
  backward<Gelu>(dz, dy, z, rows, columns, pitch, 0);
}

/** 2√(2/π), that times 0.044715 and times 3 · 0.044715, and where σ(w) is 0. */
const TANH_GELU: usize = memory.data<f32>([
  1.5957691216057308, 0.07135481627260025, 0.21406444881780074, -10.1,
]);

@unmanaged @final
class GeluTanh {
  @inline value(z: v128, _option: v128): v128 {
    const x = f32x4.pmax(minusAbs(z), splatAt(TANH_GELU + 12));
    const inner = multiplyAdd(splatAt(TANH_GELU + 4), f32x4.mul(x, x), splatAt(TANH_GELU));
    const e = expNegative(f32x4.mul(x, inner));
    const q = f32x4.div(e, f32x4.add(splatAt(ONE), e));
    return multiplyAdd(x, q, f32x4.pmax(f32x4.splat(0), z));
  }

  @inline gradient(dy: v128, z: v128, _option: v128): v128 {
    const x = f32x4.pmax(minusAbs(z), splatAt(TANH_GELU + 12));
    const square = f32x4.mul(x, x);
    const inner = multiplyAdd(splatAt(TANH_GELU + 4), square, splatAt(TANH_GELU));
    const e = expNegative(f32x4.mul(x, inner));
    const q = f32x4.div(e, f32x4.add(splatAt(ONE), e));
    const slope = multiplyAdd(splatAt(TANH_GELU + 8), square, splatAt(TANH_GELU));
    const rise = f32x4.mul(f32x4.mul(x, slope), q);
    return f32x4.mul(dy, mirrored(multiplyAdd(rise, f32x4.sub(splatAt(ONE), q), q), z));
  }
}

export function geluTanhForward(y: usize, z: usize, rows: i32, columns: i32, pitch: i32): void {
  forward<GeluTanh>(y, z, rows, columns, pitch, 0);
}

export function geluTanhBackward(
  dz: usize, dy: usize, z: usize, rows: i32, columns: i32, pitch: i32,
): void {
  backward<GeluTanh>(dz, dy, z, rows, columns, pitch, 0);
}

/** Where σ(z) is 0. */
const SILU: usize = memory.data<f32>([-88]);

@unmanaged @final
class Silu {
  @inline value(z: v128, _option: v128): v128 {
    const x = f32x4.pmax(minusAbs(z), splatAt(SILU));
    const e = expNegative(x);
    const q = f32x4.div(e, f32x4.add(splatAt(ONE), e));
    return multiplyAdd(x, q, f32x4.pmax(f32x4.splat(0), z));
  }

  @inline gradient(dy: v128, z: v128, _option: v128): v128 {
    const x = f32x4.pmax(minusAbs(z), splatAt(SILU));
    const e = expNegative(x);
    const q = f32x4.div(e, f32x4.add(splatAt(ONE), e));
    const rise = f32x4.mul(x, q);
    return f32x4.mul(dy, mirrored(multiplyAdd(rise, f32x4.sub(splatAt(ONE), q), q), z));
  }
}

export function siluForward(y: usize, z: usize, rows: i32, columns: i32, pitch: i32): void {
  forward<Silu>(y, z, rows, columns, pitch, 0);
}

export function siluBackward(
  dz: usize, dy: usize, z: usize, rows: i32, columns: i32, pitch: i32,
): void {
  backward<Silu>(dz, dy, z, rows, columns, pitch, 0);
}

@unmanaged @final
class Softplus {
  @inline value(z: v128, _option: v128): v128 {
    const above = f32x4.pmax(f32x4.splat(0), z);
    return f32x4.add(above, log1pUnit(expNegative(minusAbs(z))));
  }

  @inline gradient(dy: v128, y: v128, _option: v128): v128 {
    return f32x4.mul(dy, f32x4.neg(expm1Negative(minusAbs(y))));
  }
}

export function softplusForward(y: usize, z: usize, rows: i32, columns: i32, pitch: i32): void {
  forward<Softplus>(y, z, rows, columns, pitch, 0);
}

export function softplusBackward(
  dz: usize, dy: usize, y: usize, rows: i32, columns: i32, pitch: i32,
): void {
  backward<Softplus>(dz, dy, y, rows, columns, pitch, 0);
}

/** The largest floats, which hold ∞ back. */
const LARGEST: usize = memory.data<f32>([f32.MAX_VALUE, -f32.MAX_VALUE]);

@unmanaged @final
class Softsign {
  @inline value(z: v128, _option: v128): v128 {
    const x = f32x4.pmax(f32x4.pmin(z, splatAt(LARGEST)), splatAt(LARGEST + 4));
    return f32x4.div(x, f32x4.add(splatAt(ONE), f32x4.abs(x)));
  }

  @inline gradient(dy: v128, y: v128, _option: v128): v128 {
    const rest = f32x4.sub(splatAt(ONE), f32x4.abs(y));
    return f32x4.mul(dy, f32x4.mul(rest, rest));
  }
}

export function softsignForward(y: usize, z: usize, rows: i32, columns: i32, pitch: i32): void {
  forward<Softsign>(y, z, rows, columns, pitch, 0);
}

export function softsignBackward(
  dz: usize, dy: usize, y: usize, rows: i32, columns: i32, pitch: i32,
): void {
  backward<Softsign>(dz, dy, y, rows, columns, pitch, 0);
}

@unmanaged @final
class Sigmoid {
  @inline value(z: v128, _option: v128): v128 {
    return sigmoid(z);
  }

  @inline gradient(dy: v128, y: v128, _option: v128): v128 {
    return f32x4.mul(dy, f32x4.mul(y, f32x4.sub(splatAt(ONE), y)));
  }
}

export function sigmoidForward(y: usize, z: usize, rows: i32, columns: i32, pitch: i32): void {
  forward<Sigmoid>(y, z, rows, columns, pitch, 0);
}

export function sigmoidRowForward(
  y: usize, x: usize, w: usize, b: usize, inputs: i32, units: i32, pitch: i32,
): void {
  rowForward<Sigmoid>(y, x, w, b, inputs, units, pitch);
}

export function sigmoidBackward(
  dz: usize, dy: usize, y: usize, rows: i32, columns: i32, pitch: i32,
): void {
  backward<Sigmoid>(dz, dy, y, rows, columns, pitch, 0);
}

const HARD: usize = memory.data<f32>([3, 6]);

@unmanaged @final
class HardSigmoid {
  @inline value(z: v128, _option: v128): v128 {
    const shifted = f32x4.pmax(f32x4.add(z, splatAt(HARD)), f32x4.splat(0));
    return f32x4.div(f32x4.pmin(shifted, splatAt(HARD + 4)), splatAt(HARD + 4));
  }

  @inline gradient(dy: v128, y: v128, _option: v128): v128 {
    const flat = v128.or(f32x4.le(y, f32x4.splat(0)), f32x4.ge(y, splatAt(ONE)));
    return v128.andnot(f32x4.div(dy, splatAt(HARD + 4)), flat);
  }
}

export function hardSigmoidForward(y: usize, z: usize, rows: i32, columns: i32, pitch: i32): void {
  forward<HardSigmoid>(y, z, rows, columns, pitch, 0);
}

export function hardSigmoidBackward(
  dz: usize, dy: usize, y: usize, rows: i32, columns: i32, pitch: i32,
): void {
  backward<HardSigmoid>(dz, dy, y, rows, columns, pitch, 0);
}

@unmanaged @final
class Tanh {
  @inline value(z: v128, _option: v128): v128 {
    return tanh(z);
  }

  @inline gradient(dy: v128, y: v128, _option: v128): v128 {
    return f32x4.mul(dy, f32x4.sub(splatAt(ONE), f32x4.mul(y, y)));
  }
}

export function tanhForward(y: usize, z: usize, rows: i32, columns: i32, pitch: i32): void {
  forward<Tanh>(y, z, rows, columns, pitch, 0);
}

export function tanhBackward(
  dz: usize, dy: usize, y: usize, rows: i32, columns: i32, pitch: i32,
): void {
  backward<Tanh>(dz, dy, y, rows, columns, pitch, 0);
}
