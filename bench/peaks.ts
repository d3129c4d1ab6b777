import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';
import type { Side } from './measure.js';

/*
 * What kernels can be held against: the multiplications and additions on 128-bit vectors that one
 * core does in a loop which never leaves the registers, once in native code and once in WebAssembly.
 */

/** Enough chains to hide how long one operation takes, few enough for the registers. */
const chains = 12;
const stepsAtOnce = 4;
const rounds = 2000;

/** Floating point operations of one call of the WebAssembly loop. */
const operations = 2 * 4 * chains * stepsAtOnce * rounds;

/** s ← s · factor + factor on every chain; with a half the values settle at 1. */
function loopSource(): string {
  const each = (text: (i: number) => string) =>
    Array.from({ length: chains }, (_, i) => text(i)).join('\n');
  const step = each((i) => `s${i} = f32x4.add(f32x4.mul(s${i}, c), c);`);
  return `
    export function peak(rounds: i32, factor: f32): f32 {
      const c = f32x4.splat(factor);
      ${each((i) => `let s${i} = f32x4.splat(<f32>${i});`)}
      do {
        ${Array.from({ length: stepsAtOnce }, () => step).join('\n')}
      } while (--rounds);
      ${each((i) => (i > 0 ? `s0 = f32x4.add(s0, s${i});` : ''))}
      return f32x4.extract_lane(s0, 0);
    }`;
}

async function compiled(source: string): Promise<WebAssembly.Exports> {
  const { binary, error, stderr } = await asc.compileString(source, {
    optimizeLevel: 3,
    runtime: 'stub',
    enable: ['simd'],
  });
  if (!binary) throw new Error(`the loop of the peak does not compile: ${error ?? stderr}`);
  const module = new WebAssembly.Module(binary as BufferSource);
  return new WebAssembly.Instance(module).exports;
}

/** The WebAssembly loop as a side of a comparison; a unit is one floating point operation. */
export async function wasmPeak(): Promise<Side> {
  const { peak } = (await compiled(loopSource())) as {
    peak(rounds: number, factor: number): number;
  };
  return { call: () => peak(rounds, 0.5), units: operations };
}

/** The most slots that an optimizer of the catalogue has. */
const mostSlots = 3;

/** Passes that do no more than an optimizer has to: see `optimizerBounds`. */
function boundsSource(): string {
  const move = (slots: number) => {
    const arrays = Array.from({ length: slots + 1 }, (_, i) => `p${i}`);
    return `
    export function move${slots}(w: usize, stride: usize, size: i32): void {
      ${arrays.map((p, i) => `let ${p} = w + ${i} * stride;`).join(' ')}
      let dw = w + ${slots + 1} * stride;
      const end = w + (<usize>size << 2);
      do {
        const g = v128.load(dw);
        ${arrays.map((p) => `v128.store(${p}, f32x4.add(v128.load(${p}), g));`).join('\n')}
        ${arrays.map((p) => `${p} += 16;`).join(' ')}
        dw += 16;
      } while (p0 != end);
    }`;
  };
  return `
    ${Array.from({ length: mostSlots + 1 }, (_, slots) => move(slots)).join('\n')}
    export function divide(size: i32, root: f32): f32 {
      let s = f32x4.splat(root), t = s, u = s, v = s;
      const one = f32x4.splat(1);
      do {
        s = f32x4.div(one, f32x4.sqrt(s));
        t = f32x4.div(one, f32x4.sqrt(t));
        u = f32x4.div(one, f32x4.sqrt(u));
        v = f32x4.div(one, f32x4.sqrt(v));
        size -= 16;
      } while (size > 0);
      return f32x4.extract_lane(f32x4.add(f32x4.add(s, t), f32x4.add(u, v)), 0);
    }`;
}

/**
 * What bounds a pass of an optimizer, in time a parameter: reading gradients, and reading and writing
 * parameters and slots; and a root and a division a parameter, where the optimizer has those.
 */
export async function optimizerBounds() {
  const exports = await compiled(boundsSource());
  const memory = exports.memory as WebAssembly.Memory;
  const base = 65536;
  return {
    move(slots: number, parameters: number): Side {
      const pass = exports[`move${slots}`] as (w: number, stride: number, size: number) => void;
      const stride = Math.ceil(parameters / 16) * 64;
      const missing = base + (slots + 2) * stride - memory.buffer.byteLength;
      if (missing > 0) memory.grow(Math.ceil(missing / 65536));
      return { call: () => pass(base, stride, parameters), units: parameters };
    },
    divide(parameters: number): Side {
      const pass = exports.divide as (size: number, root: number) => number;
      return { call: () => pass(parameters, 1.5), units: parameters };
    },
  };
}

export interface NativePeak {
  /** GFLOP/s in the median of many short runs, which are over in a moment. */
  sample(): number;
  close(): void;
}

/** bench/peak.c, where a C compiler makes it. */
export function nativePeak(): NativePeak | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'chainrule-peak-'));
  const close = () => rmSync(folder, { recursive: true, force: true });
  const program = join(folder, 'peak');
  const source = fileURLToPath(new URL('peak.c', import.meta.url));
  for (const compiler of ['cc', 'gcc', 'clang']) {
    const made = spawnSync(compiler, ['-O2', '-msse4.1', source, '-o', program]);
    if (made.status !== 0) continue;
    const sample = () => {
      const { stdout } = spawnSync(program, ['0.01'], { encoding: 'utf8' });
      const match = /best, ([\d.]+) in the median/.exec(stdout);
      if (!match) throw new Error(`bench/peak.c printed '${stdout}'`);
      return Number(match[1]);
    };
    return { sample, close };
  }
  close();
  return undefined;
}
