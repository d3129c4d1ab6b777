import { readFileSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import type { BackendFactory } from '../../src/backends/backend.js';
import { embeddedModule } from '../../src/backends/embedded.js';
import { dataBytes } from '../../src/backends/memory.js';
import { type Tier, TieredBackend } from '../../src/backends/tiered.js';
import { wasmBackend } from '../../src/backends/wasm.js';
import { sequential } from '../../src/index.js';
import { randomCase } from '../architectures.js';
import { networkOn, resultsOn } from '../engines.js';

/** A tier by itself, which counts how often its module is asked for. */
function tierOf(left: number) {
  const load = vi.fn(embeddedModule);
  const warnings: string[] = [];
  const tier: Tier = { load, left };
  const create = () => new TieredBackend(tier, (message) => warnings.push(message));
  return { tier, load, warnings, backend: { create } satisfies BackendFactory };
}

const spec = {
  inputShape: [4],
  layers: [
    { type: 'dense', units: 16, activation: 'relu' },
    { type: 'dense', units: 3, activation: 'softmax' },
  ],
  loss: 'sparseCategoricalCrossentropy',
  optimizer: 'adam',
  seed: 3,
} as const;
const row = [5.1, 3.5, 1.4, 0.2];

test.each(Array.from({ length: 6 }, (_, i) => i * 10))(
  'a network that changes over in the middle has the same bits: random ones from seed %i on',
  async (from) => {
    for (let seed = from; seed < from + 10; seed++) {
      const made = randomCase(seed);
      const js = await resultsOn('js', made);
      const never = tierOf(Number.MAX_SAFE_INTEGER);
      expect(await resultsOn(never.backend, made), `seed ${seed}, all on JS`).toEqual(js);
      expect(never.load).not.toHaveBeenCalled();
      const work = Number.MAX_SAFE_INTEGER - never.tier.left;
      for (const share of [0.2, 0.6]) {
        const { backend, load } = tierOf(Math.floor(share * work));
        expect(await resultsOn(backend, made), `seed ${seed}, from ${share} on`).toEqual(js);
        expect(load).toHaveBeenCalled();
      }
    }
  },
);

describe('the module', () => {
  test('is left alone until there is more than small work, of all networks together', () => {
    const { tier, load, backend } = tierOf(Number.MAX_SAFE_INTEGER);
    const model = sequential(spec, { backend });
    expect(model.backend).toBe('wasm');
    model.predict(row);
    const work = Number.MAX_SAFE_INTEGER - tier.left;
    tier.left = 2 * work;
    model.predict(row);
    sequential(spec, { backend }).predict(row);
    expect([tier.left, load.mock.calls.length]).toEqual([0, 0]);
    model.predict(row);
    expect(load).toHaveBeenCalledOnce();
    expect(model.backend).toBe('wasm');
  });

  test('is there for whoever asks for it, a worker say', () => {
    const { load, backend } = tierOf(Number.MAX_SAFE_INTEGER);
    const made = backend.create();
    expect(load).not.toHaveBeenCalled();
    expect(made.module).toBeInstanceOf(WebAssembly.Module);
  });

  test('takes over while the memory has grown', async () => {
    const { tier, load, backend } = tierOf(Number.MAX_SAFE_INTEGER);
    const [model, js] = [networkOn(backend, spec), networkOn('js', spec)];
    const x = Float32Array.from({ length: 4 * 40_000 }, (_, i) => Math.fround(Math.sin(i)));
    expect(model.predict(x.subarray(0, 8))).toEqual(js.predict(x.subarray(0, 8)));
    expect(model.predict(x)).toEqual(js.predict(x));
    expect(load).not.toHaveBeenCalled();
    tier.left = 0;
    expect(model.predict(x.subarray(0, 8))).toEqual(js.predict(x.subarray(0, 8)));
    expect(load).toHaveBeenCalledOnce();
  });

  test.each(['core', 'core.debug', 'core.fused', 'core.threads', 'predict'])(
    'of %s has its data before the arena',
    (name) => {
      const bytes = readFileSync(new URL(`../../build/${name}.wasm`, import.meta.url));
      // Relaxed SIMD is not to be had everywhere.
      if (!WebAssembly.validate(bytes)) return expect(name).toBe('core.fused');
      const shared = name === 'core.threads' && { maximum: 65536, shared: true };
      const memory = new WebAssembly.Memory({ initial: 1, ...shared });
      const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
      const { heapBase } = instance.exports as { heapBase(): number };
      expect(heapBase()).toBeLessThanOrEqual(dataBytes);
    },
  );
});

test('an engine that does not take the module goes on with JavaScript, and one warning', () => {
  const { tier, load, warnings, backend } = tierOf(Number.MAX_SAFE_INTEGER);
  load.mockImplementation(() => {
    throw new RangeError('larger than 4 kB');
  });
  const model = sequential(spec, { backend });
  const first = model.predict(row);
  tier.left = 0;
  expect(model.predict(row)).toEqual(first);
  expect(model.backend).toBe('js');
  expect(model.predict(row)).toEqual(first);
  expect(warnings).toEqual([
    'chainrule: WebAssembly cannot be used here, the JS backend runs instead (RangeError: larger than 4 kB)',
  ]);
  expect(model.predict(row)).toEqual(
    sequential(spec, { backend: { create: () => wasmBackend(embeddedModule()) } }).predict(row),
  );
});

test.each([
  ['WebAssembly is not there', undefined],
  [
    'code must not be generated',
    {
      ...WebAssembly,
      Module: class {
        constructor() {
          throw new EvalError('refused by the Content-Security-Policy');
        }
      },
    },
  ],
])('where %s, a network is one of the JS backend from the start', (_, there) => {
  vi.stubGlobal('WebAssembly', there);
  try {
    const warnings: string[] = [];
    const model = sequential(spec, { onWarning: (message) => warnings.push(message) });
    expect(model.backend).toBe('js');
    expect(warnings).toEqual([
      expect.stringMatching(/^chainrule: WebAssembly cannot be used here/),
    ]);
  } finally {
    vi.unstubAllGlobals();
  }
});
