// How far predictions of onnxruntime are from those of exported networks, over two thousand random
// architectures on rows of numbers, or so many, and as many on images and sequences:
//
//   npm run check:onnx -- 500
import { randomCase } from '../test/architectures.js';
import { largestDifference } from '../test/formats/onnx/difference.js';
import { shapedCase } from '../test/shaped.js';

const [count = '2000'] = process.argv.slice(2);
const draws = {
  'rows of numbers': randomCase,
  'images and sequences': (seed: number) => shapedCase(seed, { masks: false }),
};
for (const [name, draw] of Object.entries(draws)) {
  const all = await largestDifference(0, Number(count), draw);
  console.log(
    `${all.networks} networks on ${name}, ${all.predictions} predictions: onnxruntime differs by ` +
      `${all.largest.toExponential(2)} at most, relative to what is above 1 (seed ${all.seed})`,
  );
}
