export { toOnnx } from './formats/onnx/export.js';
