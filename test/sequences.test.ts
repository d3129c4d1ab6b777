import { expect, it } from 'vitest';
import { adding } from '../examples/adding.js';
import { forecast } from '../examples/forecast.js';

it('a recurrent network remembers two numbers of thirty and adds them up', async () => {
  const { losses } = await adding({ steps: 30, epochs: 25, enough: 0.01 });
  // Who has forgotten the first is wrong by 0.167 at best: 1/12 for each.
  expect(losses.at(-1)).toBeLessThan(0.01);
});

it('a forecast of a wave with drift and noise is nearer than the last period', async () => {
  const { error, constant, period } = await forecast();
  expect(error).toBeLessThan(0.6 * period);
  expect(period).toBeLessThan(constant);
});
