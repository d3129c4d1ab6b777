// The four lines of protobuf that writing an ONNX model takes.

function varint(value) {
  const out = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Uint8Array.of(...out, rest);
    out.push((rest % 128) | 128);
  }
}

const join = (parts) => {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
};

/** A message of fields, as bytes. */
export const message = (...fields) => join(fields);

/** An integer field (wire type 0). */
export const number = (field, value) => join([varint(field * 8), varint(value)]);

/** A bytes field or an embedded message (wire type 2). */
export const bytes = (field, data) => {
  const view = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return join([varint(field * 8 + 2), varint(view.length), view]);
};

/** A string field. */
export const text = (field, value) => bytes(field, new TextEncoder().encode(value));
