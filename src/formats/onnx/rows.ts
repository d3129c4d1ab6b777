import type { LayerSpec } from '../../layers/index.js';
import type { SnapshotTensor } from '../../snapshot.js';
import type { Shape } from '../../tensor.js';

/** Rows as they go through a graph: the inputs, or what a layer makes of other rows. */
export interface Rows {
  /** The shape of one row. */
  readonly shape: Shape;
  /** Layers before this, those inside others aside. */
  readonly depth: number;
  /** What the layer works on; undefined for the inputs. */
  readonly from: Rows | undefined;
  readonly layer?: LayerSpec;
  readonly weights?: Readonly<Record<string, SnapshotTensor>>;
  /** Rows that are put together here; each goes back to `from`. */
  readonly merged?: { readonly how: 'add' | 'concatenate'; readonly ends: readonly Rows[] };
  /** The same as a formula of other rows, element by element: 'mul(x,sigmoid(x))'. */
  readonly formula?: { readonly of: Rows; readonly text: string };
  /** What the inputs were scaled by, or, behind the last layer, the outputs. */
  readonly scaling?: Scaling;
  /** Why no layer can work on these rows, for the message. */
  readonly unfinished?: string;
}

/** Of each column; of inputs (x − center) / scale, of outputs y · scale + center. */
export interface Scaling {
  readonly center: Float64Array;
  readonly scale: Float64Array;
}

/** What a layer makes of rows. */
export function layerOn(
  from: Rows,
  layer: LayerSpec,
  shape: Shape = from.shape,
  weights?: Readonly<Record<string, SnapshotTensor>>,
): Rows {
  return { shape, depth: from.depth + 1, from, layer, ...(weights && { weights }) };
}

/** The last rows that all of these come from; undefined where there are none. */
export function commonSource(ends: readonly Rows[]): Rows | undefined {
  let source: Rows | undefined = ends[0];
  for (const end of ends) {
    let other: Rows | undefined = end;
    while (source && other && source !== other) {
      if (source.depth >= other.depth) source = source.from;
      else other = other.from;
    }
    if (!other) return undefined;
  }
  return source;
}
