import { describe, expect, it } from 'vitest';
import { type AugmentedBatch, augment, type RandomSource } from '../src/index.js';
import { Random, streams } from '../src/random.js';

/** A source that says the same each time. */
const always = (value: number): RandomSource => ({
  uniform: () => value,
  normal: () => value,
  below: () => 0,
});
const batch = (changes: Partial<AugmentedBatch>): AugmentedBatch => ({
  rows: 1,
  x: new Float32Array(0),
  y: new Float32Array(0),
  inputShape: [1],
  targets: 'values',
  ...changes,
});

describe('images', () => {
  // The numbers 1 to 16, row by row.
  const image = () => Float32Array.from({ length: 16 }, (_, i) => i + 1);
  const changed = (
    augmentation: ReturnType<typeof augment.image>,
    uniform: number,
    inputShape: number[] = [4, 4],
  ) => {
    const x = image();
    augmentation(batch({ x, inputShape }), always(uniform));
    return [...x];
  };
  /** All the way to one side; 0.5 is the middle. */
  const [most, least, middle] = [1, 0, 0.5];

  it('that are not moved stay as they are', () => {
    const all = augment.image({ shift: 0.3, rotation: 40, scale: 0.5 });
    expect(changed(all, middle)).toEqual([...image()]);
  });

  it('are shifted by whole pixels, with 0 or another number from beyond the edge', () => {
    const down = [0, 0, 0, 0, 0, 1, 2, 3, 0, 5, 6, 7, 0, 9, 10, 11];
    expect(changed(augment.shift({ by: 0.25 }), most)).toEqual(down);
    const up = [6, 7, 8, -1, 10, 11, 12, -1, 14, 15, 16, -1, -1, -1, -1, -1];
    expect(changed(augment.shift({ by: 0.25, fill: -1 }), least)).toEqual(up);
  });

  it('are shifted by halves, to the mean of four', () => {
    // Half a pixel down and right: each is the mean of itself and those above and to the left.
    const x = image();
    augment.shift({ by: 0.125 })(batch({ x, inputShape: [4, 4] }), always(most));
    expect(x[5]).toBe((1 + 2 + 5 + 6) / 4);
    expect(x[0]).toBe(1 / 4);
  });

  it('are turned by a quarter, either way, and by half a turn', () => {
    const rounded = (values: number[]) => values.map((v) => Math.round(v * 1e5) / 1e5);
    const turned = [13, 9, 5, 1, 14, 10, 6, 2, 15, 11, 7, 3, 16, 12, 8, 4];
    expect(rounded(changed(augment.rotation({ by: 90 }), most))).toEqual(turned);
    expect(rounded(changed(augment.rotation({ by: 90 }), least))).toEqual(turned.reverse());
    expect(rounded(changed(augment.rotation({ by: 180 }), most))).toEqual([...image()].reverse());
  });

  it('are enlarged about their centre', () => {
    // Twice as large: a quarter of a pixel to each side of the middle.
    const larger = changed(augment.scale({ by: 1 }), most);
    expect(larger.slice(5, 7)).toEqual([7.25, 7.75]);
    // Half as large: the middle four come from one pixel out, halfway to the edge.
    const smaller = changed(augment.scale({ by: 1 }), least);
    expect(smaller.slice(5, 7)).toEqual([3.5, 5.5]);
    expect(smaller[0]).toBe(0);
  });

  it('have channels, and each its own chance', () => {
    const x = Float32Array.from({ length: 2 * 2 * 2 * 3 }, (_, i) => i);
    const drawn: number[] = [];
    const source = { ...always(0), uniform: () => (drawn.push(1) > 4 ? 0.5 : 1) };
    augment.shift({ by: 0.5 })(batch({ rows: 2, x, inputShape: [2, 2, 3] }), source);
    expect([...x.subarray(0, 12)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2]);
    expect([...x.subarray(12)]).toEqual(Array.from({ length: 12 }, (_, i) => 12 + i));
  });

  it.each([
    [() => augment.image({ shift: 2 }), 'augment.image: shift: expected a number in [0, 1], got 2'],
    [
      () => augment.rotation({ by: 181 }),
      'augment.rotation: rotation: expected a number in [0, 180]',
    ],
    [() => augment.scale({ by: -1 }), 'augment.scale: scale: expected a number in [0, 100]'],
    [() => augment.image({ turn: 1 } as never), "augment.image: unknown option 'turn'"],
  ])('refuse what makes no sense', (make, message) => {
    expect(make).toThrow(message);
  });
});

describe('noise', () => {
  it('has the deviation that is asked for, column by column', () => {
    const rows = 4000;
    const x = new Float32Array(rows * 2).fill(5);
    augment.noise({ deviation: [0.5, 0] })(
      batch({ rows, x, inputShape: [2] }),
      new Random(1, streams.augmentation),
    );
    const first = Array.from({ length: rows }, (_, r) => x[2 * r]! - 5);
    const mean = first.reduce((sum, v) => sum + v, 0) / rows;
    const variance = first.reduce((sum, v) => sum + (v - mean) ** 2, 0) / rows;
    // Four standard errors.
    expect(Math.abs(mean)).toBeLessThan(4 * (0.5 / Math.sqrt(rows)));
    expect(Math.abs(variance - 0.25)).toBeLessThan(4 * 0.25 * Math.sqrt(2 / rows));
    expect(x.every((v, i) => i % 2 === 0 || v === 5)).toBe(true);
  });
});

describe('mixup', () => {
  /** The λ of many batches of two rows, which hold 0 and 1. */
  const shares = (alpha: number, count: number) =>
    Array.from({ length: count }, (_, sequence) => {
      for (let i = 0; ; i++) {
        const [x, y] = [Float32Array.of(0, 1), Float32Array.of(0, 10)];
        const source = new Random(i, streams.augmentation, sequence);
        augment.mixup({ alpha })(batch({ rows: 2, x, y }), source);
        expect(y[1]).toBeCloseTo(10 * x[1]!, 5);
        expect(x[0]! + x[1]!).toBeCloseTo(1, 6);
        // Where each was mixed with itself, nothing shows.
        if (x[1] !== 1) return x[1]!;
        if (i > 60) return 1;
      }
    });

  it.each([0.2, 1, 4])('has its λ from the beta distribution B(α, α), α = %d', (alpha) => {
    const count = 3000;
    const list = shares(alpha, count);
    const mean = list.reduce((sum, v) => sum + v, 0) / count;
    const variance = list.reduce((sum, v) => sum + (v - mean) ** 2, 0) / count;
    const expected = 1 / (4 * (2 * alpha + 1));
    expect(Math.abs(mean - 0.5)).toBeLessThan(4 * Math.sqrt(expected / count));
    expect(Math.abs(variance / expected - 1)).toBeLessThan(0.1);
  });
});
