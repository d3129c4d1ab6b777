import type { Label } from '../data.js';
import { allFinite } from '../finite.js';
import { mostColumns, mostWidth } from '../formats/bounds.js';
import { openModelFile } from '../formats/model-file.js';
import { type Decision, decisionOf } from '../metrics/definition.js';
import type { LossDefinition } from '../ops/definition.js';
import { losses } from '../ops/losses.js';
import { type Shape, sizeOf } from '../tensor.js';
import { count, list, nameIn, refuse, table, within } from './checks.js';
import { Forward, type Values } from './forward.js';
import { lastActivation, lowerStack } from './layers.js';
import type { Column } from './rows.js';

/** What a file says of a network, as far as prediction goes. */
export interface Parts {
  readonly forward: Forward;
  readonly inputShape: Shape;
  readonly x: Values;
  readonly y: Values;
  /** What is done to the columns of the inputs, and was done to those of the targets. */
  readonly inputColumns: readonly Column[] | undefined;
  readonly outputColumns: readonly Column[] | undefined;
  readonly decision: Decision;
  readonly classes: readonly Label[] | undefined;
}

/**
 * Reads a model file that need not be trusted. What prediction takes is checked, and nothing is built.
 *
 * @throws FormatError that says where and what
 */
export function readParts(file: Uint8Array): Parts {
  const { spec: given, preprocessing, tensors } = openModelFile(file);
  const spec = table(given, 'spec');
  if (spec.task !== undefined) refuse('task', 'none', spec.task);
  const inputShape = list(spec.inputShape, 'inputShape').map((size) => count(size, 'inputShape'));
  const columns = within(sizeOf(inputShape), 'inputShape: numbers in a row', 1, mostWidth);
  const { x: encoding, y: scaling } = table(spec.preprocess, 'preprocess');
  const fitted = table(preprocessing, 'preprocessing');
  const inputColumns = readColumns(encoding, fitted.x, columns, 'x');
  const isWider = inputColumns?.some((column) => 'count' in column);
  const width = inputColumns?.reduce((sum, c) => sum + ('count' in c ? c.count : 1), 0);

  const forward = new Forward((name, shape, least = Number.NEGATIVE_INFINITY) => {
    const values = tensors.take(name, 'F32', shape, Float32Array);
    if (!allFinite(values)) refuse(name, 'finite numbers', values);
    if (values.some((value) => value < least)) refuse(name, `numbers from ${least} on`, values);
    return values;
  });
  const x = forward.values(isWider ? [width!] : inputShape, 'inputs');
  const layers = list(spec.layers, 'layers');
  if (layers.length === 0) refuse('layers', 'at least one', layers);
  const y = lowerStack(layers, x, forward, 'layers');
  const units = y.shape.at(-1)!;
  const extra = [...tensors.left.keys()].find((name) => name.startsWith('layers.'));
  if (extra !== undefined) refuse('tensors', 'those of layers alone', extra);
  return {
    ...{ forward, inputShape, x, y, inputColumns },
    outputColumns: readColumns(scaling, fitted.y, y.columns, 'y'),
    decision: readDecision(spec.loss, layers, units),
    classes: readLabels(spec.classes, 'classes', units === 1 ? 2 : units),
  };
}

/** Names of classes or categories, each of them once; where `size` is given, so many. */
function readLabels(given: unknown, where: string, size?: number): readonly Label[] | undefined {
  if (given === undefined) return undefined;
  const labels = list(given, where);
  if (size !== undefined && labels.length !== size) refuse(where, `${size} names`, labels);
  for (const label of labels) {
    if (label === null || typeof label === 'object') refuse(where, 'names', label);
  }
  if (new Set(labels).size !== labels.length) refuse(where, 'each name once', labels);
  return labels as readonly Label[];
}

/** The largest center and scale. */
const most = Number.MAX_VALUE;

/** What is done to columns, and what has been learnt of them. */
function readColumns(
  given: unknown,
  fitted: unknown,
  size: number,
  of: 'x' | 'y',
): readonly Column[] | undefined {
  if (given === undefined) return undefined;
  const where = `preprocess.${of}`;
  within(size, `${where}: columns`, 1, mostColumns);
  const learnt = fitted === undefined ? undefined : list(fitted, where);
  for (const columns of [given, learnt]) {
    if (Array.isArray(columns) && columns.length !== size)
      refuse(where, `${size} columns`, columns);
  }
  const columns: Column[] = [];
  for (let c = 0; c < size; c++) {
    const entry: unknown = Array.isArray(given) ? given[c] : (given ?? 0);
    // Few characters can speak of many columns, which then have one description.
    const again = !learnt && c > 0 && entry === (Array.isArray(given) ? given[c - 1] : entry);
    columns.push(again ? columns[c - 1]! : readColumn(entry, learnt?.[c], of, where));
  }
  return columns;
}

/** What training learns of a column, which a network that has not been trained lacks. */
const fittedOf = (learnt: unknown, where: string) =>
  learnt === undefined
    ? refuse(where, 'what fit() learns of its columns', learnt)
    : table(learnt, where);

/** One column. A scaler may be given by its name alone; inputs may be left as they are. */
function readColumn(entry: unknown, learnt: unknown, of: 'x' | 'y', where: string): Column {
  const { type, categories } = typeof entry === 'object' ? table(entry ?? {}, where) : {};
  if (type !== 'oneHot' || of === 'y') {
    const untouched = of === 'x' && learnt === undefined && entry === null;
    const { center, scale } = untouched ? { center: 0, scale: 1 } : fittedOf(learnt, where);
    const moved = within(center, `${where}: center`, -most, most);
    const stretched = within(scale, `${where}: scale`, 0, most);
    if (stretched === 0) refuse(`${where}: scale`, 'more than 0', scale);
    return { center: moved, scale: stretched };
  }
  const own = readLabels(Array.isArray(categories) ? categories : undefined, where);
  const labels =
    own && learnt === undefined ? own : readLabels(fittedOf(learnt, where).categories, where);
  const length = own?.length ?? count(categories, where);
  if (!labels || labels.length > length) return refuse(where, 'the categories', labels);
  const places = new Map(labels.map((label, i) => [label, i] as const));
  return { count: length, categories: labels, places };
}

function readDecision(given: unknown, layers: readonly unknown[], outputs: number): Decision {
  if (given === undefined) return decisionOf(undefined, outputs);
  const type = nameIn(
    typeof given === 'object' ? table(given ?? 0, 'loss').type : given,
    losses,
    'loss',
  );
  const { logits }: LossDefinition = losses[type];
  const outputsAreLogits = logits !== undefined && logits !== lastActivation(layers);
  return decisionOf({ type, outputsAreLogits }, outputs);
}
