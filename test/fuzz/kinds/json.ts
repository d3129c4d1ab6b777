import { readSpec } from 'chainrule';
import type { Kind } from '../harness.js';
import { jsonText, mutateBytes, mutateJson, type Value } from '../mutate.js';
import { masked, models, shaped } from './models.js';

const made = [...(await models()), ...shaped(), ...masked()];

/** Specs as JSON text. */
export const json: Kind = {
  name: 'json',
  seeds: () => made.map((model) => new TextEncoder().encode(JSON.stringify(model))),
  mutate(seed, random, seeds) {
    if (random.below(8) === 0) return mutateBytes(seed, random, seeds);
    const value = JSON.parse(new TextDecoder().decode(seed)) as Value;
    return new TextEncoder().encode(jsonText(mutateJson(value, random), random));
  },
  read: readSpec,
};
