export type { InputRows, Label } from './data.js';
export { FormatError, MemoryError, ShapeError } from './errors.js';
export { loadPredictor, type Predictor, type PredictorOptions } from './predict/predictor.js';
