// How far predictions of onnxruntime are from those of exported networks, over two thousand random
// architectures, or so many:
//
//   npm run check:onnx -- 500
import { largestDifference } from '../test/formats/onnx/difference.js';

const [count = '2000'] = process.argv.slice(2);
const { largest, seed, networks, predictions } = await largestDifference(0, Number(count));
console.log(
  `${networks} networks, ${predictions} predictions: onnxruntime differs by ${largest.toExponential(2)} ` +
    `at most, relative to what is above 1 (seed ${seed})`,
);
