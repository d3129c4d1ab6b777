/**
 * A reader of safetensors files written from the format's text alone, to check files by: it shares
 * nothing with the library. It trusts the file, apart from what the text demands.
 */
export interface Read {
  metadata: Record<string, string>;
  tensors: Record<string, { dtype: string; shape: number[]; values: number[] }>;
  /** Where the data begin. */
  data: number;
  order: string[];
}

const readers: Record<string, [number, (view: DataView, at: number) => number]> = {
  F64: [8, (view, at) => view.getFloat64(at, true)],
  F32: [4, (view, at) => view.getFloat32(at, true)],
  U32: [4, (view, at) => view.getUint32(at, true)],
  I32: [4, (view, at) => view.getInt32(at, true)],
};

export function readFile(file: Uint8Array): Read {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const length = Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.slice(8, 8 + length)));
  const data = 8 + length;
  const { __metadata__: metadata = {}, ...entries } = header;
  const tensors: Read['tensors'] = {};
  let covered = 0;
  const order = Object.keys(entries).sort(
    (a, b) => entries[a].data_offsets[0] - entries[b].data_offsets[0],
  );
  for (const name of order) {
    const { dtype, shape, data_offsets } = entries[name];
    const [size, read] = readers[dtype]!;
    const [begin, end] = data_offsets;
    const count = shape.reduce((a: number, b: number) => a * b, 1);
    if (end - begin !== count * size || begin !== covered) throw new Error(`${name}: offsets`);
    covered = end;
    const values = Array.from({ length: count }, (_, i) => read(view, data + begin + i * size));
    tensors[name] = { dtype, shape, values };
  }
  if (data + covered !== file.length) throw new Error('the data go on');
  return { metadata, tensors, data, order };
}
