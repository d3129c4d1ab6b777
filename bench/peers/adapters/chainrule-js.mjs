// chainrule on plain JavaScript: the same bits, where WebAssembly is not to be had.

import { prepareOn } from '../support/chainrule.mjs';

export { fronts } from '../support/chainrule.mjs';
export const prepare = (workload) => prepareOn('js', workload);
