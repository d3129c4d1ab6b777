import { afterEach, describe, expect, it, vi } from 'vitest';
import { jsBackend } from '../../src/backends/js.js';
import { dense, layers, MemoryError, ShapeError, sequential } from '../../src/index.js';
import { doors, Pair, type Refusal, spec, x, y } from './pair.js';

// Weights and gradients that do not fit, and sizes that no memory holds.

const bias = 'layers.2.b';
const badNamed: Refusal[] = [
  ['nothing', null, TypeError, ': expected an object, got null'],
  [
    'an unknown name',
    { 'layers.3.b': [1, 2] },
    TypeError,
    ": unknown option 'layers.3.b'; did you mean 'layers.0.b'?",
  ],
  ['too few', { [bias]: [1] }, ShapeError, `: ${bias}: expected 2 numbers, a flat [2], got 1`],
  [
    'too many',
    { [bias]: new Float32Array(3) },
    ShapeError,
    `: ${bias}: expected 2 numbers, a flat [2], got 3`,
  ],
  ['no array', { [bias]: 7 }, ShapeError, `: ${bias}: expected 2 numbers, a flat [2], got 7`],
  [
    'NaN',
    { [bias]: [1, Number.NaN] },
    RangeError,
    `: ${bias}: row 0, column 1: expected a finite number, got NaN`,
  ],
  [
    'NaN in a typed array',
    { [bias]: Float32Array.of(Number.NaN, 0) },
    RangeError,
    `: ${bias}: row 0, column 0: expected a finite number, got NaN`,
  ],
  [
    'text',
    { [bias]: ['1', '2'] },
    TypeError,
    `: ${bias}: row 0, column 0: expected a number, got '1'`,
  ],
  [
    'nested arrays',
    { [bias]: y },
    TypeError,
    `: ${bias}: row 0, column 0: expected a number, got an array of 2`,
  ],
];

it.each(badNamed)('weights and gradients: %s', async (_, given, type, message) => {
  const pair = new Pair();
  const named = given as Record<string, number[]> | null;
  await pair.refuses((model) => model.setWeights(named!), type, `weights${message}`);
  const gradients = named && { ...pair.model.gradients(x, y).weights, ...named };
  await pair.refuses((model) => model.applyGradients(gradients!), type, `gradients${message}`);
  await pair.isWhole();
});

it('gradients of some parameters only', async () => {
  const pair = new Pair();
  const { 'layers.0.b': _, ...rest } = pair.model.gradients(x, y).weights;
  const message = 'gradients: layers.0.b is missing';
  await pair.refuses((model) => model.applyGradients(rest), TypeError, message);
  await pair.isWhole();
});

describe('sizes beyond memory', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  const tooMuch =
    /^the network and its data need .* GiB: at most 4\.0 GiB fit; use a smaller batch/;

  it.each([
    [[2 ** 31], 1],
    [[1], 2 ** 31],
    [[1], Number.MAX_SAFE_INTEGER],
    [[2 ** 40, 2 ** 40], 1],
    [[65536], 65537],
  ])('rows of %j and %i units', (inputShape, units) => {
    const grow = vi.spyOn(WebAssembly.Memory.prototype, 'grow');
    const stack = [layers.flatten(), dense(units)];
    const make = () => sequential({ inputShape, layers: stack });
    expect(make).toThrow(MemoryError);
    expect(make).toThrow(tooMuch);
    expect(grow).not.toHaveBeenCalled();
  });

  it.each(['wasm', 'js'] as const)('a batch that does not fit on %s', async (backend) => {
    const wide = { ...spec, layers: [dense(6000), dense(2)] };
    const [model, twin] = [sequential(wide, { backend }), sequential(wide, { backend })];
    const rows = 200_000;
    const [manyX, manyY] = [new Float32Array(rows * 3), new Float32Array(rows * 2)];
    expect(() => model.trainOnBatch(manyX, manyY)).toThrow(MemoryError);
    expect(() => model.gradients(manyX, manyY)).toThrow(tooMuch);
    await expect(model.fit(manyX, manyY, { batchSize: rows })).rejects.toThrow(MemoryError);
    for (const network of [model, twin]) network.trainOnBatch(x, y);
    expect(model.getWeights()).toEqual(twin.getWeights());
    expect(model.predict(x)).toEqual(twin.predict(x));
  });

  it('memory that the machine does not give', async () => {
    const pair = new Pair();
    const grow = vi.spyOn(WebAssembly.Memory.prototype, 'grow').mockImplementation(() => {
      throw new RangeError('WebAssembly.Memory.grow(): Maximum memory size exceeded');
    });
    const rows = 30_000;
    const [manyX, manyY] = [new Float32Array(rows * 3), new Float32Array(rows * 2)];
    for (const name of ['trainOnBatch', 'gradients', 'fit', 'epochs']) {
      const asked = (async () => doors[name]!(pair.model, manyX, manyY))();
      await expect(asked).rejects.toThrow(MemoryError);
    }
    expect(grow).toHaveBeenCalled();
    grow.mockRestore();
    await pair.isWhole();
    expect(() => sequential({ ...spec, layers: [dense(50_000)] })).not.toThrow();
  });

  it('memory that a JavaScript engine does not give', () => {
    class Scarce extends Float32Array {
      constructor(size: number) {
        if (size > 1000) throw new RangeError('Invalid typed array length');
        super(size);
      }
    }
    const backend = jsBackend(Scarce as unknown as typeof Float32Array);
    backend.reserve(900);
    expect(() => backend.reserve(2000)).toThrow(MemoryError);
    expect(backend.floats).toHaveLength(900);
  });
});
