/**
 * Where kernels pack their panels. The runner sets it before it walks a list: each network, and
 * later each thread, brings scratch of its own, so that no two of them share it.
 */
export let scratch: usize = 0;

export function setScratch(pointer: usize): void {
  scratch = pointer;
}
