import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { load, sequential } from 'chainrule';
import { latestCheckpoint } from 'chainrule/node';
import { build } from 'esbuild';
import { Random } from '../../src/random.js';
import { batchSize, spec, x, y } from './training.js';

export interface KillReport {
  readonly kills: number;
  /** Epochs that were trained in all. */
  readonly epochs: number;
  /** Kills that left a file half written beside the whole ones. */
  readonly halfWritten: number;
}

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Starts the training, kills it after so many milliseconds, and gives the last epoch that it told. */
async function killOnce(program: string, folder: string, wait: number): Promise<number> {
  const child = spawn(process.execPath, [program, folder], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stderr.on('data', (data) => (err += data));
  child.stdout.on('data', (data) => (out += data));
  child.stdout.once('data', () => setTimeout(() => child.kill('SIGKILL'), wait));
  const signal = await new Promise((resolve) => child.on('close', (_code, sig) => resolve(sig)));
  if (signal !== 'SIGKILL') throw new Error(`the training ended by itself: ${err}`);
  const told = out.split('\n').slice(1, -1);
  return Number(told.at(-1) ?? 0);
}

/**
 * Kills a training again and again at random moments, and lets it go on from what is there. After each
 * kill the newest checkpoint must be whole, and no older than the last that was told of; the best must
 * be whole too. In the end the weights must be those of a training that was never killed.
 */
export async function killTrainings(kills: number, seed = 1): Promise<KillReport> {
  const root = await mkdtemp(join(tmpdir(), 'chainrule-kill-'));
  const folder = join(root, 'checkpoints');
  const program = join(root, 'killed.mjs');
  const random = new Random(seed, 1);
  try {
    await build({
      entryPoints: [here('./killed.ts')],
      outfile: program,
      bundle: true,
      format: 'esm',
      platform: 'node',
      alias: { chainrule: here('../../src/index.ts'), 'chainrule/node': here('../../src/node.ts') },
    });
    let epochs = 0;
    let halfWritten = 0;
    const onWarning = (message: string) => {
      throw new Error(message);
    };
    for (let kill = 0; kill < kills; kill++) {
      const told = await killOnce(program, folder, random.uniform() * 250);
      const checkpoint = await latestCheckpoint(folder, { onWarning });
      const kept = checkpoint ? checkpoint.training.epoch + 1 : 0;
      if (kept < told || kept < epochs) {
        throw new Error(`kill ${kill}: ${told} epochs were told of, ${kept} are kept`);
      }
      epochs = kept;
      if (checkpoint) load(checkpoint);
      const best = join(folder, 'best.safetensors');
      if (existsSync(best)) load(await readFile(best));
      else if (checkpoint) throw new Error(`kill ${kill}: the best is gone`);
      const names = existsSync(folder) ? await readdir(folder) : [];
      if (names.some((name) => name.endsWith('.unfinished'))) halfWritten++;
    }
    const unbroken = sequential(spec);
    await unbroken.fit(x, y, { epochs, batchSize });
    const checkpoint = await latestCheckpoint(folder);
    const weights = checkpoint ? load(checkpoint).getWeights() : sequential(spec).getWeights();
    for (const [name, expected] of Object.entries(unbroken.getWeights())) {
      if (Buffer.compare(bytesOf(expected), bytesOf(weights[name]!)) === 0) continue;
      throw new Error(`${name} differs from that of a training that was not killed`);
    }
    return { kills, epochs, halfWritten };
  } finally {
    await rm(root, { recursive: true });
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) =>
  new Uint8Array(buffer, byteOffset, byteLength);
