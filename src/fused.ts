import bytes from '../build/core.fused.inline.js';
import type { BackendFactory } from './backends/backend.js';
import { decodeBytes } from './backends/module.js';
import { wasmBackend } from './backends/wasm.js';

let compiled: WebAssembly.Module | undefined;

function fusedModule(): WebAssembly.Module {
  if (compiled) return compiled;
  const module = decodeBytes(bytes);
  if (!WebAssembly.validate(module)) {
    throw new Error(
      'chainrule/fused needs relaxed SIMD, which this runtime does not have (Node has it from 22 on): ' +
        "use the default backend, 'wasm'",
    );
  }
  compiled = new WebAssembly.Module(module);
  return compiled;
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
