// The other half of decodeBytes in src/backends/module.ts, which says what the text is.

const backslash = 92;

export function textOf(bytes) {
  const codes = [];
  for (const byte of bytes) {
    const code = ((byte + 6) & 255) + 40;
    if (code <= 126 && code !== backslash) codes.push(code);
    else codes.push(35 + Math.floor(byte / 57), 35 + (byte % 57));
  }
  return Buffer.from(codes).toString('ascii');
}
