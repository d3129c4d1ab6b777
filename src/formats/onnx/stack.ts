import type { Encoding } from '../../scalers.js';
import type { Snapshot } from '../../snapshot.js';
import { foreignSnapshot } from '../foreign.js';
import { stackOf } from '../graph.js';
import { parseJson } from '../json.js';
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
  const x = root.scaling && inputColumns(root.scaling, root);
  const y = outputs.unfinished ? outputColumns(outputs.scaling!, outputs) : undefined;
  const classes = classesIn(properties);
  const scaler: Encoding = { type: 'standardScaler' };
  const spec = {
    inputShape: root.shape,
    layers,
    ...((x || y) && { preprocess: { ...(x && { x: scaler }), ...(y && { y: scaler }) } }),
    ...(classes && { classes }),
  };
  const scalers = { ...(x && { x }), ...(y && { y }) };
  return foreignSnapshot({ spec, weights, scalers }, 'ONNX file');
}

/** Names of classes, as `toOnnx` writes them. */
function classesIn(properties: NonNullable<OnnxModel['properties']>): string[] | undefined {
  const key = 'chainrule.classes';
  const { value } = properties.find((property) => property.key === key) ?? {};
  // What is no list of names is refused with the rest of the spec.
  return value === undefined ? undefined : (parseJson(value, `ONNX file: ${key}`) as string[]);
}
