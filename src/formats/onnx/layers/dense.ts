import { chooseActivation } from '../../../layers/activation.js';
import type { DenseSpec } from '../../../layers/dense.js';
import { writeActivation } from './activation.js';
import type { ExportLayer } from './definition.js';

export const exportDense: ExportLayer<DenseSpec> = (x, { layer, build, weights }) => {
  const { spec, where } = layer;
  const biases = (spec.useBias ?? true) ? [weights('b')] : [];
  // Gemm takes matrices only.
  const products = layer.input.length > 1 && build.node('MatMul', [x, weights('w')]);
  const z = products
    ? biases.reduce((sum, b) => build.node('Add', [sum, b]), products)
    : build.node('Gemm', [x, weights('w'), ...biases]);
  const activation = chooseActivation(spec.activation ?? 'linear', where);
  return writeActivation(z, build, activation, where);
};
