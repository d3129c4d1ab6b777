// native/network.c, gcc -O3: on x86-64 that is SSE.

import { prepareNative } from '../support/native.mjs';

export const prepare = (workload) => prepareNative('c', workload);
