import { choose, onlyKeys } from './checks.js';
import { ShapeError } from './errors.js';

/** A scaler, as plain data. */
export interface ScalerSpec {
  readonly type: ScalerName;
}

export type ScalerName = keyof typeof scalers;

/** One scaler for all columns, or one for each; null leaves a column as it is. */
export type Scaling = ScalerSpec | readonly (ScalerSpec | null)[];

/** Scaling of inputs and of regression targets, which belongs to the model. */
export interface Preprocess {
  readonly x?: Scaling;
  readonly y?: Scaling;
}

/** A column scaled: (value − center) / scale. */
interface Column {
  readonly center: number;
  readonly scale: number;
}

interface ScalerDefinition {
  readonly options: Readonly<Record<string, number>>;
  /** Centre and scale of a column from its training values. */
  fit(values: Float64Array): Column;
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
} as const satisfies Record<string, ScalerDefinition>;

/**
 * Scales each column to mean 0 and standard deviation 1 over the training rows:
 * (value − mean) / deviation, the deviation that of the population. A column that never changes
 * becomes 0.
 */
export function standardScaler(): ScalerSpec {
  return { type: 'standardScaler' };
}

const unscaled: Column = { center: 0, scale: 1 };

/** Refuses scaling that does not fit the columns. */
export function checkPreprocess(preprocess: Preprocess, inputs: number, outputs: number): void {
  const columns = { x: inputs, y: outputs };
  onlyKeys(preprocess, ['x', 'y'], 'preprocess');
  for (const key of ['x', 'y'] as const) {
    const scaling = preprocess[key];
    if (Array.isArray(scaling)) {
      if (scaling.length !== columns[key]) {
        throw new ShapeError(
          `preprocess.${key}: expected ${columns[key]} scalers, one a column, got ${scaling.length}`,
        );
      }
      scaling.forEach((spec, i) => {
        if (spec !== null) choose(scalers, spec, `preprocess.${key}[${i}]`);
      });
    } else if (scaling !== undefined) choose(scalers, scaling, `preprocess.${key}`);
  }
}

/** Scaling with the centre and scale of each column. */
export class FittedScaler {
  readonly columns: readonly Column[];

  constructor(columns: readonly Column[]) {
    this.columns = columns;
  }

  /** Fits to the rows of a dense array that `rows` lists. */
  static fit(
    scaling: Scaling,
    values: Float32Array,
    width: number,
    rows: Int32Array,
  ): FittedScaler {
    const columns = Array.from({ length: width }, (_, c) => {
      const spec = Array.isArray(scaling) ? scaling[c] : (scaling as ScalerSpec);
      if (!spec) return unscaled;
      const definition: ScalerDefinition = scalers[(spec as ScalerSpec).type];
      const { center, scale } = definition.fit(
        Float64Array.from(rows, (row) => values[row * width + c]!),
      );
      return { center, scale: scale > 0 ? scale : 1 };
    });
    return new FittedScaler(columns);
  }

  /** Writes scaled rows behind `at`, rounded to float32 once. */
  apply(values: Float32Array, out: Float32Array, at: number): void {
    const width = this.columns.length;
    for (let i = 0, c = 0; i < values.length; i++) {
      const { center, scale } = this.columns[c]!;
      out[at + i] = (values[i]! - center) / scale;
      if (++c === width) c = 0;
    }
  }

  /** Scaled numbers back in their own units, in place. */
  invert(values: Float32Array): void {
    const width = this.columns.length;
    for (let i = 0, c = 0; i < values.length; i++) {
      const { center, scale } = this.columns[c]!;
      values[i] = values[i]! * scale + center;
      if (++c === width) c = 0;
    }
  }

  /** Gradients with respect to scaled inputs, made gradients with respect to raw ones, in place. */
  scaleGradients(values: Float32Array): void {
    const width = this.columns.length;
    for (let i = 0, c = 0; i < values.length; i++) {
      values[i] = values[i]! / this.columns[c]!.scale;
      if (++c === width) c = 0;
    }
  }
}
