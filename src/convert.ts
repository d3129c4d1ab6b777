export { fromBrain } from './formats/convert/brain.js';
export type { JsonSource } from './formats/convert/document.js';
export { fromKeras, fromPyTorch, type NamesOption } from './formats/convert/tensors.js';
export { fromTfjs } from './formats/convert/tfjs.js';
export type { WeightFiles } from './formats/convert/tfjs-weights.js';
