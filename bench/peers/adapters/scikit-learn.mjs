// scikit-learn: python/scikit.py.

import { remark } from '../support/adapter.mjs';
import { preparePython } from '../support/python.mjs';

export async function prepare(workload) {
  const peer = await preparePython('scikit.py', 'sklearn', workload);
  const { optimizer, output } = workload;
  const entropy = output === 'sigmoid';
  const adam = optimizer.type === 'adam';
  const variant = {
    ...(entropy && { loss: 'binaryCrossEntropy' }),
    ...(adam && { optimizer: { ...optimizer, epsilonHat: true } }),
  };
  const note = remark(
    workload,
    [],
    [entropy && 'cross-entropy', adam && 'epsilon before bias correction'],
  );
  return { ...peer, variant, note };
}
