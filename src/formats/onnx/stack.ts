import type { Encoding } from '../../scalers.js';
import type { Snapshot } from '../../snapshot.js';
import { foreignSnapshot } from '../foreign.js';
import { stackOf } from '../graph.js';
import { type Json, parseJson } from '../json.js';
import { encodingOf } from './encoding.js';
import type { Rows } from './rows.js';
import { inputColumns, outputColumns } from './scaling.js';
import type { OnnxModel } from './schema.js';

/** The layers that lead from the inputs to these outputs, with their weights and scalers. */
export function snapshotOf(
  outputs: Rows,
  file: number,
  properties: NonNullable<OnnxModel['properties']>,
): Snapshot {
  const end = outputs.unfinished ? outputs.from! : outputs;
  const { layers, weights } = stackOf(end, 'ONNX file', file);
  let root = end;
  while (root.from) root = root.from;
  const encoding =
    root.encoded && encodingOf(root.encoded, jsonIn(properties, 'chainrule.categories'));
  const x = encoding?.columns ?? (root.scaling && inputColumns(root.scaling, root));
  const y = outputs.unfinished ? outputColumns(outputs.scaling!, outputs) : undefined;
  // What is no list of names is refused with the rest of the spec.
  const classes = jsonIn(properties, 'chainrule.classes') as string[] | undefined;
  const scaler: Encoding = { type: 'standardScaler' };
  const spec = {
    inputShape: (root.encoded?.of ?? root).shape,
    layers,
    ...((x || y) && {
      preprocess: { ...(x && { x: encoding?.x ?? scaler }), ...(y && { y: scaler }) },
    }),
    ...(classes && { classes }),
  };
  const scalers = { ...(x && { x }), ...(y && { y }) };
  return foreignSnapshot({ spec, weights, scalers }, 'ONNX file');
}

/** What `toOnnx` writes beside the graph. */
function jsonIn(properties: NonNullable<OnnxModel['properties']>, key: string): Json | undefined {
  const { value } = properties.find((property) => property.key === key) ?? {};
  return value === undefined ? undefined : parseJson(value, `ONNX file: ${key}`);
}
