/**
 * What this build of the package carries of a module: its bytes as text, or, where runtimes compile
 * nothing on request (workerd, edge-light), the module itself, imported.
 */
export type CarriedModule = string | WebAssembly.Module;

/**
 * Bytes of a module from the text that a source file carries them in. They are written in hexadecimal:
 * longer than base64, but bytes stay whole characters, so that what travels, compressed, is a fifth
 * shorter.
 */
function decodeBytes(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length / 2);
  // '0' to '9' are 48 to 57, 'a' to 'f' are 97 to 102.
  const digit = (at: number) => {
    const code = text.charCodeAt(at);
    return code < 58 ? code - 48 : code - 87;
  };
  for (let i = 0; i < bytes.length; i++) bytes[i] = (digit(2 * i) << 4) | digit(2 * i + 1);
  return bytes;
}

/** The module, compiled at the first call and only then. */
export function lazyModule(carried: CarriedModule): () => WebAssembly.Module {
  let compiled: WebAssembly.Module | undefined;
  return () =>
    (compiled ??=
      typeof carried === 'string' ? new WebAssembly.Module(decodeBytes(carried)) : carried);
}
