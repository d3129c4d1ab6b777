import { FormatError } from '../errors.js';
import type { LayerSpec } from '../layers/index.js';
import { emptyTable, type SnapshotTensor } from '../snapshot.js';
import type { Shape } from '../tensor.js';

/*
 * Files of others hold graphs, and networks are stacks of layers. Reading a graph, each value becomes
 * `Rows` that know what they come from; in the end the way from the outputs back to the inputs is
 * written as layers, and ways that meet again as layers with stacks inside them.
 */

/** Layers in all, those inside one another, and ways that meet. */
export const mostLayers = 4096;
const mostDepth = 16;
const mostBranches = 1024;

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
}

/**
 * The share of the batch in running statistics, where a file has that of what was before. The one is
 * often a float32, and the other is to be the number that it stands for.
 */
export const shareOfBatch = (kept: number): number => Number((1 - kept).toFixed(6));

/** What a layer makes of rows. */
export function layerOn<R extends Rows>(
  from: R,
  layer: LayerSpec,
  shape: Shape = from.shape,
  weights?: Readonly<Record<string, SnapshotTensor>>,
) {
  return { shape, depth: from.depth + 1, from, layer, ...(weights && { weights }) };
}

/**
 * Rows that come from the same rows by different ways, put together: added up, which those of one
 * shape can be, or one behind the other in the last dimension, in which alone they may differ.
 *
 * @param fail refuses what cannot be
 */
export function mergeRows<R extends Rows>(
  how: 'add' | 'concatenate',
  ends: readonly R[],
  fail: (what: string) => never,
) {
  const shapes = ends.map(({ shape }) => `[${shape.join(', ')}]`);
  const other = shapes.find((shape) => shape !== shapes[0]);
  if (how === 'add' && other) fail(`adds rows of different shapes, ${shapes[0]} and ${other}`);
  const around = ends[0]!.shape.slice(0, -1);
  if (
    how === 'concatenate' &&
    ends.some(({ shape }) => shape.slice(0, -1).join() !== around.join())
  ) {
    fail(
      `puts rows of the shapes ${shapes.slice(0, 4).join(', ')} together: expected them to differ in the last dimension alone`,
    );
  }
  if (ends.length > mostBranches) fail(`has ${ends.length} inputs, more than ${mostBranches}`);
  const from = commonSource(ends);
  if (!from) return fail('its inputs have nothing in common');
  const columns = ends.reduce((sum, { shape }) => sum + shape.at(-1)!, 0);
  const shape = how === 'add' ? ends[0]!.shape : [...around, columns];
  return { shape, depth: from.depth + 1, from, merged: { how, ends } };
}

/** The last rows that all of these come from; undefined where there are none. */
function commonSource<R extends Rows>(ends: readonly R[]): R | undefined {
  let source: Rows | undefined = ends[0];
  for (const end of new Set(ends)) {
    let other: Rows | undefined = end;
    while (source && other && source !== other) {
      if (source.depth >= other.depth) source = source.from;
      else other = other.from;
    }
    if (!other) return undefined;
  }
  // What rows come from is of their own kind.
  return source as R | undefined;
}

/** The layers that lead from the inputs to these outputs, and their weights by name. */
export function stackOf(outputs: Rows, where: string, fileSize: number) {
  const gathered = new Gathered(where, fileSize);
  const layers = layersBetween(outputs, undefined, 'layers', gathered);
  // A network has a layer at least.
  const nothing: LayerSpec = { type: 'activation', activation: 'linear' };
  return { layers: layers.length > 0 ? layers : [nothing], weights: gathered.table };
}

/**
 * How much all weights together may take: a file can name the same numbers again and again.
 */
export const mostWeights = (file: number) => 2 * file + 2 ** 20;

/** The weights of all layers, and how much of them there may still be. */
class Gathered {
  readonly table = emptyTable<SnapshotTensor>();
  readonly #where: string;
  #left: number;
  #layers = mostLayers;

  constructor(where: string, file: number) {
    this.#where = where;
    this.#left = mostWeights(file);
  }

  take(name: string, tensor: SnapshotTensor): void {
    this.#left -= tensor.values.byteLength;
    if (this.#left < 0) {
      throw new FormatError(`${this.#where}: the same weights are used by too many layers`);
    }
    this.table[name] = tensor;
  }

  /** Notes a layer, which is inside so many others. */
  count(depth: number): void {
    if (depth > mostDepth) {
      throw new FormatError(`${this.#where}: layers inside layers, more than ${mostDepth} deep`);
    }
    if (this.#layers-- === 0)
      throw new FormatError(`${this.#where}: more than ${mostLayers} layers`);
  }
}

/** The layers between two rows, in the order in which they compute. */
function layersBetween(
  to: Rows,
  from: Rows | undefined,
  path: string,
  gathered: Gathered,
  depth = 0,
): LayerSpec[] {
  const steps: Rows[] = [];
  for (let rows = to; rows !== from && rows.from; rows = rows.from) {
    gathered.count(depth);
    if (rows.layer || rows.merged) steps.push(rows);
  }
  return joinActivations(steps.reverse()).map((rows, i) => {
    const place = `${path}.${i}`;
    for (const [key, tensor] of Object.entries(rows.weights ?? {})) {
      gathered.take(`${place}.${key}`, tensor);
    }
    if (!rows.merged) return rows.layer!;
    const { how, ends } = rows.merged;
    const source = rows.from;
    const inner = (end: Rows, name: string) =>
      layersBetween(end, source, `${place}.${name}`, gathered, depth + 1);
    const [a, b] = ends as [Rows, Rows];
    if (how === 'concatenate' || a === b) {
      const branches = ends.map((end, k) => inner(end, `branches.${k}`));
      return { type: 'parallel', branches, merge: how };
    }
    // The side that is nothing but the source is the shortcut; else the first, as it is written.
    const [shortcut, way] = b === source ? [b, a] : [a, b];
    const layers = inner(way, 'layers');
    if (shortcut === source) return { type: 'residual', layers };
    return { type: 'residual', layers, shortcut: inner(shortcut, 'shortcut') };
  });
}

/** A dense layer and the activation behind it as one. */
function joinActivations(steps: readonly Rows[]): Rows[] {
  const joined: Rows[] = [];
  for (const step of steps) {
    const before = joined.at(-1);
    const { layer } = step;
    if (
      layer?.type === 'activation' &&
      before?.layer?.type === 'dense' &&
      !before.layer.activation
    ) {
      const { activation } = layer;
      joined[joined.length - 1] = { ...before, layer: { ...before.layer, activation } };
    } else joined.push(step);
  }
  return joined;
}
