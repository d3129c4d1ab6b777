import { chooseActivation } from '../../../layers/activation.js';
import type { DenseSpec } from '../../../layers/dense.js';
import { writeActivation } from './activation.js';
import type { ExportLayer } from './definition.js';

export const exportDense: ExportLayer<DenseSpec> = (x, { layer, build, weights }) => {
  const { spec, output, where } = layer;
  const bias = spec.useBias ?? true;
  const z = build.node('Gemm', [x, weights('w'), ...(bias ? [weights('b')] : [])]);
  const activation = chooseActivation(spec.activation ?? 'linear', where);
  return writeActivation(z, build, activation, output, where);
};
