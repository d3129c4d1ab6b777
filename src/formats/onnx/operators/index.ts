import { emptyTable } from '../../../snapshot.js';
import type { Operator } from '../node.js';
import { activations } from './activations.js';
import { add, div, mul, pow, sub } from './arithmetic.js';
import { gemm, matMul } from './dense.js';
import { encodings } from './encoding.js';
import { images } from './images.js';
import { concat } from './merging.js';
import { normalizations } from './normalization.js';
import { shapes } from './shapes.js';
import { sizes } from './sizes.js';

/** What can be read, by the operators' names. */
export const operators: Readonly<Record<string, Operator>> = Object.assign(emptyTable<Operator>(), {
  ...activations,
  ...normalizations,
  ...encodings,
  ...shapes,
  ...images,
  ...sizes,
  Gemm: gemm,
  MatMul: matMul,
  Add: add,
  Sub: sub,
  Mul: mul,
  Div: div,
  Pow: pow,
  Concat: concat,
});
