// PyTorch: python/pytorch.py and, for what stands before the dense layers, pytorch_fronts.py.

import { preparePython } from '../support/python.mjs';

export const fronts = ['convolution', 'recurrence'];
export const prepare = (workload) => preparePython('pytorch.py', 'torch', workload);
