import { fromBrain } from '../../../src/convert.js';
import recorded from '../../fixtures/brain.json';
import type { Kind } from '../harness.js';
import { jsonText, mutateBytes, mutateJson, type Value } from '../mutate.js';

/** Networks of brain.js, of both versions. */
export const brain: Kind = {
  name: 'brain',
  seeds: () =>
    recorded.versions.flatMap(({ models }) =>
      models.map(({ json }) => new TextEncoder().encode(JSON.stringify(json))),
    ),
  mutate(seed, random, seeds) {
    if (random.below(8) === 0) return mutateBytes(seed, random, seeds);
    const value = JSON.parse(new TextDecoder().decode(seed)) as Value;
    return new TextEncoder().encode(jsonText(mutateJson(value, random), random));
  },
  read: (file) => fromBrain(file, { backend: 'js' }),
};
