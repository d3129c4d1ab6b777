import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { command } from './command.js';

// Disks that are full, and readers that have had enough.

/** What a write to a full disk raises; undefined while there is room. */
let full: { readonly what: 'files' | 'rows' } | undefined;

const noSpace = () =>
  Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  const open: typeof real.open = async (...args) => {
    const file = await real.open(...args);
    if (full?.what === 'files' && args[1] === 'w') {
      // Half of it still fits, as on a real disk.
      file.writeFile = async (content) => {
        const bytes = Buffer.from(content as string);
        await file.write(bytes.subarray(0, bytes.length / 2));
        throw noSpace();
      };
    }
    return file;
  };
  return { ...real, open };
});

vi.mock('node:fs', async (original) => {
  const real = await original<typeof import('node:fs')>();
  const writeSync = (...args: Parameters<typeof real.writeSync>) => {
    if (full?.what === 'rows' && typeof args[1] !== 'string') throw noSpace();
    return real.writeSync(...args);
  };
  return { ...real, writeSync: writeSync as typeof real.writeSync };
});

const folder = mkdtempSync(join(tmpdir(), 'chainrule-failures-'));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => {
  full = undefined;
});
const at = (name: string) => join(folder, name);
const iris = 'examples/data/iris.csv';
const quick = ['-t', 'species', '--epochs', '2', '--force'];

describe('on a full disk', () => {
  it('a model that was there stays as it is, and nothing else is left', async () => {
    const model = at('iris.safetensors');
    expect((await command('train', iris, ...quick, '-o', model)).code).toBe(0);
    const before = readFileSync(model);
    const files = readdirSync(folder);
    full = { what: 'files' };
    const { code, stderr } = await command('train', iris, ...quick, '-o', model, '--seed', '2');
    expect(stderr).toContain(`chainrule: ${model}: cannot be written: the disk is full\n`);
    expect(code).toBe(1);
    expect(readFileSync(model).equals(before)).toBe(true);
    expect(readdirSync(folder)).toEqual(files);
  });

  it('predictions are not left half', async () => {
    full = { what: 'files' };
    const model = at('iris.safetensors');
    const { code, stderr } = await command('predict', model, iris, '-o', at('named.csv'));
    expect([code, stderr]).toEqual([
      1,
      `chainrule: ${at('named.csv')}: cannot be written: the disk is full\n`,
    ]);
    expect(existsSync(at('named.csv'))).toBe(false);
    expect(readdirSync(folder)).toEqual(['iris.safetensors']);
  });

  it('rows that are too many for memory are told where to go', async () => {
    full = { what: 'rows' };
    const options = [...quick, '-o', at('other.safetensors'), '--memory', '0'];
    const { code, stderr } = await command('train', iris, ...options);
    expect(stderr).toContain(
      `chainrule: ${tmpdir()}: the disk is full, and the rows are too many to be held in memory: set TMPDIR to a folder with more room\n`,
    );
    expect(code).toBe(1);
    expect(existsSync(at('other.safetensors'))).toBe(false);
  });
});

describe('a reader that has had enough', () => {
  it('ends the command in silence, as `| head` does', async () => {
    const table = at('long.csv');
    const [header, ...rows] = readFileSync(iris, 'utf8').trim().split('\n');
    const many = Array.from({ length: 40_000 }, (_, r) => rows[r % rows.length]);
    writeFileSync(table, `${[header, ...many].join('\n')}\n`);
    const given = ['--import', 'tsx', 'src/cli.ts', 'predict', at('iris.safetensors'), table];
    const child = spawn(process.execPath, given, { stdio: ['ignore', 'pipe', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.stdout.once('data', () => child.stdout.destroy());
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect([code, stderr]).toEqual([0, '']);
  });
});
