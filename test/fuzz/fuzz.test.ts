import { describe, expect, it } from 'vitest';
import { fuzz } from './harness.js';
import { kinds } from './kinds.js';

// `npm run fuzz` reads a million of each; these are the first of them.
const count = 50_000;

describe.each(kinds)('damaged files: $name', (kind) => {
  it(`${count} are each read, or refused with a FormatError that says where`, {
    timeout: 900_000,
  }, () => {
    const { loaded, refused } = fuzz(kind, 0, count);
    expect(loaded + refused).toBe(count);
    // Damage must reach behind the first checks, or it tests little.
    expect(loaded).toBeGreaterThan(count / 100);
    expect(refused).toBeGreaterThan(count / 4);
  });
});
