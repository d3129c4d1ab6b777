// The loops of the hand-written network: float32 arrays, row-major, w[inputs][units]; sums in
// registers as float64, in blocks of four rows by two units, so that each value loaded is used twice
// or four times. x0 is where the first row of x begins: batches are read where they lie.

/** y[rows][units] = x · w + b. The x of row r begins at x0 + r·inputs. */
export function forward(y, x, x0, w, b, rows, inputs, units) {
  let r = 0;
  for (; r + 4 <= rows; r += 4) {
    const p0 = x0 + r * inputs;
    const p1 = p0 + inputs;
    const p2 = p1 + inputs;
    const p3 = p2 + inputs;
    let j = 0;
    for (; j + 2 <= units; j += 2) {
      let a0 = b[j],
        a1 = b[j + 1];
      let b0 = a0,
        b1 = a1,
        c0 = a0,
        c1 = a1,
        d0 = a0,
        d1 = a1;
      for (let k = 0, q = j; k < inputs; k++, q += units) {
        const u = w[q],
          v = w[q + 1];
        const f = x[p0 + k],
          g = x[p1 + k],
          h = x[p2 + k],
          i = x[p3 + k];
        a0 += f * u;
        a1 += f * v;
        b0 += g * u;
        b1 += g * v;
        c0 += h * u;
        c1 += h * v;
        d0 += i * u;
        d1 += i * v;
      }
      let o = r * units + j;
      y[o] = a0;
      y[o + 1] = a1;
      y[(o += units)] = b0;
      y[o + 1] = b1;
      y[(o += units)] = c0;
      y[o + 1] = c1;
      y[(o += units)] = d0;
      y[o + 1] = d1;
    }
    for (; j < units; j++) {
      let a = b[j],
        c = a,
        d = a,
        e = a;
      for (let k = 0, q = j; k < inputs; k++, q += units) {
        const u = w[q];
        a += x[p0 + k] * u;
        c += x[p1 + k] * u;
        d += x[p2 + k] * u;
        e += x[p3 + k] * u;
      }
      const o = r * units + j;
      y[o] = a;
      y[o + units] = c;
      y[o + 2 * units] = d;
      y[o + 3 * units] = e;
    }
  }
  for (; r < rows; r++) forwardRow(y, r * units, x, x0 + r * inputs, w, b, inputs, units);
}

function forwardRow(y, y0, x, x0, w, b, inputs, units) {
  let j = 0;
  for (; j + 4 <= units; j += 4) {
    let a = b[j],
      c = b[j + 1],
      d = b[j + 2],
      e = b[j + 3];
    for (let k = 0, q = j; k < inputs; k++, q += units) {
      const f = x[x0 + k];
      a += f * w[q];
      c += f * w[q + 1];
      d += f * w[q + 2];
      e += f * w[q + 3];
    }
    y[y0 + j] = a;
    y[y0 + j + 1] = c;
    y[y0 + j + 2] = d;
    y[y0 + j + 3] = e;
  }
  for (; j < units; j++) {
    let a = b[j];
    for (let k = 0, q = j; k < inputs; k++, q += units) a += x[x0 + k] * w[q];
    y[y0 + j] = a;
  }
}

/** The same for rows of many zeros: four rows of w at a time, only those that x selects. */
export function forwardSparse(y, x, x0, w, b, rows, inputs, units, places) {
  for (let r = 0; r < rows; r++) {
    const p = x0 + r * inputs;
    const o = r * units;
    let count = 0;
    for (let k = 0; k < inputs; k++) if (x[p + k] !== 0) places[count++] = k;
    for (let j = 0; j < units; j++) y[o + j] = b[j];
    let n = 0;
    for (; n + 4 <= count; n += 4) {
      const k0 = places[n],
        k1 = places[n + 1],
        k2 = places[n + 2],
        k3 = places[n + 3];
      const f = x[p + k0],
        g = x[p + k1],
        h = x[p + k2],
        i = x[p + k3];
      const q0 = k0 * units,
        q1 = k1 * units,
        q2 = k2 * units,
        q3 = k3 * units;
      for (let j = 0; j < units; j++) {
        y[o + j] += f * w[q0 + j] + g * w[q1 + j] + (h * w[q2 + j] + i * w[q3 + j]);
      }
    }
    for (; n < count; n++) {
      const f = x[p + places[n]];
      const q = places[n] * units;
      for (let j = 0; j < units; j++) y[o + j] += f * w[q + j];
    }
  }
}

/** dx[rows][inputs] = dz · wᵀ */
export function inputGradient(dx, dz, w, rows, inputs, units) {
  let r = 0;
  for (; r + 4 <= rows; r += 4) {
    const p0 = r * units,
      p1 = p0 + units,
      p2 = p1 + units,
      p3 = p2 + units;
    let k = 0;
    for (; k + 2 <= inputs; k += 2) {
      const q = k * units,
        s = q + units;
      let a0 = 0,
        a1 = 0,
        b0 = 0,
        b1 = 0,
        c0 = 0,
        c1 = 0,
        d0 = 0,
        d1 = 0;
      for (let j = 0; j < units; j++) {
        const u = w[q + j],
          v = w[s + j];
        const f = dz[p0 + j],
          g = dz[p1 + j],
          h = dz[p2 + j],
          i = dz[p3 + j];
        a0 += f * u;
        a1 += f * v;
        b0 += g * u;
        b1 += g * v;
        c0 += h * u;
        c1 += h * v;
        d0 += i * u;
        d1 += i * v;
      }
      let o = r * inputs + k;
      dx[o] = a0;
      dx[o + 1] = a1;
      dx[(o += inputs)] = b0;
      dx[o + 1] = b1;
      dx[(o += inputs)] = c0;
      dx[o + 1] = c1;
      dx[(o += inputs)] = d0;
      dx[o + 1] = d1;
    }
    for (; k < inputs; k++) {
      for (let i = 0; i < 4; i++) {
        let sum = 0;
        for (let j = 0; j < units; j++) sum += dz[(r + i) * units + j] * w[k * units + j];
        dx[(r + i) * inputs + k] = sum;
      }
    }
  }
  for (; r < rows; r++) {
    for (let k = 0; k < inputs; k++) {
      let sum = 0;
      for (let j = 0, p = r * units, q = k * units; j < units; j++) sum += dz[p + j] * w[q + j];
      dx[r * inputs + k] = sum;
    }
  }
}

/** out = keep · out + scale · xᵀ · dz: (1, −rate) is a fused SGD step, (0, 1 / batch) a gradient. */
export function weightGradient(out, keep, scale, x, x0, dz, rows, inputs, units) {
  let k = 0;
  for (; k + 4 <= inputs; k += 4) {
    let j = 0;
    for (; j + 2 <= units; j += 2) {
      let a0 = 0,
        a1 = 0,
        b0 = 0,
        b1 = 0,
        c0 = 0,
        c1 = 0,
        d0 = 0,
        d1 = 0;
      for (let r = 0, p = x0 + k, q = j; r < rows; r++, p += inputs, q += units) {
        const u = dz[q],
          v = dz[q + 1];
        const f = x[p],
          g = x[p + 1],
          h = x[p + 2],
          i = x[p + 3];
        a0 += f * u;
        a1 += f * v;
        b0 += g * u;
        b1 += g * v;
        c0 += h * u;
        c1 += h * v;
        d0 += i * u;
        d1 += i * v;
      }
      let o = k * units + j;
      out[o] = keep * out[o] + scale * a0;
      out[o + 1] = keep * out[o + 1] + scale * a1;
      o += units;
      out[o] = keep * out[o] + scale * b0;
      out[o + 1] = keep * out[o + 1] + scale * b1;
      o += units;
      out[o] = keep * out[o] + scale * c0;
      out[o + 1] = keep * out[o + 1] + scale * c1;
      o += units;
      out[o] = keep * out[o] + scale * d0;
      out[o + 1] = keep * out[o + 1] + scale * d1;
    }
    for (; j < units; j++) {
      let a = 0,
        b = 0,
        c = 0,
        d = 0;
      for (let r = 0, p = x0 + k, q = j; r < rows; r++, p += inputs, q += units) {
        const u = dz[q];
        a += x[p] * u;
        b += x[p + 1] * u;
        c += x[p + 2] * u;
        d += x[p + 3] * u;
      }
      let o = k * units + j;
      out[o] = keep * out[o] + scale * a;
      o += units;
      out[o] = keep * out[o] + scale * b;
      o += units;
      out[o] = keep * out[o] + scale * c;
      o += units;
      out[o] = keep * out[o] + scale * d;
    }
  }
  for (; k < inputs; k++) {
    for (let j = 0; j < units; j++) {
      let sum = 0;
      for (let r = 0, p = x0 + k, q = j; r < rows; r++, p += inputs, q += units)
        sum += x[p] * dz[q];
      const o = k * units + j;
      out[o] = keep * out[o] + scale * sum;
    }
  }
}

/** The same for an x of many zeros: column by column, four of its rows at a time. */
export function weightGradientSparse(out, keep, scale, x, x0, dz, rows, inputs, units, places) {
  for (let k = 0; k < inputs; k++) {
    const o = k * units;
    let count = 0;
    for (let r = 0, p = x0 + k; r < rows; r++, p += inputs) if (x[p] !== 0) places[count++] = r;
    if (keep === 0) for (let j = 0; j < units; j++) out[o + j] = 0;
    let n = 0;
    for (; n + 4 <= count; n += 4) {
      const r0 = places[n],
        r1 = places[n + 1],
        r2 = places[n + 2],
        r3 = places[n + 3];
      const p = x0 + k;
      const f = scale * x[p + r0 * inputs],
        g = scale * x[p + r1 * inputs];
      const h = scale * x[p + r2 * inputs],
        i = scale * x[p + r3 * inputs];
      const q0 = r0 * units,
        q1 = r1 * units,
        q2 = r2 * units,
        q3 = r3 * units;
      for (let j = 0; j < units; j++) {
        out[o + j] += f * dz[q0 + j] + g * dz[q1 + j] + (h * dz[q2 + j] + i * dz[q3 + j]);
      }
    }
    for (; n < count; n++) {
      const f = scale * x[x0 + k + places[n] * inputs];
      const q = places[n] * units;
      for (let j = 0; j < units; j++) out[o + j] += f * dz[q + j];
    }
  }
}

export function biasGradient(out, keep, scale, dz, rows, units) {
  for (let j = 0; j < units; j++) {
    let sum = 0;
    for (let r = 0, q = j; r < rows; r++, q += units) sum += dz[q];
    out[j] = keep * out[j] + scale * sum;
  }
}

export function relu(y, count) {
  for (let i = 0; i < count; i++) if (y[i] < 0) y[i] = 0;
}

export function sigmoid(y, count) {
  for (let i = 0; i < count; i++) y[i] = 1 / (1 + Math.exp(-y[i]));
}

export function softmax(y, rows, units) {
  for (let r = 0, o = 0; r < rows; r++, o += units) {
    let top = y[o];
    for (let j = 1; j < units; j++) if (y[o + j] > top) top = y[o + j];
    let sum = 0;
    for (let j = 0; j < units; j++) sum += y[o + j] = Math.exp(y[o + j] - top);
    const scale = 1 / sum;
    for (let j = 0; j < units; j++) y[o + j] *= scale;
  }
}

export function reluSlope(dz, y, count) {
  for (let i = 0; i < count; i++) if (y[i] <= 0) dz[i] = 0;
}

export function sigmoidSlope(dz, y, count) {
  for (let i = 0; i < count; i++) dz[i] *= y[i] * (1 - y[i]);
}

export function adamStep(p, g, m, v, rate, root) {
  for (let i = 0; i < p.length; i++) {
    const a = g[i];
    const b = (m[i] = 0.9 * m[i] + 0.1 * a);
    const c = (v[i] = 0.999 * v[i] + 0.001 * a * a);
    p[i] -= (rate * b) / (Math.sqrt(c) * root + 1e-8);
  }
}
