import type { ModelLayer } from '../../layers/tree.js';
import type { Shape } from '../../tensor.js';

/*
 * Where a library has its channels first, rows that it makes flat have the numbers of a channel one
 * behind another, and here those of a position. What learns of such rows has its inputs in that order.
 */

/** Layers that go over images or sequences, whose channels come first there. */
const windowed: ReadonlySet<string> = new Set([
  ...['conv1d', 'conv2d', 'conv2dTranspose', 'upSampling2d', 'spatialDropout'],
  ...['maxPooling1d', 'maxPooling2d', 'averagePooling1d', 'averagePooling2d'],
]);

/** Layers whose last dimension is that of what they learn, there as here. */
const featured: ReadonlySet<string> = new Set([
  ...['dense', 'embedding', 'positionalEmbedding', 'attention', 'layerNormalization'],
  ...['simpleRnn', 'lstm', 'gru'],
]);

/** What rows are on their way through the layers. */
interface Way {
  /** Whether the channels of these rows stand first there. */
  readonly first: boolean;
  /** The shape that they had before they were made flat, where the order is another there. */
  readonly flattened: Shape | undefined;
}

/** The shapes of rows before they were made flat, of all layers that learn of such rows. */
export function flattenedInputs(
  layers: readonly ModelLayer[],
  reader: string,
): ReadonlyMap<ModelLayer, Shape> {
  const found = new Map<ModelLayer, Shape>();
  const through = (stack: readonly ModelLayer[], given: Way): Way => stack.reduce(behind, given);
  const behind = (way: Way, layer: ModelLayer): Way => {
    const { spec, input } = layer;
    const inner = Object.values(layer.stacks).map((stack) => through(stack, way));
    const [one, ...others] = inner;
    if (one) {
      if (others.every(({ flattened }) => flattened === one.flattened)) return one;
      throw new TypeError(
        `${reader}: ${layer.where} puts rows that a flatten has made together with others, and in those ` +
          'the channels come first there: let the flatten come behind it',
      );
    }
    if (way.flattened && Object.keys(layer.parameters).length > 0) found.set(layer, way.flattened);
    if (windowed.has(spec.type)) return { first: true, flattened: undefined };
    if (featured.has(spec.type)) return { first: false, flattened: undefined };
    if (spec.type !== 'flatten' || !way.first || input.length === 1) return way;
    return { first: false, flattened: input };
  };
  through(layers, { first: false, flattened: undefined });
  return found;
}
