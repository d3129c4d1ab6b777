import type { Rows as GraphRows } from '../graph.js';
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
  /** Why no layer can work on these rows, for the message. */
  readonly unfinished?: string;
}
