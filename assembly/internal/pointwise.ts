/**
 * The losses that are a sum over outputs. Each is a class without fields, called on a null reference,
 * which compiles to a loop without a call: `shared` is what value and slope have in common, each for
 * four outputs; `a` and `b` are the loss's options, in all lanes.
 */
import { splatLane } from './fourRows';
import { joinLanes, tailMask } from './simd';

// @ts-ignore: decorator
@inline
export function pointwise<L>(
  dy: usize, losses: usize, y: usize, targets: usize, batch: i32, units: i32, pitch: i32,
  targetPitch: i32, lossScale: f32, gradientScale: f32, first: f32, second: f32,
): void {
  if (units == 1 && batch > 1) {
    column<L>(
      dy, losses, y, targets, batch, pitch, targetPitch, lossScale, gradientScale, first, second,
    );
    return;
  }
  const loss = changetype<L>(0);
  const a = f32x4.splat(first);
  const b = f32x4.splat(second);
  const scale = f32x4.splat(gradientScale);
  const tail = tailMask(units);
  const last = ((units - 1) >> 2) << 4;
  do {
    let sum = f32x4.splat(0);
    let at = 0;
    do {
      const output = v128.load(y + at);
      const target = v128.load(targets + at);
      const shared = loss.shared(output, target, a, b);
      let value = loss.value(output, target, shared, a, b);
      let slope = f32x4.mul(scale, loss.slope(output, target, shared, a, b));
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
  lossScale: f32, gradientScale: f32, first: f32, second: f32,
): void {
  const loss = changetype<L>(0);
  const a = f32x4.splat(first);
  const b = f32x4.splat(second);
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
    const shared = loss.shared(output, target, a, b);
    // A lane's sum starts at +0, as it does where a row has more outputs.
    const value = f32x4.add(f32x4.splat(0), loss.value(output, target, shared, a, b));
    const slope = loss.slope(output, target, shared, a, b);
    // A whole vector each, so that the padding behind the one output becomes zero.
    const slopes = f32x4.mul(f32x4.splat(gradientScale), slope);
    // The first row last: what reads it waits for no lane to be moved.
    v128.store(dy + row3, v128.and(splatLane(slopes, 3), only));
    v128.store(dy + row2, v128.and(splatLane(slopes, 2), only));
    v128.store(dy + row1, v128.and(splatLane(slopes, 1), only));
    v128.store(dy, v128.and(slopes, only));
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
export function gather(a: usize, b: usize, c: usize, d: usize): v128 {
  const ab = v128.load_lane<f32>(b, v128.load32_zero(a), 1);
  return v128.load_lane<f32>(d, v128.load_lane<f32>(c, ab, 2), 3);
}

/** Four floats to four places. */
// @ts-ignore: decorator
@inline
export function scatter(a: usize, b: usize, c: usize, d: usize, v: v128): void {
  v128.store_lane<f32>(a, v, 0);
  v128.store_lane<f32>(b, v, 1);
  v128.store_lane<f32>(c, v, 2);
  v128.store_lane<f32>(d, v, 3);
}
