import { mostWidth } from '../formats/bounds.js';
import { pitchOf, type Shape, sizeOf } from '../tensor.js';
import { within } from './checks.js';
import type { Engine } from './engine.js';
import type { ForwardKernel } from './kernels.js';

/** Gives a weight by its name, dense, with no number below `least`; or refuses the file. */
export type TakeWeight = (name: string, shape: Shape, least: number | undefined) => Float32Array;

/** Regions of the memory, in their order. */
const regions = ['weights', 'zeros', 'ones', 'values'] as const;

/** Where kernels find numbers. */
export interface Place {
  readonly region: (typeof regions)[number];
  /** The first float within its region; among values, if there were one row. */
  readonly offset: number;
}

/** Rows of values on their way through the layers. */
export interface Values extends Place {
  readonly shape: Shape;
  readonly columns: number;
  readonly pitch: number;
}

/** The most floats that rows of values take at a time, if there is more than one row. */
const mostFloats = 2 ** 22;
const mostRows = 256;

/**
 * A forward pass: what layers lower to, and where in memory. Nothing is allocated before `settle`, and
 * no values before the first run.
 */
export class Forward {
  readonly #take: TakeWeight;
  readonly #ops: (readonly [ForwardKernel, readonly Place[], readonly number[]])[] = [];
  readonly #weights: { values: Float32Array; columns: number; pitch: number }[] = [];
  #engine!: Engine;
  #weightFloats = 0;
  /** Floats of all values, for a row, and of the widest. */
  #rowFloats = 0;
  #widest = 0;
  /** Rows that there is room for. */
  #room = 0;
  #calls: ((rows: number) => void)[] = [];

  constructor(take: TakeWeight) {
    this.#take = take;
  }

  /** Room for rows of values. */
  values(shape: Shape, where: string): Values {
    const columns = within(sizeOf(shape), `${where}: numbers in a row`, 1, mostWidth);
    const pitch = pitchOf(columns);
    const offset = this.#rowFloats;
    this.#rowFloats += pitch;
    this.#widest = Math.max(this.#widest, pitch);
    return { region: 'values', offset, shape, columns, pitch };
  }

  weight(name: string, shape: Shape, least?: number): Place {
    const values = this.#take(name, shape, least);
    const columns = shape.at(-1)!;
    const pitch = pitchOf(columns);
    const offset = this.#weightFloats;
    this.#weights.push({ values, columns, pitch });
    this.#weightFloats += (values.length / columns) * pitch;
    return { region: 'weights', offset };
  }

  /** Appends an op: its arrays, and its numbers behind that of the rows. */
  emit(kernel: ForwardKernel, places: readonly Place[], ...numbers: readonly number[]): void {
    this.#ops.push([kernel, places, numbers]);
  }

  /** Puts the weights into an engine's memory. */
  settle(engine: Engine): void {
    this.#engine = engine;
    engine.reserve(this.#weightFloats);
    let to = 0;
    for (const { values, columns, pitch } of this.#weights.splice(0)) {
      for (let from = 0; from < values.length; from += columns, to += pitch) {
        engine.floats.set(values.subarray(from, from + columns), to);
      }
    }
  }

  /** Makes room for as many of `rows` as run at a time, and says how many those are. */
  prepare(rows: number): number {
    const most = Math.max(1, Math.min(mostRows, Math.floor(mostFloats / this.#rowFloats)));
    const wanted = Math.min(rows, most);
    if (wanted > this.#room) {
      const engine = this.#engine;
      engine.reserve(this.at({ region: 'values', offset: 0 }) + this.#rowFloats * wanted);
      this.#room = wanted;
      const ones = this.at({ region: 'ones', offset: 0 });
      engine.floats.fill(1, ones, ones + this.#widest);
      this.#calls = this.#ops.map(([kernel, places, numbers]) =>
        engine.bind(
          kernel,
          places.map((place) => this.at(place)),
          numbers,
        ),
      );
    }
    return wanted;
  }

  /** Where a place is among the engine's floats. */
  at({ region, offset }: Place): number {
    const before = regions.indexOf(region);
    if (before === 0) return offset;
    const start = this.#weightFloats + (before - 1) * this.#widest;
    return start + offset * (region === 'values' ? this.#room : 1);
  }

  /** Runs all ops on so many rows. */
  run(rows: number): void {
    for (const call of this.#calls) call(rows);
  }
}
