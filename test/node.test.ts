import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  callbacks,
  FormatError,
  layers,
  load,
  type NetworkSpec,
  save,
  sequential,
} from 'chainrule';
import { CheckpointError, checkpointFile, latestCheckpoint } from 'chainrule/node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { faulty } from './checkpoints/faults.js';

let folder: string;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'chainrule-node-')), 'checkpoints');
});
afterEach(() => rm(join(folder, '..'), { recursive: true }));

const spec: NetworkSpec = {
  inputShape: [2],
  task: 'binary',
  layers: [layers.dense({ units: 4 }), layers.dropout({ rate: 0.2 }), layers.dense({ units: 1 })],
  optimizer: { type: 'adam', learningRate: 0.05 },
  metrics: ['accuracy'],
};
const x = Array.from({ length: 24 }, (_, i) => [i % 5, (i * i) % 7]);
const y = x.map(([a, b]) => Number(a! > b!));

/** Logs that go as they are told, since the callback before changes what it is shown. */
const told = (values: readonly number[]) => ({
  onEpochEnd({ epoch, logs }: { epoch: number; logs: Record<string, number> }) {
    logs.loss = values[epoch]!;
  },
});

const names = async () => (await readdir(folder)).sort();

describe.each(['wasm', 'js'] as const)(
  'a training that is written into files, on %s',
  (backend) => {
    const other = backend === 'wasm' ? 'js' : 'wasm';
    const options = { epochs: 7, batchSize: 5 };

    it('goes on in another network, and other backend, with the same bits', async () => {
      const whole = sequential(spec, { backend });
      const { history } = await whole.fit(x, y, options);
      const begun = sequential(spec, { backend });
      await begun.fit(x, y, {
        ...options,
        callbacks: [
          checkpointFile({ folder }),
          { onEpochEnd: ({ epoch, stop }) => (epoch === 3 ? stop() : undefined) },
        ],
      });
      const checkpoint = await latestCheckpoint(folder);
      const resumed = load(checkpoint!, { backend: other });
      const result = await resumed.fit(x, y, {
        ...options,
        resume: checkpoint!,
        callbacks: [checkpointFile({ folder }), { onEpochEnd: () => undefined }],
      });
      expect(result.history).toEqual(history);
      expect(resumed.getWeights()).toEqual(whole.getWeights());
      expect(save(resumed, { optimizer: true })).toEqual(save(whole, { optimizer: true }));
    });
  },
);

describe('checkpointFile', () => {
  it('keeps the newest, and the best', async () => {
    const model = sequential(spec);
    const losses = [5, 2, 3, 4, 3, 6];
    const weights: object[] = [];
    await model.fit(x, y, {
      epochs: 6,
      callbacks: [
        told(losses),
        { onEpochEnd: () => void weights.push(model.getWeights()) },
        checkpointFile({ folder, keep: 2 }),
      ],
    });
    expect(await names()).toEqual([
      'best.safetensors',
      'checkpoint-000005.safetensors',
      'checkpoint-000006.safetensors',
    ]);
    const best = load(await readFile(join(folder, 'best.safetensors')));
    expect(best.getWeights()).toEqual(weights[1]);
  });

  it('writes every so many epochs, and behind the last', async () => {
    const model = sequential(spec);
    await model.fit(x, y, {
      epochs: 7,
      callbacks: [checkpointFile({ folder, every: 3, keep: 9 })],
    });
    expect((await names()).filter((name) => name !== 'best.safetensors')).toEqual([
      'checkpoint-000003.safetensors',
      'checkpoint-000006.safetensors',
      'checkpoint-000007.safetensors',
    ]);
  });

  it('watches what it is told to', async () => {
    const model = sequential(spec);
    const scores = [0.2, 0.9, 0.4];
    const score = {
      onEpochEnd: ({ epoch, logs }: { epoch: number; logs: object }) =>
        void Object.assign(logs, { accuracy: scores[epoch] }),
    };
    await model.fit(x, y, {
      epochs: 3,
      callbacks: [score, checkpointFile({ folder, monitor: 'accuracy' })],
    });
    const best = await latestCheckpoint(folder);
    expect(best!.training.callbacks[1]).toEqual({ best: 0.9 });
    await expect(
      model.fit(x, y, {
        epochs: 1,
        callbacks: [checkpointFile({ folder: `${folder}2`, monitor: 'val_f1' })],
      }),
    ).rejects.toThrow("checkpointFile: monitor: no log is called 'val_f1'");
  });

  it('remembers the best when it goes on', async () => {
    const model = sequential(spec);
    const run = (
      values: number[],
      epochs: number,
      resume?: Awaited<ReturnType<typeof latestCheckpoint>>,
    ) =>
      model.fit(x, y, {
        epochs,
        ...(resume && { resume }),
        callbacks: [told(values), checkpointFile({ folder, keep: 1 })],
      });
    await run([5, 1], 2);
    const best = await readFile(join(folder, 'best.safetensors'));
    await run([5, 1, 2], 3, await latestCheckpoint(folder));
    expect(await readFile(join(folder, 'best.safetensors'))).toEqual(best);
    await run([5, 1, 2, 0], 4, await latestCheckpoint(folder));
    expect(await readFile(join(folder, 'best.safetensors'))).not.toEqual(best);
  });

  it('removes what a killed training left half written, and nothing else', async () => {
    await mkdir(folder);
    const orphans = ['checkpoint-000004.safetensors.unfinished', 'best.safetensors.unfinished'];
    for (const name of [...orphans, 'notes.txt', 'mine.unfinished']) {
      await writeFile(join(folder, name), 'half');
    }
    await sequential(spec).fit(x, y, { epochs: 1, callbacks: [checkpointFile({ folder })] });
    expect(await names()).toEqual([
      'best.safetensors',
      'checkpoint-000001.safetensors',
      'mine.unfinished',
      'notes.txt',
    ]);
  });

  it('refuses a folder with checkpoints that the training does not go on from', async () => {
    const start = (options: object) =>
      sequential(spec).fit(x, y, {
        epochs: 3,
        callbacks: [checkpointFile({ folder })],
        ...options,
      });
    await start({});
    const before = await names();
    await expect(start({})).rejects.toThrow(
      'checkpoint-000003.safetensors is not of this training: resume from it',
    );
    const earlier = load(await readFile(join(folder, 'checkpoint-000001.safetensors')));
    expect(earlier).toBeDefined();
    expect(await names()).toEqual(before);
  });

  it.each(['ENOSPC', 'EIO'])(
    '%s ends the training, and the checkpoint before is whole',
    async (code) => {
      const model = sequential(spec);
      let written = 0;
      const system = faulty({});
      const failing = faulty({ step: 'write', code });
      const fs = {
        ...system,
        open: (...args: Parameters<typeof system.open>) =>
          (written >= 4 ? failing : system).open(...args),
      };
      const counting = { onEpochEnd: () => void (written += 2) };
      const error = await model
        .fit(x, y, { epochs: 5, callbacks: [checkpointFile({ folder, fs }), counting] })
        .then(
          () => undefined,
          (caught: unknown) => caught,
        );
      expect(error).toBeInstanceOf(CheckpointError);
      expect((error as CheckpointError).code).toBe(code);
      const checkpoint = await latestCheckpoint(folder);
      expect(checkpoint!.training.epoch).toBe(1);
      await load(checkpoint!).fit(x, y, {
        epochs: 5,
        resume: checkpoint!,
        callbacks: [checkpointFile({ folder }), counting],
      });
      expect((await latestCheckpoint(folder))!.training.epoch).toBe(4);
    },
  );

  it.each([
    [{}, 'checkpointFile: folder: expected a path, got undefined'],
    [
      { folder: 'a', keep: 0 },
      'checkpointFile: keep: expected a whole number of at least 1, got 0',
    ],
    [{ folder: 'a', keeps: 1 }, "checkpointFile: unknown option 'keeps'; did you mean 'keep'?"],
    [{ folder: 'a', monitor: 'mine' }, 'say whether less or more'],
  ])('refuses %o', (options, message) => {
    expect(() => checkpointFile(options as { folder: string })).toThrow(message);
  });

  it('serves beside the other callbacks', async () => {
    const list = () => [
      callbacks.earlyStopping({ monitor: 'loss', patience: 2 }),
      checkpointFile({ folder }),
    ];
    const whole = sequential(spec);
    const { history } = await whole.fit(x, y, { epochs: 40, callbacks: list().slice(0, 1) });
    const model = sequential(spec);
    await model.fit(x, y, { epochs: 4, callbacks: list() });
    const checkpoint = (await latestCheckpoint(folder))!;
    const result = await load(checkpoint).fit(x, y, {
      epochs: 40,
      resume: checkpoint,
      callbacks: list(),
    });
    expect(result.history).toEqual(history);
  });
});

describe('latestCheckpoint', () => {
  it('is undefined where there is none', async () => {
    expect(await latestCheckpoint(folder)).toBeUndefined();
    await mkdir(folder);
    expect(await latestCheckpoint(folder)).toBeUndefined();
  });

  it('waits while another process holds the file, and raises what else is wrong', async () => {
    await sequential(spec).fit(x, y, { epochs: 1, callbacks: [checkpointFile({ folder })] });
    for (const code of ['EPERM', 'EBUSY', 'EACCES']) {
      const fs = faulty({ step: 'read', code, times: 3 });
      expect((await latestCheckpoint(folder, { fs }))!.training.epoch).toBe(0);
      expect(fs.done.filter((step) => step === 'read')).toHaveLength(4);
    }
    const broken = faulty({ step: 'read', code: 'EIO' });
    await expect(latestCheckpoint(folder, { fs: broken })).rejects.toThrow('EIO: injected, read');
  });

  it('takes the one before where a disk has damaged the newest, and says so', async () => {
    await sequential(spec).fit(x, y, { epochs: 3, callbacks: [checkpointFile({ folder })] });
    await writeFile(join(folder, 'checkpoint-000003.safetensors'), 'damaged');
    const warnings: string[] = [];
    const onWarning = (message: string) => void warnings.push(message);
    expect((await latestCheckpoint(folder, { onWarning }))!.training.epoch).toBe(1);
    expect(warnings.join()).toContain(
      'checkpoint-000003.safetensors is damaged: safetensors: expected',
    );
    for (const name of ['checkpoint-000001', 'checkpoint-000002']) {
      await writeFile(join(folder, `${name}.safetensors`), '');
    }
    await expect(latestCheckpoint(folder, { onWarning })).rejects.toThrow(FormatError);
  });
});
