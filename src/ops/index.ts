/** What a network can compute: every kernel, in plain JavaScript, and the catalogues. */
export * from './activations.js';
export * from './adaptive.js';
export * from './attention.js';
export * from './clipping.js';
export * from './crossentropies.js';
export * from './dense.js';
export * from './dropout.js';
export * from './embedding.js';
export * from './epochs.js';
export * from './losses.js';
export * from './merge.js';
export * from './normalization.js';
export * from './optimizers.js';
export * from './recurrent.js';
export * from './regularization.js';
export * from './rows.js';
export * from './softmax.js';
