import { erfc, exp, expm1, fround, log1p, sigmoid, tanh } from '../math.js';
import type { ActivationDefinition, Floats } from './definition.js';
import { denseForward } from './dense.js';
import { softmax } from './softmax.js';

/*
 * Activations y = f(z), element by element over [rows][pitch] matrices of `columns` columns, and
 * their backward kernels dz = dy ⊙ f′, which take f′ from y or from z as the definition says.
 *
 * y may be z, and dz may be dy. The padding behind `columns` is neither read nor written here, and is
 * written as zero by the WebAssembly kernels, which mask the last vector of a row; that vector is
 * the only tail. NaN gives NaN. The loops are written out, because one loop taking a closure would
 * be compiled for all closures at once. Errors are the largest in ULP where y is a normal float.
 *
 * A new activation is a block here (two kernels and an entry of the catalogue below) and a block in
 * assembly/activations.ts.
 */

/** y = max(z, 0). relu′(0) = 0. */
export function reluForward(
  y: Floats,
  z: Floats,
  rows: number,
  columns: number,
  pitch: number,
): void {
  for (let r = 0; r < rows; r++) {
    for (let i = r * pitch, end = i + columns; i < end; i++) y[i] = z[i]! < 0 ? 0 : z[i]!;
  }
}

export function reluBackward(
  dz: Floats,
  dy: Floats,
  y: Floats,
  rows: number,
  columns: number,
  pitch: number,
): void {
  for (let r = 0; r < rows; r++) {
    for (let i = r * pitch, end = i + columns; i < end; i++) dz[i] = y[i]! <= 0 ? 0 : dy[i]!;
  }
}

/** y = z above 0, slope·z below. */
export function leakyReluForward(
  y: Floats,
  z: Floats,
  rows: number,
  columns: number,
  pitch: number,
  slope: number,
): void {
  const s = fround(slope);
  for (let r = 0; r < rows; r++) {
    for (let i = r * pitch, end = i + columns; i < end; i++)
      y[i] = z[i]! > 0 ? z[i]! : fround(s * z[i]!);
  }
}

export function leakyReluBackward(
  dz: Floats,
  dy: Floats,
  y: Floats,
  rows: number,
  columns: number,
  pitch: number,
  slope: number,
): void {
  const s = fround(slope);
  for (let r = 0; r < rows; r++) {
    for (let i = r * pitch, end = i + columns; i < end; i++)
      dz[i] = y[i]! > 0 ? dy[i]! : fround(s * dy[i]!);
  }
}

/** y = z above 0, α(eᶻ − 1) below (Clevert et al. 2016); there f′ = y + α. 2 ULP. */
export function eluForward(
  y: Floats,
  z: Floats,
  rows: number,
  columns: number,
  pitch: number,
  alpha: number,
): void {
  const a = fround(alpha);
  for (let r = 0; r < rows; r++) {
    for (let i = r * pitch, end = i + columns; i < end; i++)
      y[i] = z[i]! > 0 ? z[i]! : fround(a * expm1(z[i]!));
  }
}

export function eluBackward(
  dz: Floats,
  dy: Floats,
  y: Floats,
  rows: number,
  columns: number,
  pitch: number,
  alpha: number,
): void {
  const a = fround(alpha);
  for (let r = 0; r < rows; r++) {
    for (let i = r * pitch, end = i + columns; i < end; i++) {
      dz[i] = y[i]! > 0 ? dy[i]! : fround(dy[i]! * fround(y[i]! + a));
    }
  }
}

const SELU_SCALE = fround(1.0507009873554805);
/** λα, with the paper's α = 1.6732632423543772. */
const SELU_BELOW = fround(1.7580993408473766);

/** y = λz above 0, λα(eᶻ − 1) below (Klambauer et al. 2017); there f′ = y + λα. 2 ULP. */
export function seluForward(
  y: Floats,
  z: Floats,
  rows: number,
  columns: number,
  pitch: number,
): void {
  for (let r = 0; r < rows; r++) {
    for (let i = r * pitch, end = i + columns; i < end; i++) {
      y[i] = fround(z[i]! > 0 ? SELU_SCALE * z[i]! : SELU_BELOW * expm1(z[i]!));
    }
  }
}

export function seluBackward(
  dz: Floats,
  dy: Floats,
  y: Floats,
  rows: number,
  columns: number,
  pitch: number,
): void {
  for (let r = 0; r < rows; r++) {
    for (let i = r * pitch, end = i + columns; i < end; i++) {
      dz[i] = fround(dy[i]! * (y[i]! > 0 ? SELU_SCALE : fround(y[i]! + SELU_BELOW)));
    }
  }
}

const SQRT_HALF = fround(Math.SQRT1_2);
/** 1 / √(2π) */
const DENSITY = fround(0.3989422804014327);

/** From here on, which is beyond 9√2, Φ(−|z|) is 0. */
const GELU_END = 13;

/** max(z, 0) − |z|Φ(−|z|), where nothing cancels, with Φ(−|z|) = erfc(|z|/√2)/2. */
function geluOf(z: number): number {
  const x = Math.min(Math.abs(z), GELU_END);
  return fround(Math.max(z, 0) - fround(fround(0.5 * x) * erfc(fround(x * SQRT_HALF))));
}

/** Φ(z) + zφ(z), which is 1 less its value at −z. */
function geluSlope(z: number): number {
  const x = Math.min(Math.abs(z), GELU_END);
  const a = fround(x * SQRT_HALF);
  const e = a >= 9 ? 0 : exp(-fround(a * a));
  const below = fround(fround(0.5 * erfc(a)) - fround(fround(x * DENSITY) * e));
  return z > 0 ? fround(1 - below) : below;
}

/** y = zΦ(z), the normal distribution (Hendrycks and Gimpel 2016). 4 ULP, or 1e-7 below 0. */
export function geluForward(
  y: Floats,
  z: Floats,
  rows: number,
  columns: number,
  pitch: number,
): void {
  for (let r = 0; r < rows; r++) {
    for (let i = r * pitch, end = i + columns; i < end; i++) y[i] = geluOf(z[i]!);
  }
}

export function geluBackward(
  dz: Floats,
  dy: Floats,
  z: Floats,
  rows: number,
  columns: number,
  pitch: number,
): void {
  for (let r = 0; r < rows; r++) {
    for (let i = r * pitch, end = i + columns; i < end; i++)
      dz[i] = fround(dy[i]! * geluSlope(z[i]!));
  }
}

/** 2√(2/π), and that times 0.044715 and three times 0.044715. */
const TANH_GELU_1 = fround(1.5957691216057308);
const TANH_GELU_3 = fround(0.07135481627260025);
const TANH_GELU_SLOPE = fround(0.21406444881780074);
/** Below this, σ(w) is 0. */
const TANH_GELU_LOWEST = fround(-10.1);

/** max(z, 0) − |z|σ(−|w|), w = 2√(2/π)(z + 0.044715z³): z(1 + tanh(w/2))/2 without cancellation. */
function geluTanhOf(z: number): number {
  const x = Math.max(-Math.abs(z), TANH_GELU_LOWEST);
  const w = fround(x * fround(TANH_GELU_1 + fround(TANH_GELU_3 * fround(x * x))));
  const e = exp(w);
  return fround(Math.max(z, 0) + fround(x * fround(e / fround(1 + e))));
}

/** σ(w) + zσ(w)(1 − σ(w))w′, which is 1 less its value at −z. */
function geluTanhSlope(z: number): number {
  const x = Math.max(-Math.abs(z), TANH_GELU_LOWEST);
  const square = fround(x * x);
  const e = exp(fround(x * fround(TANH_GELU_1 + fround(TANH_GELU_3 * square))));
  const q = fround(e / fround(1 + e));
  const rise = fround(x * fround(TANH_GELU_1 + fround(TANH_GELU_SLOPE * square)));
  const below = fround(q + fround(fround(rise * q) * fround(1 - q)));
  return z > 0 ? fround(1 - below) : below;
}

/** y = z(1 + tanh(√(2/π)(z + 0.044715z³)))/2, the approximation to gelu. 4 ULP, or 1e-7 below 0. */
export function geluTanhForward(
  y: Floats,
  z: Floats,
  rows: number,
  columns: number,
  pitch: number,
): void {
  for (let r = 0; r < rows; r++) {
    for (let i = r * pitch, end = i + columns; i < end; i++) y[i] = geluTanhOf(z[i]!);
  }
}

export function geluTanhBackward(
  dz: Floats,
  dy: Floats,
  z: Floats,
  rows: number,
  columns: number,
  pitch: number,
): void {
  for (let r = 0; r < rows; r++) {
    for (let i = r * pitch, end = i + columns; i < end; i++)
      dz[i] = fround(dy[i]! * geluTanhSlope(z[i]!));
  }
}

/** Below this, σ(z) is 0. */
const SILU_LOWEST = -88;

/** max(z, 0) − |z|σ(−|z|) */
function siluOf(z: number): number {
  const x = Math.max(-Math.abs(z), SILU_LOWEST);
  const e = exp(x);
  return fround(Math.max(z, 0) + fround(x * fround(e / fround(1 + e))));
}

/** σ(z) + zσ(z)(1 − σ(z)), which is 1 less its value at −z. */
function siluSlope(z: number): number {
  const x = Math.max(-Math.abs(z), SILU_LOWEST);
  const e = exp(x);
  const q = fround(e / fround(1 + e));
  const below = fround(q + fround(fround(x * q) * fround(1 - q)));
  return z > 0 ? fround(1 - below) : below;
}

/** y = zσ(z), also called swish. 3 ULP, and 0 where exp(z) is below 2⁻¹²⁶. */
export function siluForward(
  y: Floats,
  z: Floats,
  rows: number,
  columns: number,
  pitch: number,
): void {
  for (let r = 0; r < rows; r++) {
    for (let i = r * pitch, end = i + columns; i < end; i++) y[i] = siluOf(z[i]!);
  }
}

export function siluBackward(
  dz: Floats,
  dy: Floats,
  z: Floats,
  rows: number,
  columns: number,
  pitch: number,
): void {
  for (let r = 0; r < rows; r++) {
    for (let i = r * pitch, end = i + columns; i < end; i++)
      dz[i] = fround(dy[i]! * siluSlope(z[i]!));
  }
}

/** max(z, 0) + log(1 + exp(−|z|)) */
function softplusOf(z: number): number {
  return fround((z > 0 ? z : 0) + log1p(exp(-Math.abs(z))));
}

/** y = log(1 + eᶻ); f′ = σ(z) = 1 − exp(−y). 3 ULP. */
export function softplusForward(
  y: Floats,
  z: Floats,
  rows: number,
  columns: number,
  pitch: number,
): void {
  for (let r = 0; r < rows; r++) {
    for (let i = r * pitch, end = i + columns; i < end; i++) y[i] = softplusOf(z[i]!);
  }
}

export function softplusBackward(
  dz: Floats,
  dy: Floats,
  y: Floats,
  rows: number,
  columns: number,
  pitch: number,
): void {
  for (let r = 0; r < rows; r++) {
    for (let i = r * pitch, end = i + columns; i < end; i++)
      dz[i] = fround(dy[i]! * -expm1(-Math.abs(y[i]!)));
  }
}

/** Holds ∞ back, since ∞ / ∞ is none. */
const LARGEST = (2 - 2 ** -23) * 2 ** 127;

function softsignOf(z: number): number {
  const x = Math.max(Math.min(z, LARGEST), -LARGEST);
  return fround(x / fround(1 + Math.abs(x)));
}

/** y = z / (1 + |z|); f′ = (1 − |y|)². 2 ULP. */
export function softsignForward(
  y: Floats,
  z: Floats,
  rows: number,
  columns: number,
  pitch: number,
): void {
  for (let r = 0; r < rows; r++) {
    for (let i = r * pitch, end = i + columns; i < end; i++) y[i] = softsignOf(z[i]!);
  }
}

export function softsignBackward(
  dz: Floats,
  dy: Floats,
  y: Floats,
  rows: number,
  columns: number,
  pitch: number,
): void {
  for (let r = 0; r < rows; r++) {
    for (let i = r * pitch, end = i + columns; i < end; i++) {
      const rest = fround(1 - Math.abs(y[i]!));
      dz[i] = fround(dy[i]! * fround(rest * rest));
    }
  }
}

/** y = σ(z); f′ = y(1 − y). 3 ULP, and exactly 0 for z < −43, where it is below 2⁻⁶² (`expShare`). */
export function sigmoidForward(
  y: Floats,
  z: Floats,
  rows: number,
  columns: number,
  pitch: number,
): void {
  for (let r = 0; r < rows; r++) {
    for (let i = r * pitch, end = i + columns; i < end; i++) y[i] = sigmoid(z[i]!);
  }
}

/** One row through a small dense layer, y = σ(x·w + b), in the steps and the order of `denseForward`. */
export function sigmoidRowForward(
  y: Floats,
  x: Floats,
  w: Floats,
  b: Floats,
  inputs: number,
  units: number,
  pitch: number,
): void {
  denseForward(y, x, w, b, 1, inputs, units, inputs, pitch, Number.NEGATIVE_INFINITY);
  sigmoidForward(y, y, 1, units, pitch);
}

export function sigmoidBackward(
  dz: Floats,
  dy: Floats,
  y: Floats,
  rows: number,
  columns: number,
  pitch: number,
): void {
  for (let r = 0; r < rows; r++) {
    for (let i = r * pitch, end = i + columns; i < end; i++) {
      dz[i] = fround(dy[i]! * fround(y[i]! * fround(1 - y[i]!)));
    }
  }
}

/** y = min(max(z + 3, 0), 6) / 6; f′ = 0 where y is 0 or 1. 1 ULP. */
export function hardSigmoidForward(
  y: Floats,
  z: Floats,
  rows: number,
  columns: number,
  pitch: number,
): void {
  for (let r = 0; r < rows; r++) {
    for (let i = r * pitch, end = i + columns; i < end; i++) {
      y[i] = fround(Math.min(Math.max(fround(z[i]! + 3), 0), 6) / 6);
    }
  }
}

export function hardSigmoidBackward(
  dz: Floats,
  dy: Floats,
  y: Floats,
  rows: number,
  columns: number,
  pitch: number,
): void {
  for (let r = 0; r < rows; r++) {
    for (let i = r * pitch, end = i + columns; i < end; i++) {
      dz[i] = y[i]! <= 0 || y[i]! >= 1 ? 0 : fround(dy[i]! / 6);
    }
  }
}

/** y = tanh(z); f′ = 1 − y². 2 ULP. */
export function tanhForward(
  y: Floats,
  z: Floats,
  rows: number,
  columns: number,
  pitch: number,
): void {
  for (let r = 0; r < rows; r++) {
    for (let i = r * pitch, end = i + columns; i < end; i++) y[i] = tanh(z[i]!);
  }
}

export function tanhBackward(
  dz: Floats,
  dy: Floats,
  y: Floats,
  rows: number,
  columns: number,
  pitch: number,
): void {
  for (let r = 0; r < rows; r++) {
    for (let i = r * pitch, end = i + columns; i < end; i++) {
      dz[i] = fround(dy[i]! * fround(1 - fround(y[i]! * y[i]!)));
    }
  }
}

/**
 * The activations of the catalogue. Options:
 *
 * - `leakyRelu`: slope ≥ 0 of the part below 0, default 0.01.
 * - `elu`: α ≥ 0, minus the limit far below 0, default 1.
 */
export const activations = {
  linear: {
    slopeFrom: 'y',
    lowerBound: Number.NEGATIVE_INFINITY,
    options: {},
    initializer: 'glorotUniform',
  },
  relu: {
    slopeFrom: 'y',
    lowerBound: 0,
    positive: true,
    options: {},
    initializer: 'heUniform',
    kinks: [0],
  },
  leakyRelu: {
    slopeFrom: 'y',
    options: { slope: 0.01 },
    ranges: { slope: [0, 2 ** 127] },
    initializer: 'heUniform',
    kinks: [0],
  },
  elu: {
    slopeFrom: 'y',
    options: { alpha: 1 },
    ranges: { alpha: [0, 2 ** 127] },
    initializer: 'heUniform',
    kinks: [0],
  },
  selu: { slopeFrom: 'y', options: {}, initializer: 'lecunNormal', kinks: [0] },
  gelu: { slopeFrom: 'z', options: {}, initializer: 'heUniform' },
  geluTanh: { slopeFrom: 'z', options: {}, initializer: 'heUniform' },
  silu: { slopeFrom: 'z', options: {}, initializer: 'heUniform' },
  softplus: { slopeFrom: 'y', positive: true, options: {}, initializer: 'glorotUniform' },
  softsign: { slopeFrom: 'y', options: {}, initializer: 'glorotUniform' },
  sigmoid: { slopeFrom: 'y', positive: true, options: {}, initializer: 'glorotUniform' },
  hardSigmoid: {
    slopeFrom: 'y',
    positive: true,
    options: {},
    initializer: 'glorotUniform',
    kinks: [-3, 3],
  },
  tanh: { slopeFrom: 'y', options: {}, initializer: 'glorotUniform' },
  softmax,
} as const satisfies Record<string, ActivationDefinition>;
