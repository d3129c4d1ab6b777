import { describe, expect, it } from 'vitest';
import { attentionBackward, attentionForward } from '../../src/ops/attention.js';
import { pitchOf } from '../../src/tensor.js';
import { expectSameBits, inner, type JsKernel, matrix, withWords, words } from './arrays.js';
import { generator } from './core.js';

const forward = withWords(attentionForward as JsKernel, 3);
const backward = attentionBackward as JsKernel;
const random = generator(41);
const draw = () => 4 * random() - 2;
const odd = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 1e30, 2 ** -70];
const broken = () => (random() < 0.05 ? odd[Math.floor(odd.length * random())]! : draw());

/** Runs both kernels on random numbers, in all builds; the mask is one for all sequences, or theirs. */
function run(
  [batch, steps, heads, size]: readonly [number, number, number, number],
  causal: number,
  value: () => number,
  counts: readonly number[] = new Array(steps).fill(1),
) {
  const units = heads * size;
  const [yPitch, pPitch, xPitch] = [pitchOf(units), pitchOf(steps), pitchOf(3 * units)];
  const given = [batch, steps, heads, size, yPitch, pPitch, xPitch];
  const scale = 1 / Math.sqrt(size);
  const rows = batch * steps;
  const x = matrix(rows, 3 * units, value);
  const dy = matrix(rows, units, value);
  const nothing = () => 9;
  const [y, p] = expectSameBits(
    'attentionForward',
    forward,
    [matrix(rows, units, nothing), matrix(rows * heads, steps, nothing), x, words(counts)],
    [...given, counts.length > steps ? steps : 0, causal, scale],
  );
  const [dx] = expectSameBits(
    'attentionBackward',
    backward,
    [matrix(rows, 3 * units, nothing), matrix(rows, steps, nothing), dy, x, p!],
    [...given, scale],
  );
  return { y: inner(y!), p: inner(p!), dx: inner(dx!), pPitch };
}

describe.each([0, 1])('attention, causal %i,', (causal) => {
  it.each([1, 2, 3, 4, 5, 8, 17, 31, 33, 64])('over %i steps', (steps) => {
    for (const [heads, size] of [
      [1, 1],
      [3, 5],
      [2, 8],
      [4, 3],
      [1, 17],
      [5, 4],
    ] as const) {
      const { p, pPitch } = run([2, steps, heads, size], causal, draw);
      for (let r = 0; r < 2 * steps * heads; r++) {
        const row = [...p.subarray(r * pPitch, r * pPitch + steps)];
        expect(row.reduce((sum, w) => sum + w, 0)).toBeCloseTo(1, 5);
        const ahead = causal ? row.slice((r % steps) + 1) : [];
        expect(ahead.every((w) => w === 0)).toBe(true);
      }
    }
  });

  it.each([
    [1, 40, 1, 40],
    [1, 65, 2, 33],
    [3, 1, 2, 64],
  ] as const)('in large matrices: %j %j %j %j', (...sizes) => {
    run(sizes, causal, draw);
  });

  it.each([1, 2, 3, 4, 5, 7, 8, 9, 16, 33])('leaves out some of %i steps', (steps) => {
    const [batch, heads] = [3, 2];
    for (let round = 0; round < 4; round++) {
      const counts = Array.from({ length: batch * steps }, () => Number(random() < round / 3));
      const { p, pPitch } = run([batch, steps, heads, 5], causal, draw, counts);
      for (let r = 0; r < batch * heads * steps; r++) {
        const [n, i] = [Math.floor(r / (heads * steps)), r % steps];
        const row = [...p.subarray(r * pPitch, r * pPitch + steps)];
        expect(row.reduce((sum, w) => sum + w, 0)).toBeCloseTo(1, 5);
        row.forEach((w, j) => {
          const seen = j === i || (counts[n * steps + j] === 1 && !(causal && j > i));
          expect(w > 0).toBe(seen);
        });
      }
    }
  });

  it('carries NaN and infinity, and keeps them out of the padding', () => {
    for (const steps of [1, 3, 6, 9]) run([3, steps, 2, 5], causal, broken);
  });
});
