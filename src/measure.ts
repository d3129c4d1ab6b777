import { everyLayer } from './layers/tree.js';
import type { List, Request } from './lists.js';
import type { NetworkState } from './state.js';
import type { Tensor } from './tensor.js';

/** What a layer put out for a batch. */
export interface ActivationStatistics {
  readonly mean: number;
  /** √(Σ(y − mean)² / count). */
  readonly deviation: number;
  /** Share of outputs that are 0. */
  readonly zeros: number;
  /** Share of units that are 0 for every row: behind a relu, those that no longer learn. */
  readonly dead: number;
  /** The largest difference between two rows in one unit. */
  readonly spread: number;
}

export interface ParameterStatistics {
  /** 'w', 'b'. */
  readonly name: string;
  /** ‖w‖ = √(Σw²). */
  readonly norm: number;
  /** ‖∂loss/∂w‖, where there are targets. */
  readonly gradientNorm: number | undefined;
}

export interface LayerStatistics {
  /** 'layers.0'. */
  readonly layer: string;
  /** 'dense'. */
  readonly type: string;
  readonly activations: ActivationStatistics;
  /** The norm over all of its parameters; undefined where there are none. */
  readonly weightNorm: number | undefined;
  /** The norm of all of its gradients; undefined where there are none, or no targets. */
  readonly gradientNorm: number | undefined;
  readonly parameters: readonly ParameterStatistics[];
}

function activationsOf(floats: Float32Array, tensor: Tensor): ActivationStatistics {
  const { offset, rows, columns, pitch } = tensor;
  const count = rows * columns;
  const at = (r: number, c: number) => floats[offset + r * pitch + c]!;
  let [sum, zeros, dead, spread] = [0, 0, 0, 0];
  for (let c = 0; c < columns; c++) {
    let [least, most, zero] = [at(0, c), at(0, c), 0];
    for (let r = 0; r < rows; r++) {
      const value = at(r, c);
      sum += value;
      if (value === 0) zero++;
      if (value < least) least = value;
      if (value > most) most = value;
    }
    zeros += zero;
    if (zero === rows) dead++;
    spread = Math.max(spread, most - least);
  }
  const mean = sum / count;
  let squares = 0;
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) squares += (at(r, c) - mean) ** 2;
  }
  const deviation = Math.sqrt(squares / count);
  return { mean, deviation, zeros: zeros / count, dead: dead / columns, spread };
}

function squaresOf(floats: Float32Array, { offset, rows, columns, pitch }: Tensor): number {
  let sum = 0;
  for (let r = 0; r < rows; r++) {
    for (let i = offset + r * pitch, end = i + columns; i < end; i++)
      sum += floats[i]! * floats[i]!;
  }
  return sum;
}

/** What a run with these requests leaves to be looked at. */
export const lookedAt = (batch: number, targets: boolean) =>
  ({
    batch,
    rows: 'given',
    training: true,
    outputs: true,
    loss: targets,
    gradients: targets ? 'parameters' : 'none',
    update: false,
    keep: true,
  }) as const satisfies Request;

/** The statistics of the batch that a list has just run, layers inside others before those. */
export function statisticsOf(state: NetworkState, list: List, targets: boolean): LayerStatistics[] {
  const { model, plan } = state;
  const { floats } = plan.backend;
  return [...everyLayer(model.layers)].map((layer) => {
    const own = plan.parameters.filter((parameter) => parameter.layer === layer);
    const squares = own.map(({ key, tensor, gradient }) => ({
      name: key,
      weight: squaresOf(floats, tensor),
      gradient: targets ? squaresOf(floats, gradient) : Number.NaN,
    }));
    const norm = (of: 'weight' | 'gradient') => {
      const total = squares.reduce((sum, entry) => sum + entry[of], 0);
      return own.length === 0 || Number.isNaN(total) ? undefined : Math.sqrt(total);
    };
    return {
      layer: layer.path,
      type: layer.spec.type,
      activations: activationsOf(floats, list.values.get(layer)!),
      weightNorm: norm('weight'),
      gradientNorm: norm('gradient'),
      parameters: squares.map(({ name, weight, gradient }) => ({
        name,
        norm: Math.sqrt(weight),
        gradientNorm: targets ? Math.sqrt(gradient) : undefined,
      })),
    };
  });
}
