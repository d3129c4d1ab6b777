import carried from '../build/core.debug.inline.js';
import type { BackendFactory } from './backends/backend.js';
import { lazyModule } from './backends/module.js';
import { wasmBackend } from './backends/wasm.js';

const debugModule = lazyModule(carried);

/**
 * The WebAssembly backend as it is compiled for looking into it: stack traces and profiles name the
 * kernels and what they call. The bits are those of the default backend; it is several times slower.
 * `sequential(spec, { backend: debug })`.
 */
export const debug: BackendFactory = {
  create: () => wasmBackend(debugModule(), 'debug'),
};
