import { describe, expect, it } from 'vitest';
import type { Backend, KernelName, Op } from '../src/backends/backend.js';
import { jsBackend } from '../src/backends/js.js';
import {
  type BackendFactory,
  checkGradients,
  DivergenceError,
  dense,
  layers,
  type NetworkSpec,
  sequential,
} from '../src/index.js';
import type { Tensor } from '../src/tensor.js';
import {
  activationSpecs,
  lossSpecs,
  nameOf,
  requiredActivation,
  targetsFor,
} from './catalogues.js';
import { hexOf } from './engines.js';
import { generator } from './kernels/core.js';

const rows = 10;
const random = generator(17);
const x = Float32Array.from({ length: rows * 4 }, () => 4 * random() - 2);

const spec: NetworkSpec = {
  inputShape: [4],
  layers: [
    dense(6, { activation: 'tanh', weightRegularizer: { l1: 0.01, l2: 0.02 } }),
    layers.dropout({ rate: 0.2 }),
    dense(5, { activation: 'relu', activityRegularizer: { l2: 0.1 } }),
    dense(3, { activation: 'softmax' }),
  ],
  loss: 'sparseCategoricalCrossentropy',
  seed: 2,
};
const labels = Array.from({ length: rows }, (_, r) => r % 3);

describe.each(['wasm', 'js'] as const)('passes on %s', (backend) => {
  it.each(activationSpecs.map((f) => [nameOf(f), f] as const))('with %s', (_, activation) => {
    for (const [i, loss] of lossSpecs.entries()) {
      const model = sequential(
        {
          inputShape: [4],
          layers: [
            dense(6, { activation }),
            dense(5, { activation, useBias: false }),
            dense(3, { activation: requiredActivation(loss) ?? 'linear' }),
          ],
          loss,
          seed: i,
        },
        { backend },
      );
      const y = Float32Array.from(targetsFor(loss, rows, 3, generator(i)));
      const { passed, text, layers: checked } = checkGradients(model, x, y, { samples: Infinity });
      expect(passed, `${nameOf(loss)}\n${text}`).toBe(true);
      // It must have seen something to pass.
      const counts = checked.map((layer) => layer.checked - layer.unclear);
      expect(
        counts.reduce((a, b) => a + b),
        text,
      ).toBeGreaterThan(39);
    }
  });

  it('inside residual layers, with penalties on either way, and past frozen ones', () => {
    const penalties = {
      ...{ weightRegularizer: { l1: 0.01, l2: 0.05 }, biasRegularizer: { l2: 0.1 } },
      activityRegularizer: { l1: 0.1, l2: 0.3 },
    };
    const inner = [
      dense(6, { activation: 'tanh', ...penalties }),
      layers.activityRegularization({ l1: 0.05 }),
      dense(4, { activation: 'relu', ...penalties }),
    ];
    const model = sequential(
      {
        inputShape: [4],
        layers: [
          layers.activityRegularization({ l2: 0.1 }),
          layers.residual({ layers: inner }),
          layers.activityRegularization({ l2: 0.2 }),
          dense(5, { activation: 'silu', trainable: false, ...penalties }),
          dense(3, { activation: 'softmax', ...penalties }),
        ],
        loss: 'sparseCategoricalCrossentropy',
        seed: 4,
      },
      { backend },
    );
    const { passed, layers: checked, text } = checkGradients(model, x, labels);
    expect(passed, text).toBe(true);
    expect(checked.map(({ layer }) => layer)).toEqual([
      'layers.1.layers.0',
      'layers.1.layers.2',
      'layers.4',
    ]);
  });

  it('under penalties and dropout, and leaves the network as it was', () => {
    const model = sequential(spec, { backend });
    const other = sequential(spec, { backend });
    const before = hexOf(model);
    const { passed, layers: checked, text } = checkGradients(model, x, labels);
    expect(passed, text).toBe(true);
    expect(checked.map(({ layer }) => layer)).toEqual(['layers.0', 'layers.2', 'layers.3']);
    expect(checked[0]!.checked + checked[0]!.kinks).toBe(20 + 6);
    expect(text).toContain('gradients agree with finite differences');
    expect(hexOf(model)).toEqual(before);
    for (const each of [model, other]) each.trainOnBatch(x, labels);
    expect(hexOf(model)).toEqual(hexOf(other));
  });
});

/** The JS backend with one kernel whose first array comes out a tenth too large. */
const broken = (wrong: KernelName): BackendFactory => ({
  create(): Backend {
    const js = jsBackend();
    const spoil = (op: Op): Op[] => {
      const dw = op.args[0] as Tensor;
      const sizes = [dw.rows, dw.columns, dw.pitch] as const;
      if (op.kernel !== wrong) return [op];
      return [op, { kernel: 'addPenaltySlope', args: [dw, dw, ...sizes, 1, 0, 0.1] }];
    };
    return {
      ...js,
      get floats() {
        return js.floats;
      },
      compile: (ops, workspace) => js.compile(ops.flatMap(spoil), workspace),
    };
  },
});

describe('finds a gradient that is a tenth too large', () => {
  const wrong: [KernelName, string[]][] = [
    ['denseBackwardBias', ['layers.0', 'layers.2', 'layers.3']],
    ['denseBackwardWeights', ['layers.0', 'layers.2', 'layers.3']],
    ['denseBackwardInput', ['layers.0', 'layers.2']],
    ['tanhBackward', ['layers.0']],
    ['dropoutBackward', ['layers.0']],
  ];
  it.each(wrong)('in %s', (kernel, where) => {
    const model = sequential(spec, { backend: broken(kernel) });
    const { passed, layers: checked, text } = checkGradients(model, x, labels);
    expect(passed).toBe(false);
    const found = checked.filter((layer) => !layer.passed);
    expect(found.map(({ layer }) => layer)).toEqual(where);
    for (const { worst, maxRelativeError } of found) {
      expect(maxRelativeError).toBeGreaterThan(0.04);
      expect(maxRelativeError).toBe(worst!.relativeError);
      expect(Math.abs(worst!.backpropagation / worst!.differences - 1)).toBeGreaterThan(0.04);
    }
    expect(text).toContain('WRONG');
    expect(text).toContain(`gradients of ${where.join(', ')} do not agree`);
  });
});

it('leaves out elements at a corner of the loss', () => {
  // Biases of 0 and a row of zeros: each relu stands at its corner.
  const model = sequential({
    inputShape: [2],
    layers: [dense(4, { activation: 'relu' }), dense(1)],
    loss: 'meanSquaredError',
    seed: 1,
  });
  const { passed, layers: checked, text } = checkGradients(model, [[0, 0]], [[1]]);
  expect(passed, text).toBe(true);
  expect(checked[0]!.kinks).toBe(4);
});

it('says what is wrong', () => {
  const model = sequential(spec);
  const y = labels;
  expect(() => checkGradients({} as never, x, y)).toThrow('checkGradients: expected a network');
  for (const samples of [0, 1.5, '3' as never]) {
    expect(() => checkGradients(model, x, y, { samples })).toThrow('checkGradients: samples');
  }
  expect(() => checkGradients(model, x, y, { tolerance: 0 })).toThrow('checkGradients: tolerance');
  expect(() => checkGradients(model, x, y, { h: 1 } as never)).toThrow("unknown option 'h'");
  expect(() => checkGradients(model, x, [1])).toThrow('y: expected 10 rows');
  model.setWeights({ 'layers.0.w': new Float32Array(24).fill(3e38) });
  expect(() => checkGradients(model, x, y)).toThrow(DivergenceError);
});
