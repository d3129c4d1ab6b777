import { describe, expect, test } from 'vitest';
import * as twins from '../../src/ops/index.js';
import { pitchOf } from '../../src/tensor.js';
import { bits, cores, generator } from './core.js';

/** What stands between arrays, and behind the last: no kernel may write it. */
const sentinel = Math.fround(1.2345e30);
const guard = 32;

type Kind = 'random' | 'tiny' | 'broken' | 'sparse' | 'sparse and broken';
type Name = 'x' | 'z' | 'dx' | 'w' | 'dw' | 'b' | 'db' | 'hyper';

/** All arrays of one dense layer in one block of floats, with sentinels between them. */
interface Image {
  readonly floats: Float32Array;
  readonly offsets: Record<Name, number>;
  readonly xPitch: number;
  readonly zPitch: number;
}

function up(size: number, multiple: number): number {
  return Math.ceil(size / multiple) * multiple;
}

/** A number of each kind of data: ordinary; zeros and products that underflow; NaN and infinities. */
function number(kind: Kind, random: () => number): number {
  const choice = random();
  if (kind === 'tiny') {
    if (choice < 0.15) return choice < 0.1 ? -0 : 0;
    return (random() - 0.5) * 2 ** (choice < 0.5 ? -70 : -64);
  }
  if (kind === 'broken' || kind === 'sparse and broken') {
    if (choice < 0.002) return Number.NaN;
    if (choice < 0.006) return choice < 0.004 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  }
  if (kind === 'sparse' && choice < 0.05) return choice < 0.03 ? -0 : 0;
  return random() * 4 - 2;
}

function image(batch: number, inputs: number, units: number, kind: Kind, rate = 0.1): Image {
  const random = generator(batch * 1e6 + inputs * 1e3 + units);
  const xPitch = pitchOf(inputs);
  const zPitch = pitchOf(units);
  const sizes: Record<Name, number> = {
    x: batch * xPitch,
    z: batch * zPitch,
    dx: batch * xPitch,
    w: up(inputs, 8) * zPitch,
    dw: up(inputs, 8) * zPitch,
    b: zPitch,
    db: zPitch,
    hyper: 2,
  };
  const offsets = {} as Record<Name, number>;
  let end = guard;
  for (const name of Object.keys(sizes) as Name[]) {
    offsets[name] = end;
    end = up(end + sizes[name] + guard, 16);
  }
  const floats = new Float32Array(end).fill(sentinel);
  const sparse = kind === 'sparse' || kind === 'sparse and broken';
  // In every other sparse image, weights, gradients and biases hold zeros as well; in every third
  // sparse and broken one, nothing but x is broken.
  const signed = kind === 'sparse' && (batch + inputs + units) % 2 === 0;
  const others = sparse && (kind === 'sparse' || (batch + inputs + units) % 3 === 0);
  const fill = (name: Name, rows: number, columns: number, pitch: number, outcome = false) => {
    floats.fill(0, offsets[name], offsets[name] + sizes[name]);
    for (let r = 0; r < rows; r++) {
      // In broken data some rows are NaN or infinite through and through.
      const broken = kind === 'broken' || (kind === 'sparse and broken' && !others);
      const whole = broken && random() < 0.1;
      const value = random() < 0.5 ? Number.NaN : Number.POSITIVE_INFINITY;
      for (let c = 0; c < columns; c++) {
        // A row without anything leaves the bias alone, to the sign of a zero.
        const zero = sparse && name === 'x' && (r === 1 || c === 1 || random() < 0.8);
        const ordinary = whole
          ? value
          : number(broken || name === 'x' || signed ? kind : 'random', random);
        floats[offsets[name] + r * pitch + c] = outcome
          ? Number.NaN
          : zero
            ? random() < 0.5
              ? -0
              : 0
            : ordinary;
      }
    }
  };
  fill('x', batch, inputs, xPitch);
  fill('z', batch, units, zPitch);
  fill('dx', batch, inputs, xPitch, true);
  fill('w', inputs, units, zPitch);
  fill('dw', inputs, units, zPitch, true);
  fill('b', 1, units, zPitch);
  fill('db', 1, units, zPitch, true);
  new Float64Array(floats.buffer, offsets.hyper * 4, 1)[0] = rate;
  return { floats, offsets, xPitch, zPitch };
}

type Argument = Name | number;

/** Every kernel with its arguments; forward once without a bound and twice with one. */
function calls(batch: number, inputs: number, units: number, of: Image): [string, Argument[]][] {
  const { xPitch, zPitch } = of;
  const sizes = [batch, inputs, units, xPitch, zPitch];
  return [
    ['denseForward', ['z', 'x', 'w', 'b', ...sizes, Number.NEGATIVE_INFINITY]],
    ['denseForward', ['z', 'x', 'w', 'b', ...sizes, 0]],
    ['denseForward', ['z', 'x', 'w', 'b', ...sizes, 0.1]],
    ['denseBackwardInput', ['dx', 'z', 'w', 'x', ...sizes, Number.NaN]],
    ['denseBackwardInput', ['dx', 'z', 'w', 'x', ...sizes, 0]],
    ['denseBackwardWeights', ['dw', 'x', 'z', ...sizes]],
    ['denseBackwardWeightsSgd', ['w', 'x', 'z', 'hyper', ...sizes]],
    ['denseBackwardBias', ['db', 'z', batch, units, zPitch]],
    ['denseBackwardBiasSgd', ['b', 'z', 'hyper', batch, units, zPitch]],
    ['denseBackwardWeightsOnto', ['w', 'x', 'z', ...sizes]],
    ['denseBackwardBiasOnto', ['b', 'z', batch, units, zPitch]],
    ['denseBackwardRowSgd', ['w', 'b', 'x', 'z', 'hyper', inputs, units, zPitch]],
    ['sigmoidRowForward', ['z', 'x', 'w', 'b', inputs, units, zPitch]],
  ];
}

function runTwin(name: string, args: Argument[], of: Image): Float32Array {
  const floats = of.floats.slice();
  const views = args.map((argument) => {
    if (typeof argument === 'number') return argument;
    if (argument === 'hyper') return new Float64Array(floats.buffer, of.offsets.hyper * 4, 1);
    return floats.subarray(of.offsets[argument]);
  });
  (twins as unknown as Record<string, (...args: unknown[]) => void>)[name]!(...views);
  return floats;
}

/** What panels may need, as assembly/internal/gemm.ts states it. */
function scratchFloats(batch: number, inputs: number, units: number): number {
  const dx = units <= 12 && inputs >= 8 && batch >= 2 ? 12 * up(inputs, 8) : 0;
  const packed = batch >= 16 && inputs >= 32 && units >= 32;
  const lists = batch >= 8 && inputs >= 32 && units >= 24;
  const sparse = lists ? 32 + Math.max(64 * (inputs + 4), 8 * (batch + 1)) : 0;
  return Math.max(dx, sparse, packed ? batch * (Math.min(up(inputs, 8), 256) + 8) : 0);
}

const builds = cores();

function runCore(
  core: (typeof builds)[number],
  name: string,
  args: Argument[],
  of: Image,
  scratch: number,
): Float32Array {
  const { memory, base } = core;
  const length = of.floats.length;
  const floats = new Float32Array(memory.buffer, base, length + scratch + guard);
  floats.set(of.floats);
  // Panels must not count on zeros: they start as NaN.
  floats.fill(Number.NaN, length, length + scratch);
  floats.fill(sentinel, length + scratch);
  core.exports.setScratch!(base + length * 4);
  core.exports[name]!(
    ...args.map((argument) =>
      typeof argument === 'number' ? argument : base + of.offsets[argument] * 4,
    ),
  );
  for (let i = length + scratch; i < floats.length; i++) {
    if (floats[i] !== sentinel) throw new Error(`${name} wrote past its scratch`);
  }
  return floats.slice(0, length);
}

/** Where a word of an image is, for the message of a failure. */
function place(of: Image, index: number): string {
  const name = (Object.keys(of.offsets) as Name[]).findLast((key) => of.offsets[key] <= index);
  if (!name) return `${index}`;
  const pitch = name === 'x' || name === 'dx' ? of.xPitch : of.zPitch;
  const at = index - of.offsets[name];
  return `${name}[${Math.floor(at / pitch)}, ${at % pitch}]`;
}

function expectSame(got: Float32Array, want: Float32Array, of: Image, label: string): void {
  const gotBits = new Uint32Array(got.buffer);
  const wantBits = new Uint32Array(want.buffer);
  for (let i = 0; i < wantBits.length; i++) {
    if (gotBits[i] === wantBits[i]) continue;
    if (Number.isNaN(got[i]) && Number.isNaN(want[i])) continue;
    expect.fail(`${label}: ${place(of, i)} is ${got[i]}, expected ${want[i]}`);
  }
}

/** The whole image must come out alike: results, padding, sentinels and what is only read. */
function check(batch: number, inputs: number, units: number, kind: Kind, rate = 0.1): void {
  // Zeros are left out of these shapes alone.
  if (kind.startsWith('sparse') && (batch < 7 || inputs < 31 || units < 23)) return;
  const of = image(batch, inputs, units, kind, rate);
  const scratch = scratchFloats(batch, inputs, units);
  for (const [name, args] of calls(batch, inputs, units, of)) {
    const want = runTwin(name, args, of);
    for (const core of builds) {
      const got = runCore(core, name, args, of, scratch);
      expectSame(got, want, of, `${core.name} ${name} ${batch}×${inputs}×${units} ${kind}`);
    }
  }
}

const kinds: Kind[] = ['random', 'tiny', 'broken', 'sparse', 'sparse and broken'];

describe.each(kinds)('dense kernels on %s data equal their twins', (kind) => {
  const awkwardSizes = [1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 17, 33];

  test.each(awkwardSizes)('with %i rows', (batch) => {
    for (const inputs of awkwardSizes) {
      for (const units of awkwardSizes) check(batch, inputs, units, kind);
    }
  });

  // Both sides of every threshold in each dimension, the other two taken on both sides of theirs.
  test.each([15, 23, 24, 25, 16, 31, 32, 63, 64, 65, 127, 128, 129, 131])(
    'with %i units',
    (units) => {
      for (const batch of [1, 2, 7, 8, 15, 16, 18]) {
        for (const inputs of [6, 31, 32, 35, 66]) check(batch, inputs, units, kind);
      }
    },
  );

  test.each([63, 64, 65, 255, 256, 257, 259, 319, 320, 321, 323, 639, 640, 641, 645])(
    'with %i inputs',
    (inputs) => {
      for (const batch of [1, 3, 15, 17]) {
        for (const units of [1, 4, 12, 13, 31, 34]) check(batch, inputs, units, kind);
      }
    },
  );

  test.each([126, 127, 128, 129, 130, 131, 255, 256, 257, 300])('with %i rows', (batch) => {
    for (const inputs of [2, 10, 34]) {
      for (const units of [1, 10, 14, 37]) check(batch, inputs, units, kind);
    }
  });

  test.each([0, -0.1, Number.POSITIVE_INFINITY, Number.NaN])('at a rate of %d', (rate) => {
    for (const batch of [1, 4, 9, 17]) check(batch, 40, 33, kind, rate);
  });

  test('past every block at once', () => {
    check(133, 645, 69, kind);
    check(259, 323, 35, kind);
  }, 60_000);
});

describe('dense kernels', () => {
  const shapes: [number, number, number][] = [
    [5, 2, 2],
    [7, 9, 12],
    [7, 7, 12],
    [18, 8, 13],
    [130, 16, 3],
    [19, 323, 70],
    [33, 40, 1],
  ];

  test.each(shapes)('take a row of %i × %i × %i as the same row alone', (batch, inputs, units) => {
    const of = image(batch, inputs, units, 'broken');
    const scratch = scratchFloats(batch, inputs, units);
    for (const [name, args] of calls(batch, inputs, units, of).slice(0, 5)) {
      const [output, pitch] = name === 'denseForward' ? ['z', of.zPitch] : ['dx', of.xPitch];
      const alone = args.map((argument, at) => (at === 4 ? 1 : argument));
      for (const core of builds) {
        const together = runCore(core, name, args, of, scratch);
        for (let r = 0; r < batch; r++) {
          const row: Image = {
            ...of,
            offsets: {
              ...of.offsets,
              x: of.offsets.x + r * of.xPitch,
              dx: of.offsets.dx + r * of.xPitch,
              z: of.offsets.z + r * of.zPitch,
            },
          };
          const single = runCore(core, name, alone, row, scratch);
          const from = row.offsets[output as Name];
          expect(bits(single.slice(from, from + (pitch as number)))).toEqual(
            bits(together.slice(from, from + (pitch as number))),
          );
        }
      }
    }
  });

  test.each(shapes)('fuse descent into %i × %i × %i to the bit', (batch, inputs, units) => {
    const of = image(batch, inputs, units, 'random');
    const scratch = scratchFloats(batch, inputs, units);
    const list = calls(batch, inputs, units, of);
    const rate = Math.fround(0.1);
    for (const core of builds) {
      for (const [plain, fused, gradient, target, columns] of [
        [list[5]!, list[6]!, 'dw', 'w', inputs * of.zPitch],
        [list[7]!, list[8]!, 'db', 'b', of.zPitch],
      ] as const) {
        const stored = runCore(core, ...plain, of, scratch);
        const stepped = runCore(core, ...fused, of, scratch);
        const from = of.offsets[gradient];
        const to = of.offsets[target];
        const expected = stored
          .subarray(from, from + columns)
          .map((g, i) => Math.fround(of.floats[to + i]! - Math.fround(rate * g)));
        expect(bits(stepped.slice(to, to + columns))).toEqual(bits(expected));
      }
    }
  });
});
