import { expect, it } from 'vitest';
import { killTrainings } from './kill.js';

// `npm run kill` does it a thousand times.
it('a training that is killed at random moments loses nothing', { timeout: 300_000 }, async () => {
  const { kills, epochs } = await killTrainings(12);
  expect(kills).toBe(12);
  expect(epochs).toBeGreaterThan(0);
});
