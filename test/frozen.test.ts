import { describe, expect, it } from 'vitest';
import { jsBackend } from '../src/backends/js.js';
import { dense, type LayerSpec, layers, type NetworkSpec } from '../src/index.js';
import { resolveModel } from '../src/layers/model.js';
import { Plan } from '../src/plan.js';
import { optimizerSpecs } from './catalogues.js';
import { engines, hexOf, networkOn } from './engines.js';
import { generator } from './kernels/core.js';

const random = generator(8);
const x = Float32Array.from({ length: 10 * 4 }, () => 2 * random() - 1);
const y = Float32Array.from({ length: 10 * 2 }, () => 2 * random() - 1);

const frozen = { trainable: false };
const stack: LayerSpec[] = [
  dense(5, { activation: 'relu' }),
  layers.residual({ layers: [dense(5, { activation: 'tanh' })], ...frozen }),
  dense(6, { activation: 'relu', ...frozen }),
  dense(2),
];

const spec = (changes: Partial<NetworkSpec> = {}): NetworkSpec => ({
  inputShape: [4],
  layers: stack,
  loss: 'meanSquaredError',
  ...changes,
});

/** The kernels of one training step, in order. */
function kernels(list: LayerSpec[], changes: Partial<NetworkSpec> = {}): string[] {
  const plan = new Plan(resolveModel(spec({ layers: list, ...changes })), jsBackend());
  return plan
    .describe({
      batch: 10,
      rows: 'given',
      training: true,
      outputs: false,
      loss: true,
      gradients: 'parameters',
      update: true,
    })
    .map(({ kernel }) => kernel);
}

describe.each(engines)('on %s', (engine) => {
  it.each(optimizerSpecs)(
    'frozen layers stay bit for bit, and the others learn: %j',
    (optimizer) => {
      const model = networkOn(engine, spec({ optimizer }));
      const before = hexOf(model);
      for (let step = 0; step < 3; step++) model.trainOnBatch(x, y);
      const after = hexOf(model);
      const changed = Object.keys(before).filter((name) => before[name] !== after[name]);
      expect(changed).toEqual(['layers.0.w', 'layers.0.b', 'layers.3.w', 'layers.3.b']);
    },
  );

  it('gradients of the others are those of a network that freezes nothing', () => {
    const free = networkOn(engine, spec({ layers: stack.map(unfrozen) }));
    const model = networkOn(engine, spec());
    expect(hexOf(model)).toEqual(hexOf(free));
    const all = free.gradients(x, y, { inputs: true });
    const some = model.gradients(x, y, { inputs: true });
    expect(Object.keys(some.weights)).toEqual([
      'layers.0.w',
      'layers.0.b',
      'layers.3.w',
      'layers.3.b',
    ]);
    for (const [name, gradient] of Object.entries(some.weights)) {
      expect(gradient).toEqual(all.weights[name]);
    }
    expect(some.inputs).toEqual(all.inputs);
    expect(some.loss).toBe(all.loss);
  });

  it('a network that is frozen whole trains, and nothing changes', async () => {
    const model = networkOn(
      engine,
      spec({ layers: stack.map((layer) => ({ ...layer, ...frozen })) }),
    );
    const before = hexOf(model);
    await model.fit(x, y, { epochs: 2 });
    expect(hexOf(model)).toEqual(before);
    expect(model.gradients(x, y).weights).toEqual({});
  });

  it('freezing a trained network keeps its weights, and thawing them too', async () => {
    const model = networkOn(engine, spec({ layers: stack.map(unfrozen) }));
    await model.fit(x, y, { epochs: 3 });
    const head = networkOn(engine, spec());
    head.setWeights(model.getWeights());
    expect(head.predict(x)).toEqual(model.predict(x));
    await head.fit(x, y, { epochs: 2 });
    const thawed = networkOn(engine, spec({ layers: stack.map(unfrozen) }));
    thawed.setWeights(head.getWeights());
    expect(thawed.predict(x)).toEqual(head.predict(x));
  });
});

function unfrozen({ trainable: _, ...layer }: LayerSpec): LayerSpec {
  return layer;
}

describe('the way back', () => {
  it('ends where nothing below needs a gradient', () => {
    const bottom = [dense(5, { activation: 'tanh', ...frozen }), dense(2)];
    const backward = kernels(bottom, { optimizer: 'adam' }).filter((k) => k.includes('Backward'));
    expect(backward).toEqual(['denseBackwardWeights', 'denseBackwardBias']);
  });

  it('passes through frozen layers without their own gradients', () => {
    const middle = [dense(5), dense(4, { activation: 'tanh', ...frozen }), dense(2)];
    const backward = kernels(middle, { optimizer: 'adam' }).filter((k) => k.includes('Backward'));
    expect(backward).toEqual([
      'denseBackwardInput',
      'denseBackwardWeights',
      'denseBackwardBias',
      'tanhBackward',
      'denseBackwardInput',
      'denseBackwardWeights',
      'denseBackwardBias',
    ]);
  });
});

describe('refused', () => {
  const model = networkOn('js', spec());

  it('is a gradient of a frozen layer, before any step', () => {
    const { weights } = model.gradients(x, y);
    const before = hexOf(model);
    const given = { ...weights, 'layers.2.w': new Float32Array(30) };
    expect(() => model.applyGradients(given)).toThrow(
      'gradients: layers.2.w takes no step: its layer is frozen, or it is a running statistic; leave it out',
    );
    expect(hexOf(model)).toEqual(before);
  });

  it('is what is neither true nor false', () => {
    const bad = dense(2, { trainable: 'no' as unknown as boolean });
    expect(() => networkOn('js', spec({ layers: [bad] }))).toThrow(
      "layers[0] (dense): trainable: expected true or false, got 'no'",
    );
  });
});
