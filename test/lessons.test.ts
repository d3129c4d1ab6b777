import { describe, expect, it } from 'vitest';
import { overfitting } from '../examples/overfitting.js';
import { addition } from '../examples/transformer.js';
import { vanishing } from '../examples/vanishing-gradient.js';

// What docs/backpropagation.md tells of its last two examples has to be what they do, and what
// docs/layers.md tells of a transformer.

describe('the example of vanishing gradients', () => {
  it('loses the gradient in sigmoids, and keeps it with normalisation or relu', async () => {
    const [sigmoids, normalised, relus] = await vanishing();
    const share = ({ norms }: { norms: number[] }) => norms[0]! / norms.at(-1)!;
    expect(share(sigmoids!)).toBeLessThan(1e-5);
    expect(share(normalised!)).toBeGreaterThan(0.1);
    expect(share(relus!)).toBeGreaterThan(0.1);
    expect(sigmoids!.loss).toBeGreaterThan(2 * normalised!.loss);
    expect(normalised!.loss).toBeGreaterThan(2 * relus!.loss);
    expect(relus!.accuracy).toBeGreaterThan(0.97);
  });
});

describe('the example of overfitting', () => {
  it('learns by heart, and does better on other rows with each remedy', async () => {
    const [byHeart, ...remedies] = await overfitting();
    expect(byHeart!.training.accuracy).toBe(1);
    expect(byHeart!.test.loss).toBeGreaterThan(1.5);
    expect(remedies).toHaveLength(4);
    for (const { test } of remedies) {
      expect(test.loss).toBeLessThan(0.6 * byHeart!.test.loss);
      expect(test.accuracy).toBeGreaterThan(byHeart!.test.accuracy! + 0.02);
    }
  });
});

it('the example of a transformer learns to add', async () => {
  const { right } = await addition(3, 10_000, 4);
  expect(right).toBeGreaterThan(0.98);
});
