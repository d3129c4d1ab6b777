// chainrule with the relaxed-SIMD build, which the user imports explicitly.

import { existsSync } from 'node:fs';
import { Unsupported } from '../support/adapter.mjs';
import { build, prepareOn } from '../support/chainrule.mjs';

export { fronts } from '../support/chainrule.mjs';

export async function prepare(workload) {
  if (!existsSync(new URL('../../../dist/fused.js', import.meta.url)))
    throw new Unsupported('not in this build');
  const { fused } = await build('fused.js');
  return prepareOn(fused, workload).catch((error) => {
    if (/relaxed/i.test(error.message)) throw new Unsupported('this Node has no relaxed SIMD');
    throw error;
  });
}
