// TensorFlow.js, backend 'cpu' (plain JavaScript).

import { prepareOn, program as programOn } from '../support/tfjs.mjs';

export const program = programOn('cpu', '');
export { fronts } from '../support/tfjs.mjs';
export const prepare = (workload) => prepareOn('cpu', workload);
