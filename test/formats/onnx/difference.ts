import { load, sequential } from '../../../src/index.js';
import { toOnnx } from '../../../src/onnx.js';
import { type Case, randomCase } from '../../architectures.js';
import { generator } from '../../kernels/core.js';
import { runOnnx } from './onnxruntime.js';

/** How far predictions of onnxruntime are from those of the networks that were exported. */
export interface Difference {
  /** The largest |a − b| / max(1, |b|), with b the prediction of the network. */
  readonly largest: number;
  /** The random architecture that has it. */
  readonly seed: number;
  readonly networks: number;
  readonly predictions: number;
}

const quiet = { onWarning() {} };

/**
 * Random architectures of the whole catalogue, from one seed to another, on random rows: one after
 * another on rows of numbers, and on images and sequences as far as these have an ONNX form.
 */
export async function largestDifference(
  from: number,
  to: number,
  draw: (seed: number) => Case = randomCase,
): Promise<Difference> {
  let [largest, at, predictions] = [0, from, 0];
  for (let seed = from; seed < to; seed++) {
    const { spec, x } = draw(seed);
    const random = generator(seed);
    const snapshot = sequential(spec, quiet).snapshot();
    // Not as they start, when normalization does nothing.
    for (const [name, { values }] of Object.entries(snapshot.weights)) {
      if (!/\.(scale|shift|mean|variance)$/.test(name)) continue;
      for (let i = 0; i < values.length; i++) values[i] = 0.5 + random();
    }
    const model = load(snapshot, quiet);
    const ours = model.predict(x);
    const { y } = await runOnnx(toOnnx(model), x, spec.inputShape);
    if (y.length !== ours.length) throw new Error(`seed ${seed}: ${y.length} predictions`);
    for (let i = 0; i < y.length; i++) {
      const difference = Math.abs(y[i]! - ours[i]!) / Math.max(1, Math.abs(ours[i]!));
      if (Number.isNaN(difference)) throw new Error(`seed ${seed}: ${y[i]} for ${ours[i]}`);
      if (difference > largest) [largest, at] = [difference, seed];
    }
    predictions += y.length;
  }
  return { largest, seed: at, networks: to - from, predictions };
}
