import { layers, type NetworkSpec } from 'chainrule';
import { fromPyTorch } from '../../../src/convert.js';
import recorded from '../../fixtures/pytorch.json';
import type { Kind } from '../harness.js';
import { join, jsonText, mutateBytes, mutateJson, type Value } from '../mutate.js';

/** What the recorded weights are of, so that some of them find their layers. */
const spec: NetworkSpec = {
  inputShape: [3],
  layers: [
    layers.dense({ units: 4 }),
    layers.batchNormalization(),
    layers.dense({ units: 4 }),
    layers.batchNormalization(),
    layers.dense({ units: 2 }),
  ],
};

/** Weights of PyTorch. */
export const pytorch: Kind = {
  name: 'pytorch',
  seeds: () =>
    recorded.models
      .filter(({ name }) => name === 'batch normalisation')
      .map(({ safetensors }) => new Uint8Array(Buffer.from(safetensors, 'base64'))),
  mutate(seed, random, seeds) {
    if (random.below(3) === 0) return mutateBytes(seed, random, seeds);
    const length = new DataView(seed.buffer, seed.byteOffset).getUint32(0, true);
    const header = JSON.parse(new TextDecoder().decode(seed.subarray(8, 8 + length))) as Value;
    const text = new TextEncoder().encode(jsonText(mutateJson(header, random), random));
    const size = new Uint8Array(8);
    new DataView(size.buffer).setUint32(0, text.length, true);
    return join(size, text, seed.subarray(8 + length));
  },
  read: (file) => fromPyTorch(file, spec, { backend: 'js' }),
};
