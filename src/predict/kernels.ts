import {
  eluForward,
  geluForward,
  geluTanhForward,
  hardSigmoidForward,
  leakyReluForward,
  reluForward,
  seluForward,
  sigmoidForward,
  siluForward,
  softplusForward,
  softsignForward,
  tanhForward,
} from '../ops/activations.js';
import { denseForward } from '../ops/dense.js';
import { addRows, copyColumns } from '../ops/merge.js';
import { batchNormalizationForward, layerNormalizationForward } from '../ops/normalization.js';
import { softmaxForward } from '../ops/softmax.js';

/**
 * What a forward pass takes, in plain JavaScript. assembly/predict exports the same. All of them take
 * first their arrays, then the number of rows, then other numbers.
 */
export const kernels = {
  addRows,
  batchNormalizationForward,
  copyColumns,
  denseForward,
  eluForward,
  geluForward,
  geluTanhForward,
  hardSigmoidForward,
  layerNormalizationForward,
  leakyReluForward,
  reluForward,
  seluForward,
  sigmoidForward,
  siluForward,
  softmaxForward,
  softplusForward,
  softsignForward,
  tanhForward,
};

export type ForwardKernel = keyof typeof kernels;
