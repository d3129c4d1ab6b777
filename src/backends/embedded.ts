import bytes from '../../build/core.inline.js';

let compiled: WebAssembly.Module | undefined;

function decode(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const decoded = new Uint8Array(binary.length);
  for (let i = 0; i < decoded.length; i++) decoded[i] = binary.charCodeAt(i);
  return decoded;
}

/** The module whose bytes this package carries, compiled at first use. */
export function embeddedModule(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(decode(bytes));
  return compiled;
}
