// native/network.c with its products from OpenBLAS.

import { prepareNative } from '../support/native.mjs';

export const prepare = (workload) => prepareNative('c-openblas', workload);
