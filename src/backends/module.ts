/**
 * Bytes of a module from the text that a source file carries them in. They are written in hexadecimal:
 * longer than base64, but bytes stay whole characters, so that what travels, compressed, is a fifth
 * shorter.
 */
export function decodeBytes(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length / 2);
  // '0' to '9' are 48 to 57, 'a' to 'f' are 97 to 102.
  const digit = (at: number) => {
    const code = text.charCodeAt(at);
    return code < 58 ? code - 48 : code - 87;
  };
  for (let i = 0; i < bytes.length; i++) bytes[i] = (digit(2 * i) << 4) | digit(2 * i + 1);
  return bytes;
}
