import { describe, expect, test } from 'vitest';
import { configurationsOf, failuresOf } from './trajectory.js';

// Whole trainings against PyTorch. The fixture, its tool, version and command are described in
// scripts/golden-trajectories.py.

const configurations = configurationsOf('trajectories.json');

test('the fixture holds at least 44 trajectories of 20 steps', () => {
  expect(configurations.length).toBeGreaterThanOrEqual(44);
  for (const c of configurations) {
    expect(c.steps, c.name).toBeGreaterThanOrEqual(20);
    expect(c.losses.length, c.name).toBe(c.steps);
  }
});

describe.each(['wasm', 'js'] as const)('trajectories of PyTorch on %s', (backend) => {
  test.each(configurations)('$name', (configuration) => {
    expect(failuresOf(configuration, backend)).toEqual([]);
  });
});
