// What stands before the dense layers in reference.mjs, in float64 and for one row: plain loops.
//   forward(front, layers, x)  → { features, … }, the rest being what backward reads
//   backward(front, layers, trace, delta, gradients) adds to `gradients`; delta is that of the features

const sigmoid = (z) => 1 / (1 + Math.exp(-z));

/** Calls `visit(x, w)` with the first of the channels and weights of each tap inside the image. */
function taps({ size, kernel }, row, column, channels, filters, visit) {
  const before = (kernel - 1) >> 1;
  for (let r = 0; r < kernel; r++) {
    for (let c = 0; c < kernel; c++) {
      const [y, x] = [row + r - before, column + c - before];
      if (y < 0 || y >= size || x < 0 || x >= size) continue;
      visit((y * size + x) * channels, (r * kernel + c) * channels * filters);
    }
  }
}

/** Calls `visit(row, column, place)` for all positions of an image. */
function positions({ size }, visit) {
  for (let p = 0; p < size * size; p++) visit(Math.floor(p / size), p % size, p);
}

const convolution = {
  forward(front, layers, x) {
    const values = [x];
    front.filters.forEach((filters, i) => {
      const { w, b } = layers[i];
      const input = values[i];
      const channels = input.length / front.size ** 2;
      const y = new Float64Array(front.size ** 2 * filters);
      positions(front, (row, column, place) => {
        const at = place * filters;
        y.set(b, at);
        taps(front, row, column, channels, filters, (from, weight) => {
          for (let c = 0; c < channels; c++) {
            const value = input[from + c];
            for (let f = 0; f < filters; f++) y[at + f] += value * w[weight + c * filters + f];
          }
        });
      });
      values.push(y.map((z) => Math.max(0, z)));
    });
    const filters = front.filters.at(-1);
    const features = new Float64Array(filters);
    values.at(-1).forEach((value, k) => {
      features[k % filters] += value / front.size ** 2;
    });
    return { features, values };
  },

  backward(front, layers, { values }, delta, gradients) {
    let dy = values.at(-1).map((_, k) => delta[k % delta.length] / front.size ** 2);
    for (let i = front.filters.length - 1; i >= 0; i--) {
      const filters = front.filters[i];
      const { w } = layers[i];
      const { dw, db } = gradients[i];
      const input = values[i];
      const channels = input.length / front.size ** 2;
      const dz = dy.map((value, k) => (values[i + 1][k] > 0 ? value : 0));
      const dx = new Float64Array(input.length);
      positions(front, (row, column, place) => {
        const at = place * filters;
        for (let f = 0; f < filters; f++) db[f] += dz[at + f];
        taps(front, row, column, channels, filters, (from, weight) => {
          for (let c = 0; c < channels; c++) {
            let sum = 0;
            for (let f = 0, k = weight + c * filters; f < filters; f++, k++) {
              dw[k] += input[from + c] * dz[at + f];
              sum += w[k] * dz[at + f];
            }
            dx[from + c] += sum;
          }
        });
      });
      dy = dx;
    }
  },
};

// i, f, o = σ(…), g = tanh(…), each of x·w + h′·u + b; c = f·c′ + i·g; h = o·tanh(c).
//
// brain.js does otherwise in two places, which are options of the front: `hiddenAsCell` has h′ where
// c′ should be, and `firstBiasOnly` takes as the gradient of biases what comes from the first step alone,
// which is nothing for those of the layer above.
const recurrence = {
  forward({ steps, inputs, units, hiddenAsCell }, layers, x) {
    const { w, b } = layers[0];
    const columns = 4 * units;
    let h = new Float64Array(units);
    let cell = new Float64Array(units);
    const trace = [];
    for (let t = 0; t < steps; t++) {
      // The inputs of a step, behind them the state: w has its rows in this order.
      const input = Float64Array.of(...x.subarray(t * inputs, (t + 1) * inputs), ...h);
      const z = Float64Array.from(b);
      input.forEach((value, k) => {
        for (let j = 0; j < columns; j++) z[j] += value * w[k * columns + j];
      });
      const gate = (n, f) => z.subarray(n * units, (n + 1) * units).map((value) => f(value));
      const [i, f, g, o] = [
        gate(0, sigmoid),
        gate(1, sigmoid),
        gate(2, Math.tanh),
        gate(3, sigmoid),
      ];
      const before = hiddenAsCell ? h : cell;
      cell = before.map((value, j) => f[j] * value + i[j] * g[j]);
      h = cell.map((value, j) => o[j] * Math.tanh(value));
      trace.push({ input, before, cell, i, f, g, o });
    }
    return { features: h, trace };
  },

  backward({ inputs, units, hiddenAsCell, firstBiasOnly }, layers, { trace }, delta, gradients) {
    const { w } = layers[0];
    const { dw, db } = gradients[0];
    if (firstBiasOnly) gradients.at(-1).db.fill(0);
    const columns = 4 * units;
    let dh = Float64Array.from(delta);
    let dc = new Float64Array(units);
    for (let t = trace.length - 1; t >= 0; t--) {
      const { input, before, cell, i, f, g, o } = trace[t];
      const dz = new Float64Array(columns);
      for (let j = 0; j < units; j++) {
        const top = Math.tanh(cell[j]);
        dc[j] += dh[j] * o[j] * (1 - top * top);
        dz[j] = dc[j] * g[j] * i[j] * (1 - i[j]);
        dz[units + j] = dc[j] * before[j] * f[j] * (1 - f[j]);
        dz[2 * units + j] = dc[j] * i[j] * (1 - g[j] * g[j]);
        dz[3 * units + j] = dh[j] * top * o[j] * (1 - o[j]);
      }
      if (t === 0 || !firstBiasOnly) for (let j = 0; j < columns; j++) db[j] += dz[j];
      const through = input.map((value, k) => {
        let sum = 0;
        for (let j = 0; j < columns; j++) {
          dw[k * columns + j] += value * dz[j];
          sum += w[k * columns + j] * dz[j];
        }
        return sum;
      });
      dh = through.slice(inputs);
      dc = dc.map((value, j) => value * f[j]);
      if (hiddenAsCell) {
        for (let j = 0; j < units; j++) dh[j] += dc[j];
        dc.fill(0);
      }
    }
  },
};

export const fronts = { convolution, recurrence };
