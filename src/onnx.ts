export { toOnnx } from './formats/onnx/export.js';
export { fromOnnx } from './formats/onnx/import.js';
