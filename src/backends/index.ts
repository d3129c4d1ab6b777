import { known, show } from '../checks.js';
import type { Backend, BackendFactory, BackendName } from './backend.js';
import { comesCompiled, embeddedModule } from './embedded.js';
import { jsBackend } from './js.js';
import { smallWork, type Tier, TieredBackend, withoutWasm } from './tiered.js';
import { wasmBackend } from './wasm.js';

const backends = { wasm: () => wasmBackend(embeddedModule()), js: () => jsBackend() };
const tier: Tier = { load: embeddedModule, left: smallWork };

/** The asked backend; if none is asked, the JS one with a warning where WebAssembly is not to be had. */
export function createBackend(
  asked: BackendName | BackendFactory | undefined,
  warn: (message: string) => void = console.warn,
): Backend {
  if (typeof asked === 'object' && asked !== null) {
    if (typeof asked.create === 'function') return asked.create();
    throw new TypeError(
      `backend: expected 'wasm', 'js' or what an entry such as chainrule/fused gives, got ${show(asked)}`,
    );
  }
  if (asked !== undefined) {
    known(asked, backends, 'backend');
    return backends[asked]();
  }
  try {
    return comesCompiled ? backends.wasm() : new TieredBackend(tier, warn);
  } catch (error) {
    warn(withoutWasm(error));
    return backends.js();
  }
}
