import {
  type CategoricalRows,
  type CategoryColumn,
  categoryColumns,
  checkLearnt,
  checkOneHot,
  type Entry,
  entryAt,
  isOneHot,
  learnCategories,
  type OneHotSpec,
  placeCategories,
  widthOf,
} from './categories.js';
import { choose, numberWithin, onlyKeys, show } from './checks.js';
import type { DenseRows } from './data.js';
import { ShapeError } from './errors.js';
import type { Shape } from './tensor.js';

/** A scaler, as plain data. */
export type ScalerSpec =
  | { readonly type: 'standardScaler' | 'robustScaler' }
  | { readonly type: 'minMaxScaler'; readonly min?: number; readonly max?: number };

/** One scaler for all columns, or one for each; null leaves a column as it is. */
export type Scaling = ScalerSpec | readonly (ScalerSpec | null)[];

/** What is done to the columns of the inputs: they may also hold categories. */
export type Encoding = ScalerSpec | OneHotSpec | readonly (ScalerSpec | OneHotSpec | null)[];

/** Scaling of inputs and of regression targets, which belongs to the model. */
export interface Preprocess {
  readonly x?: Encoding;
  readonly y?: Scaling;
}

/** A column scaled: (value − center) / scale. */
interface ScaledColumn {
  readonly center: number;
  readonly scale: number;
}

/** What has been learnt of a column, as plain data. */
export type FittedColumn = ScaledColumn | CategoryColumn;

interface ScalerDefinition {
  readonly options: Readonly<Record<string, number>>;
  /** Centre and scale of a column from its training values. A scale of 0 counts as 1. */
  fit(values: Float64Array, options: Readonly<Record<string, number>>): ScaledColumn;
}

/** The value below which a share of sorted values lies, between two of them by linear interpolation. */
function quantile(sorted: Float64Array, share: number): number {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (sorted[above]! - sorted[below]!) * (place - below);
}

const scalers = {
  standardScaler: {
    options: {},
    fit(values) {
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
      return { center: mean, scale: Math.sqrt(variance) };
    },
  },
  minMaxScaler: {
    options: { min: 0, max: 1 },
    fit(values, { min, max }) {
      const least = values.reduce((a, b) => Math.min(a, b));
      const most = values.reduce((a, b) => Math.max(a, b));
      const scale = (most - least) / (max! - min!);
      return { center: least - min! * scale, scale };
    },
  },
  robustScaler: {
    options: {},
    fit(values) {
      const sorted = values.slice().sort();
      return {
        center: quantile(sorted, 0.5),
        scale: quantile(sorted, 0.75) - quantile(sorted, 0.25),
      };
    },
  },
} as const satisfies Record<ScalerSpec['type'], ScalerDefinition>;

/**
 * Scales each column to mean 0 and standard deviation 1 over the training rows:
 * (value − mean) / deviation, the deviation that of the population. A column that never changes
 * becomes 0.
 */
export function standardScaler(): ScalerSpec {
  return { type: 'standardScaler' };
}

/**
 * Scales each column so that its training rows go from `min` to `max`:
 * min + (value − least) / (most − least) · (max − min). A column that never changes becomes 0.
 *
 * @param options `min`, default 0, and `max`, default 1, which is larger
 */
export function minMaxScaler(
  options: { readonly min?: number; readonly max?: number } = {},
): ScalerSpec {
  return { type: 'minMaxScaler', ...options };
}

/**
 * Scales each column by what outliers do not move: (value − median) / (Q₃ − Q₁), with the quartiles
 * of the training rows by linear interpolation. A column whose middle half never changes is only
 * moved, to median 0.
 */
export function robustScaler(): ScalerSpec {
  return { type: 'robustScaler' };
}

/** Refuses scaling that does not fit the columns. */
function checkScaling(scaling: unknown, columns: number, where: 'preprocess.x' | 'preprocess.y') {
  const check = (spec: unknown, at: string) => {
    if (isOneHot(spec as Entry)) {
      if (where === 'preprocess.x') return checkOneHot(spec as OneHotSpec, at);
      throw new RangeError(
        `${at}: oneHot is for inputs; to predict classes, use task: 'multiclass'`,
      );
    }
    const { type, options } = choose(scalers, spec, at);
    if (type === 'minMaxScaler' && !(options.max! > options.min!)) {
      throw new RangeError(
        `${at}: max: expected more than min, ${options.min}, got ${options.max}`,
      );
    }
  };
  if (!Array.isArray(scaling)) return check(scaling, where);
  if (scaling.length !== columns) {
    throw new ShapeError(
      `${where}: expected ${columns} scalers, one a column, got ${scaling.length}`,
    );
  }
  scaling.forEach((spec: unknown, i) => {
    if (spec !== null) check(spec, `${where}[${i}]`);
  });
}

/** Refuses scaling of targets that does not fit the outputs. */
export function checkTargetScaling({ y }: Preprocess, outputs: number): void {
  if (y !== undefined) checkScaling(y, outputs, 'preprocess.y');
}

/** Checks what is done to the inputs. Gives the shape of a row that the layers get to see. */
export function encodedShape(preprocess: Preprocess, inputShape: Shape): Shape {
  onlyKeys(preprocess, ['x', 'y'], 'preprocess');
  const { x } = preprocess;
  if (x === undefined) return inputShape;
  const columns = inputShape.reduce((product, size) => product * size, 1);
  checkScaling(x, columns, 'preprocess.x');
  const encoders = categoryColumns(x, columns);
  if (!encoders) return inputShape;
  if (inputShape.length > 1) {
    throw new ShapeError(
      `preprocess.x: oneHot makes rows wider, which is for flat rows, got the inputShape [${inputShape.join(', ')}]`,
    );
  }
  return [encoders.reduce((sum, spec) => sum + (spec ? widthOf(spec.categories) : 1), 0)];
}

/** What the spec alone says of the columns; undefined where something is to be learnt from rows. */
export function scalerWithoutRows(scaling: Encoding, columns: number): FittedScaler | undefined {
  for (let c = 0; c < columns; c++) {
    const entry = entryAt(scaling, c);
    if (entry && !(isOneHot(entry) && typeof entry.categories !== 'number')) return undefined;
  }
  const nothing = { values: new Float32Array(0), rows: 0 };
  return FittedScaler.fit(scaling, nothing, columns, new Int32Array(0));
}

/** Refuses what cannot have been learnt of columns that are scaled so. */
export function checkFitted(
  fitted: unknown,
  scaling: Encoding | undefined,
  columns: number,
  where: string,
): asserts fitted is readonly FittedColumn[] {
  if (scaling === undefined) {
    throw new TypeError(`${where}: the spec's preprocess does not ask for it`);
  }
  if (!Array.isArray(fitted) || fitted.length !== columns) {
    throw new ShapeError(`${where}: expected an array of ${columns} columns, got ${show(fitted)}`);
  }
  fitted.forEach((column: unknown, c) => {
    const at = `${where}[${c}]`;
    const entry = entryAt(scaling, c);
    if (isOneHot(entry)) {
      checkLearnt(column, entry, at);
      return;
    }
    onlyKeys(column, ['center', 'scale'], at);
    for (const key of ['center', 'scale'] as const) {
      const value = (column as Partial<ScaledColumn>)[key];
      const number = numberWithin(value, `${at}: ${key}`, -Number.MAX_VALUE, Number.MAX_VALUE);
      if (key === 'center' || number > 0) continue;
      throw new RangeError(`${at}: scale: expected a number above 0, got ${number}`);
    }
  });
}

/** Scaling with what has been learnt of each column. */
export class FittedScaler {
  readonly columns: readonly FittedColumn[];
  /** Numbers of a row scaled: more than there are columns where some hold categories. */
  readonly width: number;

  constructor(columns: readonly FittedColumn[]) {
    this.columns = columns;
    this.width = columns.reduce((sum, c) => sum + ('count' in c ? c.count : 1), 0);
  }

  /** Fits to the rows of a dense array that `rows` lists. */
  static fit(
    scaling: Encoding,
    data: CategoricalRows,
    width: number,
    rows: Int32Array,
  ): FittedScaler {
    const columns = Array.from({ length: width }, (_, c): FittedColumn => {
      const entry = entryAt(scaling, c);
      if (!entry) return { center: 0, scale: 1 };
      if (isOneHot(entry)) return learnCategories(data, width, c, rows, entry);
      const { type, options } = choose(scalers, entry, 'preprocess');
      const definition: ScalerDefinition = scalers[type];
      const values = Float64Array.from(rows, (row) => data.values[row * width + c]!);
      const { center, scale } = definition.fit(values, options);
      // What never changes becomes 0, also where scaled columns do not begin there.
      return scale > 0
        ? { center, scale }
        : { center: type === 'minMaxScaler' ? values[0]! : center, scale: 1 };
    });
    return new FittedScaler(columns);
  }

  /** Rows that were read before anything was known, with places among the categories learnt. */
  place(data: CategoricalRows, where: string): DenseRows {
    return placeCategories(data, this.columns, where);
  }

  /** Writes scaled rows behind `at`, rounded to float32 once. */
  apply(values: Float32Array, out: Float32Array, at: number): void {
    const { columns } = this;
    for (let i = 0, c = 0, o = at; i < values.length; i++) {
      const column = columns[c]!;
      if ('scale' in column) {
        out[o++] = (values[i]! - column.center) / column.scale;
      } else {
        out.fill(0, o, o + column.count);
        out[o + values[i]!] = 1;
        o += column.count;
      }
      if (++c === columns.length) c = 0;
    }
  }

  /** Scaled numbers back in their own units, in place. There are no categories among targets. */
  invert(values: Float32Array): void {
    const columns = this.columns as readonly ScaledColumn[];
    for (let i = 0, c = 0; i < values.length; i++) {
      const { center, scale } = columns[c]!;
      values[i] = values[i]! * scale + center;
      if (++c === columns.length) c = 0;
    }
  }

  /**
   * Gradients with respect to scaled inputs as gradients with respect to raw ones; NaN where those
   * are categories, which have none.
   */
  rawGradients(scaled: Float32Array): Float32Array {
    const { columns, width } = this;
    const raw = new Float32Array((scaled.length / width) * columns.length);
    for (let i = 0, c = 0, s = 0; i < raw.length; i++) {
      const column = columns[c]!;
      if ('scale' in column) raw[i] = scaled[s++]! / column.scale;
      else {
        raw[i] = Number.NaN;
        s += column.count;
      }
      if (++c === columns.length) c = 0;
    }
    return raw;
  }
}
