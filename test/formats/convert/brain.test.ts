import { describe, expect, it } from 'vitest';
import { fromBrain } from '../../../src/convert.js';
import { FormatError } from '../../../src/index.js';
import brain from '../../fixtures/brain.json';

// biome-ignore lint/suspicious/noExplicitAny: damaged at will
type Edit = Record<string, any>;

describe.each(brain.versions.map((version) => [version.version, version.models] as const))(
  'networks that brain.js %s wrote',
  (_version, models) => {
    it.each(models.map((model) => [model.name, model] as const))(
      'predict the same: %s',
      (_name, { json, questions, answers }) => {
        for (const source of [json, JSON.stringify(json)]) {
          const network = fromBrain(source);
          questions.forEach((question, i) => {
            const y = network.predict(Object.values(question));
            expect(y.length).toBe(answers[i]!.length);
            y.forEach((value, k) => {
              expect(Math.abs(value - answers[i]![k]!)).toBeLessThan(1e-6);
            });
          });
        }
      },
    );

    it('name their classes', () => {
      const { json } = models.at(-1)!;
      expect(fromBrain(json).classes).toEqual(['black', 'white']);
      expect(fromBrain(models[0]!.json).classes).toBeUndefined();
    });
  },
);

describe('refused with a FormatError that names the place:', () => {
  const [one, two] = brain.versions.map(({ models }) => models.at(-1)!.json as Edit) as [
    Edit,
    Edit,
  ];
  const refused: [string, Edit, (json: Edit) => void, string][] = [
    ['other kinds of network', two, (j) => (j.type = 'LSTM'), "a network of the type 'LSTM'"],
    [
      'an activation that there is not',
      two,
      (j) => (j.trainOpts.activation = 'toString'),
      "brain.js JSON: trainOpts: activation: there is no activation 'toString'",
    ],
    ['sizes that do not fit', two, (j) => (j.sizes[1] = 4), 'layers[1]: expected 4 units, got 3'],
    [
      'a weight too many',
      two,
      (j) => j.layers[1].weights[2].push(1),
      'brain.js JSON: layers[1]: weights[2]: expected 3 weights, got 4',
    ],
    [
      'what is no number',
      two,
      (j) => (j.layers[2].biases[0] = null),
      'layers[2]: biases: expected numbers, got null at place 0',
    ],
    [
      'a size that no memory holds',
      two,
      (j) => (j.sizes = [2 ** 40, 3, 2]),
      'layers[1]: weights[0]: expected 1099511627776 weights, got 3',
    ],
    [
      'two outputs in one place',
      two,
      (j) => (j.outputLookup.black = 1),
      'outputLookup: expected the places from 0 on, each once',
    ],
    [
      'units without weights',
      one,
      (j) => delete j.layers[1]['1'].weights,
      'brain.js JSON: layers[1]: 1: weights: expected an object, got undefined',
    ],
  ];

  it.each(refused)('%s', (_name, json, edit, message) => {
    const edited = structuredClone(json);
    edit(edited);
    expect(() => fromBrain(edited)).toThrow(FormatError);
    expect(() => fromBrain(edited)).toThrow(message);
  });

  it('text that is no JSON', () => {
    expect(() => fromBrain('{"sizes":[')).toThrow(FormatError);
    expect(() => fromBrain(7 as never)).toThrow(
      'brain.js JSON: expected JSON, as text or an object',
    );
  });
});
