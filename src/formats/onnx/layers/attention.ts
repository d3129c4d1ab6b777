import type { AttentionSpec } from '../../../layers/attention.js';
import { int, ints } from '../graph.js';
import type { ExportLayer } from './definition.js';

/** As operators that every runtime has: products, a softmax, and heads moved behind the batch. */
export const exportAttention: ExportLayer<AttentionSpec> = (x, { layer, build, weights }) => {
  const { spec, input } = layer;
  const { heads, causal = false } = spec;
  const [steps] = input as readonly [number, number];
  const units = layer.parameters.wOut!.rows;
  const size = units / heads;
  const shaped = (value: string, dims: readonly number[]) =>
    build.node('Reshape', [value, build.ints('shape', dims, [dims.length])]);
  const moved = (value: string, perm: readonly number[]) =>
    build.node('Transpose', [value], { perm: ints(perm) });
  const product = (value: string, w: string, b: string) => {
    const products = build.node('MatMul', [value, weights(w)]);
    return layer.parameters[b] ? build.node('Add', [products, weights(b)]) : products;
  };
  const parts = shaped(product(x, 'w', 'b'), [0, steps, 3, heads, size]);
  /** Queries, keys or values as [batch, heads, …]. */
  const part = (place: number, perm: readonly number[]) => {
    const index = build.ints('part', [place], []);
    return moved(build.node('Gather', [parts, index], { axis: int(2) }), perm);
  };
  const products = build.node('MatMul', [part(0, [0, 2, 1, 3]), part(1, [0, 2, 3, 1])]);
  const scale = build.floats('scale', Float32Array.of(1 / Math.sqrt(size)), []);
  let scores = build.node('Mul', [products, scale]);
  if (causal) {
    const mask = Float32Array.from({ length: steps * steps }, (_, i) =>
      i % steps > Math.floor(i / steps) ? Number.NEGATIVE_INFINITY : 0,
    );
    scores = build.node('Add', [scores, build.floats('mask', mask, [steps, steps])]);
  }
  const shares = build.node('Softmax', [scores], { axis: int(-1) });
  const taken = build.node('MatMul', [shares, part(2, [0, 2, 1, 3])]);
  return product(shaped(moved(taken, [0, 2, 1, 3]), [0, steps, units]), 'wOut', 'bOut');
};
