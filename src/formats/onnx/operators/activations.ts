import type { ActivationSpec } from '../../../layers/activation.js';
import type { NodeReader, Operator } from '../node.js';
import { isRows } from '../node.js';
import { layerOn, likewise, type Rows } from '../rows.js';
import { asFormula, pieceOf } from './arithmetic.js';

const onward = (x: Rows, activation: ActivationSpec): Rows =>
  likewise(x, layerOn(x, { type: 'activation', activation }));

const layer =
  (activation: (node: NodeReader) => ActivationSpec): Operator =>
  (node) =>
    onward(node.anyRows(0), activation(node));

/** An activation that also occurs as a piece of others. */
const piece =
  (activation: 'sigmoid' | 'tanh'): Operator =>
  (node) => {
    const x = node.input(0);
    if (isRows(x) && x.unfinished) return pieceOf(activation)(node);
    return asFormula(onward(node.anyRows(0), activation), `${activation}(x)`);
  };

const close = (a: number, b: number) => Math.abs(a - b) <= 1e-6 * Math.abs(b);

export const activations: Readonly<Record<string, Operator>> = {
  Relu: layer(() => 'relu'),
  LeakyRelu: layer((node) => ({ type: 'leakyRelu', slope: node.float('alpha', 0.01) })),
  Elu: layer((node) => ({ type: 'elu', alpha: node.float('alpha', 1) })),
  Selu: layer((node) => {
    const [alpha, gamma] = [1.6732632423543772, 1.0507009873554805];
    if (close(node.float('alpha', alpha), alpha) && close(node.float('gamma', gamma), gamma)) {
      return 'selu';
    }
    return node.fail(`expected alpha ${alpha} and gamma ${gamma}, those of the paper`);
  }),
  Gelu: layer((node) => {
    const approximate = node.text('approximate', 'none');
    if (approximate !== 'none' && approximate !== 'tanh') {
      node.fail("approximate: expected 'none' or 'tanh'");
    }
    return approximate === 'tanh' ? 'geluTanh' : 'gelu';
  }),
  Softplus: layer(() => 'softplus'),
  Softsign: layer(() => 'softsign'),
  Sigmoid: piece('sigmoid'),
  Tanh: piece('tanh'),
  Erf: pieceOf('erf'),
  Abs: pieceOf('abs'),
  HardSigmoid: layer((node) => {
    const [alpha, beta] = [node.float('alpha', 0.2), node.float('beta', 0.5)];
    if (close(alpha, 1 / 6) && beta === 0.5) return 'hardSigmoid';
    return node.fail(`expected alpha 1/6 and beta 0.5, got ${alpha} and ${beta}`);
  }),
  Softmax: (node) => {
    const x = node.anyRows(0);
    if (x.flattened) node.rows(0);
    node.channelAxis(x, node.int('axis', -1));
    return onward(x, 'softmax');
  },
};
