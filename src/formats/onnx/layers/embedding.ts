import type { EmbeddingSpec } from '../../../layers/embedding.js';
import { int } from '../graph.js';
import { elementTypes } from '../schema.js';
import type { ExportLayer } from './definition.js';

export const exportEmbedding: ExportLayer<EmbeddingSpec> = (x, { build, weights }) => {
  const indices = build.node('Cast', [x], { to: int(elementTypes.int64) });
  return build.node('Gather', [weights('w'), indices], { axis: int(0) });
};
