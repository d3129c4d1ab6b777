import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { wasmBackend } from '../src/backends/wasm.js';
import {
  type BackendFactory,
  DivergenceError,
  type Network,
  type NetworkSpec,
  sequential,
} from '../src/index.js';
import type { Case } from './architectures.js';
import { bits } from './kernels/core.js';

// What a spec computes on JS, on the release build and on the debug build.

const moduleOf = (file: string) =>
  new WebAssembly.Module(readFileSync(new URL(`../build/${file}`, import.meta.url)));
const modules = { release: moduleOf('core.wasm'), debug: moduleOf('core.debug.wasm') };

export const engines = ['js', 'release', 'debug'] as const;
export type Engine = (typeof engines)[number];

/** A network whose warnings nobody hears: random ones give reason for many. */
export function networkOn(engine: Engine | BackendFactory, spec: NetworkSpec): Network {
  const factory = (name: 'release' | 'debug') => ({ create: () => wasmBackend(modules[name]) });
  const named = engine === 'release' || engine === 'debug';
  const backend = named ? factory(engine) : engine;
  return sequential(spec, { backend, onWarning() {} });
}

/** Floats as a digest of their bits, which fits into the message of a failure. */
export const hex = (floats: Float32Array) =>
  createHash('sha1').update(bits(floats)).digest('hex').slice(0, 16);

export const hexOf = (model: Network) =>
  Object.fromEntries(Object.entries(model.getWeights()).map(([name, w]) => [name, hex(w)]));

/** Float64 numbers with all of their digits, −0 and NaN told apart. */
const exact = (logs: Record<string, number | number[]>) =>
  Object.entries(logs).map(([name, v]) => [
    name,
    [v].flat().map((n) => (n === 0 ? `${1 / n}` : n)),
  ]);

/** All that a network does with a case, down to the last bit; an error's message in place of it. */
export async function resultsOn(
  engine: Engine | BackendFactory,
  { spec, x, y, fit, inputs }: Case,
) {
  const model = networkOn(engine, spec);
  const initial = hexOf(model);
  let trained: unknown;
  try {
    const { history, stopReason } = await model.fit(x, y, fit);
    trained = { history: exact(history), stopReason };
  } catch (error) {
    if (!(error instanceof DivergenceError)) throw error;
    trained = error.message;
  }
  const predictions = model.predict(x);
  const width = predictions.length / (x.length / inputs);
  const alone = Array.from({ length: x.length / inputs }, (_, r) =>
    model.predict(x.subarray(r * inputs, (r + 1) * inputs)),
  );
  alone.forEach((row, r) => {
    expect(hex(row)).toBe(hex(predictions.subarray(r * width, (r + 1) * width)));
  });
  return {
    initial,
    trained,
    weights: hexOf(model),
    predictions: hex(predictions),
    evaluation: exact(model.evaluate(x, y)),
  };
}
