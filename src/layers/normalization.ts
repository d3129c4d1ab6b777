import { flag, numberWithin, smallestFloat } from '../checks.js';
import type { InitializerName } from '../initializers.js';
import type { Shape, Tensor } from '../tensor.js';
import type { LayerDefinition, LayerOptions, ParameterDeclaration } from './definition.js';

/** What both kinds of normalization take. */
interface NormalizationOptions extends LayerOptions {
  /** ε, added to the variance, so that nothing is divided by 0; above 0, default 1e-5. */
  readonly epsilon?: number;
  /** Whether there is a γ, learnt from 1 on; default true. Without one it is 1. */
  readonly scale?: boolean;
  /** Whether there is a β, learnt from 0 on; default true. Without one it is 0. */
  readonly shift?: boolean;
}

/**
 * Batch normalization (Ioffe and Szegedy 2015): y = γ·(x − μ) / √(σ² + ε) + β, column by column. Of
 * rows of more than one dimension the last one holds the columns (channels), and each position is a row.
 *
 * While training, μ and σ² are the mean and the biased variance of the column over the batch. Every
 * step moves running statistics, `mean` and `variance`, by momentum m: v ← (1 − m)·v + m·v_batch, with
 * the unbiased variance. Prediction and evaluation take these; so does training where the layer is
 * frozen, or the batch is a single row, which has no variance, and then leaves them as they are.
 */
export interface BatchNormalizationSpec extends NormalizationOptions {
  readonly type: 'batchNormalization';
  /** m, the share of the batch in the running statistics, in [0, 1]; default 0.1. */
  readonly momentum?: number;
}

/**
 * Layer normalization (Ba, Kiros and Hinton 2016): y = γ·(x − μ) / √(σ² + ε) + β with μ and σ² the
 * mean and the biased variance of the row itself, in training and prediction alike. In rows of more
 * than one dimension each position is a row: it normalizes over the last dimension.
 */
export interface LayerNormalizationSpec extends NormalizationOptions {
  readonly type: 'layerNormalization';
}

/** Floating point operations of a pass, per element. */
const work = 8;

/** ε where a spec names none. */
export const defaultEpsilon = 1e-5;
/** m where a spec names none. */
export const defaultMomentum = 0.1;

function checkOptions(spec: NormalizationOptions, _input: Shape, where: string): void {
  const { epsilon = defaultEpsilon, scale = true, shift = true } = spec;
  numberWithin(epsilon, `${where}: epsilon`, smallestFloat, 1);
  flag(scale, `${where}: scale`);
  flag(shift, `${where}: shift`);
}

const row = (columns: number, type: InitializerName): ParameterDeclaration => ({
  rows: 1,
  columns,
  shape: [columns],
  initializer: { type, options: {} },
  fanIn: 1,
  fanOut: columns,
  decays: false,
});

function scaleAndShift({ scale = true, shift = true }: NormalizationOptions, columns: number) {
  return {
    ...(scale && { scale: row(columns, 'ones') }),
    ...(shift && { shift: row(columns, 'zeros') }),
  };
}

export const batchNormalization: LayerDefinition<BatchNormalizationSpec> = {
  options: ['epsilon', 'scale', 'shift', 'momentum'],

  check(spec, input, where) {
    checkOptions(spec, input, where);
    const { momentum = defaultMomentum } = spec;
    numberWithin(momentum, `${where}: momentum`, 0, 1);
  },

  output: (_spec, input) => input,

  parameters(spec, input) {
    const columns = input.at(-1)!;
    return {
      ...scaleAndShift(spec, columns),
      mean: { ...row(columns, 'zeros'), buffer: 'statistics' },
      variance: { ...row(columns, 'ones'), buffer: 'statistics', least: 0 },
    };
  },

  lower(spec, build, given, { scale, shift, ...running }, { trainable, input }) {
    const x = build.regroup(given, input.at(-1)!);
    const { epsilon = defaultEpsilon, momentum = defaultMomentum } = spec;
    const { rows, columns, pitch } = x;
    const sizes = [rows, columns, pitch, epsilon] as const;
    const zeros = build.zeros(columns);
    const gamma = scale ?? build.ones(columns);
    const ofBatch = build.training && trainable && rows > 1;
    const mean = ofBatch ? build.vector(columns) : running.mean!;
    const variance = ofBatch ? build.vector(columns) : running.variance!;
    if (ofBatch) {
      build.emit('batchStatistics', mean, variance, x, rows, columns, pitch);
      build.count(work * rows * columns);
      build.onLearning(() => {
        const next = [build.nextOf(running.mean!), build.nextOf(running.variance!)] as const;
        const before = [running.mean!, running.variance!] as const;
        const rates = [momentum, rows / (rows - 1)] as const;
        build.emit('runningStatistics', ...next, ...before, mean, variance, columns, ...rates);
      });
    }
    const y = build.valueLike(x, build.needsGradient(x, scale, shift));
    const read = [x, mean, variance, gamma, shift ?? zeros] as const;
    build.emit('batchNormalizationForward', y, ...read, ...sizes);
    build.count(work * rows * columns);
    build.onBackward(y, (dy) => {
      // A part of a step has statistics, and so sums, of its own.
      const place = (parameter: Tensor | undefined) =>
        build.opens ? build.gradientPlace(parameter, columns) : build.vector(columns);
      const [dScale, dShift] = [place(scale), place(shift)];
      if (build.needsGradient(scale, shift) || (ofBatch && build.needsGradient(x))) {
        build.emit('batchNormalizationSums', dScale, dShift, dy, x, mean, variance, ...sizes);
        build.count(work * rows * columns);
      }
      if (!build.opens) {
        build.addToGradient(scale, dScale);
        build.addToGradient(shift, dShift);
      }
      build.contribute(x, (dx) => {
        build.count(work * rows * columns);
        if (ofBatch) {
          const given = [x, mean, variance, gamma, dScale, dShift] as const;
          build.emit('batchNormalizationBackward', dx, dy, ...given, ...sizes);
        } else {
          build.emit('batchNormalizationForward', dx, dy, zeros, variance, gamma, zeros, ...sizes);
        }
      });
    });
    return y;
  },
};

export const layerNormalization: LayerDefinition<LayerNormalizationSpec> = {
  options: ['epsilon', 'scale', 'shift'],
  check: checkOptions,
  masks: () => 'keeps',
  output: (_spec, input) => input,
  parameters: (spec, input) => scaleAndShift(spec, input.at(-1)!),

  lower({ epsilon = defaultEpsilon }, build, given, { scale, shift }, { input }) {
    const x = build.regroup(given, input.at(-1)!);
    const { rows, columns, pitch } = x;
    const sizes = [rows, columns, pitch] as const;
    const gamma = scale ?? build.ones(columns);
    const beta = shift ?? build.zeros(columns);
    const statistics = build.vector(2 * rows);
    const y = build.valueLike(x, build.needsGradient(x, scale, shift));
    build.emit('layerNormalizationForward', y, statistics, x, gamma, beta, ...sizes, epsilon);
    build.count(2 * work * rows * columns);
    build.onBackward(y, (dy) => {
      if (build.needsGradient(scale, shift)) {
        const [dScale, dShift] = [
          build.gradientPlace(scale, columns),
          build.gradientPlace(shift, columns),
        ];
        const onto = Number(!build.opens);
        build.emit('layerNormalizationSums', dScale, dShift, dy, x, statistics, ...sizes, onto);
        build.count(work * rows * columns);
      }
      build.contribute(x, (dx) => {
        build.emit('layerNormalizationBackward', dx, dy, x, statistics, gamma, ...sizes);
        build.count(2 * work * rows * columns);
      });
    });
    return y;
  },
};
