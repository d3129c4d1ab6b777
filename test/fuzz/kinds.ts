import type { Kind } from './harness.js';
import { brain } from './kinds/brain.js';
import { json } from './kinds/json.js';
import { onnx } from './kinds/onnx.js';
import { predictor } from './kinds/predictor.js';
import { pytorch } from './kinds/pytorch.js';
import { safetensors } from './kinds/safetensors.js';
import { table } from './kinds/table.js';
import { tfjs } from './kinds/tfjs.js';

/** Every kind of file that is read. */
export const kinds: readonly Kind[] = [
  safetensors,
  predictor,
  table,
  json,
  onnx,
  tfjs,
  brain,
  pytorch,
];
