/**
 * What this build of the package carries of a module: its bytes as text, or, where runtimes compile
 * nothing on request (workerd, edge-light), the module itself, imported.
 */
export type CarriedModule = string | WebAssembly.Module;

/**
 * Bytes of a module from the text that a source file carries them in. A byte from −6 to 82 (mod 256),
 * which nearly all of a module's are, is one character, and any other is a mark and a character. They
 * are the 91 printable ones from '#' on that no string literal escapes. Bytes stay whole, so that the
 * text, compressed, is as short as the compressed module: base64 is two fifths longer.
 */
export function decodeBytes(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  let length = 0;
  const symbol = (at: number) => {
    const code = text.charCodeAt(at);
    // The backslash, 92, is left out.
    return code > 92 ? code - 36 : code - 35;
  };
  for (let i = 0; i < text.length; i++) {
    const first = symbol(i);
    bytes[length++] = (first < 2 ? 89 + 91 * first + symbol(++i) : first - 2) - 6;
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
