// A peer that is a process of its own: commands as lines, answers as lines of JSON with the CPU and
// wall seconds of the command and the process's peak memory. native/network.c has the protocol.

import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { readArray } from '../workloads.mjs';

// One thread for every BLAS and OpenMP that a native peer may bring.
const env = {
  ...process.env,
  OMP_NUM_THREADS: '1',
  OPENBLAS_NUM_THREADS: '1',
  MKL_NUM_THREADS: '1',
};

/** Starts the process and resolves to an adapter's object once its first answer has come. */
export async function startChild(command, args, workload) {
  const child = spawn(command, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
  let complaint = '';
  child.stderr.on('data', (data) => {
    complaint = (complaint + data).slice(-2000);
  });
  const waiting = [];
  let memory = 0;
  let failure = null;
  const fail = (error) => {
    failure = error;
    for (const { reject } of waiting.splice(0)) reject(error);
  };
  child.on('error', fail);
  child.on('exit', (code) =>
    fail(new Error(`exit ${code}: ${complaint.trim().split('\n').at(-1)}`)),
  );
  child.stdin.on('error', () => {});
  createInterface({ input: child.stdout }).on('line', (line) => {
    const answer = JSON.parse(line);
    memory = answer.memory;
    waiting.shift()?.resolve(answer);
  });
  // The worker is killed when it takes too long; nothing may outlive it.
  process.on('exit', () => child.kill('SIGKILL'));
  process.on('SIGTERM', () => process.exit(1));

  const ask = (line) =>
    new Promise((resolve, reject) => {
      if (failure) return reject(failure);
      waiting.push({ resolve, reject });
      child.stdin.write(`${line}\n`);
    });
  const file = join(workload.folder, `answer-${process.pid}.f32`);
  const readAnswer = async (line) => {
    await ask(`${line} ${file}`);
    const values = readArray(file);
    rmSync(file);
    return values;
  };

  await ask('ready');
  return {
    step: (n) => ask(`step ${n}`),
    predict: (n) => ask(`predict ${n}`),
    outputs: (rows) => readAnswer(`outputs ${rows}`),
    async weights() {
      const values = await readAnswer('weights');
      let at = 0;
      return workload.layers.map(({ w, b }) => ({
        w: values.subarray(at, (at += w.length)),
        b: values.subarray(at, (at += b.length)),
      }));
    },
    memory: () => memory,
    dispose: () => child.kill(),
  };
}
