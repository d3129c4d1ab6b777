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

/** The WebAssembly loop as a side of a comparison; a unit is one floating point operation. */
export async function wasmPeak(): Promise<Side> {
  const { binary, error, stderr } = await asc.compileString(loopSource(), {
    optimizeLevel: 3,
    runtime: 'stub',
    enable: ['simd'],
  });
  if (!binary) throw new Error(`the loop of the peak does not compile: ${error ?? stderr}`);
  const module = new WebAssembly.Module(binary as BufferSource);
  const instance = new WebAssembly.Instance(module);
  const peak = instance.exports.peak as (rounds: number, factor: number) => number;
  return { call: () => peak(rounds, 0.5), units: operations };
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
