import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { fused } from '../src/fused.js';
import { sequential } from '../src/index.js';

const spec = {
  inputShape: [3],
  seed: 5,
  layers: [
    { type: 'dense', units: 33, activation: 'tanh' },
    { type: 'dense', units: 17, activation: 'gelu' },
    { type: 'dense', units: 2, activation: 'softmax' },
  ],
  loss: 'sparseCategoricalCrossentropy',
  optimizer: 'adam',
} as const;

const hasRelaxedSimd = Number(process.versions.node.split('.')[0]) >= 22;

describe('the fused build', () => {
  it.runIf(!hasRelaxedSimd)('is refused where relaxed SIMD is missing', () => {
    expect(() => sequential(spec, { backend: fused })).toThrow(
      /chainrule\/fused needs relaxed SIMD, which this runtime does not have/,
    );
  });

  // Node 20 has it behind a flag, so that the build can be checked there too.
  it('stays within rounding of the plain one', () => {
    const flag = hasRelaxedSimd ? [] : ['--experimental-wasm-relaxed-simd'];
    const script = new URL('fixtures/fused-difference.ts', import.meta.url).pathname;
    const output = execFileSync(process.execPath, [...flag, '--import', 'tsx', script], {
      encoding: 'utf8',
    });
    const results: Record<string, { backend: string; difference: number }> = JSON.parse(output);
    expect(Object.keys(results)).toEqual(['dense', 'convolution', 'recurrence']);
    for (const { backend, difference } of Object.values(results)) {
      expect(backend).toBe('fused');
      expect(difference).toBeLessThan(1e-6);
      // Were every bit the same, no fused instruction would have run.
      expect(difference).toBeGreaterThan(0);
    }
  });
});
