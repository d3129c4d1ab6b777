/**
 * What this build of the package carries of a module: its bytes as text, or, where runtimes compile
 * nothing on request (workerd, edge-light), the module itself, imported.
 */
export type CarriedModule = string | WebAssembly.Module;

/**
 * Bytes of a module from the text that a source file carries them in: printable characters that no
 * string literal escapes. A byte from −6 to 80 (mod 256), which nearly all of a module's are, is the
 * character with its number + 46, and any other is a mark, '#' to '\'', and a character: byte =
 * 57·(mark − 35) + (character − 35). Bytes stay whole, so that the text, compressed, is as short as the
 * compressed module: base64 is two fifths longer. Decoded in place, since it can only shrink.
 */
export function decodeBytes(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new TextEncoder().encode(text);
  let length = 0;
  for (let i = 0; i < bytes.length; i++) {
    const code = bytes[i]!;
    bytes[length++] = code > 39 ? code - 46 : 57 * (code - 35) + bytes[++i]! - 35;
  }
  return bytes.subarray(0, length);
}

/** The module, compiled at the first call and only then. */
export function lazyModule(carried: CarriedModule): () => WebAssembly.Module {
  let compiled: WebAssembly.Module | undefined;
  return () =>
    (compiled ??=
      typeof carried === 'string' ? new WebAssembly.Module(decodeBytes(carried)) : carried);
}
