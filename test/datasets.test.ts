import { describe, expect, it } from 'vitest';
import { datasets } from '../src/index.js';

/** FNV-1a over all bits, so that a change of one is seen. */
function hash(...arrays: (Float32Array | Int32Array)[]): number {
  let h = 0x811c9dc5;
  for (const array of arrays) {
    for (const byte of new Uint8Array(array.buffer)) h = Math.imul(h ^ byte, 0x01000193);
  }
  return h >>> 0;
}

/** Of what each makes without options. */
const hashes: Record<string, number> = {
  blobs: 4165821983,
  circles: 1323382928,
  friedman: 1790345417,
  moons: 2084084914,
  parity: 3464986245,
  regression: 2716259668,
  sine: 1500441243,
  spirals: 3803707049,
  xor: 3753594213,
};

const columns = ({ x, inputShape: [width] }: { x: Float32Array; inputShape: readonly [number] }) =>
  Array.from({ length: x.length / width }, (_, r) => [...x.subarray(r * width, (r + 1) * width)]);

describe.each(Object.entries(datasets))('%s', (name, make) => {
  it('has the shapes that it says', () => {
    const { x, y, rows, inputShape, outputs } = make({});
    expect(x).toBeInstanceOf(Float32Array);
    expect(x).toHaveLength(rows * inputShape[0]);
    expect(y).toHaveLength(y instanceof Int32Array ? rows : rows * outputs);
    expect(x.every(Number.isFinite)).toBe(true);
    if (y instanceof Int32Array) expect(new Set(y).size).toBe(outputs);
  });

  it('is the same for the same seed, on every engine', () => {
    const { x, y } = make({});
    expect(make({})).toMatchObject({ x, y });
    expect(hash(x, y)).toBe(hashes[name]);
  });

  it('refuses options that it does not have', () => {
    expect(() => make({ row: 3 } as never)).toThrow(`${name}: unknown option 'row'`);
    if (name === 'parity') return;
    expect(() => make({ rows: 0 })).toThrow(`${name}: rows: expected a whole number of at least 1`);
    expect(() => make({ noise: -1 } as never)).toThrow(`${name}: noise: expected a number in [0, `);
    const [one, other] = [make({ seed: 1 }), make({ seed: 2 })];
    expect(one.x).not.toEqual(other.x);
  });
});

describe('without noise', () => {
  it('xor is the truth table', () => {
    const { x, y } = datasets.xor({ rows: 4, noise: 0 });
    expect([...x]).toEqual([0, 0, 0, 1, 1, 0, 1, 1]);
    expect([...y]).toEqual([0, 1, 1, 0]);
  });

  it('circles, moons and spirals are curves', () => {
    const circles = datasets.circles({ noise: 0, factor: 0.25 });
    columns(circles).forEach(([a, b], r) => {
      expect(Math.hypot(a!, b!)).toBeCloseTo(circles.y[r] === 0 ? 1 : 0.25, 6);
    });
    const moons = datasets.moons({ noise: 0 });
    columns(moons).forEach(([a, b], r) => {
      const first = moons.y[r] === 0;
      expect(Math.hypot(first ? a! : 1 - a!, first ? b! : 0.5 - b!)).toBeCloseTo(1, 6);
      expect(first ? b! >= 0 : b! <= 0.5).toBe(true);
    });
    const spirals = datasets.spirals({ noise: 0, classes: 3, turns: 0 });
    columns(spirals).forEach(([a, b], r) => {
      const angle = (2 * Math.PI * spirals.y[r]!) / 3;
      const t = Math.hypot(a!, b!);
      expect(a!).toBeCloseTo(t * Math.cos(angle), 6);
      expect(b!).toBeCloseTo(t * Math.sin(angle), 6);
    });
  });

  it('blobs are points', () => {
    const { x, y } = datasets.blobs({ noise: 0, classes: 4, inputs: 3, rows: 12 });
    const points = columns({ x, inputShape: [3] });
    expect(new Set(points.map(String)).size).toBe(4);
    points.forEach((point, r) => {
      expect(point).toEqual(points[y[r]!]);
    });
  });

  it('regression, friedman and sine follow their formulas', () => {
    const linear = datasets.regression({
      noise: 0,
      inputs: 4,
      informative: 2,
      outputs: 3,
      rows: 9,
    });
    expect(linear.weights.subarray(6).every((w) => w === 0)).toBe(true);
    expect(linear.weights.subarray(0, 6).every((w) => w > 0)).toBe(true);
    columns(linear).forEach((row, r) => {
      for (let o = 0; o < 3; o++) {
        const sum = row.reduce((total, v, j) => total + v * linear.weights[j * 3 + o]!, 0);
        expect(linear.y[r * 3 + o]! - sum).toBeCloseTo(0, 4);
      }
    });
    const friedman = datasets.friedman({ noise: 0, inputs: 6 });
    columns(friedman).forEach(([a, b, c, d, e], r) => {
      const y = 10 * Math.sin(Math.PI * a! * b!) + 20 * (c! - 0.5) ** 2 + 10 * d! + 5 * e!;
      expect(friedman.y[r]! - y).toBeCloseTo(0, 5);
    });
    const sine = datasets.sine({ noise: 0, periods: 2 });
    sine.x.forEach((v, r) => {
      expect(sine.y[r]! - Math.sin(4 * Math.PI * v)).toBeCloseTo(0, 6);
    });
  });

  it('parity counts up', () => {
    const { x, y, rows } = datasets.parity({ bits: 3 });
    expect(rows).toBe(8);
    expect([...x.subarray(15, 21)]).toEqual([1, 0, 1, 1, 1, 0]);
    expect([...y]).toEqual([0, 1, 1, 0, 1, 0, 0, 1]);
    expect(() => datasets.parity({ bits: 17 })).toThrow(
      'parity: bits: expected a number in [1, 16]',
    );
  });
});

it('noise has the deviation asked for', () => {
  const { x } = datasets.xor({ rows: 4000, noise: 0.2 });
  const errors = x.map((v) => v - Math.round(Math.min(1, Math.max(0, v))));
  const deviation = Math.sqrt(errors.reduce((sum, e) => sum + e * e, 0) / errors.length);
  expect(Math.abs(deviation - 0.2)).toBeLessThan(0.01);
});
