import { FormatError } from '../../errors.js';
import { type NetworkSpec, resolveModel } from '../../layers/model.js';
import { sizeOf } from '../../tensor.js';
import type { TableSchema } from './schema.js';

const where = 'table';

function fail(what: string): never {
  throw new FormatError(`${where}: ${what}`);
}

const isText = (value: unknown): value is string => typeof value === 'string';

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

/** Checks a column against what the network makes of it: as many categories, by their places. */
function checkFeature(given: unknown, at: string, scaler: unknown): void {
  if (!isObject(given)) fail(`${at}: expected an object`);
  const { name, kind, fill, categories } = given;
  if (!isText(name)) fail(`${at}: name: expected text`);
  if (typeof fill !== 'number' || !Number.isFinite(fill)) fail(`${at}: fill: expected a number`);
  const encoding = isObject(scaler) && scaler.type === 'oneHot' ? scaler.categories : undefined;
  if (kind === 'number') {
    if (encoding !== undefined) fail(`${at}: kind: the network takes categories there`);
    return;
  }
  if (kind !== 'category') fail(`${at}: kind: not known`);
  if (!Array.isArray(categories) || categories.length === 0 || !categories.every(isText)) {
    fail(`${at}: categories: expected texts`);
  }
  const count = categories.length;
  const known = Array.isArray(encoding) ? encoding : [];
  if (known.length !== count || known.some((place, i) => place !== i)) {
    fail(`${at}: categories: expected as many as the network takes, ${known.length}, got ${count}`);
  }
  if (!Number.isInteger(fill) || fill < 0 || fill >= count) {
    fail(`${at}: fill: expected the place of a category`);
  }
}

/**
 * A schema from a model's file, which need not be trusted: checked against the network that it goes
 * with.
 *
 * @throws FormatError that says what does not fit
 */
export function readSchema(given: unknown, spec: NetworkSpec): TableSchema {
  if (!isObject(given)) fail('expected an object');
  const { task, features, target, classes, decimal } = given;
  if (decimal !== '.' && decimal !== ',') fail('decimal: expected . or ,');
  if (!isText(target)) fail('target: expected a name');
  const inputs = sizeOf(spec.inputShape);
  if (!Array.isArray(features) || features.length !== inputs) {
    fail(`features: expected ${inputs}, as many as the network has inputs`);
  }
  const scalers: unknown = spec.preprocess?.x;
  for (const [i, feature] of features.entries()) {
    checkFeature(feature, `features[${i}]`, Array.isArray(scalers) ? scalers[i] : scalers);
  }
  if (task === 'regression' ? classes !== undefined : !Array.isArray(classes)) {
    fail('classes: expected the texts of classes for a classification, and none else');
  }
  const names = (classes ?? []) as unknown[];
  const own = (spec.classes ?? []).map(String);
  if (names.length !== own.length || names.some((name, i) => name !== own[i])) {
    fail('classes: not those of the network');
  }
  if (task !== 'regression' && names.length < 2) fail('classes: expected two or more');
  const outputs = { regression: 1, binary: 1, multiclass: names.length };
  if (!isText(task) || !Object.hasOwn(outputs, task)) fail('task: not known');
  const { outputs: count } = resolveModel(spec);
  const expected = outputs[task as keyof typeof outputs];
  if (count !== expected) fail(`task: ${task} has ${expected} outputs, the network ${count}`);
  return given as TableSchema;
}
