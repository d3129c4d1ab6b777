import * as ort from 'onnxruntime-web/wasm';
import { sizeOf } from '../../../src/tensor.js';

ort.env.wasm.numThreads = 1;

/** What onnxruntime makes of rows, by an ONNX file. */
export async function runOnnx(
  file: Uint8Array,
  x: Float32Array,
  shape: readonly number[],
): Promise<{ readonly y: Float32Array; readonly dims: readonly number[] }> {
  const session = await ort.InferenceSession.create(file, { executionProviders: ['wasm'] });
  const dims = [x.length / sizeOf(shape), ...shape];
  const results = await session.run({ x: new ort.Tensor('float32', x, dims) });
  const { data, dims: outputDims } = results.y!;
  await session.release();
  return { y: data as Float32Array, dims: outputDims };
}
