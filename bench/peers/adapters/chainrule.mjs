// chainrule, WebAssembly SIMD: the default.

import { prepareOn, program as programOn } from '../support/chainrule.mjs';

export const program = programOn('');
export { fronts } from '../support/chainrule.mjs';
export const prepare = (workload) => prepareOn(undefined, workload);
