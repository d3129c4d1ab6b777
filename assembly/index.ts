/** All that the host can call: the kernels, one by one, and the function that walks a list of them. */
export * from './activations';
export * from './adaptive';
export * from './attention';
export * from './clipping';
export * from './convolution';
export * from './crossentropies';
export * from './dense';
export * from './dropout';
export * from './embedding';
export * from './epochs';
import './internal/abort';

export { run } from './internal/runner';
export { setScratch } from './internal/scratch';
export * from './losses';
export * from './masks';
export * from './merge';
export * from './normalization';
export * from './optimizers';
export * from './pooling';
export * from './recurrent';
export * from './regularization';
export * from './rows';
export * from './softmax';

/** Where the module's own data ends and a network's arena can begin. */
export function heapBase(): usize {
  return __heap_base;
}
