import { padRow, tailMask } from './internal/simd';

/** x[r, c] = data[indices[cursor + r], c]. */
export function gatherRows(
  x: usize,
  data: usize,
  indices: usize,
  counters: usize,
  batch: i32,
  columns: i32,
  pitch: i32,
): void {
  const tail = tailMask(columns);
  let index = indices + ((<usize>load<i32>(counters)) << 2);
  do {
    padRow(x, data + (((<usize>load<i32>(index)) * columns) << 2), columns, tail);
    index += 4;
    x += pitch << 2;
  } while (--batch);
}

/** The same of t and targets beside it. */
export function gatherExamples(
  x: usize, t: usize, data: usize, targets: usize, indices: usize, counters: usize, batch: i32,
  columns: i32, targetColumns: i32, pitch: i32, targetPitch: i32,
): void {
  const tail = tailMask(columns), targetTail = tailMask(targetColumns);
  let index = indices + ((<usize>load<i32>(counters)) << 2);
  do {
    const row = <usize>load<i32>(index);
    padRow(x, data + ((row * columns) << 2), columns, tail);
    padRow(t, targets + ((row * targetColumns) << 2), targetColumns, targetTail);
    index += 4;
    x += pitch << 2;
    t += targetPitch << 2;
  } while (--batch);
}

/** x[r, c] = data[r, c]. */
export function padRows(x: usize, data: usize, batch: i32, columns: i32, pitch: i32): void {
  const tail = tailMask(columns);
  do {
    padRow(x, data, columns, tail);
    data += columns << 2;
    x += pitch << 2;
  } while (--batch);
}

/** data[appended + r, c] = x[r, c]. Writes not one float past the last row. */
export function appendRows(
  data: usize,
  x: usize,
  counters: usize,
  batch: i32,
  columns: i32,
  pitch: i32,
): void {
  data += ((<usize>load<i32>(counters, 4)) * columns) << 2;
  const whole = (columns & ~3) << 2;
  const rest = columns & 3;
  do {
    const end = x + whole;
    let source = x;
    while (source != end) {
      v128.store(data, v128.load(source));
      source += 16;
      data += 16;
    }
    for (let c = 0; c < rest; ++c) {
      store<f32>(data, load<f32>(source));
      source += 4;
      data += 4;
    }
    x += pitch << 2;
  } while (--batch);
}

/** The cursor and the appended rows move on by `batch`, the step by `steps`, and the epoch. */
export function advanceBatch(counters: usize, batch: i32, steps: i32): void {
  store<i32>(counters, load<i32>(counters) + batch);
  store<i32>(counters, load<i32>(counters, 4) + batch, 4);
  store<i32>(counters, load<i32>(counters, 8) + steps, 8);
  const left = load<i32>(counters, 16) - batch;
  if (left == 0) {
    store<i32>(counters, load<i32>(counters, 12) + 1, 12);
    store<i32>(counters, load<i32>(counters, 20), 16);
  } else {
    store<i32>(counters, left, 16);
  }
}

/** Counts the rows of a step that have come in parts. */
export function advancePart(counters: usize, batch: i32): void {
  store<i32>(counters, batch == 0 ? 0 : load<i32>(counters, 28) + batch, 28);
}

/** hyper[0] = rates[step mod size]; size is a power of two. */
export function takeRate(hyper: usize, rates: usize, counters: usize, size: i32): void {
  const place = load<i32>(counters, 8) & (size - 1);
  store<f64>(hyper, load<f64>(rates + ((<usize>place) << 3)));
}
