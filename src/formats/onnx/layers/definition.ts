import type { LayerSpec } from '../../../layers/index.js';
import type { ModelLayer } from '../../../layers/tree.js';
import type { GraphBuilder } from '../graph.js';

/** What a layer is exported from. */
export interface ExportContext<Spec extends LayerSpec> {
  readonly layer: Omit<ModelLayer, 'spec'> & { readonly spec: Spec };
  readonly build: GraphBuilder;
  /** The constant that holds a parameter, by the layer's own name of it, or in a shape of its own. */
  weights(key: string, dims?: readonly number[]): string;
  /** The numbers of a parameter, row-major. */
  numbers(key: string): Float32Array;
  /** Writes the layers of one of its stacks. */
  through(stack: string, x: string): string;
}

/** Writes a layer's nodes, and gives the name of its outputs. `x` is that of its inputs. */
export type ExportLayer<Spec extends LayerSpec> = (
  x: string,
  context: ExportContext<Spec>,
) => string;
