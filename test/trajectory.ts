import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { sequential } from '../src/index.js';

/** A whole training by PyTorch, as scripts/golden-trajectories.py writes it. */
export interface Configuration {
  name: string;
  spec: Parameters<typeof sequential>[0];
  batchSize: number;
  rows: number;
  steps: number;
  x: number[];
  y: number[];
  initial: Record<string, number[]>;
  losses: number[];
  lossesError: number;
  final: Record<string, number[]>;
  finalError: Record<string, number>;
}

/** The trainings of a fixture. */
export function configurationsOf(fixture: string): Configuration[] {
  const path = new URL(`./fixtures/${fixture}`, import.meta.url);
  return JSON.parse(readFileSync(path, 'utf8')).configurations;
}

const errorFactor = 8;
const relativeFloor = 2 ** -18;

/**
 * The worst element of a tensor that strays from PyTorch's float64 values by more than
 * max(8 × PyTorch's own float32 error, 2⁻¹⁸ × max|tensor|), in words; otherwise null.
 */
function strayed(
  name: string,
  ours: ArrayLike<number>,
  golden: readonly number[],
  torchError: number,
): string | null {
  if (ours.length !== golden.length) {
    return `${name}: expected ${golden.length} elements, got ${ours.length}`;
  }
  const largest = golden.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
  const tolerance = Math.max(errorFactor * torchError, relativeFloor * largest);
  let worst = 0;
  let difference = -1;
  for (let i = 0; i < golden.length; i++) {
    const d = Math.abs(ours[i]! - golden[i]!);
    if (!(d <= difference)) {
      worst = i;
      difference = d;
    }
    if (Number.isNaN(d)) break;
  }
  if (difference <= tolerance) return null;
  return `${name}[${worst}]: PyTorch ${golden[worst]}, ours ${ours[worst]}, difference ${difference.toExponential(2)}, tolerance ${tolerance.toExponential(2)}`;
}

function train(configuration: Configuration, backend: 'wasm' | 'js') {
  const { spec, batchSize, rows, steps } = configuration;
  const sparse = spec.loss === 'sparseCategoricalCrossentropy';
  const x = Float32Array.from(configuration.x);
  const y = sparse ? configuration.y : Float32Array.from(configuration.y);
  const xWidth = x.length / rows;
  const yWidth = y.length / rows;

  const model = sequential({ ...spec, seed: 1 }, { backend });
  const initial: Record<string, Float32Array> = {};
  for (const [name, values] of Object.entries(configuration.initial)) {
    initial[name] = Float32Array.from(values);
  }
  model.setWeights(initial);

  const losses: number[] = [];
  const batches = Math.ceil(rows / batchSize);
  for (let step = 0; step < steps; step++) {
    const start = (step % batches) * batchSize;
    const end = Math.min(start + batchSize, rows);
    losses.push(
      model.trainOnBatch(
        x.slice(start * xWidth, end * xWidth),
        y.slice(start * yWidth, end * yWidth),
      ).loss,
    );
  }
  return { losses, weights: model.getWeights(), backend: model.backend };
}

/** What strays in a training, tensor by tensor. */
export function failuresOf(configuration: Configuration, backend: 'wasm' | 'js'): string[] {
  const ours = train(configuration, backend);
  expect(ours.backend).toBe(backend);
  expect(Object.keys(ours.weights).sort()).toEqual(Object.keys(configuration.final).sort());
  const failures = [
    strayed('losses', ours.losses, configuration.losses, configuration.lossesError),
  ];
  for (const [name, golden] of Object.entries(configuration.final)) {
    failures.push(strayed(name, ours.weights[name]!, golden, configuration.finalError[name]!));
  }
  return failures.filter((failure) => failure !== null);
}
