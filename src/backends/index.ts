import { known } from '../checks.js';
import type { Backend, BackendFactory, BackendName } from './backend.js';
import { embeddedModule } from './embedded.js';
import { jsBackend } from './js.js';
import { wasmBackend } from './wasm.js';

const backends = { wasm: () => wasmBackend(embeddedModule()), js: () => jsBackend() };

/** The asked backend; if none is asked, the JS one with a warning where WebAssembly is not to be had. */
export function createBackend(
  asked: BackendName | BackendFactory | undefined,
  warn: (message: string) => void = console.warn,
): Backend {
  if (typeof asked === 'object' && asked !== null) return asked.create();
  if (asked !== undefined) {
    known(asked, backends, 'backend');
    return backends[asked]();
  }
  try {
    return backends.wasm();
  } catch (error) {
    warn(`chainrule: WebAssembly cannot be used here, the JS backend runs instead (${error})`);
    return backends.js();
  }
}
