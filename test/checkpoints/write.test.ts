import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CheckpointError } from 'chainrule/node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeWhole } from '../../src/checkpoints/write.js';
import { type Faults, faulty, steps } from './faults.js';

let folder: string;
let path: string;
const former = Uint8Array.from({ length: 1000 }, (_, i) => i);
const next = Uint8Array.from({ length: 1500 }, (_, i) => 255 - i);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chainrule-write-'));
  path = join(folder, 'file');
  await writeWhole(faulty({}), path, former);
});
afterEach(() => rm(folder, { recursive: true }));

const content = async () => new Uint8Array(await readFile(path));

async function failure(faults: Faults): Promise<CheckpointError> {
  const error = await writeWhole(faulty(faults), path, next).then(
    () => undefined,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(CheckpointError);
  return error as CheckpointError;
}

describe('a file that is written whole', () => {
  it('is synced before it is renamed, and the folder after that', async () => {
    const system = faulty({});
    await writeWhole(system, path, next);
    expect(system.done).toEqual([
      'open',
      'write',
      'sync',
      'close',
      'rename',
      'openFolder',
      'syncFolder',
      'close',
    ]);
    expect(await content()).toEqual(next);
    expect(await readdir(folder)).toEqual(['file']);
  });

  it('is whole where each write takes only a part', async () => {
    const system = faulty({ most: 7 });
    await writeWhole(system, path, next);
    expect(system.done.filter((step) => step === 'write')).toHaveLength(Math.ceil(1500 / 7));
    expect(await content()).toEqual(next);
  });

  it.each(['EPERM', 'EBUSY', 'EACCES'])(
    'waits while another process holds it: %s',
    async (code) => {
      for (const step of ['open', 'rename'] as const) {
        await writeWhole(faulty({ step, code, times: 3 }), path, next);
        expect(await content()).toEqual(next);
      }
    },
  );

  it('does without the sync of a folder where there is none', async () => {
    await writeWhole(faulty({ step: 'openFolder', code: 'EISDIR' }), path, next);
    expect(await content()).toEqual(next);
    await writeWhole(faulty({ step: 'syncFolder', code: 'EINVAL' }), path, former);
    expect(await content()).toEqual(former);
  });

  const before = steps.slice(0, steps.indexOf('rename') + 1);
  for (const step of before) {
    for (const code of ['ENOSPC', 'EIO', 'EPERM']) {
      it(`leaves the former one in place: ${code} of ${step}`, async () => {
        const error = await failure({ step, code });
        expect(error).toMatchObject({ code, path });
        expect(error.message).toBe(`${path} could not be written: ${code}: injected, ${step}`);
        expect(await content()).toEqual(former);
        expect(await readdir(folder)).toEqual(['file']);
      });
    }
  }

  it('leaves the former one in place where there is room for a part', async () => {
    const error = await failure({ room: 900, most: 500 });
    expect(error.code).toBe('ENOSPC');
    expect(await content()).toEqual(former);
  });

  it('leaves the former one in place where nothing is taken, and nothing said', async () => {
    const error = await failure({ most: 0 });
    expect(error.message).toContain('only 0 of 1500 bytes were taken');
    expect(await content()).toEqual(former);
  });

  it('is whole, and not known to last, where the folder cannot be synced', async () => {
    const error = await failure({ step: 'syncFolder', code: 'EIO' });
    expect(error.code).toBe('EIO');
    expect(await content()).toEqual(next);
  });
});
