import bytes from '../../build/core.inline.js';
import { decodeBytes } from './module.js';

let compiled: WebAssembly.Module | undefined;

/** The module whose bytes this package carries, compiled at first use. */
export function embeddedModule(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(decodeBytes(bytes));
  return compiled;
}
