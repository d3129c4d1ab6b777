import { convolveDirect, fitsBand, gradientDirect } from './internal/direct';
import { gated, multiplyNN, multiplyOntoTN, multiplyTN } from './internal/gemm';
import { scratch } from './internal/scratch';
import { packWindows, panelRows, strideOf, Windows } from './internal/windows';

/*
 * See src/ops/convolution.ts for the formulas, the layout and the order of every sum. A panel of
 * windows at a time stands in scratch, one a row. Where channels are parted into groups, each has its
 * weights and its results there too, since columns of a group may begin anywhere in a vector; many small
 * groups go through internal/direct.ts together.
 *
 * Scratch, in floats, with K the values of a window that a filter sees, F = filters / groups, P the rows
 * of a panel, pitch(n) the pitch of rows of n floats and up8(n) rounded up to a multiple of 8:
 *   forward:  P · pitch(K); in groups also (K + P + 1) · up8(F)
 *   dX, transposed forward:
 *             32 + P · pitch(K · F / C) + (K · F / C + P + 1) · up8(C), where C = channels / groups
 *   dW:       P · (min(up8(K), 256) + 8) + P · pitch(K); in groups also (up8(K) + P) · up8(F)
 *   direct:   what internal/direct.ts says; for dX, before it, 32 + (1 + K · F / C) · up8(channels)
 */

/** Bytes of scratch where a transpose describes its phases. */
const PHASE: usize = 128;

/** The size of groups, in channels and in filters, from which on products pay. */
const SMALL = 8;

// @ts-ignore: decorator
@inline
function up8(floats: i32): i32 {
  return (floats + 7) & -8;
}

/** Copies `rows` rows of `columns` floats; reads and writes not one float more. */
function copyRows(
  to: usize, from: usize, rows: i32, columns: i32, toStride: usize, fromStride: usize,
): void {
  const whole = <usize>(columns & -4) << 2, bytes = <usize>columns << 2;
  do {
    let at: usize = 0;
    for (; at < whole; at += 16) v128.store(to + at, v128.load(from + at));
    for (; at < bytes; at += 4) store<f32>(to + at, load<f32>(from + at));
    to += toStride;
    from += fromStride;
  } while (--rows);
}

/** Zeros from `columns` on to a multiple of four. */
function clearTails(to: usize, rows: i32, columns: i32, stride: usize): void {
  const end = <usize>((columns + 3) & -4) << 2;
  do {
    for (let at = <usize>columns << 2; at < end; at += 4) store<f32>(to + at, 0);
    to += stride;
  } while (--rows);
}

/** Whether groups are so small that matrix products of each alone are slower. */
function isDirect(shape: Windows, planes: i32, each: i32, columns: i32): bool {
  return each < columns && each < SMALL && planes < SMALL && fitsBand(shape, planes, columns);
}

export function convolutionForward(
  y: usize, x: usize, w: usize, b: usize, windows: usize, batch: i32, filters: i32, groups: i32,
  imagePitch: i32, pixelPitch: i32, yPitch: i32, floor: f32,
): void {
  const shape = changetype<Windows>(windows);
  const channels = shape.channels / groups, each = filters / groups;
  const size = shape.kernelHeight * shape.kernelWidth * channels;
  const imageStride = <usize>imagePitch << 2, pixelStride = <usize>pixelPitch << 2;
  const yStride = <usize>yPitch << 2, stride = strideOf(size), panel = panelRows(size);
  const total = batch * shape.outHeight * shape.outWidth;
  if (isDirect(shape, channels, each, filters)) {
    const row = <usize>shape.outWidth * yStride;
    convolveDirect(
      0, y, x, w, yStride, b, 0, shape, channels, each, filters, batch, imageStride, pixelStride,
      <usize>shape.outHeight * row, row, yStride, floor, NaN,
    );
    return;
  }
  const own = scratch + <usize>panel * stride, ownStride = <usize>up8(each) << 2;
  const bias = own + <usize>size * ownStride, sums = bias + ownStride;
  for (let g = 0; g < groups; ++g) {
    const column = <usize>(g * each) << 2;
    if (groups > 1) {
      copyRows(own, w + column, size, each, ownStride, yStride);
      copyRows(bias, b + column, 1, each, 0, 0);
    }
    let to = y;
    for (let first = 0; first < total; first += panel) {
      const rows = min(panel, total - first);
      packWindows(
        scratch, stride, x + (<usize>(g * channels) << 2), shape, channels, first, rows,
        imageStride, pixelStride,
      );
      if (groups == 1) {
        multiplyNN(to, scratch, w, b, rows, filters, size, stride, yStride, floor);
      } else {
        multiplyNN(sums, scratch, own, bias, rows, each, size, stride, ownStride, floor);
        copyRows(to + column, sums, rows, each, yStride, ownStride);
        if (g == groups - 1) clearTails(to, rows, filters, yStride);
      }
      to += <usize>rows * yStride;
    }
  }
}

/**
 * The windows that hold the positions phase, phase + stride … along one dimension: `count` of each, `step`
 * apart, beginning with number `start` for the first position, and one more for each that follows. The
 * position is value `last` of the first window, and `next` values less of each that follows.
 */
@unmanaged @final
class Holders {
  count: i32;
  start: i32;
  step: i32;
  last: i32;
  next: i32;

  find(phase: i32, kernel: i32, stride: i32, dilation: i32, before: i32): void {
    this.count = 0;
    this.step = this.next = 1;
    for (let k = kernel - 1; k >= 0; --k) {
      const place = phase + before - k * dilation;
      if (place % stride) continue;
      if (this.count == 0) {
        this.start = place / stride;
        this.last = k;
      } else if (this.count == 1) {
        this.step = place / stride - this.start;
        this.next = this.last - k;
      }
      ++this.count;
    }
  }
}

/** The weights of those windows, a row of `channels` for each window and filter; see `multiplyNN`. */
function transposeWeights(
  to: usize, toStride: usize, w: usize, wStride: usize, down: Holders, across: Holders,
  kernelWidth: i32, each: i32, channels: i32,
): void {
  for (let ky = down.last, rows = down.count; rows; --rows, ky -= down.next) {
    for (let kx = across.last, columns = across.count; columns; --columns, kx -= across.next) {
      const block = w + <usize>((ky * kernelWidth + kx) * channels) * wStride;
      for (let j = 0; j < each; ++j) {
        let from = block + (<usize>j << 2);
        for (let c = 0; c < channels; ++c) {
          store<f32>(to + (<usize>c << 2), load<f32>(from));
          from += wStride;
        }
        to += toStride;
      }
    }
  }
}

/** Stores a row of sums, 0 where the floats of the gate are at most `floor`. */
function storeGated(to: usize, gate: usize, sums: usize, columns: i32, floor: f32): void {
  const bound = f32x4.splat(floor);
  const whole = <usize>(columns & -4) << 2, bytes = <usize>columns << 2;
  let at: usize = 0;
  for (; at < whole; at += 16) {
    v128.store(to + at, gated(v128.load(sums + at), to + gate + at, bound));
  }
  for (; at < bytes; at += 4) {
    store<f32>(to + at, load<f32>(to + gate + at) <= floor ? 0 : load<f32>(sums + at));
  }
}

/** What a position has that no window holds. */
function bound(to: usize, start: usize, columns: i32, floor: f32): void {
  for (let at: usize = 0, end = <usize>columns << 2; at < end; at += 16) {
    v128.store(to + at, f32x4.pmax(v128.load(start + at), f32x4.splat(floor)));
  }
}

/** A phase of a transpose: the positions that the same values of windows hold, for one group. */
function phase(
  to: usize, z: usize, w: usize, start: usize, gate: usize, shape: Windows, holding: Windows,
  down: Holders, across: Holders, batch: i32, each: i32, group: i32, groups: i32, imageStride: usize,
  pixelStride: usize, zStride: usize, floor: f32, gateFloor: f32,
): void {
  const channels = shape.channels / groups;
  const most = shape.kernelHeight * shape.kernelWidth * each;
  const stride = strideOf(most), panel = panelRows(most), ownStride = <usize>up8(channels) << 2;
  const initial = scratch + PHASE, own = initial + ownStride, sums = own + <usize>most * ownStride;
  const packed = sums + <usize>panel * ownStride;
  const channel = <usize>(group * channels) << 2, column = <usize>(group * each) << 2;
  const zImageStride = <usize>(shape.outHeight * shape.outWidth) * zStride;
  memory.fill(initial, 0, ownStride);
  if (start) copyRows(initial, start + channel, 1, channels, 0, 0);
  transposeWeights(
    own, ownStride, w + column, zStride, down, across, shape.kernelWidth, each, channels,
  );
  const size = down.count * across.count * each;
  const total = batch * holding.outHeight * holding.outWidth;
  let row = 0, position = 0;
  let line = to + channel, image = line, at = line;
  for (let first = 0; first < total; first += panel) {
    const rows = min(panel, total - first);
    if (size) {
      packWindows(packed, stride, z + column, holding, each, first, rows, zImageStride, zStride);
      multiplyNN(sums, packed, own, initial, rows, channels, size, stride, ownStride, floor);
    } else {
      for (let r = 0; r < rows; ++r) bound(sums + <usize>r * ownStride, initial, channels, floor);
    }
    for (let r = 0; r < rows; ++r) {
      storeGated(at, gate, sums + <usize>r * ownStride, channels, gateFloor);
      if (group == groups - 1) clearTails(at - channel, 1, shape.channels, 0);
      at += <usize>shape.strideX * pixelStride;
      if (++position < holding.outWidth) continue;
      position = 0;
      line += <usize>(shape.strideY * shape.width) * pixelStride;
      if (++row == holding.outHeight) {
        row = 0;
        image += imageStride;
        line = image;
      }
      at = line;
    }
  }
}

/** The same for all groups, where they are small. */
function directPhase(
  to: usize, z: usize, w: usize, start: usize, gate: usize, shape: Windows, holding: Windows,
  down: Holders, across: Holders, batch: i32, each: i32, groups: i32, imageStride: usize,
  pixelStride: usize, zStride: usize, floor: f32, gateFloor: f32,
): void {
  const channels = shape.channels / groups, rows = down.count * across.count * each;
  const stride = <usize>up8(shape.channels) << 2;
  const initial = scratch + PHASE, own = initial + stride;
  memory.fill(initial, 0, stride);
  if (start) copyRows(initial, start, 1, shape.channels, 0, 0);
  for (let g = 0; g < groups; ++g) {
    transposeWeights(
      own + (<usize>(g * channels) << 2), stride, w + (<usize>(g * each) << 2), zStride, down, across,
      shape.kernelWidth, each, channels,
    );
  }
  convolveDirect(
    PHASE + <usize>(rows + 1) * stride, to, z, own, stride, initial, gate, holding, each, channels,
    shape.channels, batch, <usize>(shape.outHeight * shape.outWidth) * zStride, zStride, imageStride,
    <usize>(shape.strideY * shape.width) * pixelStride, <usize>shape.strideX * pixelStride, floor,
    gateFloor,
  );
}

/**
 * The transpose of a convolution, from the vector `start`, or from +0 where that is 0: bounded by `floor`
 * from below; and 0 where the floats `gate` bytes after `to` are at most `gateFloor`.
 */
function transposed(
  to: usize, z: usize, w: usize, start: usize, gate: usize, shape: Windows, batch: i32, filters: i32,
  groups: i32, imagePitch: i32, pixelPitch: i32, zPitch: i32, floor: f32, gateFloor: f32,
): void {
  const channels = shape.channels / groups, each = filters / groups;
  const imageStride = <usize>imagePitch << 2, pixelStride = <usize>pixelPitch << 2;
  const zStride = <usize>zPitch << 2;
  // What holds the positions of a phase of the strides, as windows on dz.
  const holding = changetype<Windows>(scratch);
  const down = changetype<Holders>(scratch + 64), across = changetype<Holders>(scratch + 96);
  holding.height = shape.outHeight;
  holding.width = shape.outWidth;
  holding.strideY = holding.strideX = 1;
  for (let py = 0; py < min(shape.strideY, shape.height); ++py) {
    down.find(py, shape.kernelHeight, shape.strideY, shape.dilationY, shape.top);
    holding.outHeight = (shape.height - py - 1) / shape.strideY + 1;
    holding.kernelHeight = down.count;
    holding.dilationY = down.step;
    holding.top = -down.start;
    for (let px = 0; px < min(shape.strideX, shape.width); ++px) {
      across.find(px, shape.kernelWidth, shape.strideX, shape.dilationX, shape.left);
      holding.outWidth = (shape.width - px - 1) / shape.strideX + 1;
      holding.kernelWidth = across.count;
      holding.dilationX = across.step;
      holding.left = -across.start;
      const first = to + <usize>(py * shape.width + px) * pixelStride;
      if (down.count && across.count && isDirect(holding, each, channels, shape.channels)) {
        directPhase(
          first, z, w, start, gate, shape, holding, down, across, batch, each, groups, imageStride,
          pixelStride, zStride, floor, gateFloor,
        );
        continue;
      }
      for (let g = 0; g < groups; ++g) {
        phase(
          first, z, w, start, gate, shape, holding, down, across, batch, each, g, groups, imageStride,
          pixelStride, zStride, floor, gateFloor,
        );
      }
    }
  }
}

export function convolutionBackwardInput(
  dx: usize, dz: usize, w: usize, x: usize, windows: usize, batch: i32, filters: i32, groups: i32,
  imagePitch: i32, pixelPitch: i32, zPitch: i32, floor: f32,
): void {
  transposed(
    dx, dz, w, 0, x - dx, changetype<Windows>(windows), batch, filters, groups, imagePitch,
    pixelPitch, zPitch, -Infinity, floor,
  );
}

export function convolutionTransposedForward(
  y: usize, x: usize, w: usize, b: usize, windows: usize, batch: i32, filters: i32, imagePitch: i32,
  pixelPitch: i32, xPitch: i32, floor: f32,
): void {
  transposed(
    y, x, w, b, 0, changetype<Windows>(windows), batch, filters, 1, imagePitch, pixelPitch, xPitch,
    floor, NaN,
  );
}

function weightGradient(
  onto: bool, dw: usize, x: usize, dz: usize, shape: Windows, batch: i32, filters: i32, groups: i32,
  imagePitch: i32, pixelPitch: i32, zPitch: i32,
): void {
  const channels = shape.channels / groups, each = filters / groups;
  const size = shape.kernelHeight * shape.kernelWidth * channels;
  const imageStride = <usize>imagePitch << 2, pixelStride = <usize>pixelPitch << 2;
  const zStride = <usize>zPitch << 2, stride = strideOf(size), panel = panelRows(size);
  const total = batch * shape.outHeight * shape.outWidth;
  if (isDirect(shape, channels, each, filters)) {
    if (!onto) memory.fill(dw, 0, <usize>size * zStride);
    gradientDirect(
      dw, x, dz, shape, channels, each, filters, batch, imageStride, pixelStride, zStride,
    );
    return;
  }
  // The product packs panels of its own before these.
  const packed = scratch + (<usize>(panel * (min(up8(size), 256) + 8)) << 2);
  const own = packed + <usize>panel * stride, ownStride = <usize>up8(each) << 2;
  const part = own + <usize>up8(size) * ownStride;
  for (let g = 0; g < groups; ++g) {
    const column = <usize>(g * each) << 2;
    if (groups > 1 && onto) copyRows(own, dw + column, size, each, ownStride, zStride);
    let from = dz + column;
    for (let first = 0; first < total; first += panel) {
      const rows = min(panel, total - first);
      packWindows(
        packed, stride, x + (<usize>(g * channels) << 2), shape, channels, first, rows,
        imageStride, pixelStride,
      );
      let sums = dw, values = from, step = zStride;
      if (groups > 1) {
        copyRows(part, from, rows, each, ownStride, zStride);
        sums = own;
        values = part;
        step = ownStride;
      }
      if (onto || first > 0) {
        multiplyOntoTN(sums, packed, values, rows, size, each, stride, step);
      } else {
        multiplyTN(sums, packed, values, rows, size, each, stride, step);
      }
      from += <usize>rows * zStride;
    }
    if (groups == 1) continue;
    copyRows(dw + column, own, size, each, zStride, ownStride);
    if (g == groups - 1) clearTails(dw, size, filters, zStride);
  }
}

export function convolutionBackwardWeights(
  dw: usize, x: usize, dz: usize, windows: usize, batch: i32, filters: i32, groups: i32,
  imagePitch: i32, pixelPitch: i32, zPitch: i32,
): void {
  const shape = changetype<Windows>(windows);
  weightGradient(false, dw, x, dz, shape, batch, filters, groups, imagePitch, pixelPitch, zPitch);
}

export function convolutionBackwardWeightsOnto(
  dw: usize, x: usize, dz: usize, windows: usize, batch: i32, filters: i32, groups: i32,
  imagePitch: i32, pixelPitch: i32, zPitch: i32,
): void {
  const shape = changetype<Windows>(windows);
  weightGradient(true, dw, x, dz, shape, batch, filters, groups, imagePitch, pixelPitch, zPitch);
}
