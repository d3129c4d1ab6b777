import { spawn } from 'node:child_process';

/** A row whose runtime is not to be had here: NOT RUN, and not FAILED. */
export class NotAvailable extends Error {}

/** The end of an output, with lines that fit on a screen. */
const tail = (output) =>
  output
    .trimEnd()
    .split('\n')
    .slice(-15)
    .map((line) => line.slice(0, 300))
    .join('\n');

/**
 * A command that goes on until it is stopped, with all processes that it starts.
 *
 * @returns what ends it, and a promise of its whole output
 */
export function start(command, args, { cwd, env = {}, onOutput } = {}) {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data) => {
      output += data;
      onOutput?.(output);
    });
  }
  const stop = () => {
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  };
  const ended = new Promise((resolve, reject) => {
    child.on('error', (error) => {
      reject(error.code === 'ENOENT' ? new NotAvailable(`no ${command}`) : error);
    });
    child.on('close', (code) => resolve({ code, output }));
  });
  // Whoever only stops it does not wait for its end.
  ended.catch(() => {});
  return { ended, stop, output: () => tail(output) };
}

/** The whole output of a command that ends well within `seconds`. */
export async function run(command, args, { seconds = 120, ...options } = {}) {
  const { ended, stop } = start(command, args, options);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    stop();
  }, seconds * 1000);
  const { code, output } = await ended.finally(() => clearTimeout(timer));
  const what = [command, ...args].join(' ').slice(0, 200);
  if (late) throw new Error(`no end after ${seconds} s: ${what}\n${tail(output)}`);
  if (code !== 0) throw new Error(`exit code ${code}: ${what}\n${tail(output)}`);
  return output;
}

/** A promise that fails after `seconds`, with what `state` says then. */
export function within(seconds, promise, state = () => '') {
  let timer;
  const limit = new Promise((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`no outcome after ${seconds} s\n${state()}`)),
      seconds * 1000,
    );
  });
  return Promise.race([promise, limit]).finally(() => clearTimeout(timer));
}

/** What a program that prints its outcome prints. */
export function outcomeIn(output) {
  const line = output.split('\n').find((text) => text.includes('OUTCOME {'));
  if (!line) throw new Error(`no outcome was printed:\n${tail(output)}`);
  return JSON.parse(line.slice(line.indexOf('{')));
}
