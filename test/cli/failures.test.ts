import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { command, commandInTerminal } from './command.js';

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

/** Runs the command line as a process of its own. */
function processOf(given: readonly string[], stdout: 'pipe' | number = 'pipe') {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli.ts', ...given], {
    stdio: ['ignore', stdout, 'pipe'],
  });
  let stderr = '';
  child.stderr!.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, ended: ended.then((code) => [code, stderr]) };
}

// A device of Linux, whose every write finds the disk full.
describe.skipIf(!existsSync('/dev/full'))('standard output on a full disk', () => {
  for (const given of [
    ['predict', at('iris.safetensors'), iris],
    ['inspect', at('iris.safetensors')],
  ]) {
    it(`is said of ${given[0]}, in one line`, async () => {
      const device = openSync('/dev/full', 'w');
      const { ended } = processOf(given, device);
      closeSync(device);
      expect(await ended).toEqual([
        1,
        'chainrule: standard output: cannot be written: the disk is full\n',
      ]);
    });
  }
});

describe('a reader that has had enough', () => {
  it('ends the command in silence, as `| head` does', async () => {
    const table = at('long.csv');
    const [header, ...rows] = readFileSync(iris, 'utf8').trim().split('\n');
    const many = Array.from({ length: 40_000 }, (_, r) => rows[r % rows.length]);
    writeFileSync(table, `${[header, ...many].join('\n')}\n`);
    const { child, ended } = processOf(['predict', at('iris.safetensors'), table]);
    child.stdout!.once('data', () => child.stdout!.destroy());
    expect(await ended).toEqual([0, '']);
  });

  it('of notes alone ends no training', async () => {
    const model = at('unheard.safetensors');
    const { child, ended } = processOf(['train', iris, ...quick, '-o', model]);
    // Before the process can have started to write.
    child.stderr!.destroy();
    child.stdout!.resume();
    expect(await ended).toEqual([0, '']);
    expect(existsSync(model)).toBe(true);
  });
});

describe('escapes in names and cells', () => {
  it('reach files as they are, and no terminal', async () => {
    const table = at('escapes.csv');
    const names = ['\u001b[31mred', 'a\u202eb', 'kind'];
    const row = (r: number) =>
      `${r % 7},${(r * 5) % 11},${['p\u001b]0;t\u0007', 'q\u009bm'][r % 2]}`;
    const lines = [names.join(','), ...Array.from({ length: 60 }, (_, r) => row(r))];
    writeFileSync(table, `${lines.join('\n')}\n`);
    const model = at('escapes.safetensors');
    const given = [table, '-t', 'kind', '--epochs', '2', '-o', model];
    // Colours are escapes too, which are not what is looked for.
    vi.stubEnv('NO_COLOR', '1');
    const raw = ['\u001b', '\u0007', '\u009b', '\u202e'];
    for (const command of [
      ['train', ...given],
      ['train', ...given, '--force', '--json'],
      ['inspect', model],
      ['inspect', model, '--json'],
      ['evaluate', model, table],
      ['evaluate', model, table, '--json'],
      ['predict', model, table],
      ['predict', model, iris],
    ]) {
      const { stdout, stderr } = await commandInTerminal(...command);
      expect(stdout + stderr).toContain('\\u');
      for (const character of raw) expect(stdout + stderr).not.toContain(character);
    }
    const piped = await command('predict', model, table);
    expect(piped.stdout).toContain('\u001b[31mred,a\u202eb,kind,prediction,p(p\u001b]0;t\u0007)');
    vi.unstubAllEnvs();
  });
});
