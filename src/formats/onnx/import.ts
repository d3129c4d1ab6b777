import { hint, show } from '../../checks.js';
import { FormatError } from '../../errors.js';
import { load } from '../../load.js';
import type { Network, NetworkOptions } from '../../network.js';
import type { Snapshot } from '../../snapshot.js';
import { bytesIn } from '../foreign.js';
import { mostLayers, mostWeights } from '../graph.js';
import { readTensor } from './constants.js';
import { isRows, NodeReader, type Value } from './node.js';
import { readsImages } from './operators/images.js';
import { operators } from './operators/index.js';
import { placesOf, type Rows } from './rows.js';
import {
  elementTypes,
  modelMessage,
  type OnnxGraph,
  type OnnxModel,
  type OnnxTensor,
  type OnnxValue,
} from './schema.js';
import { snapshotOf } from './stack.js';
import { readMessage } from './wire.js';

/** Versions of the operator set that mean the same by the operators that are read. */
const versions = { least: 7, most: 25 };

/**
 * A network from an ONNX file: ready to predict, or, given a loss, to be trained on. It takes what
 * feed-forward and convolutional networks are made of: Gemm, MatMul and Add; Conv, ConvTranspose,
 * pooling and Resize that repeats, with channels last in the rows of the network; Gather as an
 * embedding; the activations of the catalogue, also those that are written out (erf for gelu);
 * BatchNormalization and LayerNormalization; Dropout, Flatten, Reshape, Identity and Constant; Add and
 * Concat of rows, which become residual and parallel layers; Sub and Div of the inputs, Mul and Add of
 * the outputs, which become scalers; Slice, Cast and OneHot of the inputs, which become categories. The
 * bytes need not be trusted, and other files that they name are never opened.
 *
 * @param bytes the file
 * @param options where the network runs
 * @throws FormatError for what is no ONNX file: or has operators that no layer stands for: it names
 *   the node and the operator
 */
export function fromOnnx(bytes: Uint8Array | ArrayBuffer, options: NetworkOptions = {}): Network {
  return load(readOnnx(bytes), options);
}

/** The same as plain data: no network is built. */
export function readOnnx(bytes: Uint8Array | ArrayBuffer): Snapshot {
  const file = bytesIn(bytes);
  if (!file) {
    throw new TypeError(`fromOnnx: expected the bytes of an ONNX file: got ${show(bytes)}`);
  }
  const model = readMessage(modelMessage, file);
  const { graph } = model;
  if (!graph?.nodes) fail('no graph: it is no ONNX file: or has been cut short');
  const version = operatorSet(model);
  const outputs = run(graph!, version, file.length);
  return snapshotOf(outputs, file.length, model.properties ?? []);
}

function fail(what: string): never {
  throw new FormatError(`ONNX file: ${what}`);
}

const isOnnx = (domain = '') => domain === '' || domain === 'ai.onnx';

function operatorSet({ operators }: OnnxModel): number {
  const version = operators?.find(({ domain }) => isOnnx(domain))?.version ?? 1;
  if (version >= versions.least && version <= versions.most) return version;
  return fail(
    `expected an operator set from ${versions.least} to ${versions.most}, got ${version}`,
  );
}

/** The only one of a graph's inputs or outputs. */
function only(values: readonly OnnxValue[], what: 'input' | 'output'): OnnxValue {
  if (values.length === 1) return values[0]!;
  const names = values.slice(0, 8).map(({ name }) => show(name));
  return fail(`expected one ${what}, got ${values.length}: ${names.join(', ')}`);
}

/** Goes through the nodes, which stand in the order in which they compute. */
function run(
  { nodes = [], tensors = [], inputs = [], outputs = [] }: OnnxGraph,
  version: number,
  file: number,
): Rows {
  const values = new Map<string, Value>();
  const stored = new Map<string, OnnxTensor>();
  for (const tensor of tensors) stored.set(tensor.name ?? '', tensor);
  // Older files list what is stored among the inputs too.
  const input = only(
    inputs.filter(({ name }) => !stored.has(name ?? '')),
    'input',
  );
  const reader = nodes.find((node) => node.inputs?.includes(input.name ?? ''));
  values.set(input.name ?? '', inputRows(input, readsImages(reader?.operator)));
  let left = mostWeights(file);

  /** Numbers are taken out of the file when they are first needed. */
  const find = (name: string): Value | undefined => {
    const tensor = stored.get(name);
    if (tensor && !values.has(name)) values.set(name, readTensor(tensor, `tensor ${show(name)}`));
    return values.get(name);
  };

  nodes.forEach((node, i) => {
    const { operator = '', domain, inputs: names = [], outputs: results = [] } = node;
    const where = `graph.nodes[${i}] (${show(node.name ?? results[0] ?? '')})`;
    const read = isOnnx(domain) ? operators[operator] : undefined;
    if (!read) {
      const full = isOnnx(domain) ? operator : `${domain}.${operator}`;
      fail(
        `${where}: no layer stands for the operator ${show(full)}; ${hint(operator, Object.keys(operators))}`,
      );
    }
    const given = names.map((name) => {
      const value = name === '' ? undefined : find(name);
      if (name !== '' && !value) fail(`${where}: its input ${show(name)} comes from nowhere`);
      return value;
    });
    const result = results[0] ?? '';
    if (values.has(result) || stored.has(result)) fail(`${where}: ${show(result)} comes twice`);
    const value = read!(new NodeReader(node, i, given, version));
    if (isRows(value)) {
      if (value.depth > mostLayers) fail(`${where}: more than ${mostLayers} layers`);
      for (const { values } of Object.values(value.weights ?? {})) left -= values.byteLength;
      if (left < 0) fail(`${where}: the same weights are used by too many layers`);
    }
    values.set(result, value);
  });

  const output = only(outputs, 'output').name ?? '';
  const rows = values.get(output);
  if (!isRows(rows)) return fail(`the output ${show(output)} does not depend on the input`);
  if (rows.unfinished && !rows.scaling) fail(`the output ${show(output)} ${rows.unfinished}`);
  if (rows.channelsFirst || rows.flattened) {
    fail(
      `the output ${show(output)} has its channels first: expected one with channels last, or flat`,
    );
  }
  return rows;
}

/** @param channelsFirst whether images, if they are such, have their channels behind the batch */
function inputRows({ name, type }: OnnxValue, channelsFirst: boolean): Rows {
  const { element, shape } = type?.tensor ?? {};
  const where = `input ${show(name)}`;
  const whole = element === elementTypes.int64 || element === elementTypes.int32;
  if (!whole && element !== elementTypes.float && element !== elementTypes.double) {
    fail(`${where}: expected float numbers, or whole ones, got the element type ${show(element)}`);
  }
  const [batch, ...sizes] = shape?.dimensions ?? [];
  const row = sizes.map(({ size = 0 }) => size);
  if (!batch || row.length === 0 || row.length > 7 || row.some((size) => !(size >= 1))) {
    fail(
      `${where}: expected [batch, …sizes] with fixed sizes, got [${row.join(', ')}] behind the batch`,
    );
  }
  const rows = { shape: row, depth: 0, from: undefined };
  if (whole) return placesOf(rows);
  if (!channelsFirst || row.length === 1) return rows;
  return { ...rows, shape: [...row.slice(1), row[0]!], channelsFirst: true };
}
