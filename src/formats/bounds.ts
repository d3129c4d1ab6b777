import type { Model } from '../layers/model.js';
import { everyLayer } from '../layers/tree.js';
import { sizeOf } from '../tensor.js';

/*
 * A few characters of a spec can ask for any amount of memory. So what a file may ask for without
 * bringing the numbers along is bounded: far above what is of use, and far below what would hurt.
 */

/** Layers, those inside others included. */
const mostLayers = 4096;

/** Numbers in one row of a layer's outputs, or of the inputs. */
export const mostWidth = 2 ** 23;

/** Columns of inputs that scalers or categories are kept for. */
export const mostColumns = 2 ** 18;

/** Dimensions of a row. */
const mostDimensions = 8;

const grouped = (count: number) => String(count).replace(/\B(?=(\d{3})+$)/g, ',');

function bound(size: number, most: number, what: string): void {
  if (size <= most) return;
  throw new RangeError(`${what}: expected at most ${grouped(most)}, got ${size}`);
}

/** Layers are objects, and what holds layers inside a layer are arrays of them, of any depth. */
function countLayers(stack: unknown): number {
  if (!Array.isArray(stack)) return 0;
  let count = 0;
  for (const item of stack as unknown[]) {
    if (Array.isArray(item)) count += countLayers(item);
    else if (typeof item === 'object' && item !== null) {
      count++;
      for (const value of Object.values(item)) count += countLayers(value);
    }
  }
  return count;
}

/**
 * Refuses a spec from a file that asks for too much, before it is checked in any other way. What is no
 * spec at all is left to those checks.
 */
export function boundSpec(spec: unknown): void {
  if (typeof spec !== 'object' || spec === null) return;
  const { inputShape, layers, preprocess } = spec as Record<string, unknown>;
  bound(countLayers(layers), mostLayers, 'layers');
  if (!Array.isArray(inputShape)) return;
  bound(inputShape.length, mostDimensions, 'inputShape: dimensions');
  if (!inputShape.every((size) => typeof size === 'number')) return;
  const scaled = typeof preprocess === 'object' && preprocess !== null && 'x' in preprocess;
  const most = scaled ? mostColumns : mostWidth;
  bound(sizeOf(inputShape), most, 'inputShape: numbers in a row');
}

/** Refuses a model of such a spec whose rows are too wide somewhere. */
export function boundModel({ layers, inputs }: Model): void {
  bound(inputs, mostWidth, 'preprocess.x: numbers in a row');
  for (const { definition, spec, input, output, where } of everyLayer(layers)) {
    bound(sizeOf(output), mostWidth, `${where}: numbers in a row of outputs`);
    bound(definition.room?.(spec, input) ?? 0, mostWidth, `${where}: numbers kept of a row`);
  }
}
