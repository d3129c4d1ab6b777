import type { Choice } from '../../../checks.js';
import {
  type ActivationLayerSpec,
  type ActivationName,
  chooseActivation,
} from '../../../layers/activation.js';
import { float, type GraphBuilder, int, text } from '../graph.js';
import type { ExportLayer } from './definition.js';

type Write = (x: string, build: GraphBuilder, options: Readonly<Record<string, number>>) => string;

/** An operator that is the activation itself. */
const plain =
  (operator: string): Write =>
  (x, build) =>
    build.node(operator, [x]);

/** Each activation as operators. A name that is missing here has no ONNX form. */
const operators: { readonly [K in ActivationName]?: Write } = {
  linear: (x) => x,
  relu: plain('Relu'),
  leakyRelu: (x, build, { slope }) => build.node('LeakyRelu', [x], { alpha: float(slope!) }),
  elu: (x, build, { alpha }) => build.node('Elu', [x], { alpha: float(alpha!) }),
  selu: plain('Selu'),
  gelu: (x, build) => build.node('Gelu', [x], { approximate: text('none') }),
  geluTanh: (x, build) => build.node('Gelu', [x], { approximate: text('tanh') }),
  silu: (x, build) => build.node('Mul', [x, build.node('Sigmoid', [x])]),
  softplus: plain('Softplus'),
  softsign: plain('Softsign'),
  sigmoid: plain('Sigmoid'),
  hardSigmoid: (x, build) =>
    build.node('HardSigmoid', [x], { alpha: float(1 / 6), beta: float(0.5) }),
  tanh: plain('Tanh'),
  softmax: (x, build) => build.node('Softmax', [x], { axis: int(-1) }),
};

export function writeActivation(
  x: string,
  build: GraphBuilder,
  { type, options }: Choice<ActivationName>,
  where: string,
): string {
  const write = operators[type];
  if (!write) throw new TypeError(`toOnnx: ${where}: '${type}' has no ONNX form`);
  return write(x, build, options);
}

export const exportActivation: ExportLayer<ActivationLayerSpec> = (x, { layer, build }) => {
  const { spec, where } = layer;
  return writeActivation(x, build, chooseActivation(spec.activation, where), where);
};
