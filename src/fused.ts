import carried from '../build/core.fused.inline.js';
import type { BackendFactory } from './backends/backend.js';
import { lazyModule } from './backends/module.js';
import { wasmBackend } from './backends/wasm.js';

const compiled = lazyModule(carried);

function fusedModule(): WebAssembly.Module {
  try {
    return compiled();
  } catch (cause) {
    throw new Error(
      'chainrule/fused needs relaxed SIMD, which this runtime does not have (Node has it from 22 on): ' +
        "use the default backend, 'wasm'",
      { cause },
    );
  }
}

/**
 * The WebAssembly backend with fused multiply-adds (relaxed SIMD): faster, but its last bits differ
 * from the other backends' and between engines. `sequential(spec, { backend: fused })`.
 *
 * @throws Error, from `sequential`, where the runtime has no relaxed SIMD
 */
export const fused: BackendFactory = {
  create: () => wasmBackend(fusedModule(), 'fused'),
};
