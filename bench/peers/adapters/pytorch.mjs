// PyTorch: python/pytorch.py.

import { preparePython } from '../support/python.mjs';

export const prepare = (workload) => preparePython('pytorch.py', 'torch', workload);
