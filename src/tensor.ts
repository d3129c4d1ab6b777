import { MemoryError } from './errors.js';

/** Sizes of an array's dimensions, outermost first, without the batch: [784] or [28, 28]. */
export type Shape = readonly number[];

/** How many numbers a shape holds. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** What a tensor's elements are. An element of type 'f64' takes the place of two floats. */
export type ElementType = 'f32' | 'i32' | 'f64';

/**
 * A place in a network's memory: `rows` rows of `columns` elements, `pitch` elements apart.
 * Plain data: the same handle names a view in the JS backend and a pointer in the WASM one.
 */
export interface Tensor {
  readonly type: ElementType;
  /** Position in the arena, counted in floats. */
  readonly offset: number;
  readonly rows: number;
  readonly columns: number;
  readonly pitch: number;
}

/**
 * The distance between two rows of a matrix, in floats: `columns` rounded up to whole vectors of
 * eight. From 64 columns on it is an odd multiple of 16, because rows a power of two apart fall
 * into the same few cache sets.
 */
export function pitchOf(columns: number): number {
  if (columns < 64) return Math.ceil(columns / 8) * 8;
  const lines = Math.ceil(columns / 16);
  return (lines % 2 === 0 ? lines + 1 : lines) * 16;
}

/** The numbers of a matrix without its padding: a row after the other. */
export function readMatrix(
  floats: Float32Array,
  { offset, rows, columns, pitch }: Tensor,
): Float32Array {
  const dense = new Float32Array(rows * columns);
  for (let r = 0; r < rows; r++) {
    const from = offset + r * pitch;
    dense.set(floats.subarray(from, from + columns), r * columns);
  }
  return dense;
}

/** Writes dense numbers into a matrix; its padding stays. */
export function writeMatrix(
  floats: Float32Array,
  { offset, rows, columns, pitch }: Tensor,
  values: ArrayLike<number>,
): void {
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) floats[offset + r * pitch + c] = values[r * columns + c]!;
  }
}

/** Tensors start on a cache line of 64 bytes. */
const alignment = 16;

/** 4 GiB of linear memory, less a megabyte for the module's own data. */
const mostFloats = 2 ** 30 - 2 ** 18;

/**
 * Deals out places one after another. It holds no memory itself: sizes are added up in float64,
 * checked, and only then does a backend reserve them.
 */
export class Arena {
  #next = 0;
  #peak = 0;

  /** The end of the last place given. Going back to it frees all that came after. */
  get mark(): number {
    return this.#next;
  }

  /** The largest size the arena has had, in floats. */
  get peak(): number {
    return this.#peak;
  }

  rewind(mark: number): void {
    this.#next = mark;
  }

  /** A padded matrix, as kernels compute on. */
  matrix(rows: number, columns: number): Tensor {
    return this.#place('f32', rows, columns, pitchOf(columns));
  }

  /** Rows without padding, as users hand them in and out. */
  dense(rows: number, columns: number, type: ElementType = 'f32'): Tensor {
    return this.#place(type, rows, columns, columns);
  }

  #place(type: ElementType, rows: number, columns: number, pitch: number): Tensor {
    const offset = this.#next;
    const floats = rows * pitch * (type === 'f64' ? 2 : 1);
    const end = Math.ceil((offset + floats) / alignment) * alignment;
    if (!(end <= mostFloats)) {
      const size = (end * 4) / 2 ** 30;
      throw new MemoryError(
        `the network and its data need ${size.toPrecision(3)} GiB: at most ` +
          `${((mostFloats * 4) / 2 ** 30).toFixed(1)} GiB fit; use a smaller batch, fewer rows or fewer units`,
      );
    }
    this.#next = end;
    if (end > this.#peak) this.#peak = end;
    return { type, offset, rows, columns, pitch };
  }
}
