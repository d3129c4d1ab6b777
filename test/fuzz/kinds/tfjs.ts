import { fromTfjs } from '../../../src/convert.js';
import recorded from '../../fixtures/tfjs.json';
import type { Kind } from '../harness.js';
import { join, jsonText, mutateBytes, mutateJson, type Value } from '../mutate.js';

/*
 * A layers model is several files. Here they are one: four bytes with the length of model.json, it,
 * and the weights, which are cut into the files of their paths.
 */

const paths = ['group1-shard1of2.bin', 'group1-shard2of2.bin'];

function fileOf(json: Uint8Array, weights: Uint8Array): Uint8Array {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, json.length, true);
  return join(length, json, weights);
}

function parts(file: Uint8Array) {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const length = file.length < 4 ? 0 : view.getUint32(0, true);
  return { json: file.subarray(4, 4 + length), weights: file.subarray(4 + length) };
}

/** TensorFlow.js layers models. */
export const tfjs: Kind = {
  name: 'tfjs',
  seeds: () =>
    recorded.models.map(({ modelJson, files }) => {
      const json = new TextEncoder().encode(JSON.stringify(modelJson));
      const weights = Object.values(files).map((text) => Buffer.from(text, 'base64'));
      return fileOf(json, join(...weights));
    }),
  mutate(seed, random, seeds) {
    const { json, weights } = parts(seed);
    switch (random.below(8)) {
      case 0:
        return mutateBytes(seed, random, seeds);
      case 1:
        return fileOf(json, mutateBytes(weights, random, seeds));
      default: {
        const value = JSON.parse(new TextDecoder().decode(json)) as Value;
        return fileOf(
          new TextEncoder().encode(jsonText(mutateJson(value, random), random)),
          weights,
        );
      }
    }
  },
  read(file) {
    const { json, weights } = parts(file);
    const half = Math.floor(weights.length / 2) + 1;
    const files = {
      'model.weights.bin': weights,
      [paths[0]!]: weights.subarray(0, half),
      [paths[1]!]: weights.subarray(half),
    };
    return fromTfjs(json, files, { backend: 'js' });
  },
};
