// native/network.c, gcc -O3 -march=native.

import { prepareNative } from '../support/native.mjs';

export const prepare = (workload) => prepareNative('c-native', workload);
