// TensorFlow.js, backend 'wasm' (XNNPACK): one thread, as everywhere here.

import { setThreadsCount } from '@tensorflow/tfjs-backend-wasm';
import { prepareOn, program as programOn } from '../support/tfjs.mjs';

export const program = programOn('wasm', "import '@tensorflow/tfjs-backend-wasm';");
/** Fetched at run time, beside the bundle. */
export const wasmFiles = ['@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm'];

export { fronts } from '../support/tfjs.mjs';

export function prepare(workload) {
  setThreadsCount(1);
  return prepareOn('wasm', workload);
}
