import { show } from '../checks.js';
import type { InputRows, Label } from '../data.js';
import { ShapeError } from '../errors.js';
import { bytesIn } from '../formats/foreign.js';
import { classesOf } from '../metrics/definition.js';
import { sizeOf } from '../tensor.js';
import { type Engine, engines } from './engine.js';
import { type Parts, readParts } from './read.js';
import { encodeRows, readValues } from './rows.js';

/** What is not part of the file. */
export interface PredictorOptions {
  /**
   * Where dense layers run: 'wasm' and 'js' give the same bits. Default 'wasm', or 'js' with a warning
   * where WebAssembly cannot be had.
   */
  readonly backend?: 'wasm' | 'js';
  /** Takes warnings; default `console.warn`. */
  readonly onWarning?: (message: string) => void;
}

/** A network that predicts and does nothing else. Made by `loadPredictor`. */
export interface Predictor {
  /** Where its dense layers run. */
  readonly backend: 'wasm' | 'js';
  /** Names of the classes in the order of the outputs, where they have names. */
  readonly classes: readonly Label[] | undefined;
  /**
   * The outputs for rows x, as one flat row-major array: a row after the other, with the bits that
   * the network's own `predict` gives.
   *
   * @param x one row or many, as they were given to `fit`: scalers and categories are applied
   * @param out where to write them instead of into a new array; rows × outputs floats
   * @throws ShapeError when x has another width, or `out` another length; TypeError for what are no
   *   numbers; RangeError for numbers that are not finite, and categories that are not known
   */
  predict(x: InputRows, out?: Float32Array): Float32Array;
  /**
   * The class of each row: its name where classes have names, else its index. The largest output
   * decides; a single output decides between classes 0 and 1.
   */
  predictClasses(x: InputRows): Label[];
}

class FilePredictor implements Predictor {
  readonly #parts: Parts;
  readonly #engine: Engine;

  constructor(parts: Parts, engine: Engine) {
    this.#parts = parts;
    this.#engine = engine;
    parts.forward.settle(engine);
  }

  get backend(): 'wasm' | 'js' {
    return this.#engine.name;
  }

  get classes(): readonly Label[] | undefined {
    return this.#parts.classes;
  }

  predict(x: InputRows, out?: Float32Array): Float32Array {
    const { forward, inputShape, inputColumns, outputColumns, x: into, y: from } = this.#parts;
    const rows = encodeRows(
      readValues(x, inputShape),
      sizeOf(inputShape),
      inputColumns,
      into.columns,
    );
    const count = rows.length / into.columns;
    const length = count * from.columns;
    if (out !== undefined && !(out instanceof Float32Array && out.length === length)) {
      throw new ShapeError(`out: expected a Float32Array of ${length} numbers, got ${show(out)}`);
    }
    const y = out ?? new Float32Array(length);
    const atOnce = forward.prepare(count);
    const { floats } = this.#engine;
    const [start, end] = [forward.at(into), forward.at(from)];
    for (let done = 0; done < count; done += atOnce) {
      const batch = Math.min(atOnce, count - done);
      for (let r = 0; r < batch; r++) {
        const at = (done + r) * into.columns;
        floats.set(rows.subarray(at, at + into.columns), start + r * into.pitch);
      }
      forward.run(batch);
      for (let r = 0; r < batch; r++) {
        const at = end + r * from.pitch;
        y.set(floats.subarray(at, at + from.columns), (done + r) * from.columns);
      }
    }
    outputColumns?.forEach((column, c) => {
      if (!('scale' in column)) return;
      for (let i = c; i < length; i += from.columns) y[i] = y[i]! * column.scale + column.center;
    });
    return y;
  }

  predictClasses(x: InputRows): Label[] {
    const { y, decision, classes } = this.#parts;
    return classesOf(this.predict(x), y.shape.at(-1)!, decision, classes);
  }
}

/**
 * A network from the bytes of a model file, as `save` gives them, that predicts and does nothing else:
 * its `predict` and `predictClasses` are those of the network, to the bit. The bytes need not be
 * trusted; what only training reads of them is not looked at.
 *
 * @param bytes a model file
 * @param options where it runs
 * @throws FormatError that says where and what, for anything but a whole file of a network that can
 *   predict: one whose scalers have not been fitted cannot
 */
export function loadPredictor(
  bytes: Uint8Array | ArrayBuffer,
  { backend, onWarning = console.warn }: PredictorOptions = {},
): Predictor {
  if (backend !== undefined && !Object.hasOwn(engines, backend)) {
    throw new RangeError(`backend: expected 'wasm' or 'js', got ${show(backend)}`);
  }
  const file = bytesIn(bytes);
  if (!file) {
    throw new TypeError(`loadPredictor: expected the bytes of a model file, got ${show(bytes)}`);
  }
  return new FilePredictor(readParts(file), engineFor(backend, onWarning));
}

function engineFor(backend: 'wasm' | 'js' | undefined, warn: (message: string) => void): Engine {
  if (backend) return engines[backend]();
  try {
    return engines.wasm();
  } catch (error) {
    warn(`chainrule: WebAssembly cannot be used here, the JS backend runs instead (${error})`);
    return engines.js();
  }
}
