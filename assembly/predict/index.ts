/**
 * What the module of chainrule/predict exports: the one kernel that takes most of a forward pass. The
 * others run in JavaScript on the same memory, which gives the same bits in a smaller package.
 */
import '../internal/abort';

export { denseForward } from './dense';

/** Where the module's own data ends and a network's can begin. */
export function heapBase(): usize {
  return __heap_base;
}
