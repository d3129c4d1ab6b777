import type { LayerSpec } from '../../layers/index.js';
import type { Shape } from '../../tensor.js';
import { type Rows as GraphRows, layerOn as graphLayerOn } from '../graph.js';
import type { Piece } from './encoding.js';
import type { Scaling } from './scaling.js';

/** Rows as they go through an ONNX graph. */
export interface Rows extends GraphRows {
  readonly from: Rows | undefined;
  /** The same as a formula of other rows, element by element: 'mul(x,sigmoid(x))'. */
  readonly formula?: { readonly of: Rows; readonly text: string };
  /** What the inputs were scaled by, or, behind the last layer, the outputs. */
  readonly scaling?: Scaling;
  /** What the inputs were before they were encoded, and how. */
  readonly encoded?: { readonly of: Rows; readonly pieces: readonly Piece[] };
  /** Whether the graph has their channels before the positions; the shape has them last in any case. */
  readonly channelsFirst?: true;
  /** The rows that these are, seen with their channels at the other end. */
  readonly same?: Rows;
  /** What shape they had before they were made flat, where that was done with channels first. */
  readonly flattened?: Shape;
  /** Whether they are places in a list, as an embedding takes them. */
  readonly places?: true;
  /** Why no layer can work on these rows, for the message. */
  readonly unfinished?: string;
}

/** Rows themselves, however they are seen: ways that part and meet again go by them. */
export const base = (rows: Rows): Rows => rows.same ?? rows;

/** Inputs as places in a list. */
export const placesOf = (x: Rows): Rows => ({
  ...x,
  ...{ same: x, places: true },
  unfinished: 'rows of whole numbers are for an embedding alone',
});

/** What a layer makes of rows. */
export const layerOn = (
  x: Rows,
  layer: LayerSpec,
  shape: Shape = x.shape,
  weights?: GraphRows['weights'],
): Rows => graphLayerOn(base(x), layer, shape, weights);

/** What a layer makes of rows number by number: in the graph, they lie as they did. */
export const likewise = (from: Rows, to: Rows): Rows => ({
  ...to,
  ...(from.channelsFirst && { channelsFirst: true }),
  ...(from.flattened && { flattened: from.flattened }),
});
